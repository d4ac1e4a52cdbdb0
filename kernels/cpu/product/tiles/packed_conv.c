/* packed_conv.c - convolutions with packed weights: products whose rows are gathered, one pointer
 * per tap. A task computes a band of output rows of one image. */
#include "packed.h"

#include <string.h>

enum { BAND_WORK = 64 << 20 }; /* multiplications of a task: well under a millisecond */

typedef struct Conv {
    const CodeConv *args;
    const CpuPacked *packed;
    size_t side, out_side, band, bands; /* band: output rows of a task */
    unsigned step, before;              /* before: padding above and left */
    const char *x;                      /* (images, side, side, steps * 4 bytes) */
    char *moved;                        /* the same if it is not args->x itself */
    size_t position_bytes;
} Conv;

/* ---- inputs that must be moved --------------------------------------------------------------- */

static bool move_row(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const Conv *conv = job;
    size_t element = code_reads_f32(&conv->packed->head.spec) ? sizeof(float) : sizeof(uint16_t);

    (void)error;
    cpu_move_inputs(
        worker->device->body, conv->packed, conv->moved + task * conv->side * conv->position_bytes,
        (const char *)conv->args->x + task * conv->side * conv->packed->in * element, conv->side);
    return true;
}

/* Copies x to the stream's shared memory, as bfloat16 rows of whole steps. */
static bool move_inputs(CodeStream *stream, Conv *conv)
{
    size_t rows = conv->args->images * conv->side;

    conv->position_bytes = (size_t)conv->packed->steps * 4;
    conv->x = conv->moved = cpu_shared(stream, rows * conv->side * conv->position_bytes);
    return conv->x && (stream->rehearsing || cpu_run(stream, move_row, conv, rows));
}

/* ---- tiles ----------------------------------------------------------------------------------- */

/* Pointers of one tap for `count` positions of a row, starting at `column` of the map. */
static void gather_tap(const Conv *conv, const char *row, size_t column, unsigned count,
                       const void **a)
{
    size_t stride = conv->step * conv->position_bytes, last = column + (count - 1) * conv->step;

    if (column < conv->side && last < conv->side) {
        const char *first = row + column * conv->position_bytes;

        for (unsigned r = 0; r < count; r++)
            a[r] = first + r * stride;
        return;
    }
    for (unsigned r = 0; r < count; r++, column += conv->step)
        a[r] = column < conv->side ? row + column * conv->position_bytes : conv->packed->head.zeros;
}

/* Pointers of `count` positions from (y, x): (taps, count). */
static void gather(const Conv *conv, const char *image, size_t y, size_t x, unsigned count,
                   const void **a)
{
    unsigned kernel = conv->packed->taps == 9 ? 3 : 1;

    for (unsigned i = 0; i < kernel; i++) {
        size_t row = y * conv->step + i - conv->before; /* may wrap: then it is outside the map */
        bool inside = row < conv->side;
        const char *from = inside ? image + row * conv->side * conv->position_bytes : NULL;

        for (unsigned j = 0; j < kernel; j++, a += count) {
            if (inside)
                gather_tap(conv, from, x * conv->step + j - conv->before, count, a);
            else
                for (unsigned r = 0; r < count; r++)
                    a[r] = conv->packed->head.zeros;
        }
    }
}

/* `sums` of up to GEMM_ROWS positions to y. */
static void finish_tile(const CpuBody *body, const Conv *conv, const CpuPanel *panel,
                        size_t position, unsigned count, float *sums)
{
    const CodeConv *args = conv->args;
    size_t out = conv->packed->out, at = position * out + panel->first;
    bool y_f32 = code_writes_f32(&conv->packed->head.spec);
    size_t element = y_f32 ? sizeof(float) : sizeof(uint16_t);
    CpuTile tile = {.y = (char *)args->y + at * element,
                    .y_f32 = y_f32,
                    .sums = sums,
                    .bias = conv->packed->head.bias + panel->first,
                    .y_row = out,
                    .sums_row = GEMM_COLUMNS,
                    .rows = count,
                    .width = panel->width};

    if (!args->add) {
        body->add_bias(&tile);
        return;
    }
    if (!y_f32) {
        body->add_residual(&tile, (const char *)args->add + at * element);
        return;
    }
    tile.y = sums;
    tile.y_row = GEMM_COLUMNS;
    body->add_bias(&tile);
    for (unsigned r = 0; r < count; r++)
        body->add((float *)args->y + at + r * out, sums + r * GEMM_COLUMNS,
                  (const float *)args->add + at + r * out, panel->width);
}

/* A row of a folded convolution: sums of one column of the kernel each, at one position more on
 * either side, of which every output is three. */
