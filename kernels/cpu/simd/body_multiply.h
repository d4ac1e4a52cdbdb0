/* body_multiply.h - products in float32, in tiles that stay in registers. Each output is one chain
 * of fused multiply-adds, from a given number over the steps in ascending order: so the
 * shape of a tile, and cutting the steps into blocks, change no bit. Part of body.c. */
#ifndef CODE_KERNELS_CPU_BODY_MULTIPLY_H
#define CODE_KERNELS_CPU_BODY_MULTIPLY_H

#include "body.h"
#include "vector.h"

/* Sums of a tile: as many as registers hold besides a step's inputs and weights. Rows of a tile
 * over one panel. A block of weights, which the rows of a product share, stays in the first
 * cache. */
#if defined __AVX512F__ || defined __aarch64__
enum { TILE_SUMS = 24 };
#elif defined __AVX2__
enum { TILE_SUMS = 12 };
#else
enum { TILE_SUMS = 8 };
#endif
typedef float Four __attribute__((vector_size(16)));
typedef float UnalignedFour __attribute__((vector_size(16), aligned(4), may_alias));

enum {
    ROWS = 12,
    MOST_ROWS = TILE_SUMS / PARTS < ROWS ? TILE_SUMS / PARTS : ROWS, /* of a tile */
    NARROW_ROWS = TILE_SUMS < ROWS ? TILE_SUMS : ROWS,               /* of one vector's width */
    BLOCK_STEPS = PARTS == 1 ? 128 : 256,
    STREAM_AHEAD = 64 * 16, /* numbers, if each weight is used once */
};

/* Weights that come from memory rather than a cache must be asked for long before they are used:
 * the tiles of one panel share out the next one. */
typedef struct Ahead {
    const float *next; /* weights that a tile asks for, */
    size_t step;       /* so many numbers further at each step */
} Ahead;

/* Steps four at a time, if the processor multiplies by one number of a vector; returns how many. A
 * row's inputs of four steps then take one load. */
INLINE size_t multiply_steps_of_4(const CpuProduct *product, const float *const *a,
                                  const unsigned rows, const unsigned width, Vector *sums)
{
    size_t step = 0;

#ifdef FUSED_BY_LANE
    const float *b = product->b;

    for (; step + 4 <= product->steps; step += 4) {
        Vector inputs[ROWS];

#pragma GCC unroll 12
        for (unsigned r = 0; r < rows; r++)
            inputs[r] = load(a[r] + step);
#define STEP(lane)                                                                                 \
    _Pragma("GCC unroll 8") for (unsigned v = 0; v < width; v++)                                   \
    {                                                                                              \
        Vector weights = load(b + v / PARTS * product->b_panel + v % PARTS * LANES);               \
                                                                                                   \
        _Pragma("GCC unroll 12") for (unsigned r = 0; r < rows; r++) sums[r * width + v] =         \
            FUSED_BY_LANE(inputs[r], lane, weights, sums[r * width + v]);                          \
    }                                                                                              \
    b += GROUP;
        STEP(0)
        STEP(1)
        STEP(2)
        STEP(3)
#undef STEP
    }
#else
    (void)product, (void)a, (void)rows, (void)width, (void)sums;
#endif
    return step;
}

