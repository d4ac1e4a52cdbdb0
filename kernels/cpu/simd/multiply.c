/* multiply.c - products in tiles that stay in registers, and what brings numbers into their form.
 * The build defines CPU_MULTIPLY as the name of the table.
 *
 * In float32, each output is one chain of fused multiply-adds, from a given number over the steps
 * in ascending order; sums of bytes are exact. So the shape of a tile, and cutting the steps into
 * blocks, change no bit. */
#include "multiply.h"

#include "multiply_keys.h"
#include "vector.h"

#ifdef __aarch64__
#include "tiles_neon.h"
#endif
#if defined __ARM_FEATURE_MATMUL_INT8 || defined __ARM_FEATURE_BF16_VECTOR_ARITHMETIC
#define MATRICES
#include "matrices_neon.h"
#else
enum { MATRIX_NUMBERS = -1, MATRIX_ROWS = 0 };
#endif

/* Sums of a tile: as many as registers hold besides a step's inputs and weights. If two steps share
 * words of weights, a constant or a product takes one more. A block of weights, which the rows of a
 * product share, stays in the first cache. */
#if defined CPU_TILE_SUMS /* of a build for tests, which compiles no more shapes than that needs */
enum { TILE_SUMS = CPU_TILE_SUMS, PAIRS_SUMS = CPU_TILE_SUMS };
#elif defined __AVX512F__
enum { TILE_SUMS = 24, PAIRS_SUMS = 24 };
#elif defined __aarch64__
enum { TILE_SUMS = 20, PAIRS_SUMS = 20 };
#elif defined __AVX2__
enum { TILE_SUMS = 12, PAIRS_SUMS = 10 };
#else
enum { TILE_SUMS = 8, PAIRS_SUMS = 8 };
#endif

enum {
    ROWS = 12,                        /* of any tile at most */
    PANELS = TILE_SUMS == 20 ? 1 : 2, /* of a low tile: enough chains of sums to keep a unit busy */
    BLOCK_STEPS = PARTS == 1 ? 128 : 256,
    STREAM_AHEAD = 64 * 16, /* of 32 bits, if each weight is used once */
};

/* 32 bits of inputs or weights: floats, halves or bytes. */
typedef uint32_t Word __attribute__((may_alias));

/* Weights that come from memory rather than a cache must be asked for long before they are used:
 * the tiles of one panel share out the next one. */
typedef struct Ahead {
    const Word *next; /* weights that a tile asks for, */
    size_t step;      /* so many further at each turn */
} Ahead;

/* ---- one step -------------------------------------------------------------------------------- */

/* Two steps share 32 bits of weights: of bfloat16, and of bytes without an instruction for four. */
INLINE bool in_pairs(CpuNumbers numbers)
{
    return numbers == CPU_HALVES || (numbers == CPU_BYTES && STEP_BYTES == 2);
}

/* Multiplied by instructions for small matrices */
INLINE bool in_matrices(CpuNumbers numbers)
{
    return (int)numbers == MATRIX_NUMBERS;
}

INLINE unsigned most_sums(CpuNumbers numbers)
{
    if (in_matrices(numbers))
        return MATRIX_ROWS * PARTS;
    return in_pairs(numbers) ? PAIRS_SUMS : TILE_SUMS;
}

/* The most rows of a tile of so many vectors. */
INLINE size_t most_rows(CpuNumbers numbers, unsigned width)
{
    unsigned rows = most_sums(numbers) / width;

    return rows < ROWS ? rows : ROWS;
}

/* Weights of a step as they are multiplied; `odd`: of the second of two that share 32 bits. */
INLINE Vector weights_of(const Word *from, const CpuNumbers numbers, const bool odd)
{
    Bits both = *(const UnalignedBits *)from;

    if (!in_pairs(numbers))
        return (Vector)both;
    if (numbers == CPU_BYTES)
        return (Vector)(odd ? (Shorts)both >> 8 : (Shorts)both << 8 >> 8);
    return (Vector)(odd ? both & (int32_t)0xFFFF0000 : (Bits)((Unsigned)both << 16));
}

