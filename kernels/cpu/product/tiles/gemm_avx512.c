/* gemm_avx512.c - the tile kernels of gemm.h, for processors with AVX-512 BF16 and VNNI.
 *
 * On a core that starts one such instruction a cycle, a tile of 6 rows by 64 columns keeps it busy:
 * 24 accumulators hide the latency, and each step loads 4 vectors of weights and 6 inputs for 24
 * products. */
#include "gemm_avx512.h"
#include "gemm.h"
#include "lanes_avx512.h"
#include "simd/vector.h"

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
                                       ? _mm512_loadu_si512(c + (r * tile->c_row + v * 16) * 4)
                                       : _mm512_setzero_si512();
    for (unsigned tap = 0; tap < tile->taps; tap++) {
        const char *a[12];

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
            _mm512_storeu_si512(c + (r * tile->c_row + v * 16) * 4, sum[r * vectors + v]);
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

static void gemm_bf16(const GemmTile *tile)
{
    switch (tile->rows * 8 + tile->vectors) {
        ALL_SHAPES(BF16)
    }
}

static void gemm_int8(const GemmTile *tile)
{
    switch (tile->rows * 8 + tile->vectors) {
        ALL_SHAPES(INT8)
    }
}

/* ---- keys and values of attention ------------------------------------------------------------ */

/* The first `count` (at most 32) of a row. */
INLINE __m512i load_halves(const uint16_t *from, size_t count)
{
    return _mm512_maskz_loadu_epi16(count < 32 ? (1u << count) - 1 : UINT32_MAX, from);
}

/* 16 x 16 of 32 bits, rows to columns. */
INLINE void transpose(__m512i t[16])
{
    __m512i u[16], v[16];

#pragma GCC unroll 8
    for (int i = 0; i < 16; i += 2) {
        u[i] = _mm512_unpacklo_epi32(t[i], t[i + 1]);
        u[i + 1] = _mm512_unpackhi_epi32(t[i], t[i + 1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 16; i += 4) { /* lane l of v[i + c]: column 4 l + c of rows i .. i + 3 */
        v[i] = _mm512_unpacklo_epi64(u[i], u[i + 2]);
        v[i + 1] = _mm512_unpackhi_epi64(u[i], u[i + 2]);
        v[i + 2] = _mm512_unpacklo_epi64(u[i + 1], u[i + 3]);
        v[i + 3] = _mm512_unpackhi_epi64(u[i + 1], u[i + 3]);
    }
#pragma GCC unroll 4
    for (int c = 0; c < 4; c++) {
        __m512i even = _mm512_shuffle_i32x4(v[c], v[4 + c], 0x88);
        __m512i odd = _mm512_shuffle_i32x4(v[c], v[4 + c], 0xDD);
        __m512i more_even = _mm512_shuffle_i32x4(v[8 + c], v[12 + c], 0x88);
        __m512i more_odd = _mm512_shuffle_i32x4(v[8 + c], v[12 + c], 0xDD);

        t[c] = _mm512_shuffle_i32x4(even, more_even, 0x88);
        t[4 + c] = _mm512_shuffle_i32x4(odd, more_odd, 0x88);
        t[8 + c] = _mm512_shuffle_i32x4(even, more_even, 0xDD);
        t[12 + c] = _mm512_shuffle_i32x4(odd, more_odd, 0xDD);
    }
}

/* Panels of `columns`, a multiple of 16. */
INLINE void pack_columns(uint32_t *to, const uint16_t *from, size_t row, size_t rows, size_t width,
                         const size_t columns)
{
    size_t pairs = (width + 1) / 2;

    for (size_t r = 0; r < rows || r % columns; r += 16)
        for (size_t pair = 0; pair < pairs; pair += 16) {
            uint32_t *at = to + (r / columns * pairs + pair) * columns + r % columns;
            __m512i t[16];

#pragma GCC unroll 16
            for (size_t i = 0; i < 16; i++)
                t[i] = r + i < rows ? load_halves(from + (r + i) * row + 2 * pair, width - 2 * pair)
                                    : _mm512_setzero_si512();
            transpose(t);
#pragma GCC unroll 16
            for (size_t i = 0; i < 16; i++)
                if (pair + i < pairs)
                    _mm512_storeu_si512(at + i * columns, t[i]);
        }
}

void gemm_pack_columns(uint32_t *to, const uint16_t *from, size_t row, size_t rows, size_t width)
{
    pack_columns(to, from, row, rows, width, GEMM_COLUMNS);
}

void gemm_pack_panel(uint32_t *to, const uint16_t *from, size_t rows, size_t width)
{
    pack_columns(to, from, width, rows, width, (rows + 15) / 16 * 16);
}

void gemm_pack_steps(uint32_t *to, const uint16_t *from, size_t row, size_t rows, size_t width)
{
    uint16_t order[64];
    __m512i low, high;

    for (unsigned i = 0; i < 64; i++) /* one of the first vector, one of the second */
        order[i] = (uint16_t)(i / 2 + i % 2 * 32);
    low = _mm512_loadu_si512(order);
    high = _mm512_loadu_si512(order + 32);
    for (size_t panel = 0; panel < width; panel += GEMM_COLUMNS)
        for (size_t r = 0; r < rows || r % GEMM_COLUMNS; r += 2)
            for (size_t d = panel; d < panel + GEMM_COLUMNS; d += 32, to += 32) {
                size_t count = d < width ? width - d : 0;
                const uint16_t *at = from + r * row + d;
                __m512i even = _mm512_setzero_si512(), odd = even;

                if (count && r < rows)
                    even = load_halves(at, count);
                if (count && r + 1 < rows)
                    odd = load_halves(at + row, count);
                _mm512_storeu_si512(to, _mm512_permutex2var_epi16(even, low, odd));
                _mm512_storeu_si512(to + 16, _mm512_permutex2var_epi16(even, high, odd));
            }
}

float gemm_softmax(uint16_t *weights, const float *scores, size_t count, size_t padded, float scale)
{
    const __m512 least = _mm512_set1_ps(-INFINITY), factor = _mm512_set1_ps(scale);
    __m512 top = least, total = _mm512_setzero_ps();

    for (size_t i = 0; i < count; i += 16) {
        __mmask16 mask = first_of(count - i);

        top = _mm512_mask_max_ps(top, mask, top,
                                 _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, scores + i), factor));
    }
    top = _mm512_set1_ps(_mm512_reduce_max_ps(top));
    for (size_t i = 0; i < padded; i += 16) {
        __mmask16 mask = i < count ? first_of(count - i) : 0;
        __m512 score = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, scores + i), factor);
        Vector offset = larger(splat(-80.0f), (Vector)_mm512_sub_ps(score, top));
        __m512 weight = _mm512_maskz_mov_ps(mask, (__m512)short_exponential(offset));

        total = _mm512_add_ps(total, weight);
        _mm256_storeu_si256((__m256i *)(void *)(weights + i), (__m256i)_mm512_cvtneps_pbh(weight));
    }
    return _mm512_reduce_add_ps(total);
}

/* ---- the table ------------------------------------------------------------------------------- */

extern const CpuGemm cpu_gemm_avx512_bf16;

/* 24 accumulators, if they fit. */
const CpuGemm cpu_gemm_avx512_bf16 = {
    .rows = {[1] = 12, [2] = 12, [3] = 8, [4] = 6},
    .bf16 = gemm_bf16,
    .int8 = gemm_int8,
    .pack_columns = gemm_pack_columns,
    .pack_steps = gemm_pack_steps,
    .pack_panel = gemm_pack_panel,
    .weights_to_bytes = gemm_weights_to_bytes,
    .rows_to_bytes = gemm_rows_to_bytes,
    .softmax = gemm_softmax,
};