/* Compiled for constant rows and vectors, so that all of `sums` lives in registers. */
INLINE void multiply_tile(const CpuProduct *product, Ahead ahead, const unsigned rows,
                          const unsigned width)
{
    const float *a[ROWS], *b = product->b;
    Vector sums[ROWS * 2 * PARTS]; /* of which TILE_SUMS at most are used */
    float *c = product->c;
    size_t step;

#pragma GCC unroll 12
    for (unsigned r = 0; r < rows; r++) {
        a[r] = product->a + r * product->a_row;
#pragma GCC unroll 8
        for (unsigned v = 0; v < width; v++)
            sums[r * width + v] = product->add     ? load(c + r * product->c_row + v * LANES)
                                  : product->start ? load(product->start + v * LANES)
                                                   : (Vector){0};
    }
    step = multiply_steps_of_4(product, a, rows, width, sums);
    b += step * GROUP;
    for (; step < product->steps; step++, b += GROUP, ahead.next += ahead.step) {
        Vector weights[2 * PARTS];

#pragma GCC unroll 2
        for (unsigned panel = 0; panel * PARTS < width; panel++)
            __builtin_prefetch(ahead.next + panel * product->b_panel);

#pragma GCC unroll 8
        for (unsigned v = 0; v < width; v++)
            weights[v] = load(b + v / PARTS * product->b_panel + v % PARTS * LANES);
#pragma GCC unroll 12
        for (unsigned r = 0; r < rows; r++) {
            Vector input = splat(a[r][step]);

#pragma GCC unroll 8
            for (unsigned v = 0; v < width; v++)
                sums[r * width + v] = fused(input, weights[v], sums[r * width + v]);
        }
    }
#pragma GCC unroll 12
    for (unsigned r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (unsigned v = 0; v < width; v++)
            store(c + r * product->c_row + v * LANES, sums[r * width + v]);
}

#define TILE_CASE(rows)                                                                            \
    case rows:                                                                                     \
        if ((rows)*width <= TILE_SUMS)                                                             \
            multiply_tile(product, ahead, rows, width);                                            \
        return;

/* Compiled for a constant number of vectors. */
INLINE void multiply_rows(const CpuProduct *product, Ahead ahead, const unsigned width)
{
    switch (product->rows) {
        TILE_CASE(1)
        TILE_CASE(2)
        TILE_CASE(3)
        TILE_CASE(4)
        TILE_CASE(5)
        TILE_CASE(6)
        TILE_CASE(7)
        TILE_CASE(8)
        TILE_CASE(9)
        TILE_CASE(10)
        TILE_CASE(11)
        TILE_CASE(12)
    }
}

/* All rows and panels, for one block of steps: in tiles of equal height. `after` are the weights
 * that are used next. */
static void multiply_block(const CpuProduct *product, const float *after)
{
    bool narrow = product->panels == 1 && product->width <= LANES;
    size_t most = narrow ? NARROW_ROWS : MOST_ROWS, tiles = (product->rows + most - 1) / most;
    CpuProduct tile = *product;

    for (size_t panel = 0; panel < product->panels; panel += tile.panels) {
        Ahead ahead = {.step = (GROUP + tiles - 1) / tiles};
        size_t row = 0;

        tile.rows = (product->rows + tiles - 1) / tiles;
        tile.panels = 2 * tile.rows * PARTS <= TILE_SUMS && panel + 1 < product->panels ? 2 : 1;
        tile.b = product->b + panel * product->b_panel;
        ahead.next =
            panel + tile.panels < product->panels ? tile.b + tile.panels * tile.b_panel : after;
        if (tiles == 1)
            ahead.next = tile.b + STREAM_AHEAD;
        for (size_t left = tiles; left; left--, row += tile.rows) {
            tile.rows = (product->rows - row + left - 1) / left;
            tile.a = product->a + row * product->a_row;
            tile.c = product->c + row * product->c_row + panel * GROUP;
            tile.start = product->start ? product->start + panel * GROUP : NULL;
            if (tile.panels == 2)
                multiply_rows(&tile, ahead, 2 * PARTS);
            else if (narrow)
                multiply_rows(&tile, ahead, 1);
            else
                multiply_rows(&tile, ahead, PARTS);
            ahead.next += tile.steps * ahead.step;
        }
    }
}

static void multiply(const CpuProduct *product)
{
    size_t blocks = (product->steps + BLOCK_STEPS - 1) / BLOCK_STEPS, step = 0;
    CpuProduct block = *product;

    if (product->rows <= MOST_ROWS || !blocks)
        blocks = 1;
    for (size_t left = blocks; left; left--, step += block.steps) {
        block.steps = (product->steps - step + left - 1) / left;
        block.a = product->a + step;
        block.b = product->b + step * GROUP;
        block.add = product->add || step;
        multiply_block(&block, left > 1 ? block.b + block.steps * GROUP
                                        : product->b + product->panels * product->b_panel);
    }
}

/* ---- the right side of a product of attention ------------------------------------------------ */

/* 4 x 4 numbers, rows to columns. */
INLINE void transpose_4(float *to, const float *from, size_t row)
{
    Four a = *(const UnalignedFour *)from, b = *(const UnalignedFour *)(from + row);
    Four c = *(const UnalignedFour *)(from + 2 * row), d = *(const UnalignedFour *)(from + 3 * row);
    Four ac = __builtin_shufflevector(a, c, 0, 4, 1, 5),
         bd = __builtin_shufflevector(b, d, 0, 4, 1, 5);
    Four ca = __builtin_shufflevector(a, c, 2, 6, 3, 7),
         db = __builtin_shufflevector(b, d, 2, 6, 3, 7);

    *(UnalignedFour *)to = __builtin_shufflevector(ac, bd, 0, 4, 1, 5);
    *(UnalignedFour *)(to + GROUP) = __builtin_shufflevector(ac, bd, 2, 6, 3, 7);
    *(UnalignedFour *)(to + 2 * GROUP) = __builtin_shufflevector(ca, db, 0, 4, 1, 5);
    *(UnalignedFour *)(to + 3 * GROUP) = __builtin_shufflevector(ca, db, 2, 6, 3, 7);
}

/* Rows of keys or values past the last one are zeros. */
static void pack_keys(float *to, const float *from, size_t row, size_t rows, size_t width)
{
    for (size_t first = 0; first < rows; first += GROUP, to += width * GROUP) {
        size_t count = rows - first < GROUP ? rows - first : GROUP, whole = 0;
        const float *x = from + first * row;

        if (count == GROUP)
            for (; whole + 4 <= width; whole += 4)
                for (size_t r = 0; r < GROUP; r += 4)
                    transpose_4(to + whole * GROUP + r, x + r * row + whole, row);
        for (size_t i = whole; i < width; i++)
            for (size_t r = 0; r < GROUP; r++)
                to[i * GROUP + r] = r < count ? x[r * row + i] : 0;
    }
}

static void pack_values(float *to, const float *from, size_t row, size_t rows, size_t width)
{
    for (size_t first = 0; first < width; first += GROUP) {
        size_t count = width - first < GROUP ? width - first : GROUP;

        for (size_t r = 0; r < rows; r++, to += GROUP) {
            const float *x = from + r * row + first;

            if (count == GROUP) {
                for (int p = 0; p < PARTS; p++)
                    store(to + p * LANES, load(x + p * LANES));
                continue;
            }
            for (size_t i = 0; i < GROUP; i++)
                to[i] = i < count ? x[i] : 0;
        }
    }
}

#endif
