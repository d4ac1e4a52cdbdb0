/* layers.c - linear layers and convolutions: gathers rows strip by strip into scratch memory,
 * unless they are ready, then multiplies and gates them. The sizes of strips depend only on
 * shapes. */
#include "cuda.h"

enum { STRIP_ROWS = 128 };

static unsigned smaller(unsigned a, size_t b)
{
    return b < a ? (unsigned)b : a;
}

/* The number of groups of this many bytes in a strip: at least one. */
static unsigned groups_in_strip(unsigned groups, size_t bytes)
{
    size_t fitting = bytes ? CUDA_SCRATCH / bytes : groups;

    return smaller(groups, fitting ? fitting : 1);
}

/* ---- convolutions, and linear layers whose input has another type ---------------------------- */

/* The source of a product's rows, and the destination of its outputs. */
typedef struct Strips {
    CudaGather gather;   /* except `first`, `positions`, `images`, `rows` */
    CudaProduct product; /* except `x`, groups and rows; y and add: of image 0 */
    unsigned images, positions;
} Strips;

/* Gathers and multiplies `positions` rows, starting at `first`, of `images` images, starting at
 * `image`. */
static bool strip(CudaStream *stream, const Strips *strips, unsigned image, unsigned images,
                  unsigned first, unsigned positions)
{
    const CodeWeight *weight = strips->product.weight;
    size_t out = weight->spec.out, y_size = cuda_size(weight->y_type);
    size_t at = ((size_t)image * strips->positions + first) * out * y_size;
    CudaGather gather = strips->gather;
    CudaProduct product = strips->product;

    gather.x = (const char *)gather.x + image * gather.x_image * cuda_size(gather.from);
    gather.images = images;
    gather.first = first;
    gather.positions = positions;
    gather.rows = stream->scratch;
    product.x = stream->scratch;
    product.x_group = (size_t)positions * weight->columns;
    product.y = (char *)product.y + at;
    product.add = product.add ? (const char *)product.add + at : NULL;
    product.y_group = strips->positions * out;
    product.groups = images;
    product.rows = positions;
    if (!stream->head.rehearsing &&
        !cuda_ok(stream, cuda_gather(&gather, stream->stream), "gathering rows"))
        return false;
    return cuda_product(stream, &product);
}

static bool run_strips(CudaStream *stream, const Strips *strips)
{
    const CodeWeight *weight = strips->product.weight;
    size_t row = weight->columns * cuda_size(weight->type), image = strips->positions * row;
    unsigned rows = smaller(strips->positions, CUDA_SCRATCH / row / STRIP_ROWS * STRIP_ROWS);
    unsigned images = groups_in_strip(strips->images, image);

    rows = rows ? rows : smaller(strips->positions, STRIP_ROWS);
    /* Rehearsing one image suffices for any number: a strip never exceeds the budget. */
    if (!cuda_reserve(stream, rows < strips->positions ? rows * row
                              : image > CUDA_SCRATCH   ? image
                                                       : CUDA_SCRATCH))
        return false;
    if (rows == strips->positions) {
        for (unsigned first = 0; first < strips->images; first += images)
            if (!cuda_goes_on(stream) ||
                !strip(stream, strips, first, smaller(images, strips->images - first), 0, rows))
                return false;
        return true;
    }
    for (unsigned i = 0; i < strips->images; i++)
        for (unsigned first = 0; first < strips->positions; first += rows)
            if (!cuda_goes_on(stream) ||
                !strip(stream, strips, i, 1, first, smaller(rows, strips->positions - first)))
                return false;
    return true;
}

bool cuda_conv(CodeStream *base, const CodeConv *args)
{
    CudaStream *stream = cuda_stream(base);
    const CodeWeight *weight = args->weight;
    unsigned stride = weight->spec.kind == CODE_WEIGHT_CONV3_S2 ? 2 : 1;
    bool doubled = weight->spec.kind == CODE_WEIGHT_CONV3_X2;
    unsigned whole = doubled ? 2 * args->side : args->side; /* the convolved map */
    unsigned side = whole / stride, positions = side * side, in = weight->spec.in;
    CudaType from = code_reads_f32(&weight->spec) ? CUDA_F32 : base->device->type;
    CudaProduct product = {
        .weight = weight, .x = args->x, .add = args->add, .y = args->y, .groups = args->images};
    Strips strips = {.images = args->images, .positions = positions};

    if (!cuda_goes_on(stream) || (args->norm && !cuda_group_norm(base, args->norm)))
        return false;
    if (weight->kernel == 1 && from == weight->type && weight->columns == in) {
        product.rows = positions; /* the map is the rows */
        product.x_group = (size_t)positions * in;
        product.y_group = (size_t)positions * weight->spec.out;
        return cuda_product(stream, &product);
    }
    strips.product = product;
    strips.gather = (CudaGather){.x = args->x,
                                 .x_image = (size_t)args->side * args->side * in,
                                 .from = from,
                                 .to = weight->type,
                                 .width = whole,
                                 .height = whole,
                                 .doubled = doubled,
                                 .in = in,
                                 .kernel = weight->kernel,
                                 .stride = stride,
                                 .padding = weight->kernel == 3 && stride == 1,
                                 .out_width = side,
                                 .columns = weight->columns};
    return run_strips(stream, &strips);
}

