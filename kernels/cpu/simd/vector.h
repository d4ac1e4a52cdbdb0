/* vector.h - vectors as wide as the registers, and the functions on them that all inner loops
 * share. Everything is static, so that no copy compiled for one instruction set serves another.
 *
 * Operations on each number by itself do not depend on the width. Sums do: they are taken in groups
 * of 16 partial sums, whatever number of vectors that is, and folded along one tree.
 *
 * Most of this file is plain C with the vector types of GCC and clang. vector_x86.h has the few
 * functions that need x86's instructions, vector_neon.h the same for 64-bit Arm, vector_generic.h
 * for all other processors. */
#ifndef CODE_KERNELS_CPU_VECTOR_H
#define CODE_KERNELS_CPU_VECTOR_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

#if defined __AVX512F__
#define VECTOR_BYTES 64
#elif defined __AVX2__
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

enum { LANES = VECTOR_BYTES / 4, GROUP = 16, PARTS = GROUP / LANES };

typedef float Vector __attribute__((vector_size(VECTOR_BYTES)));
typedef int32_t Bits __attribute__((vector_size(VECTOR_BYTES)));
typedef float Unaligned __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));
typedef int32_t UnalignedBits __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));
typedef uint8_t Bytes __attribute__((vector_size(LANES)));
typedef int16_t Shorts __attribute__((vector_size(VECTOR_BYTES)));
typedef uint32_t Unsigned __attribute__((vector_size(VECTOR_BYTES)));
typedef uint16_t Halves __attribute__((vector_size(VECTOR_BYTES / 2)));
typedef uint16_t UnalignedHalves
    __attribute__((vector_size(VECTOR_BYTES / 2), aligned(2), may_alias));

/* 16 partial sums */
typedef struct Group {
    Vector part[PARTS];
} Group;

INLINE Vector load(const float *from)
{
    return *(const Unaligned *)from;
}

INLINE void store(float *to, Vector v)
{
    *(Unaligned *)to = v;
}

/* The first `count` (< LANES) lanes; the others are 0. */
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

INLINE Vector splat(float x)
{
    return x - (Vector){0};
}

/* larger, smaller, sum, largest, fused, add_products; narrow if the processor has an instruction
 * for it */
#if defined __x86_64__
#include "vector_x86.h"
#elif defined __aarch64__
#include "vector_neon.h"
#else
#include "vector_generic.h"
#endif

/* ---- bfloat16 -------------------------------------------------------------------------------- */

INLINE Vector widen_half(Halves h)
{
    return (Vector)(__builtin_convertvector(h, Unsigned) << 16);
}

#ifndef NARROWS
/* Rounds to nearest, ties to even; NaN stays NaN. */
INLINE Halves narrow(Vector v)
{
    Unsigned bits = (Unsigned)v, nan = (Unsigned)(v != v) & 0x7FC00000;

    return upper_halves((bits + 0x7FFF + (bits >> 16 & 1)) | nan);
}
#endif

INLINE Vector load_half(const uint16_t *from)
{
    return widen_half(*(const UnalignedHalves *)from);
}

INLINE Vector load_half_part(const uint16_t *from, size_t count)
{
    Halves h = {0};

    memcpy(&h, from, count * sizeof *from);
    return widen_half(h);
}

/* ---- activations: float32, or bfloat16 if the build defines CPU_HALF ------------------------- */

#ifdef CPU_HALF
typedef uint16_t Activation;

INLINE Vector load_act(const Activation *from)
{
    return load_half(from);
}

INLINE void store_act(Activation *to, Vector v)
{
    *(UnalignedHalves *)to = narrow(v);
}

