/* side.c - devices, arrays between guards, random numbers. */
#include "side.h"

#include "../test.h"

#include <fenv.h>
#include <math.h>
#ifdef __SSE2__
#include <xmmintrin.h>
#endif

enum { GUARD = 256, GUARD_BYTE = 0xA5, ROOM = GUARD + 64 };

/* Rounding upwards, denormals off. */
static void enter_hostile(void)
{
    fesetround(FE_UPWARD);
#ifdef __SSE2__
    _mm_setcsr(_mm_getcsr() | 0x8040);
#endif
}

void side_enter(Side *side)
{
    if (side->hostile)
        enter_hostile();
}

void side_leave(Side *side)
{
    if (!side->hostile)
        return;
    CHECK(fegetround() == FE_UPWARD, "%s changed its caller's rounding", side->name);
#ifdef __SSE2__
    CHECK((_mm_getcsr() & 0x8040) == 0x8040, "%s changed its caller's denormals", side->name);
#endif
    fesetenv(FE_DFL_ENV);
}

bool side_open(Side *side, const CodeBackend *backend, const char *level, const char *precision,
               unsigned threads)
{
    bool is_reference = backend == &code_backend_reference;
    CodeDeviceOptions options = {
        .threads = threads, .precision = is_reference ? NULL : precision, .index = -1};
    const CodeWeightSpec coarse = {CODE_WEIGHT_LINEAR, 1, 1, F32_TO_F32, true};
    CodesrcError error = {0};

    memset(side, 0, sizeof *side);
    if (level)
        setenv("CODESRC_CPU", level, 1);
    else
        unsetenv("CODESRC_CPU");
    side->backend = backend;
    side->precision = precision;
    enter_hostile(); /* threads made here must not take it over */
    side->device = backend->device_open(&options, &side->info, &error);
    fesetenv(FE_DFL_ENV);
    if (side->device) {
        side->stream = backend->stream_open(side->device, &side->cancelled, &error);
        side->rounds = backend->weight_bytes(side->device, &coarse) < sizeof(float);
    }
    snprintf(side->name, sizeof side->name, "%s %s %s x%u", backend->name, level ? level : "auto",
             precision, side->info.threads);
    if (!side->stream)
        printf("%s: %s\n", side->name, error.text);
    return side->stream;
}

void side_close(Side *side)
{
    if (side->stream)
        side->backend->stream_close(side->stream);
    if (side->device)
        side->backend->device_close(side->device);
    memset(side, 0, sizeof *side);
}

static void *add_array(Side *side, const void *from, size_t bytes, size_t begin)
{
    size_t all = bytes + 2 * ROOM;
    char *host = malloc(all), *base;
    CodesrcError error;

    base = side->backend->alloc(side->device, all, &error);
    if (!host || !base || side->arrays == SIDE_ARRAYS)
        abort();
    memset(host, GUARD_BYTE, all);
    if (from)
        memcpy(host + begin, from, bytes);
    else
        for (size_t i = 0; i + 4 <= bytes; i += 4)
            memcpy(host + begin + i, &(float){NAN}, 4);
    side->backend->copy(side->stream, base, host, all, CODE_UPLOAD);
    free(host);
    side->array[side->arrays++] = (Array){base, begin, bytes};
    return base + begin;
}

void *side_array(Side *side, const void *from, size_t bytes)
{
    return add_array(side, from, bytes, GUARD + side->offset);
}

void *side_records(Side *side, const void *from, size_t bytes)
{
    return add_array(side, from, bytes, GUARD);
}

/* ---- 16 bits --------------------------------------------------------------------------------- */

static uint16_t bfloat16_of(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof bits);
    if (isnan(x))
        return 0x7FC0;
    return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

