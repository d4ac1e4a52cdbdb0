/* winograd.c - convolutions in tiles of 2 x 2 outputs: see winograd.h. A task computes some tiles
 * of one image and some panels of outputs: the points of its inputs once, then for each panel a
 * product at each point, and its outputs from these products. All of that stays in the second
 * cache. */
#include "winograd.h"
#include "product/floats/floats.h"
#include "product/tiles/packed.h"

enum {
    BLOCK_TILES = 24, /* of a task, a multiple of the rows of most tiles of products */
    LEAST_TASKS = 8,  /* work for several threads, if that leaves a task */
    LEAST_PANELS = 2, /* so that the points of inputs are not most of its work */
    PADDING = 16,     /* elements that transforms may read or write past a row */
};

typedef struct Winograd {
    const CodeConv *args;
    const CpuPacked *packed; /* NULL: `floats` */
    const CpuFloats *floats;
    size_t points_side, points;   /* 4, 16; or 3, 9 if the map is doubled */
    size_t in, out;               /* channels */
    size_t side, out_side;        /* of the input and of the output */
    size_t tiles_side, tiles;     /* of an image */
    size_t block, blocks;         /* tiles of a task; of those in an image */
    size_t group, groups;         /* panels of a task; of those in all */
    size_t element;               /* bytes of an input */
    size_t row, point, out_point; /* elements of a tile's inputs; of all of a block's at a point;
                                     of a block's products at a point */
} Winograd;

/* Outputs of a panel. */
typedef struct Columns {
    size_t first, width, row; /* row: elements from one tile's products to the next's */
} Columns;

static Columns columns_of(const Winograd *winograd, size_t panel)
{
    size_t first = panel * CPU_COLUMNS, width = least(CPU_COLUMNS, winograd->out - first);

    return (Columns){first, width, CPU_COLUMNS};
}

/* ---- memory of a task ------------------------------------------------------------------------ */

typedef struct Memory {
    void *inputs;
    float *products; /* or int32 */
    /* With bytes: inputs of a tile before quantising, (points, row), and after it, (tiles,
     * points). */
    float *staging;
    float *scale;
    int32_t *zero;
} Memory;

static bool in_bytes(const Winograd *winograd)
{
    return winograd->packed ? winograd->packed->bytes : winograd->floats->numbers == CPU_BYTES;
}

static bool take_memory(CpuWorker *worker, const Winograd *winograd, Memory *memory,
                        CodesrcError *error)
{
    size_t inputs = pieces(winograd->points * winograd->point * winograd->element, 64) * 64;
    size_t products = (winograd->points * winograd->out_point + PADDING) * sizeof(float);
    size_t staging = 0, scales = 0;
    char *base;

    if (in_bytes(winograd)) {
        staging = winograd->points * winograd->row * sizeof *memory->staging;
        scales = winograd->points * winograd->block * sizeof *memory->scale;
    }
    base = cpu_scratch(worker, inputs + products + staging + 2 * scales, error);
    if (!base)
        return false;
    memory->inputs = base;
    memory->products = (float *)(void *)(base += inputs);
    memory->staging = (float *)(void *)(base += products);
    memory->scale = (float *)(void *)(base += staging);
    memory->zero = (int32_t *)(void *)(base += scales);
    return true;
}

/* ---- a task ---------------------------------------------------------------------------------- */

/* The inputs of one tile, `x` as tile_inputs() takes them, to bytes at all points. */
static void take_bytes(const CodeDevice *device, const Winograd *winograd, const void *const *x,
                       size_t tile, const Memory *memory)
{
    size_t row = winograd->row, first = tile * winograd->points;

    device->body->tile_inputs((unsigned)winograd->points_side, x, winograd->in, memory->staging,
                              row, true);
    if (winograd->packed) {
        device->gemm->rows_to_bytes((uint8_t *)memory->inputs + tile * row, winograd->point,
                                    memory->staging, row, (unsigned)winograd->points, winograd->in,
                                    &memory->scale[first], &memory->zero[first]);
        return;
    }
    for (size_t p = 0; p < winograd->points; p++)
        device->multiplier->quantise((char *)memory->inputs +
                                         (p * winograd->point + tile * row) * winograd->element,
                                     memory->staging + p * row, winograd->in, false,
                                     &memory->scale[first + p], &memory->zero[first + p]);
}

