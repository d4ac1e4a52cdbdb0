/* gemm_avx512.c - the tile kernels of gemm.h, for processors with AVX-512 BF16 and VNNI.
 *
 * On a core that starts one such instruction a cycle, a tile of 6 rows by 64 columns keeps it busy:
 * 24 accumulators hide the latency, and each step loads 4 vectors of weights and 6 inputs for 24
 * products. */
#include "gemm.h"

#include <immintrin.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

enum { BF16, INT8 };

/* One step: 32 bits of a row's input in every lane. */
INLINE __m512i spread(const char *a)
{
    int32_t bits;

    memcpy(&bits, a, sizeof bits);
    return _mm512_set1_epi32(bits);
}

INLINE __m512i multiply(__m512i sum, __m512i a, __m512i b, int type)
{
    if (type == INT8)
        return _mm512_dpbusd_epi32(sum, a, b);
    return (__m512i)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
}

/* Compiled for constant rows, vectors and type, so that all of `sum` lives in registers. */
INLINE void kernel(const GemmTile *tile, const unsigned rows, const unsigned vectors,
                   const int type)
{
    const char *b = tile->b;
    char *c = tile->c;
    __m512i sum[24];

#pragma GCC unroll 12
    for (unsigned r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (unsigned v = 0; v < vectors; v++)
            sum[r * vectors + v] = tile->add
                                       ? _mm512_loadu_si512(c + (r * GEMM_COLUMNS + v * 16) * 4)
                                       : _mm512_setzero_si512();
    for (unsigned tap = 0; tap < tile->taps; tap++) {
        const char *a[GEMM_ROWS];

#pragma GCC unroll 12
        for (unsigned r = 0; r < rows; r++)
            a[r] = tile->a[tap * rows + r];
        for (size_t step = 0; step < tile->steps; step++, b += vectors * sizeof(__m512i)) {
            __m512i weights[4];

#pragma GCC unroll 4
            for (unsigned v = 0; v < vectors; v++)
                weights[v] = _mm512_load_si512(b + v * sizeof(__m512i));
#pragma GCC unroll 12
            for (unsigned r = 0; r < rows; r++) {
                __m512i input = spread(a[r] + 4 * step);

#pragma GCC unroll 4
                for (unsigned v = 0; v < vectors; v++)
                    sum[r * vectors + v] = multiply(sum[r * vectors + v], input, weights[v], type);
            }
        }
    }
#pragma GCC unroll 12
    for (unsigned r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (unsigned v = 0; v < vectors; v++)
            _mm512_storeu_si512(c + (r * GEMM_COLUMNS + v * 16) * 4, sum[r * vectors + v]);
}

#define CASE(type, rows, vectors)                                                                  \
    case (rows)*8 + (vectors):                                                                     \
        kernel(tile, rows, vectors, type);                                                         \
        return;
#define UP_TO_6(type, vectors)                                                                     \
    CASE(type, 1, vectors)                                                                         \
    CASE(type, 2, vectors)                                                                         \
    CASE(type, 3, vectors)                                                                         \
    CASE(type, 4, vectors)                                                                         \
    CASE(type, 5, vectors)                                                                         \
    CASE(type, 6, vectors)
#define UP_TO_12(type, vectors)                                                                    \
    UP_TO_6(type, vectors)                                                                         \
    CASE(type, 7, vectors)                                                                         \
    CASE(type, 8, vectors)                                                                         \
    CASE(type, 9, vectors)                                                                         \
    CASE(type, 10, vectors)                                                                        \
    CASE(type, 11, vectors)                                                                        \
    CASE(type, 12, vectors)
#define ALL_SHAPES(type)                                                                           \
    UP_TO_12(type, 1)                                                                              \
    UP_TO_12(type, 2)                                                                              \
    UP_TO_6(type, 3)                                                                               \
    CASE(type, 7, 3)                                                                               \
    CASE(type, 8, 3)                                                                               \
    UP_TO_6(type, 4)

void gemm_bf16(const GemmTile *tile)
{
    switch (tile->rows * 8 + tile->vectors) {
        ALL_SHAPES(BF16)
    }
}

void gemm_int8(const GemmTile *tile)
{
    switch (tile->rows * 8 + tile->vectors) {
        ALL_SHAPES(INT8)
    }
}
