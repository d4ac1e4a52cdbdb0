/* gemm_amx.c - products by AMX, whose registers are tiles of 16 rows of 64 bytes: of bfloat16 as
 * the tile kernel of gemm.h, and of bytes as a multiplier of simd/multiply.h. All else is as with
 * AVX-512.
 *
 * An instruction takes 16 steps of up to 16 rows. Four sums share the inputs: on Sapphire Rapids
 * the instructions of a block of 16 steps take 64 cycles, and loading its five tiles 40 (Intel 64
 * and IA-32 Architectures Optimization Reference Manual, "Intel AMX"). Packed weights already have
 * the order that AMX wants, a step of 16 outputs in a row.
 *
 * A thread loads the shapes of its tiles when they change, and the pool releases them after its
 * tasks, since the kernel saves tiles that are in use. Loading takes longer than a block. */
#include "gemm.h"
#include "gemm_avx512.h"
#include "simd/multiply.h"

#include <immintrin.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

enum { STEPS = 16, ROWS = 16, ROW_BYTES = 64 }; /* of a tile */

/* Tiles 0 to 3 are sums. Macros, since GCC makes names of instructions from them. */
#define INPUTS       4
#define WEIGHTS      5
#define LAST_INPUTS  6 /* of the last steps, if fewer than 16 are left */
#define LAST_WEIGHTS 7

/* ---- shapes ---------------------------------------------------------------------------------- */

/* As LDTILECFG reads them. */
typedef struct Shapes {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} Shapes;

_Static_assert(sizeof(Shapes) == 64, "64 bytes");

/* GCC 12 does not know that tiles and shapes are read from and written to memory: see bug 114098,
 * for one. */
INLINE void settle(void *memory)
{
    __asm__ volatile("" : : "r"(memory) : "memory");
}

static void set_shape(Shapes *shapes, unsigned tile, size_t rows, size_t steps)
{
    shapes->rows[tile] = (uint8_t)rows;
    shapes->row_bytes[tile] = (uint16_t)(4 * steps);
}

/* Shapes for `rows` rows of inputs and so many steps. */
static void take_shapes(size_t rows, size_t steps)
{
    Shapes wanted = {.palette = 1}, found;
    size_t last = steps % STEPS;

    for (unsigned sum = 0; sum < 4; sum++)
        set_shape(&wanted, sum, rows, STEPS);
    set_shape(&wanted, INPUTS, rows, STEPS);
    set_shape(&wanted, WEIGHTS, STEPS, STEPS);
    if (last) {
        set_shape(&wanted, LAST_INPUTS, rows, last);
        set_shape(&wanted, LAST_WEIGHTS, last, STEPS);
    }
    _tile_storeconfig(&found);
    settle(&found);
    if (!memcmp(&found, &wanted, sizeof found))
        return;
    settle(&wanted);
    _tile_loadconfig(&wanted);
}

static void release(void)
{
    _tile_release();
}

/* ---- sums ------------------------------------------------------------------------------------ */

typedef enum Type { BF16, INT8 } Type;

/* Up to four tiles of sums, side by side. Distances are in bytes. */
typedef struct Sums {
    size_t b_step, b_tile; /* of weights: from a step to the next, and from a tile to the next */
    char *c;
    size_t c_row;
    unsigned tiles;
} Sums;

#define FOR_EACH_TILE(DO)                                                                          \
    do {                                                                                           \
        DO(0)                                                                                      \
        DO(1)                                                                                      \
        DO(2)                                                                                      \
        DO(3)                                                                                      \
    } while (0)

INLINE void begin_sums(const Sums *sums, bool add)
{
#define BEGIN(tile)                                                                                \
    if (tile < sums->tiles) {                                                                      \
        if (add)                                                                                   \
            _tile_loadd(tile, sums->c + tile * ROW_BYTES, sums->c_row);                            \
        else                                                                                       \
            _tile_zero(tile);                                                                      \
    }
    FOR_EACH_TILE(BEGIN);
#undef BEGIN
}

INLINE void end_sums(const Sums *sums)
{
#define END(tile)                                                                                  \
    if (tile < sums->tiles)                                                                        \
        _tile_stored(tile, sums->c + tile * ROW_BYTES, sums->c_row);
    FOR_EACH_TILE(END);
#undef END
}

#define MULTIPLY(tile, inputs, weights)                                                            \
    if (tile < sums->tiles) {                                                                      \
        _tile_loadd(weights, b + tile * sums->b_tile, sums->b_step);                               \
        if (type == INT8)                                                                          \
            _tile_dpbusd(tile, inputs, weights);                                                   \
        else                                                                                       \
            _tile_dpbf16ps(tile, inputs, weights);                                                 \
    }

/* Adds the products of rows of inputs, `row` bytes apart, with the weights from `b` on. */
INLINE void add_products(const Sums *sums, const char *a, size_t row, const char *b, size_t steps,
                         const Type type)
{
#define WHOLE(tile) MULTIPLY(tile, INPUTS, WEIGHTS)
#define LAST(tile)  MULTIPLY(tile, LAST_INPUTS, LAST_WEIGHTS)
    for (; steps >= STEPS; steps -= STEPS, a += ROW_BYTES, b += STEPS * sums->b_step) {
        _tile_loadd(INPUTS, a, row);
        FOR_EACH_TILE(WHOLE);
    }
    if (steps) {
        _tile_loadd(LAST_INPUTS, a, row);
        FOR_EACH_TILE(LAST);
    }
#undef WHOLE
#undef LAST
}

