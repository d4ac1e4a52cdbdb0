/* emulate.h - the AVX-512, AVX-512 BF16 and VNNI intrinsics that kernels/cpu uses, written with
 * AVX2 and FMA, so that processors without them can run those kernels in tests. The build includes
 * this file before everything else in a source of the kernels; vectors of 64 bytes are then pairs
 * of registers. What ran only here is called emulated.
 *
 * Results are those of the instructions to the last bit, except that VDPBF16PS treats numbers below
 * the smallest normal one as zero and this does not. Sources: Intel 64 and IA-32 Architectures
 * Software Developer's Manual, volume 2; the order of the horizontal sums is that of gcc's
 * header. */
#ifndef CODE_TESTS_EMULATE_H
#define CODE_TESTS_EMULATE_H

#include <cpuid.h>
#include <immintrin.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Not inlined: kernels that are unrolled for 38 shapes would take minutes to compile. */
#define EMULATED static __attribute__((noinline, unused))

typedef union Pair {
    __m512 f;
    __m512i i;
    __m512d d;
    __m256 half[2];
    __m256i whole[2];
    float lane[16];
    int32_t bits[16];
    uint16_t short_lane[32];
} Pair;

/* A function of one, two or three vectors that both halves have in common with AVX2. */
#define HALVES_1(name, half_name)                                                                  \
    EMULATED __m512 emulated_##name(__m512 a)                                                      \
    {                                                                                              \
        Pair x = {.f = a};                                                                         \
                                                                                                   \
        for (int h = 0; h < 2; h++)                                                                \
            x.half[h] = half_name(x.half[h]);                                                      \
        return x.f;                                                                                \
    }
#define HALVES_2(name, half_name)                                                                  \
    EMULATED __m512 emulated_##name(__m512 a, __m512 b)                                            \
    {                                                                                              \
        Pair x = {.f = a}, y = {.f = b};                                                           \
                                                                                                   \
        for (int h = 0; h < 2; h++)                                                                \
            x.half[h] = half_name(x.half[h], y.half[h]);                                           \
        return x.f;                                                                                \
    }
#define HALVES_3(name, half_name)                                                                  \
    EMULATED __m512 emulated_##name(__m512 a, __m512 b, __m512 c)                                  \
    {                                                                                              \
        Pair x = {.f = a}, y = {.f = b}, z = {.f = c};                                             \
                                                                                                   \
        for (int h = 0; h < 2; h++)                                                                \
            x.half[h] = half_name(x.half[h], y.half[h], z.half[h]);                                \
        return x.f;                                                                                \
    }
#define HALVES_WHOLE(name, half_name)                                                              \
    EMULATED __m512i emulated_##name(__m512i a, __m512i b)                                         \
    {                                                                                              \
        Pair x = {.i = a}, y = {.i = b};                                                           \
                                                                                                   \
        for (int h = 0; h < 2; h++)                                                                \
            x.whole[h] = half_name(x.whole[h], y.whole[h]);                                        \
        return x.i;                                                                                \
    }

HALVES_2(max_ps, _mm256_max_ps)
HALVES_2(min_ps, _mm256_min_ps)
HALVES_2(unpacklo_ps, _mm256_unpacklo_ps)
HALVES_2(unpackhi_ps, _mm256_unpackhi_ps)
HALVES_3(fmadd_ps, _mm256_fmadd_ps)
HALVES_3(fnmadd_ps, _mm256_fnmadd_ps)
HALVES_WHOLE(unpacklo_epi32, _mm256_unpacklo_epi32)
HALVES_WHOLE(unpackhi_epi32, _mm256_unpackhi_epi32)
HALVES_WHOLE(unpacklo_epi64, _mm256_unpacklo_epi64)
HALVES_WHOLE(unpackhi_epi64, _mm256_unpackhi_epi64)
HALVES_WHOLE(madd_epi16, _mm256_madd_epi16)

/* ---- memory ---------------------------------------------------------------------------------- */

