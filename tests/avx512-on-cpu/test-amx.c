/* test-amx.c - that tiles.c emulates AMX's instructions as their manual describes them, and that
 * AMX is chosen only if processor, kernel and permission are there. */
#include "../test.h"
#include "levels.h"

#include <immintrin.h>
#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct Shapes {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} Shapes;

/* Compilers do not know all of what instructions on tiles read and write. */
static void settle(void)
{
    __asm__ volatile("" : : : "memory");
}

static void load_shapes(const Shapes *shapes)
{
    __asm__ volatile("" : : "r"(shapes) : "memory");
    _tile_loadconfig(shapes);
}

/* Tile 0 (rows, columns) for sums, 1 (rows, steps), 2 (steps, columns), of 32 bits. */
static Shapes shapes_of(unsigned rows, unsigned columns, unsigned steps)
{
    return (Shapes){
        .palette = 1,
        .row_bytes = {(uint16_t)(4 * columns), (uint16_t)(4 * steps), (uint16_t)(4 * columns)},
        .rows = {(uint8_t)rows, (uint8_t)rows, (uint8_t)steps},
    };
}

/* ---- shapes and memory ----------------------------------------------------------------------- */

static void check_shapes(void)
{
    static const Shapes none;
    const Shapes shapes = shapes_of(3, 16, 5);
    Shapes found;

    load_shapes(&shapes);
    memset(&found, 1, sizeof found);
    settle();
    _tile_storeconfig(&found);
    settle();
    CHECK(!memcmp(&found, &shapes, sizeof found), "shapes come back");
    _tile_release();
    _tile_storeconfig(&found);
    settle();
    CHECK(!memcmp(&found, &none, sizeof found), "released: no shapes");
}

/* Tile 1 has 3 rows of 5 columns: nothing else is read or written. Shapes make tiles 0. */
static void check_memory(void)
{
    const Shapes shapes = shapes_of(3, 16, 5);
    int32_t from[3][8], to[5][9], wrong = 0;

    for (int r = 0; r < 3; r++)
        for (int i = 0; i < 8; i++)
            from[r][i] = 10 * r + i + 1;
    memset(to, 0xFF, sizeof to);
    load_shapes(&shapes);
    _tile_loadd(1, from, sizeof from[0]);
    settle();
    _tile_stored(1, to[1] + 1, sizeof to[0]);
    for (int r = 0; r < 5; r++)
        for (int i = 0; i < 9; i++)
            wrong += to[r][i] != (r >= 1 && r <= 3 && i >= 1 && i <= 5 ? from[r - 1][i - 1] : -1);
    CHECK(!wrong, "%d words are not those of three rows of five", wrong);
    _tile_loadd(1, from[2], -sizeof from[0]);
    _tile_stored(1, to, sizeof to[0]);
    CHECK(to[0][0] == 21 && to[1][1] == 12 && to[2][4] == 5, "rows upwards");
    load_shapes(&shapes);
    _tile_stored(1, to, sizeof to[0]);
    CHECK(to[0][0] == 0 && to[2][4] == 0, "shapes make tiles 0");
    _tile_loadd(1, from, sizeof from[0]);
    _tile_zero(1);
    _tile_stored(1, to, sizeof to[0]);
    CHECK(to[0][0] == 0 && to[2][4] == 0, "TILEZERO");
    _tile_release();
}

/* ---- products -------------------------------------------------------------------------------- */

/* One output: sum + pairs of a times pairs of b. */
static float product_of(float sum, const float *a, const float *b, unsigned count)
{
    const Shapes shapes = shapes_of(1, 1, (count + 1) / 2);
    uint16_t x[32] = {0}, y[16][2] = {{0}};

    for (unsigned i = 0; i < count; i++) {
        uint32_t bits;

        memcpy(&bits, &a[i], sizeof bits);
        x[i] = (uint16_t)(bits >> 16);
        memcpy(&bits, &b[i], sizeof bits);
        y[i / 2][i % 2] = (uint16_t)(bits >> 16);
    }
    load_shapes(&shapes);
    _tile_loadd(0, &sum, 4);
    _tile_loadd(1, x, 64);
    _tile_loadd(2, y, 4);
    _tile_dpbf16ps(0, 1, 2);
    _tile_stored(0, &sum, 4);
    _tile_release();
    return sum;
}

typedef struct Known {
    const char *name;
    float sum, a[6], b[6];
    unsigned count;
    float expected;
} Known;

