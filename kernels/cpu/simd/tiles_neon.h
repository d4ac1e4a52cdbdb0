/* tiles_neon.h - the steps of a product on 64-bit Arm: turns of four, by the instructions that
 * multiply a vector by one number of another. Part of multiply.c.
 *
 * Two turns of a tile of 5 x 16 are 160 such instructions among 180. In assembly, because compilers
 * move sums of such a loop to memory and back. Registers: v0 to v3 a step's weights, v5 a mask, v6
 * to v10 the rows' inputs, v12 to v31 the sums. */
#ifndef CODE_KERNELS_CPU_TILES_NEON_H
#define CODE_KERNELS_CPU_TILES_NEON_H

#include "multiply.h"
#include "vector.h"

enum { NEON_ROWS = 5 };

/* `turns` > 0 turns of four steps of some rows. Sums begin with a row of 16 numbers at `from`, the
 * next row's `from_row` bytes further. */
typedef void NeonTile(const CpuProduct *product, size_t turns, const void *from, size_t from_row);

/* clang-format off */
#define FMLA(sum, weights, input, lane) \
    "fmla v" #sum ".4s, v" #weights ".4s, v" #input ".s[" #lane "]\n"
#define SDOT(sum, weights, input, lane) \
    "sdot v" #sum ".4s, v" #weights ".16b, v" #input ".4b[" #lane "]\n"

#define ROW(MULTIPLY, lane, input, sum0, sum1, sum2, sum3) \
    MULTIPLY(sum0, 0, input, lane) MULTIPLY(sum1, 1, input, lane) \
    MULTIPLY(sum2, 2, input, lane) MULTIPLY(sum3, 3, input, lane)
#define ROWS_1(MULTIPLY, lane)                         ROW(MULTIPLY, lane,  6, 12, 13, 14, 15)
#define ROWS_2(MULTIPLY, lane) ROWS_1(MULTIPLY, lane)  ROW(MULTIPLY, lane,  7, 16, 17, 18, 19)
#define ROWS_3(MULTIPLY, lane) ROWS_2(MULTIPLY, lane)  ROW(MULTIPLY, lane,  8, 20, 21, 22, 23)
#define ROWS_4(MULTIPLY, lane) ROWS_3(MULTIPLY, lane)  ROW(MULTIPLY, lane,  9, 24, 25, 26, 27)
#define ROWS_5(MULTIPLY, lane) ROWS_4(MULTIPLY, lane)  ROW(MULTIPLY, lane, 10, 28, 29, 30, 31)

#define INPUTS_1           "ldr q6, [%[a0]], #16\n"
#define INPUTS_2  INPUTS_1 "ldr q7, [%[a1]], #16\n"
#define INPUTS_3  INPUTS_2 "ldr q8, [%[a2]], #16\n"
#define INPUTS_4  INPUTS_3 "ldr q9, [%[a3]], #16\n"
#define INPUTS_5  INPUTS_4 "ldr q10, [%[a4]], #16\n"

#define SUMS_1(MOVE)              MOVE("v12.4s-v15.4s")
#define SUMS_2(MOVE) SUMS_1(MOVE) MOVE("v16.4s-v19.4s")
#define SUMS_3(MOVE) SUMS_2(MOVE) MOVE("v20.4s-v23.4s")
#define SUMS_4(MOVE) SUMS_3(MOVE) MOVE("v24.4s-v27.4s")
#define SUMS_5(MOVE) SUMS_4(MOVE) MOVE("v28.4s-v31.4s")
#define BEGIN(sums)  "ld1 {" sums "}, [%[from]], %[from_row]\n"
#define END(sums)    "st1 {" sums "}, [%[c]], %[c_row]\n"

/* A word of weights for each step */
#define STEP(MULTIPLY, rows, lane) "ld1 {v0.4s-v3.4s}, [%[b]], #64\n" ROWS_##rows(MULTIPLY, lane)
#define TURN(MULTIPLY, rows) \
    STEP(MULTIPLY, rows, 0) STEP(MULTIPLY, rows, 1) STEP(MULTIPLY, rows, 2) STEP(MULTIPLY, rows, 3)
#define FLOATS_TURN(rows) TURN(FMLA, rows)
#define BYTES_TURN(rows)  TURN(SDOT, rows)

/* Of bfloat16, for two: the low halves of words, then the high ones. Reading them twice takes no
 * more registers. */
