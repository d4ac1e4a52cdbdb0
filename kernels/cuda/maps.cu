/* maps.cu - resizing, accumulating, group norm, pixels. */
#include "device.cuh"

/* ---- resizing -------------------------------------------------------------------------------- */

/* An element of an output map, computed by one thread. */
struct Cell {
    unsigned image, y, x, channel;
};

__device__ static Cell cell_of(const CodeResize &args)
{
    size_t index = thread_number(), place = index / args.channels;
    unsigned side = args.out_side;

    return Cell{(unsigned)(place / side / side), (unsigned)(place / side % side),
                (unsigned)(place % side), (unsigned)(index % args.channels)};
}

__device__ static float *output_at(const CodeResize &args, const Cell &cell)
{
    size_t place = (size_t)cell.y * args.out_side + cell.x;

    return args.out + cell.image * args.out_image + place * args.channels + cell.channel;
}

__global__ void resize_bicubic(CodeResize args)
{
    Cell cell = cell_of(args);
    const float *in = args.in + cell.image * args.in_image + cell.channel;
    CodeTaps rows = code_cubic_taps(cell.y, args.in_side, args.out_side);
    CodeTaps columns = code_cubic_taps(cell.x, args.in_side, args.out_side);
    float sum = 0;

    if (cell.image >= args.images)
        return;
    for (unsigned i = 0; i < 4; i++) {
        float row = 0;

        for (unsigned j = 0; j < 4; j++)
            row += columns.weight[j] *
                   in[((size_t)rows.at[i] * args.in_side + columns.at[j]) * args.channels];
        sum += rows.weight[i] * row;
    }
    *output_at(args, cell) = sum;
}

__global__ void resize_area(CodeResize args)
{
    Cell cell = cell_of(args);
    const float *in = args.in + cell.image * args.in_image + cell.channel;
    unsigned n = args.in_side, m = args.out_side;
    unsigned top = cell.y * n / m, bottom = ((cell.y + 1) * n + m - 1) / m;
    unsigned left = cell.x * n / m, right = ((cell.x + 1) * n + m - 1) / m;
    float sum = 0;

    if (cell.image >= args.images)
        return;
    for (unsigned i = top; i < bottom; i++)
        for (unsigned j = left; j < right; j++)
            sum += in[((size_t)i * n + j) * args.channels];
    *output_at(args, cell) = sum / (float)((bottom - top) * (right - left));
}

bool cuda_resize(CodeStream *stream, const CodeResize *args)
{
    size_t count = (size_t)args->images * args->out_side * args->out_side * args->channels;

    return one_launch(stream, "resize", [&](const CudaLaunch &on) {
        return launch(args->mode == CODE_BICUBIC ? resize_bicubic : resize_area, flat_grid(count),
                      dim3(flat_block), 0, on.stream, *args);
    });
}

/* ---- accumulating ---------------------------------------------------------------------------- */

__global__ void accumulate(CodeAccumulate args)
{
    size_t at = thread_number(), position = at / args.channels;
    float f;

    if (position >= (size_t)args.images * args.positions)
        return;
    f = args.f_hat[at] + (0.5f * args.h[at] + 0.5f * args.conv[at]);
    if (args.mask)
        f = f * args.mask[position] + args.kept[at] * (1 - args.mask[position]);
    args.f_hat[at] = f;
}

bool cuda_accumulate(CodeStream *stream, const CodeAccumulate *args)
{
    dim3 grid = flat_grid((size_t)args->images * args->positions * args->channels);

    return one_launch(stream, "accumulate", [&](const CudaLaunch &on) {
        return launch(accumulate, grid, dim3(flat_block), 0, on.stream, *args);
    });
}

/* ---- between two maps ------------------------------------------------------------------------ */

/* One thread for each position: a picture has few of them. */
__global__ void between(CodeBetween args)
{
    size_t position = thread_number(), at = position * args.channels;
    const float *a = args.a + at, *b = args.b + at;
    float from = 0, to = 0, mixed = 0, factor;

    if (position >= args.positions)
        return;
    for (unsigned c = 0; c < args.channels; c++) {
        float m = (1 - args.t) * a[c] + args.t * b[c];

        from += a[c] * a[c];
        to += b[c] * b[c];
        mixed += m * m;
    }
    factor = mixed > 0 ? ((1 - args.t) * sqrtf(from) + args.t * sqrtf(to)) / sqrtf(mixed) : 0;
    for (unsigned c = 0; c < args.channels; c++)
        args.y[at + c] = ((1 - args.t) * a[c] + args.t * b[c]) * factor;
}

bool cuda_between(CodeStream *stream, const CodeBetween *args)
{
    return one_launch(stream, "between", [&](const CudaLaunch &on) {
        return launch(between, flat_grid(args->positions), dim3(flat_block), 0, on.stream, *args);
    });
}

/* ---- group norm ------------------------------------------------------------------------------ */

/* In three launches: sums of slices of positions, statistics of groups, the norm itself. Sums are
 * in double: they are few compared with the memory read, and need no second pass for the
 * variance. */
constexpr unsigned max_slices = 256, least_slice = 32, stats_block = 256;

struct Moments {
    double sum, square;
};

