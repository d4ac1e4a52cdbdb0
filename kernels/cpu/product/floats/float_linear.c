/* float_linear.c - products with weights. A task computes some rows of one group by some outputs
 * into scratch memory and moves them to y through the epilogue. Inputs of 16 bits are first
 * widened, some steps at a time. */
#include "floats.h"

enum {
    BAND_ROWS = 192,    /* most rows of a task; fewer if that makes more tasks, */
    LEAST_ROWS = 24,    /* but not fewer than these, */
    ENOUGH_TASKS = 16,  /* until there are so many */
    BYTE_ROWS = 16,     /* that a task converts to bytes */
    WIDE_COLUMNS = 256, /* most outputs of a task that widens its inputs for them, */
    WIDE_ROWS = 48,     /* if that leaves enough tasks of so many rows */
    WIDE_STEPS = 256    /* that are widened together: what tiles do with them stays in a cache */
};

typedef struct Linear {
    const CodeLinear *args;
    const CpuFloats *floats;
    size_t columns;     /* outputs of a task */
    size_t band, bands; /* rows of a task; tasks of a group's rows */
    /* Of bytes: inputs of all rows, each whole words, and what CpuMultiplier.quantise returned for
     * each. */
    char *bytes;
    size_t row_bytes;
    float *scale;
    int32_t *zero;
} Linear;

static const float no_bias[CPU_COLUMNS];

/* Memory of a task: sums of its rows, then inputs that are widened. */
static float *band_memory(CpuWorker *worker, const Linear *linear, CodesrcError *error)
{
    size_t wide = linear->floats->numbers == CPU_HALVES ? WIDE_STEPS : 0;

    return cpu_scratch(worker, linear->band * (linear->columns + wide) * sizeof(float), error);
}

static void finish_band(const CpuBody *body, const Linear *linear, size_t first, size_t rows,
                        size_t column, float *sums)
{
    const CodeLinear *args = linear->args;
    const CodeWeight *weight = args->weight;
    size_t out = weight->spec.out, at = first * out + column;
    bool floats = linear->floats->numbers == CPU_FLOATS;
    bool y_f32 = floats || code_writes_f32(&weight->spec);
    CpuTile tile = {.y = (char *)args->y + at * (y_f32 ? sizeof(float) : sizeof(uint16_t)),
                    .y_f32 = y_f32,
                    .sums = sums,
                    .bias = floats ? no_bias : weight->bias + column, /* sums may begin with it */
                    .y_row = out,
                    .sums_row = linear->columns,
                    .rows = rows,
                    .width = least(linear->columns, out - column)};

    if (linear->bytes)
        body->dequantise(sums, linear->scale + first, linear->zero + first,
                         linear->floats->scale + column, linear->floats->column_sum + column, rows,
                         tile.width);
    if (args->epilogue == CODE_PLAIN) {
        body->add_bias(&tile);
        return;
    }
    if (args->epilogue == CODE_GELU) {
        body->gelu(&tile);
        return;
    }
    for (size_t row = 0; row < rows; row += tile.rows) {
        size_t lane = (first + row) / args->lane_rows;

        tile.y = (float *)args->y + at + row * out;
        tile.sums = sums + row * linear->columns;
        tile.rows = least(rows - row, (lane + 1) * args->lane_rows - (first + row));
        body->add_gated(&tile, code_lane_vector(&args->gate, lane) + column);
    }
}

/* ---- inputs of 16 and 8 bits ----------------------------------------------------------------- */

static bool quantise_rows(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const Linear *linear = job;
    const CodeLinear *args = linear->args;
    size_t in = args->weight->spec.in;
    size_t end = least((size_t)args->groups * args->rows, (task + 1) * BYTE_ROWS);

    (void)error;
    for (size_t row = task * BYTE_ROWS; row < end; row++) {
        size_t at = row / args->rows * args->x_group + row % args->rows * in;

        worker->device->multiplier->quantise(linear->bytes + row * linear->row_bytes,
                                             (const uint16_t *)args->x + at, in, true,
                                             &linear->scale[row], &linear->zero[row]);
    }
    return true;
}

/* Converts all rows to bytes, in the stream's shared memory. */
static bool take_bytes(CodeStream *stream, Linear *linear)
{
    const CodeLinear *args = linear->args;
    size_t rows = (size_t)args->groups * args->rows;

    linear->row_bytes = linear->floats->run / stream->device->multiplier->step_bytes * 4;
    linear->bytes = cpu_shared(stream, rows * (linear->row_bytes + 8));
    if (!linear->bytes)
        return false;
    linear->scale = (float *)(void *)(linear->bytes + rows * linear->row_bytes);
    linear->zero = (int32_t *)(linear->scale + rows);
    return stream->rehearsing || cpu_run(stream, quantise_rows, linear, pieces(rows, BYTE_ROWS));
}

