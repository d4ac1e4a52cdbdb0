/* float_conv.c - convolutions, but for those in tiles (winograd.h): products whose rows
 * are the inputs around each position. A task computes some positions of one image.
 *
 * Along a row of the map, the inputs of one row of the kernel lie in one piece: those of the next
 * position begin one position later. So a wide map is read row by row, as rows.h makes them, and
 * each row of the kernel is a product that adds to the last. A narrow map would give such
 * products too few rows: there all inputs around each position are gathered first. */
#include "floats.h"
#include "product/rows.h"

#include <string.h>

enum {
    WIDE_SIDE = 32,      /* least side of an output to compute by rows */
    SEGMENT = 96,        /* most positions of a product */
    GATHERED = 64 << 10, /* most gathered numbers of a task */
    ROW_WORK = 10 << 20, /* multiplications of a task, by rows */
    GAP = 16             /* numbers between gathered rows, which would else share cache lines */
};

typedef struct Conv {
    const CodeConv *args;
    const CpuFloats *floats;
    size_t side, out_side, in, out;
    bool y_f32;                  /* else bfloat16 */
    size_t step, kernel, before; /* before: padding above and left */
    size_t padded;               /* out */
    size_t strip, strips;        /* positions of a task, or rows; tasks of an image */
    CpuRows rows;                /* of wide maps; each task has its own */
} Conv;

/* A product for all outputs of some positions, from `position` on, which counts through all images:
 * to y if it may write whole panels there, else to `sums`. */
static CpuProduct product_of(const Conv *conv, size_t position, float *sums)
{
    bool direct = conv->y_f32 && !conv->args->add && conv->padded == conv->out;
    CpuProduct product = cpu_product_with(conv->floats, 0, 0);

    product.c = direct ? (float *)conv->args->y + position * conv->out : sums;
    product.c_row = conv->padded;
    product.start = conv->y_f32 ? conv->args->weight->bias : NULL;
    product.steps = conv->floats->steps;
    product.panels = conv->floats->panels;
    product.width = conv->out;
    return product;
}

/* The sums of a product to y in bfloat16. */
static void finish_halves(const CpuBody *body, const Conv *conv, size_t at,
                          const CpuProduct *product)
{
    const CodeConv *args = conv->args;
    CpuTile tile = {.y = (uint16_t *)args->y + at,
                    .sums = product->c,
                    .bias = args->weight->bias,
                    .y_row = conv->out,
                    .sums_row = conv->padded,
                    .rows = product->rows,
                    .width = conv->out};

    if (args->add)
        body->add_residual(&tile, (const uint16_t *)args->add + at);
    else
        body->add_bias(&tile);
}

/* The sums of a product to y. */
static void finish(const CpuBody *body, const Conv *conv, size_t position,
                   const CpuProduct *product)
{
    const CodeConv *args = conv->args;
    size_t out = conv->out, at = position * out;
    float *y = (float *)args->y + at;
    const float *add = args->add, *sums = product->c;

    if (sums == y)
        return;
    if (!conv->y_f32) {
        finish_halves(body, conv, at, product);
        return;
    }
    add = add ? add + at : NULL;
    if (add && conv->padded == out) {
        body->add(y, sums, add, product->rows * out);
        return;
    }
    for (size_t i = 0; i < product->rows; i++)
        if (add)
            body->add(y + i * out, sums + i * conv->padded, add + i * out, out);
        else
            memcpy(y + i * out, sums + i * conv->padded, out * sizeof *y);
}

/* ---- narrow maps, and kernels of 1 x 1 ------------------------------------------------------- */

/* The inputs around one position of the image from element `image` on, (kernel, kernel, in). */
static void gather(const CodeDevice *device, const Conv *conv, size_t image, size_t y, size_t x,
                   float *to)
{
    const CpuFloats *floats = conv->floats;
    const void *from = conv->args->x;
    size_t in = conv->in, kernel = conv->kernel, run = kernel * in;
    size_t padding = floats->run - run;
    size_t left = x * conv->step - conv->before; /* may wrap: then it is outside the map */

    for (size_t i = 0; i < kernel; i++, to += floats->run) {
        size_t row = y * conv->step + i - conv->before;

        if (row < conv->side && left < conv->side && left + kernel <= conv->side)
            cpu_float_inputs(device, floats, to, from, image + (row * conv->side + left) * in, run);
        else
            for (size_t j = 0; j < kernel; j++)
                if (row < conv->side && left + j < conv->side)
                    cpu_float_inputs(device, floats, to + j * in, from,
                                     image + (row * conv->side + left + j) * in, in);
                else
                    memset(to + j * in, 0, in * sizeof *to);
        memset(to + run, 0, padding * sizeof *to);
    }
}

/* Inputs that lie one after the other, as kernels of 1 x 1 in float32 read them, stay where they
 * are. */
static bool in_place(const Conv *conv)
{
    return conv->kernel == 1 && conv->floats->numbers == CPU_FLOATS;
}

static float *strip_memory(CpuWorker *worker, const Conv *conv, CodesrcError *error)
{
    size_t gathered = in_place(conv) ? 0 : conv->floats->steps + GAP;

    return cpu_scratch(worker, conv->strip * (conv->padded + gathered) * sizeof(float), error);
}

