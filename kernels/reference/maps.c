/* maps.c - reference operations on maps: resizing, convolution, group norm, pixels. */
#include "reference.h"

#include <math.h>
#include <string.h>

/* ---- resizing -------------------------------------------------------------------------------- */

/* The inputs of one output cell along an axis: `count` of them, and their weights. */
typedef struct Taps {
    unsigned count;
    unsigned at[4];
    float weight[4];
} Taps;

/* PyTorch's bicubic: A = -0.75, half-pixel centres, indices clamped at the border. */
static Taps cubic_taps(unsigned cell, unsigned in, unsigned out)
{
    const float a = -0.75f;
    float centre = ((float)cell + 0.5f) * ((float)in / (float)out) - 0.5f, base = floorf(centre);
    float t = centre - base, near[2] = {t, 1 - t}, far[2] = {t + 1, 2 - t};
    Taps taps = {.count = 4};

    for (int i = 0; i < 4; i++) {
        float at = base + (float)(i - 1), end = (float)(in - 1);

        taps.at[i] = (unsigned)(at < 0 ? 0 : at > end ? end : at);
    }
    taps.weight[0] = ((a * far[0] - 5 * a) * far[0] + 8 * a) * far[0] - 4 * a;
    taps.weight[1] = ((a + 2) * near[0] - (a + 3)) * near[0] * near[0] + 1;
    taps.weight[2] = ((a + 2) * near[1] - (a + 3)) * near[1] * near[1] + 1;
    taps.weight[3] = ((a * far[1] - 5 * a) * far[1] + 8 * a) * far[1] - 4 * a;
    return taps;
}

static void cubic_cell(const CodeResize *args, const float *in, unsigned y, unsigned x, float *out)
{
    Taps rows = cubic_taps(y, args->in_side, args->out_side);
    Taps columns = cubic_taps(x, args->in_side, args->out_side);
    size_t channels = args->channels;

    for (size_t c = 0; c < channels; c++) {
        float sum = 0;

        for (unsigned i = 0; i < rows.count; i++) {
            float row = 0;

            for (unsigned j = 0; j < columns.count; j++)
                row += columns.weight[j] *
                       in[((size_t)rows.at[i] * args->in_side + columns.at[j]) * channels + c];
            sum += rows.weight[i] * row;
        }
        out[c] = sum;
    }
}

static void area_cell(const CodeResize *args, const float *in, unsigned y, unsigned x, float *out)
{
    unsigned n = args->in_side, m = args->out_side;
    unsigned top = y * n / m, bottom = ((y + 1) * n + m - 1) / m;
    unsigned left = x * n / m, right = ((x + 1) * n + m - 1) / m;
    size_t channels = args->channels;

    for (size_t c = 0; c < channels; c++) {
        float sum = 0;

        for (unsigned i = top; i < bottom; i++)
            for (unsigned j = left; j < right; j++)
                sum += in[((size_t)i * n + j) * channels + c];
        out[c] = sum / (float)((bottom - top) * (right - left));
    }
}

bool reference_resize(CodeStream *stream, const CodeResize *args)
{
    size_t channels = args->channels;

    if (stream->rehearsing)
        return true;
    for (unsigned image = 0; image < args->images; image++) {
        const float *in = args->in + image * args->in_image;
        float *out = args->out + image * args->out_image;

        for (unsigned y = 0; y < args->out_side; y++) {
            if (!code_host_goes_on(stream))
                return false;
            for (unsigned x = 0; x < args->out_side; x++, out += channels) {
                if (args->mode == CODE_BICUBIC)
                    cubic_cell(args, in, y, x, out);
                else
                    area_cell(args, in, y, x, out);
            }
        }
    }
    return true;
}

/* ---- convolution ----------------------------------------------------------------------------- */

enum { CHUNK = 256 }; /* outputs computed at a time */

/* Outputs begin .. begin + width - 1 of one position: bias + the taps inside the map. */
static void convolve(const CodeConv *args, const float *in, unsigned y, unsigned x, size_t begin,
                     size_t width, float *sum)
{
    const CodeWeight *weight = args->weight;
    unsigned stride = weight->spec.kind == CODE_WEIGHT_CONV3_S2 ? 2 : 1, side = args->side;
    unsigned before = weight->kernel == 3 && stride == 1 ? 1 : 0; /* padding left and above */
    unsigned times = weight->spec.kind == CODE_WEIGHT_CONV3_X2 ? 2 : 1;
    size_t inputs = weight->spec.in, outputs = weight->spec.out;

    memcpy(sum, weight->bias + begin, width * sizeof(float));
    for (unsigned i = 0; i < weight->kernel; i++)
        for (unsigned j = 0; j < weight->kernel; j++) {
            unsigned row = y * stride + i - before, column = x * stride + j - before; /* may wrap */
            const float *w = weight->data + (i * weight->kernel + j) * inputs * outputs + begin;
            const float *v = in + ((size_t)(row / times) * side + column / times) * inputs;

            if (row >= times * side || column >= times * side)
                continue;
            for (size_t c = 0; c < inputs; c++)
                for (size_t o = 0; o < width; o++)
                    sum[o] += v[c] * w[c * outputs + o];
        }
}