/* A product whose inputs, from element `at` of x on, have 16 bits. */
static void multiply_wide(const CodeDevice *device, const Linear *linear, CpuProduct product,
                          size_t panel, size_t at, float *wide)
{
    size_t in = linear->args->weight->spec.in;

    for (size_t step = 0; step < in || !step; step += WIDE_STEPS) {
        CpuProduct part = cpu_product_with(linear->floats, panel, step);

        product.b = part.b;
        product.steps = least(WIDE_STEPS, in - step);
        product.a = wide;
        product.a_row = WIDE_STEPS;
        product.add = step;
        for (size_t row = 0; row < product.rows; row++)
            cpu_float_inputs(device, linear->floats, wide + row * WIDE_STEPS, linear->args->x,
                             at + row * in + step, product.steps);
        device->multiplier->multiply(&product);
    }
}

/* ---- a task ---------------------------------------------------------------------------------- */

/* Tasks that share weights follow each other, so that these come from a cache. */
static bool compute_band(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const Linear *linear = job;
    const CodeLinear *args = linear->args;
    const CpuFloats *floats = linear->floats;
    const CodeDevice *device = worker->device;
    size_t group = task / linear->bands % args->groups, row = task % linear->bands * linear->band;
    size_t column = task / linear->bands / args->groups * linear->columns;
    size_t panel = column / FLOAT_PANEL, in = args->weight->spec.in, out = args->weight->spec.out;
    size_t first = group * args->rows + row, at = group * args->x_group + row * in;
    float *sums = band_memory(worker, linear, error);
    CpuProduct product = cpu_product_with(floats, panel, 0);

    if (!sums)
        return false;
    product.c = sums;
    product.c_row = linear->columns;
    product.rows = least(linear->band, args->rows - row);
    product.panels = least(linear->columns / FLOAT_PANEL, floats->panels - panel);
    product.width = least(linear->columns, out - column);
    if (floats->numbers == CPU_HALVES) {
        multiply_wide(device, linear, product, panel, at, sums + linear->band * linear->columns);
    } else if (floats->numbers == CPU_BYTES) {
        product.a = linear->bytes + first * linear->row_bytes;
        product.a_row = product.steps = linear->row_bytes / 4;
        device->multiplier->multiply(&product);
    }
    if (floats->numbers != CPU_FLOATS) {
        finish_band(device->body, linear, first, product.rows, column, sums);
        return true;
    }
    product.a = (const float *)args->x + at;
    product.a_row = product.steps = in;
    product.start = args->weight->bias + column;
    if (args->epilogue == CODE_PLAIN && column + product.panels * FLOAT_PANEL <= out) {
        product.c = (float *)args->y + first * out + column;
        product.c_row = out;
        device->multiplier->multiply(&product);
        return true;
    }
    device->multiplier->multiply(&product);
    finish_band(device->body, linear, first, product.rows, column, sums);
    return true;
}

static bool prepare(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    (void)task;
    return band_memory(worker, job, error);
}

bool cpu_float_linear(CodeStream *stream, const CodeLinear *args)
{
    const CpuFloats *floats = cpu_floats_of(args->weight);
    size_t out = args->weight->spec.out, tasks;
    Linear linear = {.args = args, .floats = floats, .columns = CPU_COLUMNS};

    while (floats->numbers == CPU_HALVES && linear.columns < WIDE_COLUMNS &&
           args->groups * pieces(out, 2 * linear.columns) * pieces(args->rows, WIDE_ROWS) >=
               ENOUGH_TASKS)
        linear.columns *= 2;
    tasks = args->groups * pieces(out, linear.columns);
    if (!tasks || !args->rows)
        return true;
    linear.bands = pieces(args->rows, BAND_ROWS);
    if (tasks * linear.bands < ENOUGH_TASKS)
        linear.bands = least(pieces(ENOUGH_TASKS, tasks), pieces(args->rows, LEAST_ROWS));
    linear.band = pieces(pieces(args->rows, linear.bands), 12) * 12;
    linear.bands = pieces(args->rows, linear.band);
    if (floats->numbers == CPU_BYTES && !take_bytes(stream, &linear))
        return false;
    if (stream->rehearsing)
        return cpu_prepare(stream, prepare, &linear);
    return cpu_run(stream, compute_band, &linear, tasks * linear.bands);
}
