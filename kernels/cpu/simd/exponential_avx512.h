/* exponential_avx512.h - e^x for results of 16 bits, which keep 8 bits of it: shared by inner loops
 * and tile kernels. */
#ifndef CODE_KERNELS_CPU_EXPONENTIAL_AVX512_H
#define CODE_KERNELS_CPU_EXPONENTIAL_AVX512_H

#include <immintrin.h>

/* Within 4e-6 of itself, for |x| <= 80: x = n * ln 2 + r, and a fused polynomial of degree 5. */
static inline __attribute__((always_inline)) __m512 short_exponential(__m512 x)
{
    const __m512 magic = _mm512_set1_ps(0x1.8p23f); /* adding it rounds to an integer */
    const __m512 one = _mm512_set1_ps(1);
    __m512 shifted, r, p;

    shifted = _mm512_fmadd_ps(x, _mm512_set1_ps(0x1.715476p0f), magic);
    r = _mm512_fnmadd_ps(_mm512_sub_ps(shifted, magic), _mm512_set1_ps(0x1.62e430p-1f), x);
    p = _mm512_fmadd_ps(r, _mm512_set1_ps(8.3334519e-3f), _mm512_set1_ps(4.1665796e-2f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.6666665e-1f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.5f));
    p = _mm512_fmadd_ps(p, r, one);
    p = _mm512_fmadd_ps(p, r, one);
    /* times 2^n; the bits of magic are shifted out */
    return (__m512)_mm512_add_epi32((__m512i)p, _mm512_slli_epi32((__m512i)shifted, 23));
}

#endif