EMULATED __m512i emulated_loadu(const void *from)
{
    __m512i v;

    memcpy(&v, from, sizeof v);
    return v;
}

EMULATED void emulated_storeu(void *to, __m512i v)
{
    memcpy(to, &v, sizeof v);
}

EMULATED __m512 emulated_maskz_loadu_ps(__mmask16 mask, const float *from)
{
    Pair x = {.f = {0}};

    if (mask == 0xFFFF)
        return (__m512)emulated_loadu(from);
    for (int i = 0; i < 16; i++)
        if (mask >> i & 1)
            x.lane[i] = from[i];
    return x.f;
}

EMULATED __m512i emulated_maskz_loadu_epi16(uint32_t mask, const void *from)
{
    Pair x = {.f = {0}};

    if (mask == UINT32_MAX)
        return emulated_loadu(from);
    for (int i = 0; i < 32; i++)
        if (mask >> i & 1)
            memcpy(&x.short_lane[i], (const char *)from + 2 * i, 2);
    return x.i;
}

EMULATED void emulated_mask_store_32(void *to, __mmask16 mask, __m512i v)
{
    Pair x = {.i = v};

    for (int i = 0; i < 16; i++)
        if (mask >> i & 1)
            memcpy((char *)to + 4 * i, &x.bits[i], 4);
}

EMULATED void emulated_mask_store_8(void *to, __mmask16 mask, __m128i v)
{
    uint8_t bytes[16];

    memcpy(bytes, &v, sizeof bytes);
    for (int i = 0; i < 16; i++)
        if (mask >> i & 1)
            ((uint8_t *)to)[i] = bytes[i];
}

/* ---- masks ----------------------------------------------------------------------------------- */

EMULATED __m512 emulated_mask_mov_ps(__m512 other, __mmask16 mask, __m512 v)
{
    Pair x = {.f = v}, y = {.f = other};

    for (int i = 0; i < 16; i++)
        x.lane[i] = mask >> i & 1 ? x.lane[i] : y.lane[i];
    return x.f;
}

EMULATED __mmask16 emulated_greater(__m512 a, __m512 b)
{
    Pair x = {.f = a}, y = {.f = b};
    unsigned mask = 0;

    for (int i = 0; i < 16; i++)
        mask |= (unsigned)(x.lane[i] > y.lane[i]) << i;
    return (__mmask16)mask;
}

/* ---- lanes ----------------------------------------------------------------------------------- */

/* Quarters of 128 bits: two of a, then two of b. */
EMULATED __m512i emulated_shuffle_4(__m512i a, __m512i b, unsigned order)
{
    Pair x = {.i = a}, y = {.i = b}, out;

    for (unsigned q = 0; q < 4; q++)
        memcpy(out.bits + 4 * q, (q < 2 ? x.bits : y.bits) + 4 * (order >> 2 * q & 3), 16);
    return out.i;
}

EMULATED __m512i emulated_permutex2var_epi16(__m512i a, __m512i index, __m512i b)
{
    Pair x = {.i = a}, y = {.i = b}, from = {.i = index}, out;

    for (int i = 0; i < 32; i++) {
        unsigned lane = from.short_lane[i] & 63;

        out.short_lane[i] = lane < 32 ? x.short_lane[lane] : y.short_lane[lane - 32];
    }
    return out.i;
}

EMULATED __m512d emulated_unpacklo_pd(__m512d a, __m512d b)
{
    return (__m512d)emulated_unpacklo_epi64((__m512i)a, (__m512i)b);
}

EMULATED __m512d emulated_unpackhi_pd(__m512d a, __m512d b)
{
    return (__m512d)emulated_unpackhi_epi64((__m512i)a, (__m512i)b);
}

EMULATED __m256 emulated_half(__m512 v, int half)
{
    Pair x = {.f = v};

    return x.half[half];
}