bool reference_conv(CodeStream *stream, const CodeConv *args)
{
    const CodeWeightSpec *spec = &args->weight->spec;
    unsigned side = spec->kind == CODE_WEIGHT_CONV3_S2   ? args->side / 2
                    : spec->kind == CODE_WEIGHT_CONV3_X2 ? 2 * args->side
                                                         : args->side;
    size_t in_image = (size_t)args->side * args->side * spec->in, out = spec->out;
    float sum[CHUNK];

    if (args->norm && !reference_group_norm(stream, args->norm))
        return false;
    if (stream->rehearsing)
        return true;
    for (size_t at = 0; at < (size_t)args->images * side * side; at++) {
        const float *in = (const float *)args->x + at / (side * side) * in_image;
        const float *add = args->add;
        float *map = args->y;
        unsigned y = at / side % side, x = at % side;

        if (!code_host_goes_on(stream))
            return false;
        for (size_t begin = 0; begin < out; begin += CHUNK) {
            size_t width = out - begin < CHUNK ? out - begin : CHUNK, to = at * out + begin;

            convolve(args, in, y, x, begin, width, sum);
            for (size_t o = 0; o < width; o++)
                map[to + o] = add ? sum[o] + add[to + o] : sum[o];
        }
    }
    return true;
}

/* ---- elementwise and norms ------------------------------------------------------------------- */

bool reference_accumulate(CodeStream *stream, const CodeAccumulate *args)
{
    size_t positions = (size_t)args->images * args->positions, channels = args->channels;

    if (stream->rehearsing)
        return true;
    for (size_t i = 0; i < positions; i++)
        for (size_t at = i * channels; at < (i + 1) * channels; at++) {
            float f = args->f_hat[at] + (0.5f * args->h[at] + 0.5f * args->conv[at]);

            if (args->mask)
                f = f * args->mask[i] + args->kept[at] * (1 - args->mask[i]);
            args->f_hat[at] = f;
        }
    return true;
}

static double length_of(const float *x, size_t channels)
{
    double square = 0;

    for (size_t c = 0; c < channels; c++)
        square += (double)x[c] * x[c];
    return sqrt(square);
}

bool reference_between(CodeStream *stream, const CodeBetween *args)
{
    size_t channels = args->channels;
    double t = args->t;

    if (stream->rehearsing)
        return true;
    for (size_t at = 0; at < args->positions * channels; at += channels) {
        const float *a = args->a + at, *b = args->b + at;
        double length = (1 - t) * length_of(a, channels) + t * length_of(b, channels), square = 0;

        for (size_t c = 0; c < channels; c++)
            square += ((1 - t) * a[c] + t * b[c]) * ((1 - t) * a[c] + t * b[c]);
        for (size_t c = 0; c < channels; c++)
            args->y[at + c] =
                square > 0 ? (float)(((1 - t) * a[c] + t * b[c]) * (length / sqrt(square))) : 0;
    }
    return true;
}

static void normalise_group(const CodeGroupNorm *args, const float *x, float *y, size_t first,
                            size_t size)
{
    size_t channels = args->channels, count = args->positions * size;
    double mean = 0, square = 0, factor;

    for (size_t i = 0; i < args->positions; i++)
        for (size_t c = first; c < first + size; c++)
            mean += x[i * channels + c];
    mean /= count;
    for (size_t i = 0; i < args->positions; i++)
        for (size_t c = first; c < first + size; c++)
            square += (x[i * channels + c] - mean) * (x[i * channels + c] - mean);
    factor = 1 / sqrt(square / count + 1e-6);
    for (size_t i = 0; i < args->positions; i++)
        for (size_t c = first; c < first + size; c++) {
            float v =
                (float)((x[i * channels + c] - mean) * factor) * args->weight[c] + args->bias[c];

            y[i * channels + c] = args->silu ? v / (1 + expf(-v)) : v;
        }
}

bool reference_group_norm(CodeStream *stream, const CodeGroupNorm *args)
{
    size_t size = args->channels / args->groups,
           image_size = (size_t)args->positions * args->channels;

    if (stream->rehearsing)
        return true;
    for (unsigned image = 0; image < args->images; image++)
        for (size_t group = 0; group < args->groups; group++) {
            if (!code_host_goes_on(stream))
                return false;
            normalise_group(args, (const float *)args->x + image * image_size,
                            (float *)args->y + image * image_size, group * size, size);
        }
    return true;
}

/* 255 * (x + 1) / 2, cut to 0..255 and rounded half to even; NaN fails both comparisons and gives
 * 0. */
bool reference_pixels(CodeStream *stream, const CodePixels *args)
{
    size_t row = 3 * (size_t)args->side;

    if (stream->rehearsing)
        return true;
    for (size_t y = 0; y < args->side; y++)
        for (size_t i = 0; i < row; i++)
            args->out[y * args->stride + i] = reference_pixel(args->x[y * row + i]);
    return true;
}
