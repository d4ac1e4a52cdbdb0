/* vector.h - vectors of 16 floats and the functions of them that all inner loops share. Included
 * only by body_*.c; everything is static, so that no copy for one instruction set serves another.
 */
#ifndef CODE_KERNELS_CPU_VECTOR_H
#define CODE_KERNELS_CPU_VECTOR_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

enum { LANES = 16 };

typedef float Vector __attribute__((vector_size(64)));
typedef int32_t Bits __attribute__((vector_size(64)));
typedef float Unaligned __attribute__((vector_size(64), aligned(4), may_alias));

INLINE Vector load(const float *from)
{
    return *(const Unaligned *)from;
}

INLINE void store(float *to, Vector v)
{
    *(Unaligned *)to = v;
}

/* The first `count` (< 16) lanes; the others are 0. */
INLINE Vector load_part(const float *from, size_t count)
{
    Vector v = {0};

    memcpy(&v, from, count * sizeof(float));
    return v;
}

INLINE void store_part(float *to, Vector v, size_t count)
{
    memcpy(to, &v, count * sizeof(float));
}

/* ---- activations: float32, or bfloat16 where the build defines CPU_HALF -------------------------
 */

#ifdef CPU_HALF /* implies AVX-512 BF16 */
#include <immintrin.h>

typedef uint16_t Activation;
typedef uint16_t Halves __attribute__((vector_size(32)));
typedef uint16_t UnalignedHalves __attribute__((vector_size(32), aligned(2), may_alias));

INLINE Vector widen(Halves h)
{
    return (Vector)(__builtin_convertvector(h, Bits) << 16);
}

/* Rounds to nearest, ties to even; NaN stays NaN, and what is below normal numbers becomes 0. */
INLINE Halves narrow(Vector v)
{
    return (Halves)_mm512_cvtneps_pbh((__m512)v);
}

INLINE Vector load_act(const Activation *from)
{
    return widen(*(const UnalignedHalves *)from);
}

INLINE void store_act(Activation *to, Vector v)
{
    *(UnalignedHalves *)to = narrow(v);
}

INLINE Vector load_act_part(const Activation *from, size_t count)
{
    Halves h = {0};

    memcpy(&h, from, count * sizeof *from);
    return widen(h);
}

INLINE void store_act_part(Activation *to, Vector v, size_t count)
{
    Halves h = narrow(v);

    memcpy(to, &h, count * sizeof *to);
}
#else
typedef float Activation;

INLINE Vector load_act(const Activation *from)
{
    return load(from);
}

INLINE void store_act(Activation *to, Vector v)
{
    store(to, v);
}

INLINE Vector load_act_part(const Activation *from, size_t count)
{
    return load_part(from, count);
}

INLINE void store_act_part(Activation *to, Vector v, size_t count)
{
    store_part(to, v, count);
}
#endif

INLINE Vector splat(float x)
{
    return x - (Vector){0};
}

/* mask ? a : b, for a mask that a comparison made */
INLINE Vector choose(Bits mask, Vector a, Vector b)
{
    return (Vector)((mask & (Bits)a) | (~mask & (Bits)b));
}

INLINE float sum(Vector v)
{
    float s[LANES];

    memcpy(s, &v, sizeof s);
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            s[i] += s[i + half];
    return s[0];
}

INLINE float largest(Vector v)
{
    float s[LANES];

    memcpy(s, &v, sizeof s);
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            s[i] = s[i] > s[i + half] ? s[i] : s[i + half];
    return s[0];
}

/* e^x by 2^n * e^r, |r| <= ln 2 / 2: within 1.1 ulp of the true value where that is a normal
 * number, 0 below, infinity above; NaN stays NaN. tests/kernels measures it. */
INLINE Vector exponential(Vector x)
{
    const float magic = 0x1.8p23f; /* adding it rounds to an integer, kept in the low bits */
    Vector clipped = choose(x > 89.0f, splat(89.0f), x), shifted, n, r, p;
    Bits whole, half;

    clipped = choose(x < -88.0f, splat(-88.0f), clipped);
    shifted = clipped * 0x1.715476p0f + magic;
    n = shifted - magic;
    r = clipped - n * 0x1.62e4p-1f; /* n * (first 15 bits of ln 2) is exact */
    r = r - n * 0x1.7f7d1cp-20f;
    p = r * 1.9875691500e-4f + 1.3981999507e-3f; /* minimax of (e^r - 1 - r) / r^2 */
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    whole = (Bits)shifted - (Bits)splat(magic);
    half = whole >> 1; /* 2^n by two factors, as n may be 128 */
    p = p * (Vector)((half + 127) << 23) * (Vector)((whole - half + 127) << 23);
    return choose(x < -0x1.5d589ep6f, (Vector){0}, p); /* the logarithm of the smallest normal */
}

#endif
