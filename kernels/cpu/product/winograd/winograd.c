/* winograd.c - convolutions in tiles of 2 x 2 outputs: see winograd.h. A task computes a band of
 * rows of tiles, block by block: the points of a block's inputs, then for each panel of outputs a
 * product at each point, and its outputs from these products. All of that stays in the second
 * cache. */
#include "winograd.h"
#include "product/floats/floats.h"
#include "product/rows.h"
#include "product/tiles/packed.h"

enum {
    BLOCK_TILES = 24, /* at most, a multiple of the rows of most tiles of products */
    LEAST_TILES = 16, /* of a block, whose weights are read once */
    BAND = 8,         /* most rows of tiles of a task: two rows of inputs are made again */
    LEAST_TASKS = 8,  /* work for several threads, if that leaves a task */
    LEAST_PANELS = 2, /* so that the points of inputs are not most of its work */
    PADDING = 16,     /* elements that transforms may read or write past a row */
};

typedef struct Winograd {
    const CodeConv *args;
    const CpuPacked *packed; /* NULL: `floats` */
    const CpuFloats *floats;
    CpuRows rows;                            /* of inputs; each task has its own */
    size_t points_side, points;              /* 4, 16; or 3, 9 if the map is doubled */
    size_t step;                             /* inputs from one tile to the next */
    size_t out, out_side;                    /* channels; side of the output */
    size_t tiles_side;                       /* of an image */
    size_t block_rows, block_columns, block; /* tiles of a block */
    size_t band, bands;                      /* rows of tiles of a task; tasks of an image */
    size_t group, groups;                    /* panels of a task; of those in all */
    size_t element;                          /* bytes of a point */
    size_t row, point;         /* elements of a tile's inputs; of all of a block's at a point */
    size_t out_row, out_point; /* elements of a tile's products; of a block's at a point */
} Winograd;

/* Tiles that are computed together, and the image that they belong to. */
typedef struct Block {
    size_t image, top, left, rows, columns;
} Block;

/* ---- memory of a task ------------------------------------------------------------------------ */

typedef struct Memory {
    CpuRows rows;
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
    size_t rows = pieces(cpu_rows_floats(&winograd->rows), 16) * 16 * sizeof(float);
    size_t inputs = pieces(winograd->points * winograd->point * winograd->element, 64) * 64;
    size_t products = (winograd->points * winograd->out_point + PADDING) * sizeof(float);
    size_t staging = 0, scales = 0;
    char *base;

    if (in_bytes(winograd)) {
        staging = winograd->points * winograd->row * sizeof *memory->staging;
        scales = winograd->points * winograd->block * sizeof *memory->scale;
    }
    base = cpu_scratch(worker, rows + inputs + products + staging + 2 * scales, error);
    if (!base)
        return false;
    memory->rows = winograd->rows;
    memory->rows.data = (float *)(void *)base;
    memory->inputs = base += rows;
    memory->products = (float *)(void *)(base += inputs);
    memory->staging = (float *)(void *)(base += products);
    memory->scale = (float *)(void *)(base += staging);
    memory->zero = (int32_t *)(void *)(base += scales);
    return true;
}

/* ---- a task ---------------------------------------------------------------------------------- */

/* The inputs of a row of tiles as bytes at all points, from tile `first` of the block on. */
static void take_bytes(const CodeDevice *device, const Winograd *winograd, WinogradInputs inputs,
                       size_t first, const Memory *memory)
{
    size_t tiles = inputs.tiles, row = winograd->row;

    inputs.to = memory->staging;
    inputs.to_point = row;
    inputs.tiles = 1;
    for (size_t t = first; t < first + tiles; t++) {
        char *to = (char *)memory->inputs + t * row * winograd->element;
        float *scale = &memory->scale[t * winograd->points];
        int32_t *zero = &memory->zero[t * winograd->points];

        device->body->tile_inputs((unsigned)winograd->points_side, &inputs);
        if (winograd->packed)
            device->gemm->rows_to_bytes((uint8_t *)to, winograd->point, memory->staging, row,
                                        (unsigned)winograd->points, inputs.channels, scale, zero);
        else
            for (size_t p = 0; p < winograd->points; p++)
                device->multiplier->quantise(to + p * winograd->point * winograd->element,
                                             memory->staging + p * row, inputs.channels, false,
                                             &scale[p], &zero[p]);
        for (size_t i = 0; i < winograd->points_side; i++)
            inputs.row[i] += winograd->step * inputs.channels;
    }
}

