/* formulas.h - small functions shared by the kernels of all devices. Compiles as C, and as device
 * code if CODE_DEVICE holds the device compiler's function attributes. */
#ifndef CODE_COMMON_FORMULAS_H
#define CODE_COMMON_FORMULAS_H

#include "backend.h"

#include <math.h>

#ifndef CODE_DEVICE
#define CODE_DEVICE
#endif

/* e^x and, for normal x > 0, the logarithm, in double: C libraries differ in the last bits of
 * theirs. Errors are below 1e-14 of the result before it is rounded. */
static inline float code_exponential(float x)
{
    double n, r, power = 1;

    if (x != x)
        return x;
    x = x > 89.0f ? 89.0f : x < -110.0f ? -110.0f : x; /* infinity and 0 lie before both */
    n = floor(x * 1.4426950408889634 + 0.5);
    r = x - n * 0.6931471805599453;
    for (int i = 12; i > 0; i--)
        power = 1 + r / i * power;
    return (float)ldexp(power, (int)n);
}

static inline double code_logarithm(double x)
{
    int n;
    double m = frexp(x, &n), f, square, series = 0;

    if (m < 0.7071067811865476) {
        m *= 2;
        n--;
    }
    f = (m - 1) / (m + 1);
    square = f * f;
    for (int i = 23; i > 0; i -= 2)
        series = series * square + 1.0 / i;
    return n * 0.6931471805599453 + 2 * f * series;
}

CODE_DEVICE static inline const float *code_lane_vector(const CodePerLane *vectors, size_t lane)
{
    size_t slot = vectors->slot ? (size_t)vectors->slot[lane] : lane;

    return vectors->base + slot * vectors->stride;
}

/* The four inputs of one axis that make an output cell, and their weights. */
typedef struct CodeTaps {
    unsigned at[4];
    float weight[4];
} CodeTaps;

/* PyTorch's bicubic: A = -0.75, half-pixel centres, indices clamped at the border. The reference
 * has its own, as the specification of this one. */
CODE_DEVICE static inline CodeTaps code_cubic_taps(unsigned cell, unsigned in, unsigned out)
{
    const float a = -0.75f;
    float centre = ((float)cell + 0.5f) * ((float)in / (float)out) - 0.5f, base = floorf(centre);
    float t = centre - base, near[2] = {t, 1 - t}, far[2] = {t + 1, 2 - t};
    CodeTaps taps;

    for (int i = 0; i < 4; i++) {
        float at = base + (float)(i - 1), end = (float)(in - 1);

        taps.at[i] = (unsigned)(at < 0 ? 0 : at > end ? end : at);
    }
    taps.weight[0] = ((a * far[0] - 5 * a) * far[0] + 8 * a) * far[0] - 4 * a;
    taps.weight[1] = ((a + 2) * near[0] - (a + 3)) * near[0] * near[0] + 1;
    taps.weight[2] = ((a + 2) * near[1] - (a + 3)) * near[1] * near[1] + 1;
    taps.weight[3] = ((a * far[1] - 5 * a) * far[1] + 8 * a) * far[1] - 4 * a;
    return taps;
}

/* Value `index`, row-major, of a synthetic tensor: one product and one sum in float32, which no
 * compiler may fuse. */
static inline CODE_DEVICE float code_synthetic_value(const CodeSynthetic *rule, uint32_t index)
{
    uint32_t hash = index * 0x9E3779B9 + rule->key;
    float centred;

    hash = (hash ^ hash >> 16) * 0x85EBCA6B;
    hash = (hash ^ hash >> 13) * 0xC2B2AE35;
    hash ^= hash >> 16;
    centred = ((float)(hash >> 8) * 0x1p-24f - 0.5f) * 2.0f;
#ifdef __CUDA_ARCH__
    return __fadd_rn(rule->offset, __fmul_rn(centred, rule->amplitude));
#else
    centred *= rule->amplitude;
    return rule->offset + centred;
#endif
}

#endif
