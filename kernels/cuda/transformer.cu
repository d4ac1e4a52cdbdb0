/* transformer.cu - norms and modulations, heads, caches and embeddings of the transformer. */
#include "device.cuh"

/* ---- layer norm ------------------------------------------------------------------------------ */

/* LN(x)[i] = (x[i] - mean) * factor */
struct Norm {
    float mean, factor;
};

__device__ static Norm norm_of(const float *x, unsigned width, float *room)
{
    const float epsilon = 1e-6f;
    float sum = 0, square = 0, mean;

    for (unsigned i = threadIdx.x; i < width; i += blockDim.x)
        sum += x[i];
    mean = over_block(sum, room, Sum()) / (float)width;
    for (unsigned i = threadIdx.x; i < width; i += blockDim.x)
        square += (x[i] - mean) * (x[i] - mean);
    square = over_block(square, room, Sum()) / (float)width;
    return Norm{mean, 1.0f / sqrtf(square + epsilon)};
}

/* Threads for a row: four numbers each, a whole number of warps, at most eight. */
static unsigned row_threads(unsigned width)
{
    unsigned threads = (width / 4 + 31) / 32 * 32;

    return threads < 32 ? 32 : threads > 256 ? 256 : threads;
}

constexpr size_t row_room = 8 * sizeof(float);

/* One block per row. */ template <class T> __global__ void modulate(CodeModulate args)
{
    size_t row = blockIdx.x, width = args.width;
    unsigned lane = (unsigned)(row / args.rows);
    const float *x = args.x + row * width;
    const float *scale = code_lane_vector(&args.scale, lane),
                *shift = code_lane_vector(&args.shift, lane);
    T *y = (T *)args.y + row * width;
    Norm norm = norm_of(x, args.width, shared_memory<float>());

    for (unsigned i = threadIdx.x; i < width; i += blockDim.x)
        y[i] = from_float<T>((x[i] - norm.mean) * norm.factor * (1 + scale[i]) + shift[i]);
}

bool cuda_modulate(CodeStream *stream, const CodeModulate *args)
{
    return one_typed_launch(stream, "modulate", [&](const CudaLaunch &on, auto zero) {
        return launch(modulate<decltype(zero)>, dim3(args->lanes * args->rows),
                      dim3(row_threads(args->width)), row_room, on.stream, *args);
    });
}

/* One block per row of an image. */
__global__ void guide(CodeGuide args)
{
    unsigned image = blockIdx.x / args.rows, row = blockIdx.x % args.rows;
    /* With one branch t is 0 and the class stands in for "no class" too. */
    unsigned lane = image * args.branches, other = lane + args.branches - 1;
    const float *x = args.x + lane * args.x_lane + (size_t)row * args.width;
    const float *none = args.x + other * args.x_lane + (size_t)row * args.width;
    const float *scale = code_lane_vector(&args.scale, lane),
                *shift = code_lane_vector(&args.shift, lane);
    const float *none_scale = code_lane_vector(&args.scale, other);
    const float *none_shift = code_lane_vector(&args.shift, other);
    float *y = args.y + (size_t)blockIdx.x * args.width;
    float t = args.branches == 2 ? args.t[image] : 0;
    Norm norm = norm_of(x, args.width, shared_memory<float>());
    Norm none_norm = norm_of(none, args.width, shared_memory<float>());

    for (unsigned i = threadIdx.x; i < args.width; i += blockDim.x) {
        float m = (x[i] - norm.mean) * norm.factor * (1 + scale[i]) + shift[i];
        float n =
            (none[i] - none_norm.mean) * none_norm.factor * (1 + none_scale[i]) + none_shift[i];

        y[i] = (1 + t) * m - t * n;
    }
}

bool cuda_guide(CodeStream *stream, const CodeGuide *args)
{
    return one_launch(stream, "guide", [&](const CudaLaunch &on) {
        return launch(guide, dim3(args->images * args->rows), dim3(row_threads(args->width)),
                      row_room, on.stream, *args);
    });
}

/* ---- heads and caches ------------------------------------------------------------------------ */

constexpr unsigned heads_block = 128;

/* Sum over the warp, in double, which holds the square of any float. */
__device__ static double over_warp(double value)
{
    for (int lanes = 16; lanes > 0; lanes /= 2)
        value += __shfl_xor_sync(~0u, value, lanes);
    return value;
}