static void check_halves(void)
{
    static const Known known[] = {
        {"one pair", 1, {2, 3}, {5, 7}, 2, 32},
        {"a tie, to even, below", 0, {0x1p24f, 0, 1, 0}, {1, 0, 1, 0}, 4, 0x1p24f},
        {"a tie, to even, above", 0, {0x1p24f, 0, 3, 0}, {1, 0, 1, 0}, 4, 0x1.000004p24f},
        {"the second numbers apart", 0, {0x1p24f, 1, 0, 1}, {1, 1, 0, 1}, 4, 0x1.000002p24f},
        {"the sum last", 0x1p24f, {1, 0, 1, 0}, {1, 0, 1, 0}, 4, 0x1.000002p24f},
        {"one rounding of a product and sum",
         0,
         {-1, 0, 0x1.02p0f, 0},
         {0x1.02p0f, 0, 0x1.02p0f, 0},
         4,
         0x1.02p0f * 0x1.02p0f - 0x1.02p0f},
        {"a denormal input is 0", 0, {0x1p-130f}, {0x1p100f}, 1, 0},
        {"a denormal product is 0", 0, {0x1p-70f}, {0x1p-70f}, 1, 0},
        {"a denormal sum is 0", 0x1p-130f, {0}, {0}, 1, 0},
        {"a denormal result is 0", 0x1.8p-126f, {-0x1p-63f}, {0x1p-63f}, 1, 0},
        {"the smallest normal number", 0, {0x1p-63f}, {0x1p-63f}, 1, 0x1p-126f},
        {"infinity", 0, {INFINITY}, {2}, 1, INFINITY},
    };
    const unsigned settings = _mm_getcsr();

    for (int way = 0; way < 2; way++) { /* of the thread's settings, tiles take no notice */
        _mm_setcsr(way ? 0x5F80 : settings);
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
            float found = product_of(known[i].sum, known[i].a, known[i].b, known[i].count);

            CHECK(found == known[i].expected, "TDPBF16PS, %s: %a, expected %a", known[i].name,
                  (double)found, (double)known[i].expected);
        }
        CHECK(_mm_getcsr() == (way ? 0x5F80 : settings), "settings are as before");
    }
    _mm_setcsr(settings);
}

/* Unsigned bytes times signed ones; sums wrap. */
static void check_bytes(void)
{
    const Shapes shapes = shapes_of(2, 3, 2);
    uint8_t a[2][8] = {{255, 255, 255, 255, 0, 0, 0, 1}, {1, 2, 3, 4, 5, 6, 7, 200}};
    int8_t b[2][12] = {{-128, -128, -128, -128, 127, 127, 127, 127, 1, 0, 0, 0},
                       {0, 0, 0, 1, 0, 0, 0, -1, 1, 1, 1, 1}};
    int32_t sums[2][3] = {{0, INT32_MAX - 129538, 7}, {0, 0, 0}};
    static const int32_t expected[2][3] = {{-130559, INT32_MIN, 263}, {-1080, 1070, 219}};

    load_shapes(&shapes);
    _tile_loadd(0, sums, sizeof sums[0]);
    _tile_loadd(1, a, sizeof a[0]);
    _tile_loadd(2, b, sizeof b[0]);
    _tile_dpbusd(0, 1, 2);
    _tile_stored(0, sums, sizeof sums[0]);
    _tile_release();
    for (int i = 0; i < 6; i++)
        CHECK(sums[i / 3][i % 3] == expected[i / 3][i % 3], "TDPBUSD, sum %d: %d, expected %d", i,
              sums[i / 3][i % 3], expected[i / 3][i % 3]);
}

/* ---- misuse ---------------------------------------------------------------------------------- */

static void use(const Shapes *shapes)
{
    char memory[1024] = {0};

    load_shapes(shapes);
    _tile_loadd(1, memory, 64);
    _tile_loadd(2, memory, 64);
    _tile_dpbusd(0, 1, 2);
}

/* A processor has an exception for each of them. */
static void check_misuse(void)
{
    Shapes wrong[8];

    for (int i = 0; i < 8; i++)
        wrong[i] = shapes_of(4, 16, 8);
    wrong[0].palette = 0;
    wrong[1].palette = 2;
    wrong[2].reserved[5] = 1;
    wrong[3].rows[7] = 17;
    wrong[4].row_bytes[7] = 68;
    wrong[5].rows[2] = 0;       /* but columns */
    wrong[6].rows[1] = 5;       /* the sums have 4 */
    wrong[7].row_bytes[1] = 36; /* nine steps, of weights for eight */
    for (int i = 0; i < 8; i++) {
        pid_t child = fork();
        int status = 0;

        if (!child) {
            close(STDERR_FILENO);
            use(&wrong[i]);
            _exit(0);
        }
        CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
                  WTERMSIG(status) == SIGABRT,
              "misuse %d: status %x", i, (unsigned)status);
    }
}

/* ---- levels ---------------------------------------------------------------------------------- */

static void check_level(const char *lack, const char *precision, const char *expected)
{
    const char *chosen = NULL;
    CodesrcError error = {0};
    const CpuLevel *level;

    if (lack)
        setenv("EMULATED_LACK", lack, 1);
    level = cpu_level_choose(NULL, precision, &chosen, &error);
    CHECK(level && !strcmp(level->name, expected), "%s without %s: %s, expected %s", precision,
          lack ? lack : "a lack", level ? level->name : error.text, expected);
    level = cpu_level_choose("amx_bf16", "bf16", &chosen, &error);
    CHECK(!level == !!lack && (level || strstr(error.text, "CODESRC_CPU=amx_bf16: this machine")),
          "CODESRC_CPU without %s: %s", lack ? lack : "a lack", error.text);
    unsetenv("EMULATED_LACK");
}

static void check_levels(void)
{
    static const char *const lacks[] = {"bf16",   "tiles",     "int8",
                                        "shapes", "tile-data", "permission"};

    check_level(NULL, "bf16", "amx_bf16");
    check_level(NULL, "auto", "amx_bf16");
    check_level(NULL, "int8", "amx_int8");
    check_level(NULL, "f32", "avx512_vnni");
    for (size_t i = 0; i < sizeof lacks / sizeof *lacks; i++) {
        check_level(lacks[i], "auto", "avx512_bf16");
        check_level(lacks[i], "int8", "avx512_bf16");
    }
}

int main(void)
{
    check_shapes();
    check_memory();
    check_halves();
    check_bytes();
    check_misuse();
    check_levels();
    return test_end();
}