#define EACH_WORD(change) change(0) change(1) change(2) change(3)
#define LOW_HALF(v)  "shl v" #v ".4s, v" #v ".4s, #16\n"
#define HIGH_HALF(v) "and v" #v ".16b, v" #v ".16b, v5.16b\n"
#define HALVES_STEPS(rows, low, high) \
    "ld1 {v0.4s-v3.4s}, [%[b]]\n"      EACH_WORD(LOW_HALF)  ROWS_##rows(FMLA, low) \
    "ld1 {v0.4s-v3.4s}, [%[b]], #64\n" EACH_WORD(HIGH_HALF) ROWS_##rows(FMLA, high)
#define HALVES_TURN(rows) HALVES_STEPS(rows, 0, 1) HALVES_STEPS(rows, 2, 3)

#define CLOBBERED \
    "v0", "v1", "v2", "v3", "v5", "v6", "v7", "v8", "v9", "v10", "v12", "v13", "v14", "v15", \
    "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", \
    "v29", "v30", "v31", "cc", "memory"

#define NEON_TILE(numbers, rows) \
    static void numbers##_##rows(const CpuProduct *product, size_t turns, const void *from, \
                                 size_t from_row) \
    { \
        const char *a0 = product->a; \
        size_t a_row = product->a_row * 4, c_row = product->c_row * 4; \
        const char *a1 = a0 + a_row, *a2 = a1 + a_row, *a3 = a2 + a_row, *a4 = a3 + a_row; \
        const void *b = product->b; \
        void *c = product->c; \
        __asm__ volatile( \
            "mvni v5.4s, #255, msl #8\n" SUMS_##rows(BEGIN) \
            "tbz %[turns], #0, 1f\n" \
            INPUTS_##rows numbers##_TURN(rows) \
            "subs %[turns], %[turns], #1\n" \
            "b.eq 2f\n" \
            "1:\n" \
            INPUTS_##rows numbers##_TURN(rows) \
            INPUTS_##rows numbers##_TURN(rows) \
            "subs %[turns], %[turns], #2\n" \
            "b.ne 1b\n" \
            "2:\n" \
            SUMS_##rows(END) \
            : [a0] "+r"(a0), [a1] "+r"(a1), [a2] "+r"(a2), [a3] "+r"(a3), [a4] "+r"(a4), \
              [b] "+r"(b), [c] "+r"(c), [turns] "+r"(turns), [from] "+r"(from) \
            : [from_row] "r"(from_row), [c_row] "r"(c_row) : CLOBBERED); \
    }
#define NEON_TILES(numbers) \
    NEON_TILE(numbers, 1) NEON_TILE(numbers, 2) NEON_TILE(numbers, 3) NEON_TILE(numbers, 4) \
    NEON_TILE(numbers, 5)
#define LISTED(numbers) {numbers##_1, numbers##_2, numbers##_3, numbers##_4, numbers##_5}

NEON_TILES(FLOATS)
NEON_TILES(HALVES)
#ifdef __ARM_FEATURE_DOTPROD
NEON_TILES(BYTES)
#endif

/* By numbers and rows; without a dot product, compilers do well with bytes. */
static NeonTile *const neon_tiles[][NEON_ROWS] = {
    [CPU_FLOATS] = LISTED(FLOATS),
    [CPU_HALVES] = LISTED(HALVES),
#ifdef __ARM_FEATURE_DOTPROD
    [CPU_BYTES] = LISTED(BYTES),
#else
    [CPU_BYTES] = {NULL},
#endif
};
/* clang-format on */

/* Begins `tiles` tiles of one panel, one below the other, with as many turns as there are; returns
 * their steps, or 0 if no tile here has their form. */
INLINE size_t neon_multiply(const CpuProduct *product, size_t tiles, CpuNumbers numbers)
{
    static const float zeros[GROUP];
    size_t turns = product->steps / 4, from_row = product->add ? product->c_row * 4 : 0;
    CpuProduct tile = *product;

    if (!turns || tile.rows > NEON_ROWS || !neon_tiles[numbers][0])
        return 0;
    for (; tiles; tiles--) {
        neon_tiles[numbers][tile.rows - 1](&tile, turns,
                                           tile.add     ? tile.c
                                           : tile.start ? tile.start
                                                        : zeros,
                                           from_row);
        tile.a = (const uint32_t *)tile.a + tile.rows * tile.a_row;
        tile.c = (uint32_t *)tile.c + tile.rows * tile.c_row;
    }
    return turns * 4;
}

#endif
