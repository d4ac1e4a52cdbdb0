/* maps.c - operations on maps except convolution: resizing, accumulating, group norm, pixels. */
#include "cpu.h"

#include <math.h>
#include <string.h>

enum { TASK_ELEMENTS = 32768 }; /* of a task: some 10 us of work */

/* ---- resizing -------------------------------------------------------------------------------- */

static void cubic_row(const CpuBody *body, const CodeResize *args, const float *in, size_t y,
                      float *out)
{
    CodeTaps rows = code_cubic_taps((unsigned)y, args->in_side, args->out_side);
    size_t channels = args->channels;
    const float *from[4][4];

    for (size_t x = 0; x < args->out_side; x++, out += channels) {
        CodeTaps columns = code_cubic_taps((unsigned)x, args->in_side, args->out_side);

        for (int i = 0; i < 4; i++)
            for (int j = 0; j < 4; j++)
                from[i][j] = in + ((size_t)rows.at[i] * args->in_side + columns.at[j]) * channels;
        body->cubic(out, (const float *const(*)[4])from, rows.weight, columns.weight, channels);
    }
}

static void area_row(const CpuBody *body, const CodeResize *args, const float *in, size_t y,
                     float *out)
{
    size_t n = args->in_side, m = args->out_side, channels = args->channels;
    size_t top = y * n / m, bottom = pieces((y + 1) * n, m);

    for (size_t x = 0; x < m; x++, out += channels) {
        size_t left = x * n / m, right = pieces((x + 1) * n, m);

        body->mean(out, in + (top * n + left) * channels, n * channels, bottom - top, right - left,
                   channels);
    }
}

static bool resize_row(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const CodeResize *args = job;
    size_t image = task / args->out_side, y = task % args->out_side;
    size_t from = image * args->in_image;
    size_t to = image * args->out_image + y * args->out_side * args->channels;
    const CpuBody *body = worker->device->body;

    (void)error;
    if (args->mode == CODE_BICUBIC)
        cubic_row(body, args, args->in + from, y, args->out + to);
    else
        area_row(body, args, args->in + from, y, args->out + to);
    return true;
}

bool cpu_resize(CodeStream *stream, const CodeResize *args)
{
    return stream->rehearsing ||
           cpu_run(stream, resize_row, args, (size_t)args->images * args->out_side);
}

/* ---- accumulating ---------------------------------------------------------------------------- */

/* Positions in a task. */
static size_t positions_per_task(size_t channels)
{
    return channels < TASK_ELEMENTS ? TASK_ELEMENTS / channels : 1;
}

static bool accumulate_positions(CpuWorker *worker, const void *job, size_t task,
                                 CodesrcError *error)
{
    const CodeAccumulate *args = job;
    const CpuBody *body = worker->device->body;
    size_t channels = args->channels, step = positions_per_task(channels), begin = task * step;
    size_t end = least((size_t)args->images * args->positions, begin + step);

    (void)error;
    if (!args->mask) {
        size_t at = begin * channels;

        body->accumulate(args->f_hat + at, args->h + at, args->conv + at, NULL, 1,
                         (end - begin) * channels);
        return true;
    }
    for (size_t i = begin; i < end; i++) {
        size_t at = i * channels;

        body->accumulate(args->f_hat + at, args->h + at, args->conv + at, args->kept + at,
                         args->mask[i], channels);
    }
    return true;
}

bool cpu_accumulate(CodeStream *stream, const CodeAccumulate *args)
{
    size_t positions = (size_t)args->images * args->positions;

    return stream->rehearsing || cpu_run(stream, accumulate_positions, args,
                                         pieces(positions, positions_per_task(args->channels)));
}

/* ---- between two maps ------------------------------------------------------------------------ */

static bool positions_between(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const CodeBetween *args = job;
    size_t channels = args->channels, step = positions_per_task(channels), begin = task * step;
    size_t end = least(args->positions, begin + step);

    (void)error;
    for (size_t at = begin * channels; at < end * channels; at += channels)
        worker->device->body->between(args->y + at, args->a + at, args->b + at, args->t, channels);
    return true;
}

bool cpu_between(CodeStream *stream, const CodeBetween *args)
{
    return stream->rehearsing ||
           cpu_run(stream, positions_between, args,
                   pieces(args->positions, positions_per_task(args->channels)));
}

/* ---- group norm ------------------------------------------------------------------------------ */

/* Three jobs: moments of blocks of positions, the norm of each group from them, normalising. */

static bool moments_of_block(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const CpuGroupNorm *norm = job;
    const CodeGroupNorm *args = norm->args;
    size_t channels = args->channels, image = task / norm->blocks;
    size_t begin = task % norm->blocks * norm->block;
    size_t count = least(norm->block, args->positions - begin);
    const void *x = cpu_from(worker->device, args->x, (image * args->positions + begin) * channels);

    (void)error;
    worker->device->body->moments(norm->sums + task * channels, norm->squares + task * channels, x,
                                  x, count, channels);
    return true;
}