/* LN of a group: (x - mean) * factor. */
struct GroupStats {
    float mean, factor;
};

static unsigned slice_of(unsigned positions)
{
    unsigned slice = (positions + max_slices - 1) / max_slices;

    return slice < least_slice ? least_slice : slice;
}

static unsigned slices_of(unsigned positions)
{
    unsigned slice = slice_of(positions);

    return (positions + slice - 1) / slice;
}

/* One block per slice: each thread sums its channels, then the first `groups` threads sum their
 * groups. Threads read neighbouring channels, so memory is read in order. */
template <class T> __global__ void sum_slices(CodeGroupNorm args, unsigned slice, Moments *slices)
{
    Moments *channels = shared_memory<Moments>();
    unsigned first = blockIdx.x * slice, size = args.channels / args.groups;
    unsigned end = first + slice < args.positions ? first + slice : args.positions;
    const T *x = (const T *)args.x + (size_t)blockIdx.y * args.positions * args.channels;

    for (unsigned c = threadIdx.x; c < args.channels; c += blockDim.x) {
        Moments moments = {0, 0};

        for (unsigned position = first; position < end; position++) {
            double value = to_float(x[(size_t)position * args.channels + c]);

            moments.sum += value;
            moments.square += value * value;
        }
        channels[c] = moments;
    }
    __syncthreads();
    for (unsigned group = threadIdx.x; group < args.groups; group += blockDim.x) {
        Moments moments = {0, 0};

        for (unsigned c = group * size; c < (group + 1) * size; c++) {
            moments.sum += channels[c].sum;
            moments.square += channels[c].square;
        }
        slices[((size_t)blockIdx.y * gridDim.x + blockIdx.x) * args.groups + group] = moments;
    }
}

/* One thread per group of an image. */
__global__ void sum_groups(CodeGroupNorm args, unsigned count, const Moments *slices,
                           GroupStats *groups)
{
    size_t index = thread_number(), image = index / args.groups, group = index % args.groups;
    double elements = (double)args.positions * (args.channels / args.groups), mean, variance;
    Moments moments = {0, 0};

    if (image >= args.images)
        return;
    for (unsigned i = 0; i < count; i++) {
        moments.sum += slices[(image * count + i) * args.groups + group].sum;
        moments.square += slices[(image * count + i) * args.groups + group].square;
    }
    mean = moments.sum / elements;
    variance = moments.square / elements - mean * mean;
    groups[index] =
        GroupStats{(float)mean, (float)(1 / sqrt((variance > 0 ? variance : 0) + 1e-6))};
}

/* One thread per element. */
template <class T> __global__ void normalise(CodeGroupNorm args, const GroupStats *groups)
{
    size_t index = thread_number(), image_size = (size_t)args.positions * args.channels;
    size_t image = index / image_size, channel = index % args.channels;
    float v;

    if (image >= args.images)
        return;
    const GroupStats &stats = groups[image * args.groups + channel / (args.channels / args.groups)];
    v = (to_float(((const T *)args.x)[index]) - stats.mean) * stats.factor * args.weight[channel] +
        args.bias[channel];
    ((T *)args.y)[index] = from_float<T>(args.silu ? v / (1 + expf(-v)) : v);
}

size_t cuda_group_norm_scratch(const CodeGroupNorm *args)
{
    return ((size_t)slices_of(args->positions) * sizeof(Moments) + sizeof(GroupStats)) *
           args->groups;
}

cudaError_t cuda_norm_groups(const CodeGroupNorm *args, CudaType type, void *scratch,
                             cudaStream_t stream)
{
    unsigned slice = slice_of(args->positions), count = slices_of(args->positions);
    Moments *slices = (Moments *)scratch;
    GroupStats *groups = (GroupStats *)(slices + (size_t)args->images * count * args->groups);
    size_t elements = (size_t)args->images * args->positions * args->channels;

    return with_type(type, [&](auto zero) {
        using T = decltype(zero);
        cudaError_t error = launch(sum_slices<T>, dim3(count, args->images), dim3(stats_block),
                                   args->channels * sizeof(Moments), stream, *args, slice, slices);

        if (error == cudaSuccess)
            error = launch(sum_groups, flat_grid((size_t)args->images * args->groups),
                           dim3(flat_block), 0, stream, *args, count, slices, groups);
        return error == cudaSuccess ? launch(normalise<T>, flat_grid(elements), dim3(flat_block), 0,
                                             stream, *args, groups)
                                    : error;
    });
}

/* ---- pixels ---------------------------------------------------------------------------------- */

/* 255 * (x + 1) / 2, clamped to 0..255 and rounded half to even; NaN fails both comparisons and
 * gives 0. */
__global__ void to_pixels(const float *x, uint8_t *out, size_t count)
{
    size_t index = thread_number();

    if (index < count) {
        float value = (x[index] + 1) / 2 * 255;

        out[index] = value >= 255 ? 255 : value > 0 ? (uint8_t)rintf(value) : 0;
    }
}

cudaError_t cuda_to_bytes(const float *x, uint8_t *out, size_t count, cudaStream_t stream)
{
    return launch(to_pixels, flat_grid(count), dim3(flat_block), 0, stream, x, out, count);
}
