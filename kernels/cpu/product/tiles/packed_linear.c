/* packed_linear.c - products with packed weights. A task computes a panel of outputs for a band of
 * rows of one group: tile by tile into a small array, and from there through the epilogue. */
#include "packed.h"

enum {
    BAND_ROWS = 240, /* a multiple of the rows of any tile */
    BLOCK_STEPS =
        768,       /* so that a tile's rows and a panel's weights fit the first caches together */
    MOVE_ROWS = 16 /* that a task converts */
};

typedef struct Linear {
    const CodeLinear *args;
    const CpuPacked *packed;
    size_t bands;
    /* Rows of inputs as the kernel reads them: x itself, its bytes, or its bfloat16. */
    const char *rows;
    char *moved; /* the same if they are not x itself */
    size_t row_bytes, group_bytes;
    float *scale;  /* bytes: (groups, rows) */
    int32_t *zero; /* bytes: (groups, rows) */
} Linear;

/* ---- bytes ----------------------------------------------------------------------------------- */

static bool quantise_rows(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const Linear *linear = job;
    const CodeLinear *args = linear->args;
    size_t in = linear->packed->in,
           end = least((size_t)args->groups * args->rows, (task + 1) * MOVE_ROWS);

    (void)error;
    for (size_t row = task * MOVE_ROWS; row < end; row++) {
        const uint16_t *x =
            (const uint16_t *)args->x + row / args->rows * args->x_group + row % args->rows * in;

        worker->device->multiplier->quantise(linear->moved + row * linear->row_bytes, x, in, true,
                                             &linear->scale[row], &linear->zero[row]);
    }
    return true;
}

/* Converts all rows to bytes, in the stream's shared memory. */
static bool take_bytes(CodeStream *stream, Linear *linear)
{
    const CodeLinear *args = linear->args;
    size_t rows = (size_t)args->groups * args->rows;
    char *memory;

    linear->row_bytes = (size_t)linear->packed->steps * 4;
    linear->group_bytes = linear->row_bytes * args->rows;
    memory = cpu_shared(stream, rows * (linear->row_bytes + 8));
    if (!memory)
        return false;
    linear->rows = linear->moved = memory;
    linear->scale = (float *)(memory + rows * linear->row_bytes);
    linear->zero = (int32_t *)(linear->scale + rows);
    return stream->rehearsing || cpu_run(stream, quantise_rows, linear, pieces(rows, MOVE_ROWS));
}

/* ---- inputs that must be moved --------------------------------------------------------------- */

static bool move_rows(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const Linear *linear = job;
    const CodeLinear *args = linear->args;
    size_t element = code_reads_f32(&linear->packed->head.spec) ? sizeof(float) : sizeof(uint16_t);
    size_t end = least((size_t)args->groups * args->rows, (task + 1) * MOVE_ROWS);

    (void)error;
    for (size_t row = task * MOVE_ROWS; row < end; row++) {
        size_t at = row / args->rows * args->x_group + row % args->rows * linear->packed->in;

        cpu_move_inputs(worker->device->body, linear->packed,
                        linear->moved + row * linear->row_bytes,
                        (const char *)args->x + at * element, 1);
    }
    return true;
}

static bool move_inputs(CodeStream *stream, Linear *linear)
{
    const CodeLinear *args = linear->args;
    size_t rows = (size_t)args->groups * args->rows;

    linear->row_bytes = (size_t)linear->packed->steps * 4;
    linear->group_bytes = linear->row_bytes * args->rows;
    linear->rows = linear->moved = cpu_shared(stream, rows * linear->row_bytes);
    return linear->rows &&
           (stream->rehearsing || cpu_run(stream, move_rows, linear, pieces(rows, MOVE_ROWS)));
}

/* ---- tiles ----------------------------------------------------------------------------------- */