INLINE Vector load_act_part(const Activation *from, size_t count)
{
    return load_half_part(from, count);
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

/* The first `count` lanes, all of them if that is LANES, which is a constant at compile time. */
INLINE Vector load_up_to(const Activation *from, size_t count)
{
    return count < LANES ? load_act_part(from, count) : load_act(from);
}

INLINE void store_act_up_to(Activation *to, Vector v, size_t count)
{
    if (count < LANES)
        store_act_part(to, v, count);
    else
        store_act(to, v);
}

INLINE void store_up_to(float *to, Vector v, size_t count)
{
    if (count < LANES)
        store_part(to, v, count);
    else
        store(to, v);
}

/* Whole numbers in 0..255, the first `count` of them. */
INLINE void store_bytes(uint8_t *to, Bits whole, size_t count)
{
    Bytes bytes = __builtin_convertvector(whole, Bytes);

    if (count == LANES)
        memcpy(to, &bytes, sizeof bytes);
    else
        memcpy(to, &bytes, count);
}

/* 2^n, -127 <= n <= 127; of -127 it is 0. */
INLINE Vector power_of_two(Bits n)
{
    return (Vector)((n + 127) << 23);
}

/* x = n * ln 2 + r, |r| <= ln 2 / 2; returns e^r. */
INLINE Vector reduced_exponential(Vector x, Bits *n)
{
    const float magic = 0x1.8p23f; /* adding it rounds to an integer, kept in the low bits */
    Vector shifted = fused(x, splat(0x1.715476p0f), splat(magic)), whole = shifted - magic, r, p;

    r = fused(whole, splat(-0x1.62e4p-1f), x); /* n * (first 15 bits of ln 2) is exact */
    r = fused(whole, splat(-0x1.7f7d1cp-20f), r);
    p = splat(1.9875691500e-4f); /* minimax of (e^r - 1 - r) / r^2 */
    p = fused(p, r, splat(1.3981999507e-3f));
    p = fused(p, r, splat(8.3334519073e-3f));
    p = fused(p, r, splat(4.1665795894e-2f));
    p = fused(p, r, splat(1.6666665459e-1f));
    p = fused(p, r, splat(5.0000001201e-1f));
    *n = (Bits)shifted - (Bits)splat(magic);
    return fused(p, r * r, r) + 1.0f;
}

/* p, but 0 if e^x is below the smallest normal number. */
INLINE Vector cut_small(Vector x, Vector p)
{
    return (Vector)(~(x < -0x1.5d589ep6f) & (Bits)p); /* the logarithm of that number */
}

/* e^x: within 1.1 ulp of the true value if that is a normal number, 0 below, infinity above; NaN
 * stays NaN. tests/kernels measures it. */
INLINE Vector exponential(Vector x)
{
    Bits n, half;
    Vector p = reduced_exponential(larger(splat(-88.0f), smaller(splat(89.0f), x)), &n);

    half = n >> 1; /* 2^n by two factors, as n may be 128 */
    return cut_small(x, p * power_of_two(half) * power_of_two(n - half));
}

/* The same for x <= 0, for which one factor suffices. */
INLINE Vector decay(Vector x)
{
    Bits n;
    Vector p = reduced_exponential(larger(splat(-88.0f), x), &n);

    return cut_small(x, p * power_of_two(n));
}

/* e^x for results of 16 bits: within 4e-6 of itself, for |x| <= 80. x = n * ln 2 + r, and a fused
 * polynomial of degree 5. */
INLINE Vector short_exponential(Vector x)
{
    const float magic = 0x1.8p23f; /* adding it rounds to an integer */
    Vector shifted = fused(x, splat(0x1.715476p0f), splat(magic)), r, p;

    r = fused(magic - shifted, splat(0x1.62e430p-1f), x);
    p = fused(r, splat(8.3334519e-3f), splat(4.1665796e-2f));
    p = fused(p, r, splat(1.6666665e-1f));
    p = fused(p, r, splat(0.5f));
    p = fused(p, r, splat(1.0f));
    p = fused(p, r, splat(1.0f));
    /* times 2^n; the bits of magic are shifted out */
    return (Vector)((Bits)p + (Bits)((Unsigned)shifted << 23));
}

/* x / (1 + e^y), for y that grows as x falls: SiLU and GELU. */
#ifdef CPU_HALF
/* Within 1e-5 of itself, as the result keeps 8 bits: a shorter polynomial, and the reciprocal by
 * Newton's method from 12 %, first to the third order, then to the second. e^y is clipped at 1e26.
 */
INLINE Vector over_exponential(Vector x, Vector y)
{
    Vector p = short_exponential(larger(splat(-80.0f), smaller(splat(60.0f), y))) + 1.0f, r, e;

    r = (Vector)(0x7EF311C7 - (Bits)p);
    e = fused(-p, r, splat(1.0f));
    r = fused(r, fused(e, e, e), r);
    r = fused(r, fused(-p, r, splat(1.0f)), r);
    return x * r;
}
#else
/* Beyond 88 the quotient is next to 0 whatever y is, and below -88 e^y vanishes. */
INLINE Vector over_exponential(Vector x, Vector y)
{
    Bits n;
    Vector p = reduced_exponential(larger(splat(-88.0f), smaller(splat(88.0f), y)), &n);

    return x / (1.0f + p * power_of_two(n));
}
#endif

#endif