/* Folded in the order 8, 4, 2, 1. */
EMULATED float emulated_reduce_ps(__m512 v, int largest)
{
    Pair x = {.f = v};

    for (int width = 8; width; width /= 2)
        for (int i = 0; i < width; i++) {
            float a = x.lane[i], b = x.lane[i + width];

            x.lane[i] = !largest ? a + b : a > b ? a : b;
        }
    return x.lane[0];
}

EMULATED int32_t emulated_reduce_add_epi32(__m512i v)
{
    Pair x = {.i = v};
    uint32_t sum = 0;

    for (int i = 0; i < 16; i++)
        sum += (uint32_t)x.bits[i];
    return (int32_t)sum;
}

/* ---- conversions ----------------------------------------------------------------------------- */

/* To nearest, ties to even. */
EMULATED __m512i emulated_to_int(__m512 v)
{
    Pair x = {.f = v};

    for (int h = 0; h < 2; h++)
        x.whole[h] = _mm256_cvtps_epi32(x.half[h]);
    return x.i;
}

/* Unsigned, where all values used are below 2^31 or far above 255. */
EMULATED __m512i emulated_to_unsigned(__m512 v)
{
    Pair x = {.f = v};

    for (int i = 0; i < 16; i++)
        x.lane[i] = x.lane[i] < 0x1p30f ? x.lane[i] : 0x1p30f;
    return emulated_to_int(x.f);
}

EMULATED __m128i emulated_to_bytes(__m512i v, int saturate)
{
    Pair x = {.i = v};
    uint8_t bytes[16];
    __m128i out;

    for (int i = 0; i < 16; i++) {
        uint32_t whole = (uint32_t)x.bits[i];

        bytes[i] = (uint8_t)(saturate && whole > 255 ? 255 : whole);
    }
    memcpy(&out, bytes, sizeof out);
    return out;
}

