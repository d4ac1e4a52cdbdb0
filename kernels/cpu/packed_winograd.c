/* packed_winograd.c - convolutions in tiles of 2 x 2 outputs, as winograd.h tells. A task computes
 * some tiles of one image and some panels of outputs: the points of its inputs once, then panel by
 * panel a product for each point, and from these its outputs. All of that stays in the second
 * cache. */
#include "packed.h"
#include "winograd.h"

enum {
    BLOCK_TILES = 24,  /* of a task, a multiple of the rows of any tile of products */
    LEAST_TASKS = 8,   /* work for several threads, where that leaves a task */
    LEAST_PANELS = 2,  /* so that the points of inputs are not most of its work */
    ROW_MULTIPLE = 16, /* channels that transforms write */
};

typedef struct Winograd {
    const CodeConv *args;
    const CpuPacked *packed;
    size_t points_side, points;   /* 4, 16; or 3, 9 where the map is doubled */
    size_t side, out_side;        /* of the input and of the output */
    size_t tiles_side, tiles;     /* of an image */
    size_t block, blocks;         /* tiles of a task; of those in an image */
    size_t group, groups;         /* panels of a task; of those in all */
    size_t row, point, out_point; /* elements of a tile's inputs; of all of a block's at a point;
                                     of a block's products at a point */
} Winograd;

static size_t input_bytes(const Winograd *winograd)
{
    return winograd->points * winograd->point * sizeof(uint16_t);
}

static size_t scratch_bytes(const Winograd *winograd)
{
    return pieces(input_bytes(winograd), 64) * 64 +
           winograd->points * winograd->out_point * sizeof(float);
}

/* The inputs of `count` tiles from `first` of an image, at all points. */
static void take_inputs(const Winograd *winograd, size_t image, size_t first, size_t count,
                        uint16_t *to)
{
    const CpuPacked *packed = winograd->packed;
    const uint16_t *zeros = (const uint16_t *)(const void *)packed->zeros;
    size_t side = winograd->side, in = packed->in, width = winograd->points_side;
    size_t step = width == WINOGRAD_SIDE ? 2 : 1;
    const uint16_t *map = (const uint16_t *)winograd->args->x + image * side * side * in;

    for (size_t t = first; t < first + count; t++, to += winograd->row) {
        size_t top = t / winograd->tiles_side * step, left = t % winograd->tiles_side * step;
        const uint16_t *x[MOST_POINTS];

        for (size_t i = 0; i < width; i++)
            for (size_t j = 0; j < width; j++) {
                size_t y = top + i - 1, at = left + j - 1; /* may wrap: then outside */

                x[i * width + j] = y < side && at < side ? map + (y * side + at) * in : zeros;
            }
        winograd_inputs((unsigned)width, x, in, to, winograd->point);
    }
}

/* One product a point. */
static void multiply(const Winograd *winograd, const CpuPanel *panel, const uint16_t *inputs,
                     size_t count, float *products)
{
    const CpuPacked *packed = winograd->packed;
    size_t weights = (size_t)packed->steps * panel->vectors * 64;
    const void *a[GEMM_ROWS];

    for (size_t p = 0; p < winograd->points; p++)
        for (size_t row = 0, rows; row < count; row += rows) {
            GemmTile tile = {.a = a,
                             .b = panel->data + p * weights,
                             .c = products + p * winograd->out_point + row * GEMM_COLUMNS,
                             .c_row = GEMM_COLUMNS,
                             .taps = 1,
                             .steps = packed->steps,
                             .vectors = panel->vectors};

            rows = least(gemm_rows(panel->vectors), count - row);
            tile.rows = (unsigned)rows;
            for (size_t r = 0; r < rows; r++)
                a[r] = inputs + p * winograd->point + (row + r) * winograd->row;
            gemm_bf16(&tile);
        }
}

static void give_outputs(const Winograd *winograd, const CpuPanel *panel, size_t image,
                         size_t first, size_t count, const float *products)
{
    const CodeConv *args = winograd->args;
    size_t side = winograd->out_side, out = winograd->packed->out;
    WinogradTile tile = {.products = products,
                         .point = winograd->out_point,
                         .bias = winograd->packed->bias + panel->first,
                         .width = panel->width};

    for (size_t t = first; t < first + count; t++, tile.products += GEMM_COLUMNS) {
        size_t top = t / winograd->tiles_side * 2, left = t % winograd->tiles_side * 2;

        for (size_t i = 0; i < 4; i++) {
            size_t y = top + i / 2, x = left + i % 2;
            size_t at = ((image * side + y) * side + x) * out + panel->first;
            bool inside = y < side && x < side;

            tile.y[i] = inside ? (uint16_t *)args->y + at : NULL;
            tile.add[i] = inside && args->add ? (const uint16_t *)args->add + at : NULL;
        }
        winograd_outputs((unsigned)winograd->points_side, &tile);
    }
}

