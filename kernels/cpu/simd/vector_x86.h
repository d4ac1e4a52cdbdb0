/* vector_x86.h - the functions of vector.h that need x86's own instructions: for SSE2, AVX2 and
 * AVX-512, and, with CPU_HALF, activations in bfloat16 for AVX-512 BF16. */
#ifndef CODE_KERNELS_CPU_VECTOR_X86_H
#define CODE_KERNELS_CPU_VECTOR_X86_H

#include <immintrin.h>
#ifdef CPU_HALF
#include "exponential_avx512.h"
#endif

#if defined __AVX512F__
#define NATIVE(operation, a, b)                                                                    \
    ((Vector)_mm512_##operation##_ps((__m512)(Vector)(a), (__m512)(Vector)(b)))
#elif defined __AVX2__
#define NATIVE(operation, a, b)                                                                    \
    ((Vector)_mm256_##operation##_ps((__m256)(Vector)(a), (__m256)(Vector)(b)))
#else
#define NATIVE(operation, a, b)                                                                    \
    ((Vector)_mm_##operation##_ps((__m128)(Vector)(a), (__m128)(Vector)(b)))
#endif

/* a where a > b, else b; the same with <. So NaN in either gives b. */
INLINE Vector larger(Vector a, Vector b)
{
    return NATIVE(max, a, b);
}

INLINE Vector smaller(Vector a, Vector b)
{
    return NATIVE(min, a, b);
}

/* a * b + c, rounded once; with SSE2 alone, twice. */
INLINE Vector fused(Vector a, Vector b, Vector c)
{
#if defined __AVX512F__
    return (Vector)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined __FMA__
    return (Vector)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
    return a * b + c;
#endif
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

/* ---- bfloat16 -------------------------------------------------------------------------------- */

#ifdef CPU_HALF /* implies AVX-512 BF16 */

typedef uint16_t Activation;
typedef uint16_t Halves __attribute__((vector_size(32)));
typedef uint16_t UnalignedHalves __attribute__((vector_size(32), aligned(2), may_alias));

INLINE Vector widen(Halves h)
{
    return (Vector)(__builtin_convertvector(h, Bits) << 16);
}

/* Rounds to nearest, ties to even; NaN stays NaN, and subnormal numbers become 0. */
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

/* x / (1 + e^y), as in vector.h but within 1e-5 of itself, as the result keeps 8 bits: a shorter
 * polynomial, fused, and the reciprocal by Newton's method from 12 %, first to the third order,
 * then to the second. e^y is clipped at 1e26. */
INLINE Vector over_exponential(Vector x, Vector y)
{
    const __m512 one = _mm512_set1_ps(1);
    __m512 clipped = (__m512)larger(splat(-80.0f), smaller(splat(60.0f), y)), r, p, e;

    p = _mm512_add_ps(short_exponential(clipped), one);
    r = (__m512)(0x7EF311C7 - (Bits)p);
    e = _mm512_fnmadd_ps(p, r, one);
    r = _mm512_fmadd_ps(r, _mm512_fmadd_ps(e, e, e), r);
    r = _mm512_fmadd_ps(r, _mm512_fnmadd_ps(p, r, one), r);
    return x * (Vector)r;
}
#endif

#endif