/* The inputs of `count` tiles from `first` of an image, at all points. */
static void take_inputs(const CodeDevice *device, const Winograd *winograd, size_t image,
                        size_t first, size_t count, const Memory *memory)
{
    size_t side = winograd->side, in = winograd->in, width = winograd->points_side;
    size_t step = width == WINOGRAD_SIDE ? 2 : 1;
    const void *zeros = winograd->args->weight->zeros;
    const void *map = cpu_from(device, winograd->args->x, image * side * side * in);

    for (size_t t = 0; t < count; t++) {
        size_t top = (first + t) / winograd->tiles_side * step;
        size_t left = (first + t) % winograd->tiles_side * step;
        const void *x[WINOGRAD_POINTS];

        for (size_t i = 0; i < width; i++)
            for (size_t j = 0; j < width; j++) {
                size_t y = top + i - 1, at = left + j - 1; /* may wrap: then outside */

                x[i * width + j] =
                    y < side && at < side ? cpu_from(device, map, (y * side + at) * in) : zeros;
            }
        if (in_bytes(winograd))
            take_bytes(device, winograd, x, t, memory);
        else
            device->body->tile_inputs((unsigned)width, x, in,
                                      (char *)memory->inputs +
                                          t * winograd->row * winograd->element,
                                      winograd->point, !winograd->packed);
    }
}

/* One product a point. */
static void multiply_packed(const CpuGemm *gemm, const Winograd *winograd, size_t index,
                            const char *inputs, size_t count, float *products)
{
    const CpuPacked *packed = winograd->packed;
    CpuPanel panel = cpu_panel(packed, index);
    size_t weights = (size_t)packed->steps * panel.vectors * 64;
    const void *a[GEMM_ROWS];

    for (size_t p = 0; p < winograd->points; p++)
        for (size_t row = 0, rows; row < count; row += rows) {
            GemmTile tile = {.a = a,
                             .b = panel.data + p * weights,
                             .c = products + p * winograd->out_point + row * GEMM_COLUMNS,
                             .c_row = GEMM_COLUMNS,
                             .taps = 1,
                             .steps = packed->steps,
                             .vectors = panel.vectors};

            rows = least(gemm_rows(panel.vectors), count - row);
            tile.rows = (unsigned)rows;
            for (size_t r = 0; r < rows; r++)
                a[r] =
                    inputs + (p * winograd->point + (row + r) * winograd->row) * winograd->element;
            if (packed->bytes)
                gemm->int8(&tile);
            else
                gemm->bf16(&tile);
        }
}

static void multiply_floats(const CpuMultiplier *multiplier, const Winograd *winograd, size_t index,
                            const char *inputs, size_t count, float *products)
{
    const CpuFloats *floats = winograd->floats;
    size_t first = index * CPU_COLUMNS / FLOAT_PANEL;

    for (size_t p = 0; p < winograd->points; p++) {
        CpuProduct product = cpu_product_with(floats, first, p * floats->run);

        product.a = inputs + p * winograd->point * winograd->element;
        product.a_row = winograd->row * winograd->element / 4;
        product.c = products + p * winograd->out_point;
        product.c_row = CPU_COLUMNS;
        product.steps = in_bytes(winograd) ? floats->run / multiplier->step_bytes : winograd->in;
        product.rows = count;
        product.panels = least(CPU_COLUMNS / FLOAT_PANEL, floats->panels - first);
        product.width = least(CPU_COLUMNS, winograd->out - index * CPU_COLUMNS);
        multiplier->multiply(&product);
    }
}

static void multiply(const CodeDevice *device, const Winograd *winograd, size_t panel, size_t count,
                     const Memory *memory)
{
    if (winograd->packed)
        multiply_packed(device->gemm, winograd, panel, memory->inputs, count, memory->products);
    else
        multiply_floats(device->multiplier, winograd, panel, memory->inputs, count,
                        memory->products);
}