static bool compute_tiles(CpuWorker *worker, const void *job, size_t task, CodeError *error)
{
    const Winograd *winograd = job;
    size_t group = task % winograd->groups, block = task / winograd->groups % winograd->blocks;
    size_t image = task / winograd->groups / winograd->blocks, first = block * winograd->block;
    size_t count = least(winograd->block, winograd->tiles - first);
    size_t panel = group * winograd->group;
    size_t end = least(panel + winograd->group, cpu_panels(winograd->packed));
    char *scratch = cpu_scratch(worker, scratch_bytes(winograd), error);
    float *products;

    if (!scratch)
        return false;
    products = (float *)(void *)(scratch + pieces(input_bytes(winograd), 64) * 64);
    take_inputs(winograd, image, first, count, (uint16_t *)(void *)scratch);
    for (; panel < end; panel++) {
        CpuPanel outputs = cpu_panel(winograd->packed, panel);

        multiply(winograd, &outputs, (const uint16_t *)(void *)scratch, count, products);
        give_outputs(winograd, &outputs, image, first, count, products);
    }
    return true;
}

static bool prepare(CpuWorker *worker, const void *job, size_t task, CodeError *error)
{
    (void)task;
    return cpu_scratch(worker, scratch_bytes(job), error);
}

/* How an image's tiles and panels are shared out. */
static void share_out(Winograd *winograd)
{
    size_t panels = cpu_panels(winograd->packed), most;

    winograd->blocks = pieces(winograd->tiles, BLOCK_TILES);
    winograd->block = pieces(pieces(winograd->tiles, winograd->blocks), 6) * 6;
    winograd->blocks = pieces(winograd->tiles, winograd->block);
    most = pieces(panels, LEAST_PANELS);
    winograd->groups = least(pieces(LEAST_TASKS, winograd->blocks), most);
    winograd->group = pieces(panels, winograd->groups);
    winograd->groups = pieces(panels, winograd->group);
}

bool cpu_packed_winograd(CodeStream *stream, const CodeConv *args, const CpuPacked *packed)
{
    bool doubled = packed->spec.kind == CODE_WEIGHT_CONV3_X2;
    size_t side = args->side;
    Winograd winograd = {.args = args,
                         .packed = packed,
                         .points_side = doubled ? DOUBLED_SIDE : WINOGRAD_SIDE,
                         .points = packed->taps,
                         .side = side,
                         .out_side = doubled ? 2 * side : side,
                         .tiles_side = doubled ? side : pieces(side, 2),
                         .row = pieces(packed->in, ROW_MULTIPLE) * ROW_MULTIPLE};

    winograd.tiles = winograd.tiles_side * winograd.tiles_side;
    if (!winograd.tiles || !args->images || !packed->out)
        return true;
    share_out(&winograd);
    winograd.point = winograd.block * winograd.row;
    winograd.out_point = winograd.block * GEMM_COLUMNS;
    if (stream->rehearsing)
        return cpu_prepare(stream, prepare, &winograd);
    return cpu_run(stream, compute_tiles, &winograd,
                   args->images * winograd.blocks * winograd.groups);
}

/* ---- weights --------------------------------------------------------------------------------- */

/* G of one row or column of the kernel, to 4 or 3 points. */
static void weight_points(const float w[3], float points[WINOGRAD_SIDE], bool doubled)
{
    points[0] = w[0];
    if (doubled) {
        points[1] = w[0] + w[1] + w[2];
        points[2] = w[2];
        return;
    }
    points[1] = 0.5f * (w[0] + w[1] + w[2]);
    points[2] = 0.5f * (w[0] - w[1] + w[2]);
    points[3] = w[2];
}

void cpu_winograd_weights(const float w[9], float *points, size_t step, bool doubled)
{
    unsigned side = doubled ? DOUBLED_SIDE : WINOGRAD_SIDE;
    float rows[3][WINOGRAD_SIDE], column[WINOGRAD_SIDE];

    for (unsigned i = 0; i < 3; i++)
        weight_points(w + 3 * i, rows[i], doubled);
    for (unsigned j = 0; j < side; j++) {
        const float from[3] = {rows[0][j], rows[1][j], rows[2][j]};

        weight_points(from, column, doubled);
        for (unsigned i = 0; i < side; i++)
            points[(i * side + j) * step] = column[i];
    }
}