/* Number `step` of a row, in all lanes. */
INLINE Vector spread(const Word *a, size_t step)
{
    return (Vector)((int32_t)a[step] - (Bits){0});
}

/* Where a step's numbers are. */
typedef struct Step {
    const Word *const *a; /* rows */
    const Word *b;        /* panels, b_panel apart */
    size_t step, b_panel;
} Step;

INLINE void multiply_step(const Step from, const CpuNumbers numbers, const bool odd,
                          const unsigned rows, const unsigned width, Vector *sums)
{
    Vector weights[2 * PARTS];

#pragma GCC unroll 8
    for (unsigned v = 0; v < width; v++)
        weights[v] =
            weights_of(from.b + v / PARTS * from.b_panel + v % PARTS * LANES, numbers, odd);
#pragma GCC unroll 12
    for (unsigned r = 0; r < rows; r++) {
        Vector input = spread(from.a[r], from.step);

#pragma GCC unroll 8
        for (unsigned v = 0; v < width; v++) {
            Vector *sum = &sums[r * width + v];

            *sum = numbers == CPU_BYTES
                       ? (Vector)add_products((Bits)input, (Bits)weights[v], (Bits)*sum)
                       : fused(input, weights[v], *sum);
        }
    }
}

/* One tile: rows a_row apart from `from` on, to rows c_row apart from c on. Returns the weights to
 * ask for next. */
