/* levels.c - the list of instruction sets, and the choice among them. */
#include "levels.h"

#include "error.h"
#include "line/line.h"

#include <stdio.h>
#include <string.h>

static bool always(void)
{
    return true;
}

#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

extern const CpuBody cpu_body_sse2, cpu_body_avx2, cpu_body_avx512;
extern const CpuBody cpu_half_sse2, cpu_half_avx2, cpu_half_avx512, cpu_half_avx512_bf16;
extern const CpuMultiplier cpu_multiply_sse2, cpu_multiply_avx2, cpu_multiply_avx2_vnni;
extern const CpuMultiplier cpu_multiply_avx512, cpu_multiply_avx512_vnni;
extern const CpuGemm cpu_gemm_avx512_bf16;

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

/* Not among the names that every compiler's __builtin_cpu_supports() knows. */
static bool has_avx2_vnni(void)
{
    unsigned a = 0, b, c, d;

    return has_avx2() && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
}

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

static bool has_avx512_vnni(void)
{
    return has_avx512() && __builtin_cpu_supports("avx512vnni");
}

static bool has_avx512_bf16(void)
{
    return has_avx512_vnni() && __builtin_cpu_supports("avx512bf16");
}

#ifdef CODE_HAVE_AMX
extern const CpuMultiplier cpu_multiply_amx;
extern const CpuGemm cpu_gemm_amx;

/* AMX's tiles, bfloat16 and bytes, which the kernel must also save for threads, and allow to this
 * process. It refuses if a thread has an alternative signal stack that is too small for tiles; once
 * it has allowed them, it refuses such stacks. */
__attribute__((target("xsave"))) static bool has_amx(void)
{
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, TILE_SHAPES = 17, TILES = 18 };
    const unsigned features = 1u << 22 | 1u << 24 | 1u << 25;
    const unsigned long long states = 1u << TILE_SHAPES | 1u << TILES;
    unsigned a, b, c, d = 0;

    return has_avx512_bf16() && __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
           (d & features) == features && (_xgetbv(0) & states) == states &&
           !syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILES);
}
#endif

// clang-format off
const CpuLevel cpu_levels[] = {
    {"sse2", &cpu_body_sse2, &cpu_half_sse2, &cpu_multiply_sse2, NULL,
     CPU_ROUNDS_TWICE, always, {"f32", "bf16", "int8"}},
    {"avx2", &cpu_body_avx2, &cpu_half_avx2, &cpu_multiply_avx2, NULL,
     CPU_FUSES, has_avx2, {"f32", "bf16", "int8"}},
    {"avx2_vnni", &cpu_body_avx2, &cpu_half_avx2, &cpu_multiply_avx2_vnni, NULL,
     CPU_FUSES, has_avx2_vnni, {"f32", "bf16", "int8"}},
    {"avx512", &cpu_body_avx512, &cpu_half_avx512,
     &cpu_multiply_avx512, NULL, CPU_FUSES, has_avx512, {"f32", "bf16", "int8"}},
    {"avx512_vnni", &cpu_body_avx512, &cpu_half_avx512,
     &cpu_multiply_avx512_vnni, NULL, CPU_FUSES, has_avx512_vnni, {"f32", "bf16", "int8"}},
    {"avx512_bf16", NULL, &cpu_half_avx512_bf16,
     &cpu_multiply_avx512_vnni, &cpu_gemm_avx512_bf16, CPU_PAIRS, has_avx512_bf16,
     {"bf16", "int8"}},
#ifdef CODE_HAVE_AMX
    {"amx_int8", NULL, &cpu_half_avx512, &cpu_multiply_amx, NULL, CPU_FUSES, has_amx, {"int8"}},
    {"amx_bf16", NULL, &cpu_half_avx512_bf16,
     &cpu_multiply_amx, &cpu_gemm_amx, CPU_BLOCKS, has_amx, {"bf16"}},
#endif
    {0},
};
// clang-format on

#elif defined __aarch64__
#include <sys/auxv.h>

extern const CpuBody cpu_body_neon, cpu_half_neon;
extern const CpuMultiplier cpu_multiply_neon, cpu_multiply_neon_dotprod;
extern const CpuMultiplier cpu_multiply_neon_i8mm, cpu_multiply_neon_bf16;