/* The inputs of a block at all points. */
static void take_inputs(const CodeDevice *device, const Winograd *winograd, const Block *block,
                        const Memory *memory)
{
    size_t in = winograd->rows.in;
    WinogradInputs inputs = {.tiles = block->columns,
                             .channels = in,
                             .to_tile = winograd->row,
                             .to_point = winograd->point,
                             .to_f32 = !winograd->packed || in_bytes(winograd)};

    for (size_t r = 0; r < block->rows; r++) {
        size_t first = r * block->columns;

        for (size_t i = 0; i < winograd->points_side; i++)
            inputs.row[i] = cpu_row(&memory->rows, (block->top + r) * winograd->step + i - 1) +
                            block->left * winograd->step * in;
        inputs.to = (char *)memory->inputs + first * winograd->row * winograd->element;
        if (in_bytes(winograd))
            take_bytes(device, winograd, inputs, first, memory);
        else
            device->body->tile_inputs((unsigned)winograd->points_side, &inputs);
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
                             .c = products + p * winograd->out_point + row * winograd->out_row,
                             .c_row = winograd->out_row,
                             .taps = 1,
                             .steps = packed->steps,
                             .vectors = panel.vectors};

            tile.rows = gemm_rows(gemm, panel.vectors, count - row);
            rows = tile.rows;
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
        product.c_row = winograd->out_row;
        product.steps =
            in_bytes(winograd) ? floats->run / multiplier->step_bytes : winograd->rows.in;
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
                         const Block *block, const Memory *memory)
{
    const CodeConv *args = winograd->args;
    const CpuPacked *packed = winograd->packed;
    const CpuFloats *floats = winograd->floats;
    size_t column = panel * CPU_COLUMNS, side = winograd->out_side, left = 2 * block->left;
    WinogradOutputs outputs = {.tile = winograd->out_row,
                               .point = winograd->out_point,
                               .bias = args->weight->bias + column,
                               .positions = least(2 * block->columns, side - left),
                               .y_position = winograd->out,
                               .width = least(CPU_COLUMNS, winograd->out - column)};

    if (in_bytes(winograd)) {
        outputs.column_scale = (packed ? packed->scale : floats->scale) + column;
        outputs.column_sum = (packed ? packed->column_sum : floats->column_sum) + column;
        outputs.column_point = packed ? cpu_padded(packed) : floats->panels * FLOAT_PANEL;
    }
    for (size_t r = 0; r < block->rows; r++) {
        size_t first = r * block->columns;

        for (size_t i = 0; i < 2; i++) {
            size_t y = 2 * (block->top + r) + i;
            size_t at = ((block->image * side + y) * side + left) * winograd->out + column;

            outputs.y[i] = y < side ? cpu_at(device, args->y, at) : NULL;
            outputs.add[i] = y < side && args->add ? cpu_from(device, args->add, at) : NULL;
        }
        outputs.products = memory->products + first * winograd->out_row;
        if (in_bytes(winograd)) {
            outputs.scale = memory->scale + first * winograd->points;
            outputs.zero = memory->zero + first * winograd->points;
        }
        device->body->tile_outputs((unsigned)winograd->points_side, &outputs);
    }
}

