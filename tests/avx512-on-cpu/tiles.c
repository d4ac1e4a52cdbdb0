/* tiles.c - AMX's instructions on processors without them: a handler of the signal for unknown
 * instructions, which does what they mean. So kernels run as they were compiled; what ran only here
 * is called emulated. Misuse of tiles, which a processor answers with an exception, ends the
 * program.
 *
 * Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2. */
#include <immintrin.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

enum { TILES = 8, ROWS = 16, ROW_BYTES = 64 };

/* As in memory. */
typedef struct Shapes {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} Shapes;

typedef struct Tile {
    _Alignas(64) uint8_t row[ROWS][ROW_BYTES];
} Tile;

static _Thread_local Shapes shapes;
static _Thread_local Tile tiles[TILES];

static void fail(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) >= 0)
        abort();
    abort();
}

/* ---- shapes ---------------------------------------------------------------------------------- */

static void check_shapes(const Shapes *new)
{
    static const uint8_t zeros[sizeof new->reserved];

    if (new->palette != 1 || new->start_row)
        fail("LDTILECFG: not palette 1 from row 0\n");
    if (memcmp(new->reserved, zeros, sizeof zeros))
        fail("LDTILECFG: a reserved byte is not 0\n");
    for (int i = 0; i < 16; i++) {
        if (new->rows[i] > (i < TILES ? ROWS : 0) ||
            new->row_bytes[i] > (i < TILES ? ROW_BYTES : 0))
            fail("LDTILECFG: a tile is too large\n");
        if (!new->rows[i] != !new->row_bytes[i])
            fail("LDTILECFG: a tile has either rows or columns\n");
    }
}

static void release(void)
{
    memset(&shapes, 0, sizeof shapes);
    memset(tiles, 0, sizeof tiles);
}

static void load_shapes(const void *from)
{
    Shapes new;

    memcpy(&new, from, sizeof new);
    release();
    if (new.palette) {
        check_shapes(&new);
        shapes = new;
    }
}

