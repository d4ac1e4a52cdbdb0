/* products.cu - everything around products: packing weights, gathering rows, biases, gates,
 * softmax. */
#include "device.cuh"

/* ---- weights and rows ------------------------------------------------------------------------ */

/* One thread per element of the result. */
template <class T> __global__ void pack(CudaPack args)
{
    size_t index = thread_number(), out = index / args.columns;
    unsigned column = (unsigned)(index % args.columns), tap = column / args.in;
    float value = 0;

    if (out >= args.out)
        return;
    if (tap < args.taps) {
        size_t from = (out * args.in + column % args.in) * args.taps + tap;

        value = args.from ? args.from[from] : code_synthetic_value(&args.rule, (uint32_t)from);
    }
    ((T *)args.to)[index] = from_float<T>(value);
}

cudaError_t cuda_pack(const CudaPack *args, cudaStream_t stream)
{
    return with_type(args->type, [&](auto zero) {
        return launch(pack<decltype(zero)>, flat_grid((size_t)args->out * args->columns),
                      dim3(flat_block), 0, stream, *args);
    });
}

template <class To, class From> __device__ To converted(From value)
{
    return from_float<To>(to_float(value));
}

template <> __device__ inline uint4 converted<uint4, uint4>(uint4 value)
{
    return value;
}

/* One thread per `run` columns; their number is a multiple of `run`. */
template <class From, class To, unsigned run> __global__ void gather(CudaGather args)
{
    size_t index = thread_number(), runs = args.columns / run, row = index / runs;
    unsigned image = (unsigned)(row / args.positions);
    unsigned position = args.first + (unsigned)(row % args.positions);
    unsigned column = (unsigned)(index % runs) * run;
    int top = (int)(position / args.out_width * args.stride) - (int)args.padding;
    int left = (int)(position % args.out_width * args.stride) - (int)args.padding;
    unsigned tap = column / args.in, channel = column % args.in, taps = args.kernel * args.kernel;
    unsigned halve = args.doubled;
    const From *x = (const From *)args.x + image * args.x_image;
    To *to = (To *)args.rows + row * args.columns + column;

    if (image >= args.images)
        return;
    for (unsigned i = 0; i < run; i++) {
        int y = top + (int)(tap / args.kernel), at = left + (int)(tap % args.kernel);

        if (tap < taps && y >= 0 && y < (int)args.height && at >= 0 && at < (int)args.width)
            to[i] = converted<To>(
                x[((size_t)(y >> halve) * (args.width >> halve) + (size_t)(at >> halve)) * args.in +
                  channel]);
        else
            to[i] = To();
        if (++channel == args.in) {
            channel = 0;
            tap++;
        }
    }
}

template <class From, class To, unsigned run>
static cudaError_t launch_gather(const CudaGather &args, cudaStream_t stream)
{
    size_t count = (size_t)args.images * args.positions * (args.columns / run);

    return launch(gather<From, To, run>, flat_grid(count), dim3(flat_block), 0, stream, args);
}

/* The same in units of 16 bytes, if nothing needs conversion and everything is aligned to them. */
static bool in_units(CudaGather *args)
{
    unsigned unit = (unsigned)(16 / cuda_size(args->to));

    if (args->from != args->to || args->in % unit || args->x_image % unit || args->columns % unit ||
        (uintptr_t)args->x % 16 || (uintptr_t)args->rows % 16)
        return false;
    args->in /= unit;
    args->x_image /= unit;
    args->columns /= unit;
    return true;
}

cudaError_t cuda_gather(const CudaGather *args, cudaStream_t stream)
{
    CudaGather units = *args;

    if (in_units(&units))
        return launch_gather<uint4, uint4, 1>(units, stream);
    return with_type(args->to, [&](auto zero) {
        using To = decltype(zero);

        return args->from == CUDA_F32 ? launch_gather<float, To, CUDA_GATHER_RUN>(*args, stream)
                                      : launch_gather<To, To, CUDA_GATHER_RUN>(*args, stream);
    });
}

/* ---- epilogues ------------------------------------------------------------------------------- */

/* gelu(x) = x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))), as VAR was trained with. */
__device__ static float gelu(float x)
{
    return 0.5f * x * (1.0f + tanhf(0.7978845608028654f * (x + 0.044715f * x * x * x)));
}

template <class T>
__global__ void add_bias(T *y, const T *bias, size_t count, unsigned out, bool with_gelu)
{
    size_t index = thread_number();
    float value;

    if (index >= count)
        return;
    value = to_float(y[index]) + to_float(bias[index % out]);
    y[index] = from_float<T>(with_gelu ? gelu(value) : value);
}

cudaError_t cuda_bias(void *y, const void *bias, CudaType type, size_t rows, unsigned out,
                      bool with_gelu, cudaStream_t stream)
{
    return with_type(type, [&](auto zero) {
        using T = decltype(zero);

        return launch(add_bias<T>, flat_grid(rows * out), dim3(flat_block), 0, stream, (T *)y,
                      (const T *)bias, rows * out, out, with_gelu);
    });
}

__global__ void add_gated(CudaGate args)
{
    size_t index = thread_number(), row = index / args.out, column = index % args.out;

    if (row < args.rows)
        args.y[index] += code_lane_vector(&args.gate, (unsigned)((args.first_row + row) /
                                                                 args.lane_rows))[column] *
                         args.sum[index];
}

cudaError_t cuda_gate(const CudaGate *args, cudaStream_t stream)
{
    return launch(add_gated, flat_grid(args->rows * args->out), dim3(flat_block), 0, stream, *args);
}

cudaError_t cuda_find_code(void)
{
    cudaFuncAttributes attributes;

    return cudaFuncGetAttributes(&attributes, add_gated);
}

/* ---- softmax --------------------------------------------------------------------------------- */

constexpr unsigned softmax_block = 128;

/* One block per row. */
template <class T>
__global__ void softmax(const float *scores, T *weights, unsigned keys, unsigned columns)
{
    const float *from = scores + (size_t)blockIdx.x * columns;
    T *to = weights + (size_t)blockIdx.x * columns;
    float *room = shared_memory<float>(), largest = -INFINITY, total = 0;

    for (unsigned i = threadIdx.x; i < keys; i += blockDim.x)
        largest = fmaxf(largest, from[i]);
    largest = over_block(largest, room, Largest());
    for (unsigned i = threadIdx.x; i < keys; i += blockDim.x)
        total += expf(from[i] - largest);
    total = over_block(total, room, Sum());
    for (unsigned i = threadIdx.x; i < columns; i += blockDim.x)
        to[i] = from_float<T>(i < keys ? expf(from[i] - largest) / total : 0);
}

cudaError_t cuda_softmax(const float *scores, void *weights, CudaType type, size_t rows,
                         unsigned keys, unsigned columns, cudaStream_t stream)
{
    return with_type(type, [&](auto zero) {
        using T = decltype(zero);

        return launch(softmax<T>, dim3((unsigned)rows), dim3(softmax_block),
                      softmax_block / 32 * sizeof(float), stream, scores, (T *)weights, keys,
                      columns);
    });
}