static bool compute_band(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const Winograd *winograd = job;
    const CodeDevice *device = worker->device;
    size_t side = winograd->tiles_side, first = task % winograd->groups * winograd->group;
    size_t last = least(first + winograd->group, pieces(winograd->out, CPU_COLUMNS));
    size_t band = task / winograd->groups % winograd->bands * winograd->band;
    size_t end = least(band + winograd->band, side);
    Block block = {.image = task / winograd->groups / winograd->bands};
    Memory memory;

    if (!take_memory(worker, winograd, &memory, error))
        return false;
    memory.rows.image = block.image;
    memory.rows.next = band * winograd->step - 1;
    for (block.top = band; block.top < end; block.top += block.rows) {
        block.rows = least(winograd->block_rows, end - block.top);
        cpu_make_rows(device, &memory.rows,
                      (block.top + block.rows - 1) * winograd->step + winograd->points_side - 1);
        for (block.left = 0; block.left < side; block.left += block.columns) {
            block.columns = least(winograd->block_columns, side - block.left);
            take_inputs(device, winograd, &block, &memory);
            for (size_t panel = first; panel < last; panel++) {
                multiply(device, winograd, panel, block.rows * block.columns, &memory);
                give_outputs(device, winograd, panel, &block, &memory);
            }
        }
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
    size_t panels = pieces(winograd->out, CPU_COLUMNS), side = winograd->tiles_side;

    winograd->block_columns = least(BLOCK_TILES, side);
    winograd->block_rows = least(pieces(LEAST_TILES, side), side);
    winograd->block = winograd->block_rows * winograd->block_columns;
    winograd->band = least(pieces(side, LEAST_TASKS), BAND);
    winograd->band = pieces(winograd->band, winograd->block_rows) * winograd->block_rows;
    winograd->bands = pieces(side, winograd->band);
    winograd->groups = least(pieces(LEAST_TASKS, winograd->bands), pieces(panels, LEAST_PANELS));
    winograd->group = pieces(panels, winograd->groups);
    winograd->groups = pieces(panels, winograd->group);
}

bool cpu_winograd(CodeStream *stream, const CodeConv *args)
{
    const CodeWeight *weight = args->weight;
    bool doubled = weight->spec.kind == CODE_WEIGHT_CONV3_X2;
    bool packed = weight->products == &cpu_tiles;
    size_t side = args->side;
    CpuGroupNorm norm;
    Winograd winograd = {.args = args,
                         .packed = packed ? cpu_packed(weight) : NULL,
                         .floats = packed ? NULL : cpu_floats_of(weight),
                         .rows = {.norm = args->norm ? &norm : NULL,
                                  .x = args->x,
                                  .f32 = !stream->device->halves,
                                  .side = side,
                                  .in = weight->spec.in},
                         .points_side = doubled ? DOUBLED_SIDE : WINOGRAD_SIDE,
                         .points = cpu_tile_points(&weight->spec),
                         .step = doubled ? 1 : 2,
                         .out = weight->spec.out,
                         .out_side = doubled ? 2 * side : side,
                         .tiles_side = doubled ? side : pieces(side, 2),
                         .row = weight->spec.in};

    if (!winograd.tiles_side || !args->images || !winograd.out)
        return true;
    if (args->norm && !cpu_take_moments(stream, args->norm, &norm))
        return false;
    share_out(&winograd);
    winograd.rows.kept = (winograd.block_rows - 1) * winograd.step + winograd.points_side;
    if (in_bytes(&winograd))
        winograd.element = packed ? 1 : 4 / stream->device->multiplier->step_bytes;
    else
        winograd.element = packed ? sizeof(uint16_t) : sizeof(float);
    if (packed || in_bytes(&winograd)) /* whole words; weights past the last channel are 0 */
        winograd.row = pieces(winograd.row, PADDING) * PADDING;
    winograd.point = winograd.block * winograd.row + PADDING;
    winograd.out_row = least(CPU_COLUMNS, pieces(winograd.out, 16) * 16);
    winograd.out_point = winograd.block * winograd.out_row;
    if (stream->rehearsing)
        return cpu_prepare(stream, prepare, &winograd);
    return cpu_run(stream, compute_band, &winograd,
                   args->images * winograd.bands * winograd.groups);
}