static Tile *tile_of(unsigned index)
{
    if (index >= TILES || !shapes.rows[index])
        fail("a tile has no shape\n");
    if (shapes.row_bytes[index] % 4)
        fail("a tile's rows are not whole columns\n");
    return &tiles[index];
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void load_tile(unsigned index, const char *from, uint64_t stride)
{
    Tile *tile = tile_of(index);

    memset(tile, 0, sizeof *tile);
    for (unsigned r = 0; r < shapes.rows[index]; r++)
        memcpy(tile->row[r], from + r * stride, shapes.row_bytes[index]);
}

static void store_tile(unsigned index, char *to, uint64_t stride)
{
    const Tile *tile = tile_of(index);

    for (unsigned r = 0; r < shapes.rows[index]; r++)
        memcpy(to + r * stride, tile->row[r], shapes.row_bytes[index]);
}

/* ---- products -------------------------------------------------------------------------------- */

/* Of a sum (rows, columns) = a (rows, steps) * b (steps, columns) of 32 bits. */
static void check_product(unsigned sum, unsigned a, unsigned b)
{
    tile_of(sum), tile_of(a), tile_of(b);
    if (sum == a || sum == b || a == b)
        fail("a product of one tile with itself\n");
    if (shapes.rows[sum] != shapes.rows[a] || shapes.row_bytes[sum] != shapes.row_bytes[b] ||
        shapes.row_bytes[a] != 4 * shapes.rows[b])
        fail("a product of tiles whose shapes do not fit\n");
}

static void multiply_bytes(unsigned sum, unsigned a, unsigned b)
{
    check_product(sum, a, b);
    for (unsigned m = 0; m < shapes.rows[sum]; m++) {
        uint32_t sums[16];

        memcpy(sums, tiles[sum].row[m], sizeof sums);
        for (unsigned k = 0; k < shapes.rows[b]; k++) {
            const uint8_t *x = tiles[a].row[m] + 4 * k;
            const int8_t *y = (const int8_t *)tiles[b].row[k];

            for (unsigned n = 0; n < 16; n++) /* columns past the last are 0 */
                sums[n] += (uint32_t)(x[0] * y[4 * n] + x[1] * y[4 * n + 1] + x[2] * y[4 * n + 2] +
                                      x[3] * y[4 * n + 3]);
        }
        memcpy(tiles[sum].row[m], sums, sizeof sums);
    }
}

static float widened(uint32_t bits)
{
    float x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

/* First and second numbers of all pairs are summed apart from 0 on, then these two, then the result
 * with the tile. To nearest even, denormals of operands and results are 0: MXCSR makes it so here,
 * but of a processor's tiles it has no say. */
static void multiply_halves(unsigned sum, unsigned a, unsigned b)
{
    unsigned columns = shapes.row_bytes[sum] / 4;

    check_product(sum, a, b);
    _mm_setcsr(0x9FC0);
    for (unsigned m = 0; m < shapes.rows[sum]; m++) {
        float sums[16], first[16] = {0}, second[16] = {0};

        for (unsigned k = 0; k < shapes.rows[b]; k++) {
            uint32_t x, y[16];

            memcpy(&x, tiles[a].row[m] + 4 * k, sizeof x);
            memcpy(y, tiles[b].row[k], sizeof y);
            for (unsigned n = 0; n < 16; n++) {
                first[n] = fmaf(widened(x << 16), widened(y[n] << 16), first[n]);
                second[n] = fmaf(widened(x & 0xFFFF0000), widened(y[n] & 0xFFFF0000), second[n]);
            }
        }
        memcpy(sums, tiles[sum].row[m], sizeof sums);
        for (unsigned n = 0; n < columns; n++)
            sums[n] += first[n] + second[n];
        memcpy(tiles[sum].row[m], sums, sizeof sums);
    }
}

/* ---- instructions ---------------------------------------------------------------------------- */

/* One with a VEX prefix of three bytes. */
typedef struct Instruction {
    unsigned opcode, prefix; /* prefix: 0, 0x66, 0xF3, 0xF2 */
    unsigned mode, reg, rm, other;
    char *address;   /* without the index, unless it is absent */
    uint64_t stride; /* index << scale */
    size_t length;
} Instruction;

/* Of general registers as instructions number them. */
static const int registers[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                  REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                  REG_R12, REG_R13, REG_R14, REG_R15};

static void find_address(const greg_t *gregs, const uint8_t *at, Instruction *found)
{
    unsigned base = found->rm & 7, high = at[1] & 0x20 ? 0 : 8; /* inverted */
    uint64_t address = 0;
    int32_t offset = 0;

    found->length = 5;
    if (base == 4) {
        unsigned sib = at[found->length++], index = (sib >> 3 & 7) | (at[1] & 0x40 ? 0 : 8);

        base = sib & 7;
        if (index != 4)
            found->stride = (uint64_t)gregs[registers[index]] << (sib >> 6);
    }
    if (found->mode == 0 && base == 5) { /* relative to the next instruction, unless it has a SIB */
        if ((found->rm & 7) == 4)
            fail("an address without a base is not emulated\n");
        address = (uint64_t)gregs[REG_RIP] + found->length + 4;
    } else {
        address = (uint64_t)gregs[registers[base | high]];
    }
    if (found->mode == 1) {
        offset = (int8_t)at[found->length++];
    } else if (found->mode == 2 || (found->mode == 0 && base == 5)) {
        memcpy(&offset, at + found->length, sizeof offset);
        found->length += sizeof offset;
    }
    found->address = (char *)(address + (uint64_t)(int64_t)offset);
}

/* False if this is no instruction with VEX.128.0F38.W0. */
static bool decode(const greg_t *gregs, Instruction *found)
{
    static const unsigned prefixes[4] = {0, 0x66, 0xF3, 0xF2};
    const uint8_t *at = (const uint8_t *)gregs[REG_RIP];

    if (at[0] != 0xC4 || (at[1] & 0x1F) != 2 || (at[2] & 0x84))
        return false;
    *found = (Instruction){.opcode = at[3],
                           .prefix = prefixes[at[2] & 3],
                           .mode = at[4] >> 6,
                           .reg = (at[4] >> 3 & 7) | (at[1] & 0x80 ? 0 : 8),
                           .rm = at[4] & 7,
                           .other = ~at[2] >> 3 & 15,
                           .length = 5};
    if (found->mode != 3)
        find_address(gregs, at, found);
    return true;
}

/* False if it is not one of these. */
static bool run(const Instruction *i)
{
    bool memory = i->mode != 3;

    if (i->opcode == 0x49 && i->prefix == 0 && memory)
        load_shapes(i->address);
    else if (i->opcode == 0x49 && i->prefix == 0)
        release();
    else if (i->opcode == 0x49 && i->prefix == 0x66 && memory)
        memcpy(i->address, &shapes, sizeof shapes);
    else if (i->opcode == 0x49 && i->prefix == 0xF2 && !memory)
        memset(tile_of(i->reg), 0, sizeof(Tile));
    else if (i->opcode == 0x4B && i->prefix == 0xF2 && memory)
        load_tile(i->reg, i->address, i->stride);
    else if (i->opcode == 0x4B && i->prefix == 0xF3 && memory)
        store_tile(i->reg, i->address, i->stride);
    else if (i->opcode == 0x5C && i->prefix == 0xF3 && !memory)
        multiply_halves(i->reg, i->rm, i->other);
    else if (i->opcode == 0x5E && i->prefix == 0x66 && !memory)
        multiply_bytes(i->reg, i->rm, i->other);
    else
        return false;
    return true;
}

static void on_unknown(int number, siginfo_t *info, void *context)
{
    greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;
    Instruction instruction;

    (void)info;
    if (decode(gregs, &instruction) && run(&instruction))
        gregs[REG_RIP] += (greg_t)instruction.length;
    else
        signal(number, SIG_DFL);
}

__attribute__((constructor)) static void emulate_tiles(void)
{
    struct sigaction action = {.sa_sigaction = on_unknown, .sa_flags = SA_SIGINFO};

    sigaction(SIGILL, &action, NULL);
}