/* To nearest, ties to even; what is below normal numbers becomes 0, and NaN stays NaN. */
EMULATED __m256i emulated_narrow(__m512 v)
{
    Pair x = {.f = v};
    uint16_t narrow[16];
    __m256i out;

    for (int i = 0; i < 16; i++) {
        uint32_t bits = (uint32_t)x.bits[i], size = bits & 0x7FFFFFFF;

        if (size < 0x00800000)
            narrow[i] = (uint16_t)(bits >> 16 & 0x8000);
        else if (size > 0x7F800000)
            narrow[i] = (uint16_t)(bits >> 16 | 0x40);
        else
            narrow[i] = (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
    }
    memcpy(&out, narrow, sizeof out);
    return out;
}

/* ---- products -------------------------------------------------------------------------------- */

/* sum + odd * odd, rounded, + even * even, rounded. */
EMULATED __m512 emulated_dpbf16_ps(__m512 sum, __m512i a, __m512i b)
{
    Pair s = {.f = sum}, x = {.i = a}, y = {.i = b};
    const __m256i high = _mm256_set1_epi32((int32_t)0xFFFF0000);

    for (int h = 0; h < 2; h++) {
        __m256 x_odd = (__m256)_mm256_and_si256(x.whole[h], high);
        __m256 y_odd = (__m256)_mm256_and_si256(y.whole[h], high);

        s.half[h] = _mm256_fmadd_ps(x_odd, y_odd, s.half[h]);
        s.half[h] = _mm256_fmadd_ps((__m256)_mm256_slli_epi32(x.whole[h], 16),
                                    (__m256)_mm256_slli_epi32(y.whole[h], 16), s.half[h]);
    }
    return s.f;
}

/* Four unsigned bytes times four signed ones. */
EMULATED __m256i emulated_dpbusd_256(__m256i sum, __m256i a, __m256i b)
{
    __m256i a_even = _mm256_and_si256(a, _mm256_set1_epi16(0xFF));
    __m256i b_even = _mm256_srai_epi16(_mm256_slli_epi16(b, 8), 8);
    __m256i even = _mm256_madd_epi16(a_even, b_even);
    __m256i odd = _mm256_madd_epi16(_mm256_srli_epi16(a, 8), _mm256_srai_epi16(b, 8));

    return _mm256_add_epi32(sum, _mm256_add_epi32(even, odd));
}

EMULATED __m512i emulated_dpbusd_epi32(__m512i sum, __m512i a, __m512i b)
{
    Pair s = {.i = sum}, x = {.i = a}, y = {.i = b};

    for (int h = 0; h < 2; h++)
        s.whole[h] = emulated_dpbusd_256(s.whole[h], x.whole[h], y.whole[h]);
    return s.i;
}

/* ---- the names that sources use -------------------------------------------------------------- */

/* A processor that runs this header runs everything that it emulates. */
EMULATED int emulated_supports(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

#define __builtin_cpu_supports(feature) emulated_supports()

/* What AMX needs is there, unless the environment variable EMULATED_LACK names it. */
EMULATED int emulated_has(const char *what)
{
    const char *lack = getenv("EMULATED_LACK");

    return !lack || strcmp(lack, what);
}

/* AMX's bfloat16, tiles and bytes. */
EMULATED unsigned emulated_features(void)
{
    return emulated_has("bf16") << 22 | emulated_has("tiles") << 24 | emulated_has("int8") << 25;
}

/* What the kernel saves: AVX-512, shapes of tiles, tiles. */
EMULATED unsigned long long emulated_states(void)
{
    return 0xE7 | emulated_has("shapes") << 17 | emulated_has("tile-data") << 18;
}

/* Bit 4 of a is AVX-VNNI, of another leaf than AMX. */
#define __get_cpuid_count(leaf, subleaf, a, b, c, d)                                               \
    (*(a) = 1u << 4, *(b) = *(c) = 0, *(d) = emulated_features(), 1)
#define _xgetbv(index) emulated_states()
#define syscall(...)   (emulated_has("permission") ? 0 : -1) /* no other call than that for it */

/* What the build emulates besides AVX-512, or, of AVX-VNNI, in its place. */
#ifdef EMULATE_AVXVNNI
#define __AVXVNNI__ 1
#else
#define __AVX512F__ 1
#endif
#ifdef EMULATE_AVX512VNNI
#define __AVX512VNNI__ 1
#endif
#ifdef EMULATE_AVX512BF16
#define __AVX512BF16__ 1
#endif
#define __m512bh __m512i
#define __m256bh __m256i

typedef int32_t EmulatedBits __attribute__((vector_size(64)));

#define _mm512_max_ps(a, b)               emulated_max_ps(a, b)
#define _mm512_min_ps(a, b)               emulated_min_ps(a, b)
#define _mm512_add_ps(a, b)               ((__m512)((a) + (b)))
#define _mm512_sub_ps(a, b)               ((__m512)((a) - (b)))
#define _mm512_mul_ps(a, b)               ((__m512)((a) * (b)))
#define _mm512_div_ps(a, b)               ((__m512)((a) / (b)))
#define _mm512_fmadd_ps(a, b, c)          emulated_fmadd_ps(a, b, c)
#define _mm512_fnmadd_ps(a, b, c)         emulated_fnmadd_ps(a, b, c)
#define _mm512_abs_ps(a)                  ((__m512)((EmulatedBits)(a)&0x7FFFFFFF))
#define _mm512_set1_ps(x)                 ((__m512)((float)(x) - (__m512){0}))
#define _mm512_setzero_ps()               ((__m512){0})
#define _mm512_setzero_si512()            ((__m512i){0})
#define _mm512_set1_epi32(x)              ((__m512i)((int32_t)(x) - (EmulatedBits){0}))
#define _mm512_add_epi32(a, b)            ((__m512i)((EmulatedBits)(a) + (EmulatedBits)(b)))
#define _mm512_slli_epi32(a, n)           ((__m512i)((EmulatedBits)(a) << (n)))
#define _mm512_load_si512(p)              emulated_loadu(p)
#define _mm512_loadu_si512(p)             emulated_loadu(p)
#define _mm512_storeu_si512(p, v)         emulated_storeu(p, v)
#define _mm512_loadu_ps(p)                ((__m512)emulated_loadu(p))
#define _mm512_storeu_ps(p, v)            emulated_storeu(p, (__m512i)(v))
#define _mm512_maskz_loadu_ps(m, p)       emulated_maskz_loadu_ps(m, p)
#define _mm512_maskz_loadu_epi16(m, p)    emulated_maskz_loadu_epi16(m, p)
#define _mm512_mask_storeu_ps(p, m, v)    emulated_mask_store_32(p, m, (__m512i)(v))
#define _mm512_mask_storeu_epi32(p, m, v) emulated_mask_store_32(p, m, v)
#define _mm_mask_storeu_epi8(p, m, v)     emulated_mask_store_8(p, m, v)
#define _mm512_maskz_mov_ps(m, v)         emulated_mask_mov_ps((__m512){0}, m, v)
#define _mm512_mask_max_ps(s, m, a, b)    emulated_mask_mov_ps(s, m, emulated_max_ps(a, b))
#define _mm512_maskz_mul_ps(m, a, b)      emulated_mask_mov_ps((__m512){0}, m, (a) * (b))
#define _mm512_maskz_div_ps(m, a, b)      emulated_mask_mov_ps((__m512){0}, m, (a) / (b))
#define _mm512_cmp_ps_mask(a, b, how)     emulated_greater(a, b) /* _CMP_GT_OQ alone is used */
#define _mm512_unpacklo_ps(a, b)          emulated_unpacklo_ps(a, b)
#define _mm512_unpackhi_ps(a, b)          emulated_unpackhi_ps(a, b)
#define _mm512_unpacklo_pd(a, b)          emulated_unpacklo_pd(a, b)
#define _mm512_unpackhi_pd(a, b)          emulated_unpackhi_pd(a, b)
#define _mm512_unpacklo_epi32(a, b)       emulated_unpacklo_epi32(a, b)
#define _mm512_unpackhi_epi32(a, b)       emulated_unpackhi_epi32(a, b)
#define _mm512_unpacklo_epi64(a, b)       emulated_unpacklo_epi64(a, b)
#define _mm512_unpackhi_epi64(a, b)       emulated_unpackhi_epi64(a, b)
#define _mm512_madd_epi16(a, b)           emulated_madd_epi16(a, b)
#define _mm512_shuffle_i32x4(a, b, order) emulated_shuffle_4(a, b, order)
#define _mm512_shuffle_f32x4(a, b, order)                                                          \
    ((__m512)emulated_shuffle_4((__m512i)(a), (__m512i)(b), order))
#define _mm512_permutex2var_epi16(a, i, b) emulated_permutex2var_epi16(a, i, b)
#define _mm512_castps512_ps256(v)          emulated_half(v, 0)
#define _mm512_extractf32x8_ps(v, half)    emulated_half(v, half)
#define _mm512_reduce_add_ps(v)            emulated_reduce_ps(v, 0)
#define _mm512_reduce_max_ps(v)            emulated_reduce_ps(v, 1)
#define _mm512_reduce_add_epi32(v)         emulated_reduce_add_epi32(v)
#define _mm512_cvt_roundps_epi32(v, how)   emulated_to_int(v) /* to nearest alone is used */
#define _mm512_cvt_roundps_epu32(v, how)   emulated_to_unsigned(v)
#define _mm512_cvtepi32_epi8(v)            emulated_to_bytes(v, 0)
#define _mm512_cvtusepi32_epi8(v)          emulated_to_bytes(v, 1)
#define _mm512_cvtneps_pbh(v)              emulated_narrow(v)
#define _mm512_dpbf16_ps(s, a, b)          emulated_dpbf16_ps(s, a, b)
#define _mm256_dpbusd_avx_epi32(s, a, b)   emulated_dpbusd_256(s, a, b)
#define _mm512_dpbusd_epi32(s, a, b)       emulated_dpbusd_epi32(s, a, b)

#endif