/* Sums of `rows` rows from `row` of a group, for one panel. */
static void sum_tile(const CpuGemm *gemm, const Linear *linear, const CpuPanel *panel, size_t group,
                     size_t row, unsigned rows, float *sums)
{
    const CpuPacked *packed = linear->packed;
    const char *first = linear->rows + group * linear->group_bytes + row * linear->row_bytes;
    const void *a[GEMM_ROWS];

    for (unsigned step = 0; step < packed->steps; step += BLOCK_STEPS) {
        GemmTile tile = {.a = a,
                         .b = panel->data + (size_t)step * panel->vectors * 64,
                         .c = sums,
                         .c_row = GEMM_COLUMNS,
                         .taps = 1,
                         .steps = (unsigned)least(BLOCK_STEPS, packed->steps - step),
                         .rows = rows,
                         .vectors = panel->vectors,
                         .add = step > 0};

        for (unsigned r = 0; r < rows; r++)
            a[r] = first + r * linear->row_bytes + (size_t)step * 4;
        if (packed->bytes)
            gemm->int8(&tile);
        else
            gemm->bf16(&tile);
    }
}

static void finish_tile(const CpuBody *body, const Linear *linear, const CpuPanel *panel,
                        size_t first, unsigned rows, float *sums)
{
    const CodeLinear *args = linear->args;
    const CpuPacked *packed = linear->packed;
    bool y_f32 = code_writes_f32(&packed->head.spec);
    size_t out = packed->out, at = first * out + panel->first;
    CpuTile tile = {.y = (char *)args->y + at * (y_f32 ? sizeof(float) : sizeof(uint16_t)),
                    .y_f32 = y_f32,
                    .sums = sums,
                    .bias = packed->head.bias + panel->first,
                    .y_row = out,
                    .sums_row = GEMM_COLUMNS,
                    .rows = rows,
                    .width = panel->width};

    if (packed->bytes)
        body->dequantise(sums, linear->scale + first, linear->zero + first,
                         packed->scale + panel->first, packed->column_sum + panel->first, rows,
                         panel->width);
    if (args->epilogue == CODE_PLAIN) {
        body->add_bias(&tile);
        return;
    }
    if (args->epilogue == CODE_GELU) {
        body->gelu(&tile);
        return;
    }
    for (unsigned row = 0; row < rows; row += (unsigned)tile.rows) {
        size_t lane = (first + row) / args->lane_rows;

        tile.y = (float *)args->y + at + row * out;
        tile.sums = sums + row * GEMM_COLUMNS;
        tile.rows = least(rows - row, (lane + 1) * args->lane_rows - (first + row));
        body->add_gated(&tile, code_lane_vector(&args->gate, lane) + panel->first);
    }
}

static bool compute_band(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const Linear *linear = job;
    const CodeLinear *args = linear->args;
    size_t band = task % linear->bands, group = task / linear->bands % args->groups;
    CpuPanel panel = cpu_panel(linear->packed, task / linear->bands / args->groups);
    size_t row = band * BAND_ROWS, end = least(row + BAND_ROWS, args->rows);
    float sums[GEMM_ROWS * GEMM_COLUMNS] __attribute__((aligned(64)));

    (void)error;
    for (unsigned rows; row < end; row += rows) {
        rows = gemm_rows(worker->device->gemm, panel.vectors, end - row);
        sum_tile(worker->device->gemm, linear, &panel, group, row, rows, sums);
        finish_tile(worker->device->body, linear, &panel, group * args->rows + row, rows, sums);
    }
    return true;
}

bool cpu_packed_linear(CodeStream *stream, const CodeLinear *args)
{
    const CpuPacked *packed = cpu_packed(args->weight);
    Linear linear = {.args = args,
                     .packed = packed,
                     .bands = pieces(args->rows, BAND_ROWS),
                     .rows = args->x,
                     .row_bytes = (size_t)packed->in * sizeof(uint16_t),
                     .group_bytes = args->x_group * sizeof(uint16_t)};

    if (packed->bytes && !take_bytes(stream, &linear))
        return false;
    if (cpu_moves_inputs(packed) && !move_inputs(stream, &linear))
        return false;
    return stream->rehearsing ||
           cpu_run(stream, compute_band, &linear, cpu_panels(packed) * args->groups * linear.bands);
}
