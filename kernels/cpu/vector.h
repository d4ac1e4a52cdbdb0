/* vector.h - vectors as wide as the registers and the functions of them that all inner loops share.
 * Included only by body_*.c; everything is static, so that no copy for one instruction set serves
 * another.
 *
 * What is done to each number by itself does not depend on the width. Sums do: so they are taken in
 * groups of 16 partial sums, however many vectors these are, and folded along one tree. */
#ifndef CODE_KERNELS_CPU_VECTOR_H
#define CODE_KERNELS_CPU_VECTOR_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

#if defined __AVX512F__
#include <immintrin.h>
#define VECTOR_BYTES 64
#define NATIVE(operation, a, b)                                                                    \
    ((Vector)_mm512_##operation##_ps((__m512)(Vector)(a), (__m512)(Vector)(b)))
#elif defined __AVX2__
#include <immintrin.h>
#define VECTOR_BYTES 32
#define NATIVE(operation, a, b)                                                                    \
    ((Vector)_mm256_##operation##_ps((__m256)(Vector)(a), (__m256)(Vector)(b)))
#else
#include <xmmintrin.h>
#define VECTOR_BYTES 16
#define NATIVE(operation, a, b)                                                                    \
    ((Vector)_mm_##operation##_ps((__m128)(Vector)(a), (__m128)(Vector)(b)))
#endif

enum { LANES = VECTOR_BYTES / 4, GROUP = 16, PARTS = GROUP / LANES };

typedef float Vector __attribute__((vector_size(VECTOR_BYTES)));
typedef int32_t Bits __attribute__((vector_size(VECTOR_BYTES)));
typedef float Unaligned __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));
typedef int32_t UnalignedBits __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));
typedef uint8_t Bytes __attribute__((vector_size(LANES)));

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

/* ---- activations: float32, or bfloat16 where the build defines CPU_HALF ---------------------- */

#ifdef CPU_HALF /* implies AVX-512 BF16 */

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

/* a where a > b, else b; the same with <. So NaN in either gives b. */
INLINE Vector larger(Vector a, Vector b)
{
    return NATIVE(max, a, b);
}

INLINE Vector smaller(Vector a, Vector b)
{
    return NATIVE(min, a, b);
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

/* The sum of 16: i and i + 8, then i and i + 4, i + 2, i + 1. */
INLINE float sum(const Group *group)
{
    const Vector *part = group->part;
    __m128 four;

#if defined __AVX512F__
    __m256 eight = _mm256_add_ps(_mm512_castps512_ps256((__m512)part[0]),
                                 _mm512_extractf32x8_ps((__m512)part[0], 1));

    four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
#elif defined __AVX2__
    __m256 eight = (__m256)(part[0] + part[1]);

    four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
#else
    four = (__m128)((part[0] + part[2]) + (part[1] + part[3]));
#endif
    four = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(four, _mm_shuffle_ps(four, four, 1)));
}

INLINE float largest(Vector v)
{
    __m128 four;

#if defined __AVX512F__
    __m256 eight =
        _mm256_max_ps(_mm512_castps512_ps256((__m512)v), _mm512_extractf32x8_ps((__m512)v, 1));

    four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
#elif defined __AVX2__
    four = _mm_max_ps(_mm256_castps256_ps128((__m256)v), _mm256_extractf128_ps((__m256)v, 1));
#else
    four = (__m128)v;
#endif
    four = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(four, _mm_shuffle_ps(four, four, 1)));
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
    Vector shifted = x * 0x1.715476p0f + magic, whole = shifted - magic, r, p;

    r = x - whole * 0x1.62e4p-1f; /* n * (first 15 bits of ln 2) is exact */
    r = r - whole * 0x1.7f7d1cp-20f;
    p = r * 1.9875691500e-4f + 1.3981999507e-3f; /* minimax of (e^r - 1 - r) / r^2 */
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    *n = (Bits)shifted - (Bits)splat(magic);
    return p * (r * r) + r + 1.0f;
}

/* p, but 0 where e^x is below the smallest normal number. */
INLINE Vector cut_small(Vector x, Vector p)
{
    return (Vector)(~(x < -0x1.5d589ep6f) & (Bits)p); /* the logarithm of that number */
}

/* e^x: within 1.1 ulp of the true value where that is a normal number, 0 below, infinity above; NaN
 * stays NaN. tests/kernels measures it. */
INLINE Vector exponential(Vector x)
{
    Bits n, half;
    Vector p = reduced_exponential(larger(splat(-88.0f), smaller(splat(89.0f), x)), &n);

    half = n >> 1; /* 2^n by two factors, as n may be 128 */
    return cut_small(x, p * power_of_two(half) * power_of_two(n - half));
}

/* The same for x <= 0, where one factor will do. */
INLINE Vector decay(Vector x)
{
    Bits n;
    Vector p = reduced_exponential(larger(splat(-88.0f), x), &n);

    return cut_small(x, p * power_of_two(n));
}

/* x / (1 + e^y), for y that grows as x falls: SiLU and GELU. */
#ifdef CPU_HALF
/* Within 1e-5 of itself, as the result keeps 8 bits: a shorter polynomial, fused, and the
 * reciprocal by Newton's method from 12 %, first to the third order, then to the second. e^y is not
 * followed beyond 1e26. */
INLINE Vector over_exponential(Vector x, Vector y)
{
    const __m512 one = _mm512_set1_ps(1), magic = _mm512_set1_ps(0x1.8p23f);
    __m512 clipped = (__m512)larger(splat(-80.0f), smaller(splat(60.0f), y)), shifted, r, p, e;

    shifted = _mm512_fmadd_ps(clipped, _mm512_set1_ps(0x1.715476p0f), magic);
    r = _mm512_fnmadd_ps(_mm512_sub_ps(shifted, magic), _mm512_set1_ps(0x1.62e430p-1f), clipped);
    p = _mm512_fmadd_ps(r, _mm512_set1_ps(8.3334519e-3f), _mm512_set1_ps(4.1665796e-2f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.6666665e-1f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.5f));
    p = _mm512_fmadd_ps(p, r, one);
    p = _mm512_fmadd_ps(p, r, one);
    p = (__m512)((Bits)p +
                 ((Bits)shifted << 23)); /* times 2^n; the bits of magic are shifted out */
    p = _mm512_add_ps(p, one);
    r = (__m512)(0x7EF311C7 - (Bits)p);
    e = _mm512_fnmadd_ps(p, r, one);
    r = _mm512_fmadd_ps(r, _mm512_fmadd_ps(e, e, e), r);
    r = _mm512_fmadd_ps(r, _mm512_fnmadd_ps(p, r, one), r);
    return x * (Vector)r;
}
#else
INLINE Vector over_exponential(Vector x, Vector y)
{
    return x / (1.0f + exponential(y));
}
#endif

#endif