/* ---- linear layers --------------------------------------------------------------------------- */

/* y += gate * (W x + bias): the sums of a strip's groups go through scratch memory. */
static bool gated(CudaStream *stream, const CodeLinear *args)
{
    const CodeWeight *weight = args->weight;
    size_t group = (size_t)args->rows * weight->spec.out;
    unsigned groups = groups_in_strip(args->groups, group * sizeof(float));

    if (!cuda_reserve(stream,
                      group * sizeof(float) > CUDA_SCRATCH ? group * sizeof(float) : CUDA_SCRATCH))
        return false;
    for (unsigned first = 0; first < args->groups; first += groups) {
        unsigned count = smaller(groups, args->groups - first);
        CudaProduct product = {.weight = weight,
                               .x = (const char *)args->x +
                                    first * args->x_group * cuda_size(weight->type),
                               .y = stream->scratch,
                               .x_group = args->x_group,
                               .y_group = group,
                               .groups = count,
                               .rows = args->rows};
        CudaGate gate = {.y = (float *)args->y + first * group,
                         .sum = (const float *)stream->scratch,
                         .rows = (size_t)count * args->rows,
                         .first_row = (size_t)first * args->rows,
                         .out = weight->spec.out,
                         .lane_rows = args->lane_rows,
                         .gate = args->gate};

        if (!cuda_product(stream, &product) ||
            (!stream->head.rehearsing &&
             !cuda_ok(stream, cuda_gate(&gate, stream->stream), "adding gated sums")))
            return false;
    }
    return true;
}

bool cuda_linear(CodeStream *base, const CodeLinear *args)
{
    CudaStream *stream = cuda_stream(base);
    const CodeWeight *weight = args->weight;
    unsigned in = weight->spec.in;
    CudaProduct product = {.weight = weight,
                           .x = args->x,
                           .y = args->y,
                           .x_group = args->x_group,
                           .y_group = (size_t)args->rows * weight->spec.out,
                           .groups = args->groups,
                           .rows = args->rows,
                           .gelu = args->epilogue == CODE_GELU};
    Strips strips = {
        .product = product,
        .gather = {.x = args->x,
                   .x_image = args->x_group,
                   .from = code_reads_f32(&weight->spec) ? CUDA_F32 : base->device->type,
                   .to = weight->type,
                   .width = args->rows,
                   .height = 1,
                   .in = in,
                   .kernel = 1,
                   .stride = 1,
                   .out_width = args->rows,
                   .columns = weight->columns},
        .images = args->groups,
        .positions = args->rows};

    if (!cuda_goes_on(stream))
        return false;
    if (args->epilogue == CODE_GATED)
        return gated(stream, args);
    if (strips.gather.from != weight->type)
        return run_strips(stream, &strips);
    return cuda_product(stream, &product);
}

/* ---- group norm ------------------------------------------------------------------------------ */

/* One image after the other: their sums share scratch memory. */
bool cuda_group_norm(CodeStream *base, const CodeGroupNorm *args)
{
    CudaStream *stream = cuda_stream(base);
    CudaType type = base->device->type;
    size_t image = (size_t)args->positions * args->channels * cuda_size(type);
    CodeGroupNorm one = *args;
    bool good = cuda_goes_on(stream) && cuda_reserve(stream, cuda_group_norm_scratch(args));

    one.images = 1;
    for (unsigned i = 0; good && i < args->images && !base->rehearsing; i++) {
        one.x = (const char *)args->x + i * image;
        one.y = (char *)args->y + i * image;
        good = cuda_ok(stream, cuda_norm_groups(&one, type, stream->scratch, stream->stream),
                       "group_norm");
    }
    return good;
}