static bool compute_strip(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const Conv *conv = job;
    size_t all = conv->out_side * conv->out_side, image = task / conv->strips;
    size_t first = task % conv->strips * conv->strip, count = least(conv->strip, all - first);
    size_t x = image * conv->side * conv->side * conv->in;
    float *sums = strip_memory(worker, conv, error), *gathered;
    CpuProduct product = product_of(conv, image * all + first, sums);

    if (!sums)
        return false;
    gathered = sums + conv->strip * conv->padded;
    product.rows = count;
    product.a = (const float *)conv->args->x + x + first * conv->in;
    product.a_row = conv->in;
    if (!in_place(conv)) {
        product.a = gathered;
        product.a_row = conv->floats->steps + GAP;
        for (size_t i = 0; i < count; i++)
            gather(worker->device, conv, x, (first + i) / conv->out_side,
                   (first + i) % conv->out_side, gathered + i * product.a_row);
    }
    worker->device->multiplier->multiply(&product);
    finish(worker->device->body, conv, image * all + first, &product);
    return true;
}

/* ---- wide maps ------------------------------------------------------------------------------- */

/* Rows of inputs, and sums of a segment. */
static float *rows_memory(CpuWorker *worker, const Conv *conv, CodesrcError *error)
{
    return cpu_scratch(
        worker, (SEGMENT * conv->padded + cpu_rows_floats(&conv->rows)) * sizeof(float), error);
}

static bool compute_rows(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const Conv *conv = job;
    const CodeDevice *device = worker->device;
    size_t image = task / conv->strips, begin = task % conv->strips * conv->strip;
    size_t end = least(begin + conv->strip, conv->out_side), left = 1 - conv->before;
    float *sums = rows_memory(worker, conv, error);
    CpuRows rows = conv->rows;
    CpuProduct product;

    if (!sums)
        return false;
    rows.data = sums + SEGMENT * conv->padded;
    rows.image = image;
    rows.next = begin * conv->step - conv->before;
    for (size_t y = begin; y < end; y++) {
        size_t top = y * conv->step - conv->before;

        cpu_make_rows(device, &rows, top + conv->kernel);
        for (size_t at = 0; at < conv->out_side; at += product.rows) {
            size_t position = (image * conv->out_side + y) * conv->out_side + at;

            product = product_of(conv, position, sums);
            product.a_row = conv->step * conv->in;
            product.rows = least(SEGMENT, conv->out_side - at);
            product.steps = conv->kernel * conv->in;
            for (size_t i = 0; i < conv->kernel; i++) {
                product.b = cpu_product_with(conv->floats, 0, i * conv->floats->run).b;
                product.a = cpu_row(&rows, top + i) + (at * conv->step + left) * conv->in;
                product.add = i > 0;
                device->multiplier->multiply(&product);
            }
            finish(device->body, conv, position, &product);
        }
    }
    return true;
}

/* ---- the operation --------------------------------------------------------------------------- */

static bool prepare(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const Conv *conv = job;

    (void)task;
    return conv->rows.kept ? rows_memory(worker, conv, error) : strip_memory(worker, conv, error);
}

static bool is_wide(const CodeConv *args)
{
    CodeWeightKind kind = args->weight->spec.kind;

    return kind != CODE_WEIGHT_CONV1 &&
           args->side >= (kind == CODE_WEIGHT_CONV3_S2 ? 2 * WIDE_SIDE : WIDE_SIDE);
}

bool cpu_float_conv(CodeStream *stream, const CodeConv *args)
{
    const CpuFloats *floats = cpu_floats_of(args->weight);
    const CodeWeightSpec *spec = &floats->head.spec;
    Conv conv = {.args = args,
                 .floats = floats,
                 .side = args->side,
                 .in = spec->in,
                 .out = spec->out,
                 .step = spec->kind == CODE_WEIGHT_CONV3_S2 ? 2 : 1,
                 .kernel = code_kernel_side(spec->kind),
                 .before = spec->kind == CODE_WEIGHT_CONV3 ? 1 : 0,
                 .y_f32 = floats->numbers == CPU_FLOATS || code_writes_f32(spec),
                 .padded = floats->panels * FLOAT_PANEL};
    bool wide = is_wide(args);
    CpuGroupNorm norm;
    size_t row_work;

    conv.out_side = conv.side / conv.step;
    row_work = conv.out_side * floats->steps * conv.padded;
    if (!row_work || !args->images)
        return true;
    if (args->norm &&
        !(wide ? cpu_take_moments(stream, args->norm, &norm) : cpu_group_norm(stream, args->norm)))
        return false;
    if (wide) {
        conv.rows = (CpuRows){.norm = args->norm ? &norm : NULL,
                              .x = args->x,
                              .f32 = code_reads_f32(spec) || !stream->device->halves,
                              .rounded = floats->numbers != CPU_FLOATS,
                              .side = conv.side,
                              .in = conv.in,
                              .kept = conv.kernel};
        conv.strip = row_work < ROW_WORK ? ROW_WORK / row_work : 1;
        conv.strip = least(conv.strip, pieces(conv.out_side, 8));
        conv.strips = pieces(conv.out_side, conv.strip);
    } else {
        conv.strip = least(GATHERED / (floats->steps + GAP) / 12 * 12, SEGMENT);
        conv.strip = conv.strip ? conv.strip : 12;
        conv.strips = pieces(conv.out_side * conv.out_side, conv.strip);
    }
    if (stream->rehearsing)
        return cpu_prepare(stream, prepare, &conv);
    return cpu_run(stream, wide ? compute_rows : compute_strip, &conv, args->images * conv.strips);
}