static void compute_folded_row(const CodeDevice *device, const Conv *conv, const char *image,
                               size_t row, size_t position)
{
    const CpuPacked *packed = conv->packed;
    CpuPanel panel = cpu_panel(packed, 0);
    size_t out = packed->out, line = conv->side * conv->position_bytes;
    float sums[GEMM_ROWS * GEMM_COLUMNS] __attribute__((aligned(64)));
    const void *a[3 * GEMM_ROWS];

    for (size_t column = 0, count; column < conv->side; column += count) {
        GemmTile tile = {.a = a,
                         .b = panel.data,
                         .c = sums,
                         .c_row = GEMM_COLUMNS,
                         .taps = packed->taps,
                         .steps = packed->steps,
                         .vectors = panel.vectors};

        count = least(device->gemm->rows[panel.vectors] - 2, conv->side - column);
        tile.rows = (unsigned)count + 2;
        for (size_t i = 0; i < 3; i++)
            if (row + i - 1 < conv->side)
                gather_tap(conv, image + (row + i - 1) * line, column - 1, tile.rows,
                           a + i * tile.rows);
            else
                for (unsigned r = 0; r < tile.rows; r++)
                    a[i * tile.rows + r] = packed->head.zeros;
        device->gemm->bf16(&tile);
        for (float *sum = sums; sum < sums + count * GEMM_COLUMNS; sum += GEMM_COLUMNS)
            for (size_t o = 0; o < out; o++)
                sum[o] += sum[GEMM_COLUMNS + out + o] + sum[2 * (GEMM_COLUMNS + out) + o];
        finish_tile(device->body, conv, &panel, position + column, (unsigned)count, sums);
    }
}

static bool compute_band(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const Conv *conv = job;
    const CpuPacked *packed = conv->packed;
    size_t image = task / conv->bands, begin = task % conv->bands * conv->band;
    size_t end = least(begin + conv->band, conv->out_side);
    const char *x = conv->x + image * conv->side * conv->side * conv->position_bytes;
    float sums[GEMM_ROWS * GEMM_COLUMNS] __attribute__((aligned(64)));
    const void *a[GEMM_TAPS * GEMM_ROWS];

    (void)error;
    if (packed->folded) {
        for (size_t row = begin; row < end; row++)
            compute_folded_row(worker->device, conv, x, row,
                               (image * conv->side + row) * conv->side);
        return true;
    }
    for (size_t p = 0; p < cpu_panels(packed); p++) {
        CpuPanel panel = cpu_panel(packed, p);

        for (size_t row = begin; row < end; row++)
            for (size_t column = 0, count; column < conv->out_side; column += count) {
                GemmTile tile = {.a = a,
                                 .b = panel.data,
                                 .c = sums,
                                 .c_row = GEMM_COLUMNS,
                                 .taps = packed->taps,
                                 .steps = packed->steps,
                                 .vectors = panel.vectors};

                tile.rows = gemm_rows(worker->device->gemm, panel.vectors, conv->out_side - column);
                count = tile.rows;
                gather(conv, x, row, column, tile.rows, a);
                worker->device->gemm->bf16(&tile);
                finish_tile(worker->device->body, conv, &panel,
                            (image * conv->out_side + row) * conv->out_side + column, tile.rows,
                            sums);
            }
    }
    return true;
}

bool cpu_packed_conv(CodeStream *stream, const CodeConv *args)
{
    const CpuPacked *packed = cpu_packed(args->weight);
    const CodeWeightSpec *spec = &packed->head.spec;
    Conv conv = {.args = args,
                 .packed = packed,
                 .side = args->side,
                 .step = spec->kind == CODE_WEIGHT_CONV3_S2 ? 2 : 1,
                 .before = spec->kind == CODE_WEIGHT_CONV3 ? 1 : 0,
                 .x = args->x,
                 .position_bytes = (size_t)packed->in * sizeof(uint16_t)};
    size_t row_work;

    conv.out_side = conv.side / conv.step;
    row_work = conv.out_side * packed->taps * packed->in * packed->out;
    if (!row_work || !args->images)
        return true;
    if (args->norm && !cpu_group_norm(stream, args->norm))
        return false;
    conv.band = row_work < BAND_WORK ? BAND_WORK / row_work : 1;
    conv.band = least(conv.band, pieces(conv.out_side, 8)); /* work for several threads */
    conv.bands = pieces(conv.out_side, conv.band);
    if (cpu_moves_inputs(packed) && !move_inputs(stream, &conv))
        return false;
    return stream->rehearsing || cpu_run(stream, compute_band, &conv, args->images * conv.bands);
}
