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
    if (side->hostile)
        fesetenv(FE_DFL_ENV);
}

bool side_open(Side *side, const CodeBackend *backend, const char *level, unsigned threads)
{
    CodeDeviceOptions options = {.threads = threads};
    CodeError error = {0};

    memset(side, 0, sizeof *side);
    if (level)
        setenv("CODE_CPU", level, 1);
    else
        unsetenv("CODE_CPU");
    side->backend = backend;
    enter_hostile(); /* threads made here must not take it over */
    side->device = backend->device_open(&options, &side->info, &error);
    fesetenv(FE_DFL_ENV);
    if (side->device)
        side->stream = backend->stream_open(side->device, &side->cancelled, &error);
    snprintf(side->name, sizeof side->name, "%s %s x%u", backend->name, level ? level : "auto",
             side->info.threads);
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
    CodeError error;

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

void side_download(Side *side, void *to, const void *from, size_t bytes)
{
    CHECK(side->backend->copy(side->stream, to, from, bytes, CODE_DOWNLOAD), "%s", side->name);
}

CodeWeight *side_weight(Side *side, CodeWeightSpec spec, const float *weight, const float *bias)
{
    CodeError error;
    CodeWeight *packed = side->backend->weight_pack(side->device, &spec, weight, bias, &error);

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

/* ---- random numbers
 * ------------------------------------------------------------------------------
 */

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
