/* winograd_avx512.c - the transforms of winograd.h, 16 channels at a time, for processors with
 * AVX-512 BF16. */
#include "winograd.h"

#include <immintrin.h>
#include <stdbool.h>

#define INLINE static inline __attribute__((always_inline))

enum { LANES = 16 };

INLINE __mmask16 mask_of(size_t left)
{
    return left < LANES ? (__mmask16)((1u << left) - 1) : (__mmask16)0xFFFF;
}

INLINE __m512 widen(__m256i halves)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}

/* B^T of one row or column, `step` apart */
INLINE void input_points(__m512 *x, int step, unsigned side)
{
    __m512 x0 = x[0], x1 = x[step], x2 = x[2 * step];

    if (side == WINOGRAD_SIDE) {
        __m512 x3 = x[3 * step];

        x[0] = _mm512_sub_ps(x0, x2);
        x[step] = _mm512_add_ps(x1, x2);
        x[2 * step] = _mm512_sub_ps(x2, x1);
        x[3 * step] = _mm512_sub_ps(x1, x3);
    } else {
        x[0] = _mm512_sub_ps(x0, x1);
        x[2 * step] = _mm512_sub_ps(x2, x1);
    }
}

/* Compiled for a constant side, so that all of `x` lives in registers. */
INLINE void inputs(const unsigned side, const uint16_t *const *from, size_t channels, uint16_t *to,
                   size_t point)
{
    for (size_t c = 0; c < channels; c += LANES) {
        __mmask16 mask = mask_of(channels - c);
        __m512 x[MOST_POINTS];

#pragma GCC unroll 16
        for (unsigned i = 0; i < side * side; i++)
            x[i] = widen(_mm256_maskz_loadu_epi16(mask, from[i] + c));
#pragma GCC unroll 4
        for (unsigned i = 0; i < side; i++)
            input_points(x + i, (int)side, side);
#pragma GCC unroll 4
        for (unsigned i = 0; i < side; i++)
            input_points(x + i * side, 1, side);
#pragma GCC unroll 16
        for (unsigned i = 0; i < side * side; i++)
            _mm256_storeu_si256((__m256i *)(void *)(to + i * point + c),
                                (__m256i)_mm512_cvtneps_pbh(x[i]));
    }
}

void winograd_inputs(unsigned side, const uint16_t *const *x, size_t channels, uint16_t *to,
                     size_t point)
{
    if (side == WINOGRAD_SIDE)
        inputs(WINOGRAD_SIDE, x, channels, to, point);
    else
        inputs(DOUBLED_SIDE, x, channels, to, point);
}

/* A^T of one row or column, `step` apart: to the first two */
INLINE void output_points(__m512 *m, int step, unsigned side)
{
    __m512 m1 = m[step], m2 = m[2 * step];

    if (side == WINOGRAD_SIDE) {
        m[0] = _mm512_add_ps(m[0], _mm512_add_ps(m1, m2));
        m[step] = _mm512_sub_ps(_mm512_sub_ps(m1, m2), m[3 * step]);
    } else {
        m[0] = _mm512_add_ps(m[0], m1);
        m[step] = _mm512_add_ps(m1, m2);
    }
}

INLINE void outputs(const unsigned side, const WinogradTile *tile)
{
    for (size_t c = 0; c < tile->width; c += LANES) {
        __mmask16 mask = mask_of(tile->width - c);
        __m512 m[MOST_POINTS], bias = _mm512_loadu_ps(tile->bias + c);

#pragma GCC unroll 16
        for (unsigned i = 0; i < side * side; i++)
            m[i] = _mm512_loadu_ps(tile->products + i * tile->point + c);
#pragma GCC unroll 4
        for (unsigned i = 0; i < side; i++)
            output_points(m + i, (int)side, side);
        output_points(m, 1, side);
        output_points(m + side, 1, side);
#pragma GCC unroll 4
        for (unsigned i = 0; i < 4; i++) {
            __m512 y = _mm512_add_ps(m[i / 2 * side + i % 2], bias);

            if (!tile->y[i])
                continue;
            if (tile->add[i])
                y = _mm512_add_ps(y, widen(_mm256_maskz_loadu_epi16(mask, tile->add[i] + c)));
            _mm256_mask_storeu_epi16(tile->y[i] + c, mask, (__m256i)_mm512_cvtneps_pbh(y));
        }
    }
}

void winograd_outputs(unsigned side, const WinogradTile *tile)
{
    if (side == WINOGRAD_SIDE)
        outputs(WINOGRAD_SIDE, tile);
    else
        outputs(DOUBLED_SIDE, tile);
}
