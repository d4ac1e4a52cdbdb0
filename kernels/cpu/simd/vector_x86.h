/* vector_x86.h - the functions of vector.h that need x86's own instructions: for SSE2, AVX2 and
 * AVX-512, and what VNNI and AVX-512 BF16 add. */
#ifndef CODE_KERNELS_CPU_VECTOR_X86_H
#define CODE_KERNELS_CPU_VECTOR_X86_H

#include <immintrin.h>

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

/* ---- bytes ----------------------------------------------------------------------------------- */

/* sum + the products of a step: of four unsigned bytes and four signed ones if the processor has an
 * instruction for it, else of two numbers of 16 bits each. */
#if defined __AVX512VNNI__ || (defined __AVXVNNI__ && !defined __AVX512F__)
enum { STEP_BYTES = 4, BYTES_BELOW = 0 };
#else
enum { STEP_BYTES = 2, BYTES_BELOW = 0 };
#endif

INLINE Bits add_products(Bits a, Bits b, Bits sum)
{
#if defined __AVX512VNNI__
    return (Bits)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
#elif defined __AVX512F__
    return sum + (Bits)_mm512_madd_epi16((__m512i)a, (__m512i)b);
#elif defined __AVXVNNI__
    return (Bits)_mm256_dpbusd_avx_epi32((__m256i)sum, (__m256i)a, (__m256i)b);
#elif defined __AVX2__
    return sum + (Bits)_mm256_madd_epi16((__m256i)a, (__m256i)b);
#else
    return sum + (Bits)_mm_madd_epi16((__m128i)a, (__m128i)b);
#endif
}

/* ---- bfloat16 -------------------------------------------------------------------------------- */

#if defined __AVX512BF16__
#define NARROWS

/* Rounds to nearest, ties to even; NaN stays NaN, and subnormal numbers become 0. */
INLINE Halves narrow(Vector v)
{
    return (Halves)_mm512_cvtneps_pbh((__m512)v);
}
#else
INLINE Halves upper_halves(Unsigned bits)
{
#if defined __AVX2__ && !defined __AVX512F__
    __m256i upper = (__m256i)(bits >> 16);

    return (Halves)_mm_packus_epi32(_mm256_castsi256_si128(upper),
                                    _mm256_extracti128_si256(upper, 1));
#else
    return __builtin_convertvector(bits >> 16, Halves);
#endif
}
#endif

#endif