/* ---- bfloat16 -------------------------------------------------------------------------------- */

/* Whether rows lie at equal distances. */
INLINE bool are_even(const void *const *a, unsigned rows)
{
    for (unsigned r = 2; r < rows; r++)
        if ((const char *)a[r] - (const char *)a[r - 1] != (const char *)a[1] - (const char *)a[0])
            return false;
    return true;
}

/* The same for rows that do not, such as those at the edge of a map. */
static void add_gathered(const Sums *sums, const void *const *a, unsigned rows, const char *b,
                         size_t steps)
{
    char inputs[ROWS * ROW_BYTES] __attribute__((aligned(64)));

    for (size_t step = 0, count; step < steps; step += count, b += count * sums->b_step) {
        count = steps - step < STEPS ? steps - step : STEPS;
        for (unsigned r = 0; r < rows; r++)
            memcpy(inputs + r * ROW_BYTES, (const char *)a[r] + 4 * step, 4 * count);
        settle(inputs);
        add_products(sums, inputs, ROW_BYTES, b, count, BF16);
    }
}

static void gemm_bf16(const GemmTile *tile)
{
    const unsigned rows = tile->rows;
    const size_t step_bytes = tile->vectors * ROW_BYTES;
    const Sums sums = {.b_step = step_bytes,
                       .b_tile = ROW_BYTES,
                       .c = tile->c,
                       .c_row = tile->c_row * 4,
                       .tiles = tile->vectors};
    const void *const *a = tile->a;
    const char *b = tile->b;

    take_shapes(rows, tile->steps);
    begin_sums(&sums, tile->add);
    for (unsigned tap = 0; tap < tile->taps; tap++, a += rows, b += tile->steps * step_bytes)
        if (are_even(a, rows))
            add_products(&sums, a[0], rows > 1 ? (const char *)a[1] - (const char *)a[0] : 0, b,
                         tile->steps, BF16);
        else
            add_gathered(&sums, a, rows, b, tile->steps);
    end_sums(&sums);
}

extern const CpuGemm cpu_gemm_amx;

const CpuGemm cpu_gemm_amx = {
    .rows = {[1] = ROWS, [2] = ROWS, [3] = ROWS, [4] = ROWS},
    .bf16 = gemm_bf16,
    .pack_columns = gemm_pack_columns,
    .pack_steps = gemm_pack_steps,
    .pack_panel = gemm_pack_panel,
    .softmax = gemm_softmax,
};

/* ---- bytes ----------------------------------------------------------------------------------- */

extern const CpuMultiplier cpu_multiply_avx512_vnni, cpu_multiply_amx;

static void multiply(const CpuProduct *product)
{
    size_t tiles = (product->rows + ROWS - 1) / ROWS;

    if (product->numbers != CPU_BYTES) {
        cpu_multiply_avx512_vnni.multiply(product);
        return;
    }
    for (size_t row = 0, rows; row < product->rows; row += rows, tiles--) {
        const char *a = (const char *)product->a + row * product->a_row * 4;

        rows = (product->rows - row + tiles - 1) / tiles;
        take_shapes(rows, product->steps);
        for (size_t panel = 0; panel < product->panels; panel += 4) {
            const char *b = (const char *)product->b + panel * product->b_panel * 4;
            const Sums sums = {
                .b_step = ROW_BYTES,
                .b_tile = product->b_panel * 4,
                .c = (char *)product->c + (row * product->c_row + panel * 16) * 4,
                .c_row = product->c_row * 4,
                .tiles = product->panels - panel < 4 ? (unsigned)(product->panels - panel) : 4};

            begin_sums(&sums, product->add);
            add_products(&sums, a, product->a_row * 4, b, product->steps, INT8);
            end_sums(&sums);
        }
    }
}

static void pack_keys(float *to, const void *from, size_t row, size_t rows, size_t width,
                      bool halves)
{
    cpu_multiply_avx512_vnni.pack_keys(to, from, row, rows, width, halves);
}

static void pack_values(float *to, const void *from, size_t row, size_t rows, size_t width,
                        bool halves)
{
    cpu_multiply_avx512_vnni.pack_values(to, from, row, rows, width, halves);
}

static void widen(float *to, const uint16_t *from, size_t count)
{
    cpu_multiply_avx512_vnni.widen(to, from, count);
}

static void round_halves(float *to, const float *from, size_t count)
{
    cpu_multiply_avx512_vnni.round(to, from, count);
}

static void quantise(void *to, const void *x, size_t count, bool halves, float *scale,
                     int32_t *zero)
{
    cpu_multiply_avx512_vnni.quantise(to, x, count, halves, scale, zero);
}

const CpuMultiplier cpu_multiply_amx = {
    .multiply = multiply,
    .pack_keys = pack_keys,
    .pack_values = pack_values,
    .widen = widen,
    .round = round_halves,
    .quantise = quantise,
    .step_bytes = 4,
    .release = release,
};