/* FEAT_DotProd, FEAT_I8MM and FEAT_BF16; older C libraries do not name them. */
static bool has_dotprod(void)
{
    return getauxval(AT_HWCAP) >> 20 & 1;
}

static bool has_i8mm(void)
{
    return getauxval(AT_HWCAP2) >> 13 & 1;
}

static bool has_bf16(void)
{
    return getauxval(AT_HWCAP2) >> 14 & 1;
}

// clang-format off
const CpuLevel cpu_levels[] = {
    {"neon", &cpu_body_neon, &cpu_half_neon, &cpu_multiply_neon, NULL,
     CPU_FUSES, always, {"f32", "bf16", "int8"}},
    {"neon_dotprod", &cpu_body_neon, &cpu_half_neon, &cpu_multiply_neon_dotprod, NULL,
     CPU_FUSES, has_dotprod, {"f32", "bf16", "int8"}},
    {"neon_i8mm", &cpu_body_neon, &cpu_half_neon, &cpu_multiply_neon_i8mm, NULL,
     CPU_FUSES, has_i8mm, {"f32", "bf16", "int8"}},
    {"neon_bf16", NULL, &cpu_half_neon, &cpu_multiply_neon_bf16, NULL,
     CPU_PAIRS, has_bf16, {"bf16"}},
    {0},
};
// clang-format on

#else

extern const CpuBody cpu_body_generic, cpu_half_generic;
extern const CpuMultiplier cpu_multiply_generic;

#ifdef __FP_FAST_FMAF /* as in simd/vector_generic.h */
#define SUMS CPU_FUSES
#else
#define SUMS CPU_ROUNDS_TWICE
#endif

// clang-format off
const CpuLevel cpu_levels[] = {
    {"generic", &cpu_body_generic, &cpu_half_generic, &cpu_multiply_generic, NULL, SUMS, always,
     {"f32", "bf16", "int8"}},
    {0},
};
// clang-format on

#endif

/* The level's own name for a precision, or NULL if it lacks it. */
static const char *precision_of(const CpuLevel *level, const char *precision)
{
    if (!precision || !strcmp(precision, "auto"))
        return level->precisions[0];
    for (const char *const *name = level->precisions; *name; name++)
        if (!strcmp(precision, *name))
            return *name;
    return NULL;
}

/* Appends "a, b or c", item by item; `last` is "or" or "and" before the last one, else NULL. */
static void list(char *text, size_t size, const char *item, const char *last)
{
    size_t length = strlen(text);

    if (!length)
        snprintf(text, size, "%s", item);
    else if (last)
        snprintf(text + length, size - length, " %s %s", last, item);
    else
        snprintf(text + length, size - length, ", %s", item);
}

static const CpuLevel *unknown_level(const char *name, CodesrcError *error)
{
    char names[100] = "";

    for (const CpuLevel *level = cpu_levels; level->name; level++)
        list(names, sizeof names, level->name, level[1].name ? NULL : "or");
    code_fail(error, CODESRC_SETTINGS, "CODESRC_CPU=%.*s: expected %s", CODE_CUT(name, 40), names);
    return NULL;
}

/* The lowest level has all precisions. */
static const CpuLevel *no_precision(const char *precision, CodesrcError *error)
{
    char known[100] = "";

    for (const char *const *name = cpu_levels[0].precisions; *name; name++)
        list(known, sizeof known, *name, name[1] ? NULL : "and");
    code_fail(error, CODESRC_SETTINGS, "precision \"%.*s\": device \"cpu\" has %s",
              CODE_CUT(precision, 40), known);
    return NULL;
}

const CpuLevel *cpu_level_choose(const char *most, const char *precision, const char **chosen,
                                 CodesrcError *error)
{
    const CpuLevel *found = NULL, *last = cpu_levels;

    while (last[1].name && !(most && !strcmp(most, last->name)))
        last++;
    if (most && strcmp(most, last->name))
        return unknown_level(most, error);
    if (most && !last->runs()) {
        code_fail(error, CODESRC_NO_DEVICE, "CODESRC_CPU=%s: this machine lacks it", most);
        return NULL;
    }
    for (const CpuLevel *level = cpu_levels; level <= last; level++) {
        const char *name = precision_of(level, precision);

        if (name && level->runs()) { /* in this order: to run some, the kernel is asked */
            *chosen = name;
            found = level;
        }
    }
    return found ? found : no_precision(precision, error);
}