/* One warp per head of a row: each thread has elements `thread` and `thread + 32`. Warps without
 * a head also compute the last one's sums, but write nothing. */
template <class T> __global__ void split_heads(CodeHeads args)
{
    size_t count = (size_t)args.lanes * args.rows * args.heads;
    size_t number = thread_number() / 32, index = number < count ? number : count - 1;
    size_t head = index % args.heads, row = index / args.heads, width = (size_t)args.heads * 64;
    size_t lane = row / args.rows, position = args.first + row % args.rows;
    unsigned thread = threadIdx.x % 32;
    T *q = (T *)args.qkv + row * 3 * width + head * 64;
    size_t at = ((lane * args.heads + head) * args.capacity + position) * 64;
    float q0 = to_float(q[thread]), q1 = to_float(q[thread + 32]);
    float k0 = to_float(q[width + thread]), k1 = to_float(q[width + thread + 32]);
    double q_norm = sqrt(over_warp((double)q0 * q0 + (double)q1 * q1));
    double k_norm = sqrt(over_warp((double)k0 * k0 + (double)k1 * k1));
    float q_factor = CODE_PLAIN_Q_SCALE, k_factor = 1;
    T *k_cache = (T *)args.k_cache + at, *v_cache = (T *)args.v_cache + at;

    if (number >= count)
        return;
    if (args.q_scale) {
        q_factor = (float)(1 / fmax(q_norm, 1e-12)) * args.q_scale[head];
        k_factor = (float)(1 / fmax(k_norm, 1e-12));
    }
    q[thread] = from_float<T>(q0 * q_factor);
    q[thread + 32] = from_float<T>(q1 * q_factor);
    k_cache[thread] = from_float<T>(k0 * k_factor);
    k_cache[thread + 32] = from_float<T>(k1 * k_factor);
    v_cache[thread] = q[2 * width + thread];
    v_cache[thread + 32] = q[2 * width + thread + 32];
}

bool cuda_heads(CodeStream *stream, const CodeHeads *args)
{
    size_t warps = (size_t)args->lanes * args->rows * args->heads;
    dim3 grid((unsigned)((warps * 32 + heads_block - 1) / heads_block));

    return one_typed_launch(stream, "heads", [&](const CudaLaunch &on, auto zero) {
        return launch(split_heads<decltype(zero)>, grid, dim3(heads_block), 0, on.stream, *args);
    });
}

/* One thread per element. */
template <class T> __global__ void recall(CodeRecall args)
{
    size_t run = (size_t)args.rows * 64, index = thread_number();
    size_t layer = index / run % args.layers, part = index / run / args.layers;
    size_t head = part % args.heads, lane = part / args.heads % args.lanes;
    size_t kind = part / args.heads / args.lanes; /* keys or values */
    size_t from = ((kind * args.heads + head) * args.layers + layer) * run;
    size_t to = (part * args.capacity + layer * args.kept) * 64;

    if (kind >= 2)
        return;
    ((T *)args.cache)[to + index % run] =
        ((const T *)code_lane_vector(&args.from, (unsigned)lane))[from + index % run];
}

bool cuda_recall(CodeStream *stream, const CodeRecall *args)
{
    size_t count = 2 * (size_t)args->layers * args->lanes * args->heads * args->rows * 64;

    return one_typed_launch(stream, "recall", [&](const CudaLaunch &on, auto zero) {
        return launch(recall<decltype(zero)>, flat_grid(count), dim3(flat_block), 0, on.stream,
                      *args);
    });
}

/* ---- embedding ------------------------------------------------------------------------------- */

/* One thread per element. */
__global__ void embed(CodeEmbed args)
{
    size_t index = thread_number(), size = (size_t)args.rows * args.width;
    size_t lane = index / size, at = index % size;
    const float *source;

    if (lane >= args.lanes)
        return;
    source = code_lane_vector(&args.source, (unsigned)(lane / args.lanes_per_source));
    args.x[index] = source[args.broadcast ? at % args.width : at] + args.place[at];
}

bool cuda_embed(CodeStream *stream, const CodeEmbed *args)
{
    dim3 grid = flat_grid((size_t)args->lanes * args->rows * args->width);

    return one_launch(stream, "embed", [&](const CudaLaunch &on) {
        return launch(embed, grid, dim3(flat_block), 0, on.stream, *args);
    });
}
