/* bytes_avx512.c - weights, and rows of inputs, to the bytes that CpuGemm.int8 multiplies. */
#include "gemm_avx512.h"
#include "lanes_avx512.h"

enum { NEAREST = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC };

void gemm_weights_to_bytes(int8_t *to, const float *weight, size_t count, float *scale,
                           int32_t *sum)
{
    __m512 most = _mm512_setzero_ps(), inverse;
    __m512i all = _mm512_setzero_si512();
    float largest;

    for (size_t i = 0; i < count; i += 16)
        most = _mm512_max_ps(most,
                             _mm512_abs_ps(_mm512_maskz_loadu_ps(first_of(count - i), weight + i)));
    largest = _mm512_reduce_max_ps(most);
    *scale = largest / 127;
    inverse = _mm512_set1_ps(largest > 1e-30f ? 127 / largest : 0);
    for (size_t i = 0; i < count; i += 16) {
        __mmask16 mask = first_of(count - i);
        __m512 x = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, weight + i), inverse);
        __m512i whole = _mm512_cvt_roundps_epi32(x, NEAREST);

        all = _mm512_add_epi32(all, whole);
        _mm_mask_storeu_epi8(to + i, mask, _mm512_cvtepi32_epi8(whole));
    }
    *sum = _mm512_reduce_add_epi32(all);
}

/* ---- rows of inputs -------------------------------------------------------------------------- */

/* Lane i: the largest of v[i]. */
INLINE __m512 largest_of(const __m512 v[16])
{
    __m512 pairs[8], fours[4], halves[2];

#pragma GCC unroll 8
    for (int i = 0; i < 8; i++)
        pairs[i] = _mm512_max_ps(_mm512_unpacklo_ps(v[2 * i], v[2 * i + 1]),
                                 _mm512_unpackhi_ps(v[2 * i], v[2 * i + 1]));
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        __m512d a = (__m512d)pairs[2 * i], b = (__m512d)pairs[2 * i + 1];

        fours[i] =
            _mm512_max_ps((__m512)_mm512_unpacklo_pd(a, b), (__m512)_mm512_unpackhi_pd(a, b));
    }
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++)
        halves[i] = _mm512_max_ps(_mm512_shuffle_f32x4(fours[2 * i], fours[2 * i + 1], 0x88),
                                  _mm512_shuffle_f32x4(fours[2 * i], fours[2 * i + 1], 0xDD));
    return _mm512_max_ps(_mm512_shuffle_f32x4(halves[0], halves[1], 0x88),
                         _mm512_shuffle_f32x4(halves[0], halves[1], 0xDD));
}

/* Scales and zeros of 16 rows from their ranges; returns the inverses of the scales. Where that is
 * 0, so is the zero, also of an infinite range. */
INLINE __m512 take_ranges(const __m512 high[16], const __m512 low[16], float *scale, int32_t *zero,
                          unsigned rows)
{
    const __m512 range = _mm512_set1_ps(255);
    __m512 top = largest_of(high), bottom = largest_of(low), inverse, size;
    __mmask16 mask = first_of(rows);

    size = _mm512_add_ps(_mm512_div_ps(top, range), _mm512_div_ps(bottom, range));
    inverse = _mm512_maskz_div_ps(_mm512_cmp_ps_mask(size, _mm512_set1_ps(1e-34f), _CMP_GT_OQ),
                                  _mm512_set1_ps(1), size);
    _mm512_mask_storeu_ps(scale, mask, size);
    bottom = _mm512_maskz_mul_ps(_mm512_cmp_ps_mask(inverse, _mm512_setzero_ps(), _CMP_GT_OQ),
                                 bottom, inverse);
    _mm512_mask_storeu_epi32(zero, mask, _mm512_cvt_roundps_epi32(bottom, NEAREST));
    return inverse;
}

void gemm_rows_to_bytes(uint8_t *to, size_t to_row, const float *x, size_t row, unsigned rows,
                        size_t count, float *scale, int32_t *zero)
{
    __m512 high[16], low[16]; /* low: of the negated */
    float inverse[16];

    for (unsigned r = 0; r < 16; r++) {
        __m512 most = _mm512_setzero_ps(), minus = most;

        for (size_t i = 0; r < rows && i < count; i += 16) {
            __m512 v = _mm512_loadu_ps(x + r * row + i);

            most = _mm512_max_ps(v, most);
            minus = _mm512_min_ps(v, minus);
        }
        high[r] = most;
        low[r] = _mm512_sub_ps(_mm512_setzero_ps(), minus);
    }
    _mm512_storeu_ps(inverse, take_ranges(high, low, scale, zero, rows));
    for (unsigned r = 0; r < rows; r++) {
        __m512 factor = _mm512_set1_ps(inverse[r]), offset = _mm512_set1_ps((float)zero[r]);

        for (size_t i = 0; i < count; i += 16) {
            __m512 v = _mm512_mul_ps(_mm512_loadu_ps(x + r * row + i), factor);

            v = _mm512_max_ps(_mm512_add_ps(v, offset), _mm512_setzero_ps());
            _mm_storeu_si128((__m128i *)(void *)(to + r * to_row + i),
                             _mm512_cvtusepi32_epi8(_mm512_cvt_roundps_epu32(v, NEAREST)));
        }
    }
}
