/* float_linear.c - products with weights in float32. A task computes some rows of one group by
 * CPU_COLUMNS outputs into scratch memory and moves them to y through the epilogue. */
#include "floats.h"

enum {
    BAND_ROWS = 192,  /* most rows of a task; fewer if that makes more tasks, */
    LEAST_ROWS = 24,  /* but not fewer than these, */
    ENOUGH_TASKS = 16 /* until there are so many */
};

typedef struct Linear {
    const CodeLinear *args;
    const CpuFloats *floats;
    size_t band, bands, chunks; /* rows of a task; tasks of a group's rows, and of its outputs */
} Linear;

static const float no_bias[CPU_COLUMNS];

static void finish_band(const CpuBody *body, const CodeLinear *args, size_t first, size_t rows,
                        size_t column, const float *sums)
{
    size_t out = args->weight->spec.out;
    float *y = (float *)args->y + first * out + column;
    CpuTile tile = {.y = y,
                    .y_f32 = true,
                    .sums = sums,
                    .bias = no_bias, /* sums begin with it */
                    .y_row = out,
                    .sums_row = CPU_COLUMNS,
                    .rows = rows,
                    .width = least(CPU_COLUMNS, out - column)};

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

        tile.y = y + row * out;
        tile.sums = sums + row * CPU_COLUMNS;
        tile.rows = least(rows - row, (lane + 1) * args->lane_rows - (first + row));
        body->add_gated(&tile, code_lane_vector(&args->gate, lane) + column);
    }
}

/* Tasks that share weights follow each other, so that these come from a cache. */
static bool compute_band(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const Linear *linear = job;
    const CodeLinear *args = linear->args;
    const CpuFloats *floats = linear->floats;
    size_t group = task / linear->bands % args->groups, row = task % linear->bands * linear->band;
    size_t column = task / linear->bands / args->groups * CPU_COLUMNS;
    size_t panel = column / FLOAT_PANEL, in = args->weight->spec.in;
    size_t first = group * args->rows + row, out = args->weight->spec.out;
    float *sums = cpu_scratch(worker, linear->band * CPU_COLUMNS * sizeof(float), error);
    CpuProduct product = {
        .a = (const float *)args->x + group * args->x_group + row * in,
        .a_row = in,
        .b = floats->data + panel * floats->steps * FLOAT_PANEL,
        .b_panel = floats->steps * FLOAT_PANEL,
        .c = sums,
        .c_row = CPU_COLUMNS,
        .start = args->weight->bias + column,
        .steps = in,
        .rows = least(linear->band, args->rows - row),
        .panels = least(CPU_COLUMNS / FLOAT_PANEL, floats->panels - panel),
        .width = least(CPU_COLUMNS, args->weight->spec.out - column),
    };

    if (!sums)
        return false;
    if (args->epilogue == CODE_PLAIN && column + product.panels * FLOAT_PANEL <= out) {
        product.c = (float *)args->y + first * out + column;
        product.c_row = out;
        worker->device->body->multiply(&product);
        return true;
    }
    worker->device->body->multiply(&product);
    finish_band(worker->device->body, args, first, product.rows, column, sums);
    return true;
}

static bool prepare(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const Linear *linear = job;

    (void)task;
    return cpu_scratch(worker, linear->band * CPU_COLUMNS * sizeof(float), error);
}

bool cpu_float_linear(CodeStream *stream, const CodeLinear *args)
{
    Linear linear = {.args = args,
                     .floats = cpu_floats_of(args->weight),
                     .chunks = pieces(args->weight->spec.out, CPU_COLUMNS)};
    size_t columns = args->groups * linear.chunks;

    if (!columns || !args->rows)
        return true;
    linear.bands = pieces(args->rows, BAND_ROWS);
    if (columns * linear.bands < ENOUGH_TASKS)
        linear.bands = least(pieces(ENOUGH_TASKS, columns), pieces(args->rows, LEAST_ROWS));
    linear.band = pieces(pieces(args->rows, linear.bands), 12) * 12;
    linear.bands = pieces(args->rows, linear.band);
    if (stream->rehearsing)
        return cpu_prepare(stream, prepare, &linear);
    return cpu_run(stream, compute_band, &linear, columns * linear.bands);
}