static void give_outputs(const CodeDevice *device, const Winograd *winograd, size_t panel,
                         size_t image, size_t first, size_t count, const Memory *memory)
{
    const CodeConv *args = winograd->args;
    const CpuPacked *packed = winograd->packed;
    const CpuFloats *floats = winograd->floats;
    Columns columns = columns_of(winograd, panel);
    size_t side = winograd->out_side;
    const float *products = memory->products;
    WinogradTile tile = {.point = winograd->out_point,
                         .bias = args->weight->bias + columns.first,
                         .width = columns.width};

    if (in_bytes(winograd)) {
        tile.column_scale = (packed ? packed->scale : floats->scale) + columns.first;
        tile.column_sum = (packed ? packed->column_sum : floats->column_sum) + columns.first;
        tile.column_point = packed ? cpu_padded(packed) : floats->panels * FLOAT_PANEL;
    }
    for (size_t t = first; t < first + count; t++, products += columns.row) {
        size_t top = t / winograd->tiles_side * 2, left = t % winograd->tiles_side * 2;

        for (size_t i = 0; i < 4; i++) {
            size_t y = top + i / 2, x = left + i % 2;
            size_t at = ((image * side + y) * side + x) * winograd->out + columns.first;
            bool inside = y < side && x < side;

            tile.y[i] = inside ? cpu_at(device, args->y, at) : NULL;
            tile.add[i] = inside && args->add ? cpu_from(device, args->add, at) : NULL;
        }
        tile.products = products;
        if (in_bytes(winograd)) {
            tile.scale = memory->scale + (t - first) * winograd->points;
            tile.zero = memory->zero + (t - first) * winograd->points;
        }
        device->body->tile_outputs((unsigned)winograd->points_side, &tile);
    }
}

static bool compute_tiles(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const Winograd *winograd = job;
    size_t group = task % winograd->groups, block = task / winograd->groups % winograd->blocks;
    size_t image = task / winograd->groups / winograd->blocks, first = block * winograd->block;
    size_t count = least(winograd->block, winograd->tiles - first);
    size_t panel = group * winograd->group;
    size_t end = least(panel + winograd->group, pieces(winograd->out, CPU_COLUMNS));
    Memory memory;

    if (!take_memory(worker, winograd, &memory, error))
        return false;
    take_inputs(worker->device, winograd, image, first, count, &memory);
    for (; panel < end; panel++) {
        multiply(worker->device, winograd, panel, count, &memory);
        give_outputs(worker->device, winograd, panel, image, first, count, &memory);
    }
    return true;
}

static bool prepare(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const Winograd *winograd = job;
    Memory memory;

    (void)task;
    return take_memory(worker, winograd, &memory, error);
}

/* How an image's tiles and panels are shared out. */
static void share_out(Winograd *winograd)
{
    size_t panels = pieces(winograd->out, CPU_COLUMNS);

    winograd->blocks = pieces(winograd->tiles, BLOCK_TILES);
    winograd->block = pieces(pieces(winograd->tiles, winograd->blocks), 6) * 6;
    winograd->blocks = pieces(winograd->tiles, winograd->block);
    winograd->groups = least(pieces(LEAST_TASKS, winograd->blocks), pieces(panels, LEAST_PANELS));
    winograd->group = pieces(panels, winograd->groups);
    winograd->groups = pieces(panels, winograd->group);
}

bool cpu_winograd(CodeStream *stream, const CodeConv *args)
{
    const CodeWeight *weight = args->weight;
    bool doubled = weight->spec.kind == CODE_WEIGHT_CONV3_X2;
    bool packed = weight->products == &cpu_tiles;
    size_t side = args->side;
    Winograd winograd = {.args = args,
                         .packed = packed ? cpu_packed(weight) : NULL,
                         .floats = packed ? NULL : cpu_floats_of(weight),
                         .points_side = doubled ? DOUBLED_SIDE : WINOGRAD_SIDE,
                         .points = cpu_tile_points(&weight->spec),
                         .in = weight->spec.in,
                         .out = weight->spec.out,
                         .side = side,
                         .out_side = doubled ? 2 * side : side,
                         .tiles_side = doubled ? side : pieces(side, 2),
                         .row = weight->spec.in};

    winograd.tiles = winograd.tiles_side * winograd.tiles_side;
    if (!winograd.tiles || !args->images || !winograd.out)
        return true;
    share_out(&winograd);
    if (in_bytes(&winograd))
        winograd.element = packed ? 1 : 4 / stream->device->multiplier->step_bytes;
    else
        winograd.element = packed ? sizeof(uint16_t) : sizeof(float);
    if (packed || in_bytes(&winograd)) /* whole words; weights past the last channel are 0 */
        winograd.row = pieces(winograd.row, PADDING) * PADDING;
    winograd.point = winograd.block * winograd.row + PADDING;
    winograd.out_point = winograd.block * CPU_COLUMNS;
    if (stream->rehearsing)
        return cpu_prepare(stream, prepare, &winograd);
    return cpu_run(stream, compute_tiles, &winograd,
                   args->images * winograd.blocks * winograd.groups);
}