static float from_bfloat16(uint16_t half)
{
    uint32_t bits = (uint32_t)half << 16;
    float x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

float to_bfloat16(float x)
{
    return from_bfloat16(bfloat16_of(x));
}

/* IEEE's binary16: 11 bits from 2^-14 up to 65504, multiples of 2^-24 below. */
static uint16_t float16_of(float x)
{
    unsigned sign = signbit(x) ? 0x8000 : 0, units;
    int exponent;

    if (isnan(x))
        return 0x7E00;
    x = fabsf(x);
    if (x >= 65520)
        return (uint16_t)(sign | 0x7C00);
    exponent = x < 0x1p-14f ? -14 : ilogbf(x);
    units = (unsigned)nearbyintf(ldexpf(x, 10 - exponent)); /* to even; 1024 and more: normal */
    return (uint16_t)(sign | ((unsigned)(exponent + 14) * 1024 + units));
}

static float from_float16(uint16_t half)
{
    int exponent = half >> 10 & 31, units = half & 1023;
    float x = exponent == 31 ? (units ? NAN : INFINITY)
              : exponent     ? ldexpf((float)(1024 + units), exponent - 25)
                             : ldexpf((float)units, -24);

    return half & 0x8000 ? -x : x;
}

static bool is_float16(const Side *side)
{
    return !strcmp(side->precision, "f16");
}

static uint16_t half_of(const Side *side, float x)
{
    return is_float16(side) ? float16_of(x) : bfloat16_of(x);
}

static float widened(const Side *side, uint16_t half)
{
    return is_float16(side) ? from_float16(half) : from_bfloat16(half);
}

static bool is_half(const Side *side)
{
    return strcmp(side->precision, "f32");
}

static float *rounded_copy(const Side *side, const float *from, size_t count)
{
    float *copy = malloc((count + 1) * sizeof *copy);

    if (!copy)
        abort();
    for (size_t i = 0; i < count; i++)
        copy[i] = widened(side, half_of(side, from[i]));
    return copy;
}

void *side_activations(Side *side, const float *from, size_t count)
{
    size_t begin = GUARD + (side->info.activation_size == 2 ? side->offset / 2 : side->offset);
    uint16_t *halves;
    float *copy;
    void *array;

    if (!is_half(side) || (!from && side->info.activation_size == 4))
        return side_array(side, from, count * sizeof *from);
    if (side->info.activation_size == 4) {
        copy = rounded_copy(side, from, count);
        array = side_array(side, copy, count * sizeof *copy);
        free(copy);
        return array;
    }
    halves = malloc((count + 1) * sizeof *halves);
    if (!halves)
        abort();
    for (size_t i = 0; i < count; i++)
        halves[i] = half_of(side, from ? from[i] : NAN);
    array = add_array(side, halves, count * sizeof *halves, begin);
    free(halves);
    return array;
}

void *side_activation(const Side *side, const void *array, size_t index)
{
    return (char *)array + index * side->info.activation_size;
}

void side_download_activations(Side *side, float *to, const void *from, size_t count)
{
    uint16_t *halves;

    if (side->info.activation_size == 4) {
        side_download(side, to, from, count * sizeof *to);
        return;
    }
    halves = malloc((count + 1) * sizeof *halves);
    if (!halves)
        abort();
    side_download(side, halves, from, count * sizeof *halves);
    for (size_t i = 0; i < count; i++)
        to[i] = widened(side, halves[i]);
    free(halves);
}

bool is_rounded(const Side *side, const CodeWeightSpec *spec)
{
    return is_half(side) && (spec->types != F32_TO_F32 || (spec->coarse && side->rounds));
}

void *side_inputs(Side *side, const CodeWeightSpec *spec, const float *from, size_t count)
{
    float *copy;
    void *array;

    if (!code_reads_f32(spec))
        return side_activations(side, from, count);
    if (side->backend != &code_backend_reference || !is_rounded(side, spec))
        return side_array(side, from, count * sizeof *from);
    copy = rounded_copy(side, from, count);
    array = side_array(side, copy, count * sizeof *copy);
    free(copy);
    return array;
}

void side_download(Side *side, void *to, const void *from, size_t bytes)
{
    CHECK(side->backend->copy(side->stream, to, from, bytes, CODE_DOWNLOAD), "%s", side->name);
}

CodeWeight *side_weight(Side *side, CodeWeightSpec spec, const float *weight, const float *bias)
{
    CodesrcError error;
    size_t kernel = code_kernel_side(spec.kind);
    bool bytes = !strcmp(side->precision, "int8") && spec.kind == CODE_WEIGHT_LINEAR;
    float *copy = NULL;
    CodeWeight *packed;

    if (side->backend == &code_backend_reference && is_rounded(side, &spec) && !bytes)
        weight = copy = rounded_copy(side, weight, kernel * kernel * spec.in * spec.out);
    packed = side->backend->weight_pack(side->device, &spec, weight, bias, &error);
    free(copy);
    if (!packed || side->weights == SIDE_WEIGHTS)
        abort();
    side->weight[side->weights++] = packed;
    return packed;
}

static void check_guards(Side *side, const Array *array)
{
    size_t all = array->bytes + 2 * ROOM, begin = array->begin;
    unsigned char *host = malloc(all);
    size_t broken = 0;

    if (!host)
        abort();
    side_download(side, host, array->base, all);
    for (size_t i = 0; i < all; i++)
        if (i < begin || i >= begin + array->bytes)
            broken += host[i] != GUARD_BYTE;
    CHECK(broken == 0, "%s: %zu guard bytes around an array of %zu bytes", side->name, broken,
          array->bytes);
    free(host);
}

void side_clear(Side *side)
{
    for (unsigned i = 0; i < side->arrays; i++) {
        check_guards(side, &side->array[i]);
        side->backend->release(side->device, side->array[i].base);
    }
    for (unsigned i = 0; i < side->weights; i++)
        side->backend->weight_free(side->device, side->weight[i]);
    side->arrays = side->weights = 0;
}

/* ---- random numbers -------------------------------------------------------------------------- */

uint32_t random_bits(Random *random)
{
    uint64_t x = random->state += 0x9E3779B97F4A7C15u;

    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return (uint32_t)(x >> 32);
}

float random_normal(Random *random)
{
    double sum = -6;

    for (int i = 0; i < 12; i++)
        sum += random_bits(random) * 0x1p-32;
    return (float)sum;
}

float *random_floats(Random *random, size_t count, float scale)
{
    float *values = malloc((count + 1) * sizeof *values);

    if (!values)
        abort();
    for (size_t i = 0; i < count; i++)
        values[i] = random_normal(random) * scale;
    return values;
}
