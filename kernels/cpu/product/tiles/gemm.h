/* gemm.h - tiles of products with 16-bit and 8-bit inputs, made for AVX-512 BF16 and VNNI, and
 * for AMX, which takes 16 steps at a time.
 *
 * These instructions multiply 32 bits of one row's input, two bfloat16 or four bytes, by 32 bits of
 * each of 16 columns, and add up the products. So one kernel serves both: a "step" is 32 bits of
 * input. A convolution is a product whose rows are gathered: each row of a tile has one pointer per
 * tap. */
#ifndef CODE_KERNELS_CPU_GEMM_H
#define CODE_KERNELS_CPU_GEMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GEMM_COLUMNS = 64, /* of a full panel of packed weights: four vectors of 16 */
    GEMM_ROWS = 16,    /* most rows of any tile */
    GEMM_TAPS = 9,     /* most pointers of a row */
};

/* c (rows, vectors * 16) = sum over taps and steps of a * b: float32 for bfloat16, int32 for
 * bytes. */
typedef struct GemmTile {
    const void *const *a; /* (taps, rows): the beginning of each row's steps */
    const void *b;        /* a panel: (taps, steps, vectors, 16) of 32 bits */
    void *c;              /* rows c_row elements apart */
    size_t c_row;
    unsigned taps, steps, rows, vectors; /* rows <= CpuGemm.rows[vectors] */
    bool add;                            /* add to what is in c */
} GemmTile;

/* The functions of one instruction set. */
typedef struct CpuGemm {
    unsigned rows[5]; /* most of a tile over a panel of so many vectors */

    /* bfloat16 x bfloat16, accumulated in float32 along the steps, one by one or 16 at a time. */
    void (*bf16)(const GemmTile *tile);

    /* Unsigned x signed bytes, accumulated exactly. This and the next two conversions are NULL if
     * no level computes bytes in this way. */
    void (*int8)(const GemmTile *tile);

    /* Pack rows of bfloat16, `row` elements apart, as panels of 64 for bf16(); past their end is 0.
     * As columns: (rows / 64, width / 2, 64) pairs of neighbours in a row. As steps:
     * (width / 64, rows / 2, 64) pairs of one row and the next, for rows up to a multiple of 64. */
    void (*pack_columns)(uint32_t *to, const uint16_t *from, size_t row, size_t rows, size_t width);
    void (*pack_steps)(uint32_t *to, const uint16_t *from, size_t row, size_t rows, size_t width);
    /* Columns of one panel of weights, up to 64 rows, which is as wide as it has to be. */
    void (*pack_panel)(uint32_t *to, const uint16_t *from, size_t rows, size_t width);

    /* The weights of an output as bytes, in -127..127: weight = *scale * byte; *sum is the sum of
     * all bytes. If an output's weights are all below 1e-30, they are 0: 127 / largest must be a
     * number. */
    void (*weights_to_bytes)(int8_t *to, const float *weight, size_t count, float *scale,
                             int32_t *sum);

    /* Up to 16 rows of inputs to bytes, as CpuMultiplier.quantise does it:
     * x = scale * (byte - zero). Reads and writes whole vectors of 16; x is 0 past `count`. */
    void (*rows_to_bytes)(uint8_t *to, size_t to_row, const float *x, size_t row, unsigned rows,
                          size_t count, float *scale, int32_t *zero);

    /* weights = bfloat16 of exp(scale * score - their largest), 0 from `count` to `padded`; returns
     * their sum before rounding. Exponentials are within 4e-6 of themselves down to e^-80, which is
     * 0 next to the largest. */
    float (*softmax)(uint16_t *weights, const float *scores, size_t count, size_t padded,
                     float scale);
} CpuGemm;

/* Rows of the next tile if `left` are left: tiles of about equal height. */
static inline unsigned gemm_rows(const CpuGemm *gemm, unsigned vectors, size_t left)
{
    size_t most = gemm->rows[vectors], tiles = (left + most - 1) / most;

    return (unsigned)((left + tiles - 1) / tiles);
}

#endif
