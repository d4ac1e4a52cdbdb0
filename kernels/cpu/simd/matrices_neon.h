/* matrices_neon.h - products on 64-bit Arm by the instructions that multiply small matrices: 64
 * bits of each of two rows by 64 bits of each of two outputs, to 2 x 2 sums. Part of multiply.c.
 *
 * With i8mm these are bytes, whose sums are exact; with bf16 they are bfloat16, to which inputs are
 * rounded here, and two products at a time are added in the processor's own rounding. Panels of
 * weights are zipped, see multiply.h, so that a vector of them serves two outputs. */
#ifndef CODE_KERNELS_CPU_MATRICES_NEON_H
#define CODE_KERNELS_CPU_MATRICES_NEON_H

#include "multiply.h"
#include "vector.h"

enum {
    MATRIX_ROWS = 6, /* of a tile at most: 24 sums, three vectors of inputs, some of weights */
    MATRIX_PAIRS = MATRIX_ROWS / 2,
};

typedef float Pair __attribute__((vector_size(8), aligned(4), may_alias));

/* A turn takes 64 bits of each row. Inputs of two rows, of which `count` steps are left: bytes
 * always fill whole turns. */
#ifdef __ARM_FEATURE_MATMUL_INT8
enum { MATRIX_NUMBERS = CPU_BYTES, MATRIX_STEPS = 2 };

INLINE Vector matrix_inputs(const float *row, const float *next, size_t count)
{
    (void)count;
    return __builtin_shufflevector(*(const Pair *)row, *(const Pair *)next, 0, 1, 2, 3);
}

INLINE Vector add_matrices(Vector inputs, Vector weights, Vector sums)
{
    return (Vector)vmmlaq_s32((int32x4_t)sums, (int8x16_t)inputs, (int8x16_t)weights);
}
#else
enum { MATRIX_NUMBERS = CPU_HALVES, MATRIX_STEPS = 4 };

INLINE Vector matrix_inputs(const float *row, const float *next, size_t count)
{
    Vector a = count < LANES ? load_part(row, count) : load(row);
    Vector b = count < LANES ? load_part(next, count) : load(next);

    return (Vector)vcvtq_high_bf16_f32(vcvtq_low_bf16_f32((float32x4_t)a), (float32x4_t)b);
}

INLINE Vector add_matrices(Vector inputs, Vector weights, Vector sums)
{
    return (Vector)vbfmmlaq_f32((float32x4_t)sums, (bfloat16x8_t)inputs, (bfloat16x8_t)weights);
}
#endif

/* Of two rows, the first or last two of four numbers; of two vectors of sums, one row. */
INLINE Vector first_halves(Vector a, Vector b)
{
    return __builtin_shufflevector(a, b, 0, 1, 4, 5);
}

INLINE Vector last_halves(Vector a, Vector b)
{
    return __builtin_shufflevector(a, b, 2, 3, 6, 7);
}

/* Sums of rows 2 p and 2 p + 1: of outputs 2 i and 2 i + 1 at sums[p][i]. */
typedef Vector MatrixSums[MATRIX_PAIRS][GROUP / 2];

INLINE void multiply_turn(const float *const *a, const float *b, size_t step, size_t count,
                          const unsigned pairs, MatrixSums sums)
{
    Vector inputs[MATRIX_PAIRS];

#pragma GCC unroll 3
    for (unsigned p = 0; p < pairs; p++)
        inputs[p] = matrix_inputs(a[2 * p] + step, a[2 * p + 1] + step, count);
#pragma GCC unroll 4
    for (unsigned i = 0; i < GROUP / 2; i += 2) {
        Vector weights = load(b + i * LANES), more = load(b + (i + 1) * LANES); /* by one load */

#pragma GCC unroll 3
        for (unsigned p = 0; p < pairs; p++) {
            sums[p][i] = add_matrices(inputs[p], weights, sums[p][i]);
            sums[p][i + 1] = add_matrices(inputs[p], more, sums[p][i + 1]);
        }
    }
}

/* One panel of `tiles` tiles, one below the other. Compiled for a constant number of pairs of rows,
 * so that all sums live in registers. Of an odd number, the last row is computed twice. */
INLINE void matrix_tiles(const CpuProduct *product, size_t tiles, const unsigned pairs)
{
    for (size_t tile = 0; tile < tiles; tile++) {
        const float *a[MATRIX_ROWS], *b = product->b;
        float *c[MATRIX_ROWS];
        MatrixSums sums;
        size_t step = 0;

#pragma GCC unroll 6
        for (size_t r = 0; r < 2 * pairs; r++) {
            size_t row = tile * product->rows + (r < product->rows ? r : product->rows - 1);

            a[r] = (const float *)product->a + row * product->a_row;
            c[r] = (float *)product->c + row * product->c_row;
        }
#pragma GCC unroll 12
        for (unsigned i = 0; i < pairs * PARTS; i++) {
            unsigned p = i / PARTS, at = i % PARTS * LANES;
            Vector start = product->start ? load(product->start + at) : (Vector){0};
            Vector row = product->add ? load(c[2 * p] + at) : start;
            Vector next = product->add ? load(c[2 * p + 1] + at) : start;

            sums[p][at / 2] = first_halves(row, next);
            sums[p][at / 2 + 1] = last_halves(row, next);
        }
        for (; step + MATRIX_STEPS <= product->steps; step += MATRIX_STEPS, b += 2 * GROUP)
            multiply_turn(a, b, step, MATRIX_STEPS, pairs, sums);
        if (step < product->steps)
            multiply_turn(a, b, step, product->steps - step, pairs, sums);
#pragma GCC unroll 12
        for (unsigned i = 0; i < pairs * PARTS; i++) {
            unsigned p = i / PARTS, at = i % PARTS * LANES;

            store(c[2 * p] + at, first_halves(sums[p][at / 2], sums[p][at / 2 + 1]));
            store(c[2 * p + 1] + at, last_halves(sums[p][at / 2], sums[p][at / 2 + 1]));
        }
    }
}

INLINE void matrix_multiply(const CpuProduct *product, size_t tiles)
{
    if (product->rows > 4)
        matrix_tiles(product, tiles, 3);
    else if (product->rows > 2)
        matrix_tiles(product, tiles, 2);
    else
        matrix_tiles(product, tiles, 1);
}

#endif
