/* conv.c - convolutions in float32. A task computes a band of rows of one image, all channels of
 * it. */
#include "onednn.h"

#include <math.h>

/* A band should be some 1 ms of work, less if that would make only a few of them, yet wide enough
 * to pay for reading all weights again. */
static const double most_work = 128e6, least_work = 4e6; /* operations */
enum { MANY_BANDS = 16, BAND_POSITIONS = 64 };

/* How a map is cut. */
typedef struct Bands {
    size_t side, out_side;
    size_t step, kernel, before; /* before: padding above and left */
    size_t height, count;        /* of bands, except the last */
} Bands;

static Bands bands_of(const CodeWeightSpec *spec, size_t side)
{
    Bands bands = {
        .side = side,
        .step = spec->kind == CODE_WEIGHT_CONV3_S2 ? 2 : 1,
        .kernel = code_kernel_side(spec->kind),
        .before = spec->kind == CODE_WEIGHT_CONV3 ? 1 : 0,
    };
    size_t taps = bands.kernel * bands.kernel, height;
    double row, work;

    bands.out_side = side / bands.step;
    if (!bands.out_side)
        return bands;
    row = 2.0 * (double)taps * spec->in * spec->out * (double)bands.out_side;
    work = fmin(fmax(row * (double)bands.out_side / MANY_BANDS, least_work), most_work);
    height = row < work ? (size_t)(work / row) : 1;
    if (height * bands.out_side < BAND_POSITIONS)
        height = pieces(BAND_POSITIONS, bands.out_side);
    height = least(height, bands.out_side);
    for (size_t even = height; 2 * even > height; even--) /* equal bands need fewer primitives */
        if (bands.out_side % even == 0) {
            height = even;
            break;
        }
    bands.height = height;
    bands.count = pieces(bands.out_side, height);
    return bands;
}

/* A band's input, in rows; the padding follows from the rows outside the map. */
static OnednnShape shape_of(const CodeWeightSpec *spec, const Bands *bands, size_t band,
                            size_t *first)
{
    size_t begin = band * bands->height, end = least(begin + bands->height, bands->out_side);
    size_t from = begin * bands->step; /* in rows of the padded map */
    size_t to = (end - 1) * bands->step + bands->kernel;
    size_t reach = (bands->out_side - 1) * bands->step + bands->kernel; /* of the whole map */
    size_t top = from < bands->before ? bands->before - from : 0;
    size_t bottom = to > bands->before + bands->side ? to - bands->before - bands->side : 0;

    *first = from + top - bands->before;
    return (OnednnShape){
        .kind = spec->kind,
        .in = spec->in,
        .out = spec->out,
        .height = (uint32_t)(to - from - top - bottom),
        .width = (uint32_t)bands->side,
        .out_height = (uint32_t)(end - begin),
        .out_width = (uint32_t)bands->out_side,
        .top = (uint32_t)top,
        .bottom = (uint32_t)bottom,
        .left = (uint32_t)bands->before,
        .right =
            (uint32_t)(reach > bands->before + bands->side ? reach - bands->before - bands->side
                                                           : 0),
    };
}

static size_t tile_size(const CodeWeightSpec *spec, const Bands *bands)
{
    return bands->height * bands->out_side * spec->out;
}

/* Makes the primitives of all kinds of bands in the same order each time, and prefers the layout of
 * the second band, the most frequent kind, for all: so results do not depend on which task comes
 * first. */
static bool prepare_bands(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const CodeConv *args = job;
    const CodeWeightSpec *spec = &args->weight->spec;
    Bands bands = bands_of(spec, args->side);
    size_t kinds[] = {1, 0, bands.count - 1, bands.count - 2}, scratch = 0, first;
    const OnednnWeight *weight = onednn_weight(args->weight);
    const dnnl_memory_desc_t *weights = NULL;

    (void)task;
    for (int i = 0; i < 4; i++) {
        OnednnShape shape;
        OnednnProduct *product;

        if (kinds[i] >= bands.count)
            continue;
        shape = shape_of(spec, &bands, kinds[i], &first);
        product = onednn_product_find(worker, &shape);
        if (!product)
            product = onednn_product_make(worker, &shape, weights, error);
        if (!product || !onednn_weight_in(worker, weight, &product->weights, error))
            return false;
        weights = weights ? weights : &product->weights;
        scratch = product->scratch_bytes > scratch ? product->scratch_bytes : scratch;
    }
    return cpu_scratch(worker, pieces(scratch, 64) * 64 + tile_size(spec, &bands) * sizeof(float),
                       error);
}

static bool compute_band(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const CodeConv *args = job;
    const CodeWeightSpec *spec = &args->weight->spec;
    Bands bands = bands_of(spec, args->side);
    size_t image = task / bands.count, band = task % bands.count, first, row, at, count;
    OnednnShape shape = shape_of(spec, &bands, band, &first);
    OnednnProduct *product = onednn_product_find(worker, &shape);
    const float *weights;
    float *tile;
    char *scratch;

    if (!product) {
        if (!prepare_bands(worker, job, 0, error))
            return false;
        product = onednn_product_find(worker, &shape);
    }
    row = bands.out_side * spec->out;
    at = (image * bands.out_side + band * bands.height) * row;
    count = shape.out_height * row;
    weights = onednn_weight_in(worker, onednn_weight(args->weight), &product->weights, error);
    scratch = cpu_scratch(
        worker, pieces(product->scratch_bytes, 64) * 64 + tile_size(spec, &bands) * sizeof(float),
        error);
    if (!weights || !scratch)
        return false;
    tile = args->add ? (float *)(scratch + pieces(product->scratch_bytes, 64) * 64)
                     : (float *)args->y + at;
    if (!onednn_product_run(worker, product,
                            (const float *)args->x +
                                (image * args->side + first) * args->side * spec->in,
                            weights, args->weight->bias, tile, scratch, error))
        return false;
    if (args->add)
        worker->device->body->add((float *)args->y + at, tile, (const float *)args->add + at,
                                  count);
    return true;
}

bool onednn_conv(CodeStream *stream, const CodeConv *args)
{
    Bands bands = bands_of(&args->weight->spec, args->side);

    if (!bands.out_side || !args->images)
        return true;
    if (stream->rehearsing)
        return cpu_prepare(stream, prepare_bands, args);
    return cpu_run(stream, compute_band, args, args->images * bands.count);
}