INLINE const Word *multiply_tile(const CpuProduct *product, const Word *from, float *c, Ahead ahead,
                                 const CpuNumbers numbers, const unsigned rows,
                                 const unsigned width)
{
    const unsigned together = in_pairs(numbers) ? 2 : 1; /* steps of a turn */
    const Word *a[ROWS], *b = product->b;
    Vector sums[ROWS * 2 * PARTS]; /* of which TILE_SUMS at most are used */
    size_t step = 0;

#pragma GCC unroll 12
    for (unsigned r = 0; r < rows; r++) {
        a[r] = from + r * product->a_row;
#pragma GCC unroll 8
        for (unsigned v = 0; v < width; v++)
            sums[r * width + v] = product->add     ? load(c + r * product->c_row + v * LANES)
                                  : product->start ? load(product->start + v * LANES)
                                                   : (Vector){0};
    }
    for (; step + together <= product->steps; step += together) {
#pragma GCC unroll 2
        for (unsigned panel = 0; panel * PARTS < width; panel++)
            __builtin_prefetch(ahead.next + panel * product->b_panel);
        multiply_step((Step){a, b, step, product->b_panel}, numbers, false, rows, width, sums);
        if (together == 2) {
            __asm__ volatile("" ::: "memory"); /* else inputs of both take registers from sums */
            multiply_step((Step){a, b, step + 1, product->b_panel}, numbers, true, rows, width,
                          sums);
        }
        b += GROUP;
        ahead.next += ahead.step;
    }
    if (step < product->steps)
        multiply_step((Step){a, b, step, product->b_panel}, numbers, false, rows, width, sums);
#pragma GCC unroll 12
    for (unsigned r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (unsigned v = 0; v < width; v++)
            store(c + r * product->c_row + v * LANES, sums[r * width + v]);
    return ahead.next;
}

/* Tiles of equal height, one below the other. Compiled for constant rows, vectors and numbers, so
 * that all of a tile's sums live in registers. */
INLINE void multiply_tiles(const CpuProduct product, size_t tiles, Ahead ahead,
                           const CpuNumbers numbers, const unsigned rows, const unsigned width)
{
    const Word *from = product.a;
    float *c = product.c;

    for (; tiles; tiles--, from += rows * product.a_row, c += rows * product.c_row)
        ahead.next = multiply_tile(&product, from, c, ahead, numbers, rows, width);
}

/* ---- a product ------------------------------------------------------------------------------- */

#define TILE_CASE(rows)                                                                            \
    case rows:                                                                                     \
        if ((rows)*width <= most_sums(numbers))                                                    \
            multiply_tiles(*product, tiles, ahead, numbers, rows, width);                          \
        return;

/* Compiled for a constant number of vectors, and numbers. */
INLINE void multiply_rows(const CpuProduct *product, size_t tiles, Ahead ahead,
                          const CpuNumbers numbers, const unsigned width)
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

INLINE void multiply_panels(const CpuProduct *product, size_t tiles, Ahead ahead,
                            const CpuNumbers numbers, bool narrow)
{
#ifdef MATRICES
    if (in_matrices(numbers)) {
        matrix_multiply(product, tiles);
        return;
    }
#endif
#ifdef __aarch64__
    size_t done = narrow ? 0 : neon_multiply(product, tiles, numbers);
    CpuProduct rest;

    if (done && done == product->steps)
        return;
    if (done) {
        rest = *product;
        rest.a = (const Word *)product->a + done;
        rest.b = (const Word *)product->b + done / (in_pairs(numbers) ? 2 : 1) * GROUP;
        rest.steps -= done;
        rest.add = true;
        product = &rest;
    }
#endif
    if (PANELS == 2 && product->panels == 2)
        multiply_rows(product, tiles, ahead, numbers, 2 * PARTS);
    else if (narrow)
        multiply_rows(product, tiles, ahead, numbers, 1);
    else
        multiply_rows(product, tiles, ahead, numbers, PARTS);
}

/* All rows and panels, for one block of steps: in tiles of equal height. `after` are the weights
 * that are used next. */
static void multiply_block(const CpuProduct *product, const Word *after)
{
    bool narrow = product->panels == 1 && product->width <= LANES && !in_matrices(product->numbers);
    size_t most = most_rows(product->numbers, narrow ? 1 : PARTS);
    size_t tiles = (product->rows + most - 1) / most;
    CpuProduct tile = *product;

    for (size_t panel = 0; panel < product->panels; panel += tile.panels) {
        const Word *weights = (const Word *)product->b + panel * product->b_panel;
        Ahead ahead = {.step = (GROUP + tiles - 1) / tiles};
        size_t row = 0;

        tile.rows = (product->rows + tiles - 1) / tiles;
        tile.panels = 1;
        if (PANELS == 2 && tile.rows <= most_rows(product->numbers, 2 * PARTS) &&
            panel + 1 < product->panels)
            tile.panels = 2;
        tile.b = weights;
        ahead.next =
            panel + tile.panels < product->panels ? weights + tile.panels * tile.b_panel : after;
        if (tiles == 1)
            ahead.next = weights + STREAM_AHEAD;
        for (size_t left = tiles, equal; left; left -= equal, row += equal * tile.rows) {
            equal = (product->rows - row) % left; /* tiles of a row more than the others */
            equal = equal ? equal : left;
            tile.rows = (product->rows - row + left - 1) / left;
            tile.a = (const Word *)product->a + row * product->a_row;
            tile.c = (float *)product->c + row * product->c_row + panel * GROUP;
            tile.start = product->start ? product->start + panel * GROUP : NULL;
            if (product->numbers == CPU_FLOATS)
                multiply_panels(&tile, equal, ahead, CPU_FLOATS, narrow);
            else if (product->numbers == CPU_HALVES)
                multiply_panels(&tile, equal, ahead, CPU_HALVES, narrow);
            else
                multiply_panels(&tile, equal, ahead, CPU_BYTES, narrow);
            ahead.next += equal * tile.steps * ahead.step;
        }
    }
}

static void multiply(const CpuProduct *product)
{
    size_t blocks = (product->steps + BLOCK_STEPS - 1) / BLOCK_STEPS, step = 0;
    size_t together = in_pairs(product->numbers) ? 2 : 1;
    CpuProduct block = *product;

    if (product->rows <= most_rows(product->numbers, PARTS) || !blocks)
        blocks = 1;
    for (size_t left = blocks; left; left--, step += block.steps) {
        block.steps = (product->steps - step + left - 1) / left;
        if (left > 1)
            block.steps = (block.steps + 3) / 4 * 4; /* whole turns */
        block.a = (const Word *)product->a + step;
        block.b = (const Word *)product->b + step / together * GROUP;
        block.add = product->add || step;
        multiply_block(&block, left > 1
                                   ? (const Word *)block.b + block.steps / together * GROUP
                                   : (const Word *)product->b + product->panels * product->b_panel);
    }
}

/* ---- inputs ---------------------------------------------------------------------------------- */

static void widen(float *to, const uint16_t *from, size_t count)
{
    size_t i = 0;

    for (; i + LANES <= count; i += LANES)
        store(to + i, load_half(from + i));
    if (i < count)
        store_part(to + i, load_half_part(from + i, count - i), count - i);
}

static void round_halves(float *to, const float *from, size_t count)
{
    size_t i = 0;

    for (; i + LANES <= count; i += LANES)
        store(to + i, widen_half(narrow(load(from + i))));
    if (i < count)
        store_part(to + i, widen_half(narrow(load_part(from + i, count - i))), count - i);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

INLINE float smallest(Vector v)
{
    return -largest(-v);
}

/* The first `count` bytes, each in 32 bits, from input `at` on. */
INLINE void store_inputs(void *to, size_t at, Bits whole, size_t count)
{
    Halves halves;

    if (STEP_BYTES == 4) {
        store_bytes((uint8_t *)to + at, whole, count);
        return;
    }
    halves = __builtin_convertvector((Unsigned)whole, Halves);
    memcpy((uint16_t *)to + at, &halves, count * sizeof(uint16_t));
}

/* Asymmetric, since GELU's outputs are nearly all positive and would waste half of a symmetric
 * range. The range always holds 0. A row whose values are all below about 1e-32 is 0, because the
 * inverse of its scale must be a number; and so are the bytes of one with an infinite value, whose
 * scale is infinite. */
INLINE void quantise_row(void *to, const void *x, size_t count, const bool halves, float *scale,
                         int32_t *zero)
{
    const float magic = 0x1.8p23f; /* adding it rounds to an integer, kept in the low bits */
    Vector high = {0}, low = {0};
    float top, bottom, inverse, offset;

    for (size_t i = 0; i < count; i += LANES) {
        Vector v = load_numbers(x, i, count - i, halves);

        high = larger(v, high);
        low = smaller(v, low);
    }
    top = largest(high), bottom = smallest(low);
    *scale = top / 255 - bottom / 255; /* the difference of the two may be no number */
    inverse = *scale > 1e-34f ? 1 / *scale : 0;
    offset = (inverse > 0 ? -bottom * inverse : 0) + magic; /* infinity times 0 is no number */
    offset -= magic;
    *zero = (int32_t)offset - BYTES_BELOW;
    for (size_t i = 0; i < count; i += LANES) {
        size_t n = count - i < LANES ? count - i : LANES;
        Vector v = load_numbers(x, i, n, halves) * inverse + offset;

        v = smaller(larger(v, (Vector){0}), splat(255.0f)) + magic;
        store_inputs(to, i, ((Bits)v & 255) ^ BYTES_BELOW, n);
    }
}

static void quantise(void *to, const void *x, size_t count, bool halves, float *scale,
                     int32_t *zero)
{
    if (halves)
        quantise_row(to, x, count, true, scale, zero);
    else
        quantise_row(to, x, count, false, scale, zero);
}

/* ---- the table ------------------------------------------------------------------------------- */

extern const CpuMultiplier CPU_MULTIPLY;

const CpuMultiplier CPU_MULTIPLY = {
    .multiply = multiply,
    .pack_keys = pack_keys,
    .pack_values = pack_values,
    .widen = widen,
    .round = round_halves,
    .quantise = quantise,
    .step_bytes = STEP_BYTES,
#ifdef MATRICES
    .zipped = {[MATRIX_NUMBERS] = true},
#endif
};