static float activation(const CodeDevice *device, const void *x, size_t index)
{
    const void *at = cpu_from(device, x, index);
    uint32_t bits;
    float value;

    if (!device->halves)
        return *(const float *)at;
    bits = (uint32_t) * (const uint16_t *)at << 16;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Mean and variance of a group. Of x, the moments of a block were taken about the block's first
 * position: with d = x - shift, sum x = sum d + n shift, and
 * sum (x - mean)^2 = sum d^2 + 2 (shift - mean) sum d + n (shift - mean)^2. */
static bool fold_moments(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const CpuGroupNorm *norm = job;
    const CodeGroupNorm *args = norm->args;
    size_t channels = args->channels, size = channels / args->groups, image = task / args->groups;
    size_t first = task % args->groups * size;
    const void *x = cpu_from(worker->device, args->x, image * args->positions * channels);
    double mean = 0, square = 0, all = (double)size * args->positions, factor;

    (void)error;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t block = 0; block < norm->blocks; block++) {
            size_t begin = block * norm->block, at = (image * norm->blocks + block) * channels;
            double count = (double)least(norm->block, args->positions - begin);

            for (size_t c = first; c < first + size; c++) {
                double shift = activation(worker->device, x, begin * channels + c);
                double d = norm->sums[at + c];

                if (pass == 0)
                    mean += d + count * shift;
                else
                    square += norm->squares[at + c] + 2 * (shift - mean) * d +
                              count * (shift - mean) * (shift - mean);
            }
        }
        if (pass == 0)
            mean /= all;
    }
    factor = 1 / sqrt(fmax(square, 0) / all + 1e-6);
    for (size_t c = first; c < first + size; c++) {
        norm->mean[image * channels + c] = (float)mean;
        norm->scale[image * channels + c] = (float)(factor * args->weight[c]);
    }
    return true;
}

static bool normalise_block(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const CpuGroupNorm *norm = job;
    const CodeGroupNorm *args = norm->args;
    size_t channels = args->channels, image = task / norm->blocks;
    size_t begin = task % norm->blocks * norm->block;
    size_t at = (image * args->positions + begin) * channels;
    CpuNorm affine = cpu_norm_of(norm, image);

    (void)error;
    worker->device->body->normalise(cpu_at(worker->device, args->y, at),
                                    cpu_from(worker->device, args->x, at), &affine,
                                    least(norm->block, args->positions - begin), channels);
    return true;
}

bool cpu_take_moments(CodeStream *stream, const CodeGroupNorm *args, CpuGroupNorm *norm)
{
    size_t channels = args->channels, tasks;

    *norm = (CpuGroupNorm){.args = args, .block = least(positions_per_task(channels), 256)};
    norm->blocks = pieces(args->positions, norm->block);
    tasks = args->images * norm->blocks;
    norm->sums = cpu_shared(stream, 2 * (tasks + args->images) * channels * sizeof(float));
    if (!norm->sums)
        return false;
    norm->squares = norm->sums + tasks * channels;
    norm->mean = norm->squares + tasks * channels;
    norm->scale = norm->mean + args->images * channels;
    return stream->rehearsing ||
           (cpu_run(stream, moments_of_block, norm, tasks) &&
            cpu_run(stream, fold_moments, norm, (size_t)args->images * args->groups));
}

CpuNorm cpu_norm_of(const CpuGroupNorm *norm, size_t image)
{
    const CodeGroupNorm *args = norm->args;

    return (CpuNorm){.mean = norm->mean + image * args->channels,
                     .scale = norm->scale + image * args->channels,
                     .bias = args->bias,
                     .silu = args->silu};
}

bool cpu_group_norm(CodeStream *stream, const CodeGroupNorm *args)
{
    CpuGroupNorm norm;

    return cpu_take_moments(stream, args, &norm) &&
           (stream->rehearsing ||
            cpu_run(stream, normalise_block, &norm, args->images * norm.blocks));
}

/* ---- pixels ---------------------------------------------------------------------------------- */

enum { PIXEL_ROWS = 16 };

static bool pixel_rows(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const CodePixels *args = job;
    size_t row = 3 * (size_t)args->side, end = least(args->side, (task + 1) * PIXEL_ROWS);

    (void)error;
    for (size_t y = task * PIXEL_ROWS; y < end; y++)
        worker->device->body->pixels(args->out + y * args->stride, args->x + y * row, row);
    return true;
}

bool cpu_pixels(CodeStream *stream, const CodePixels *args)
{
    return stream->rehearsing || cpu_run(stream, pixel_rows, args, pieces(args->side, PIXEL_ROWS));
}
