/* attention.cu - softmax(q k^T) v for heads of 64 without storing scores, on tensor cores, with a
 * softmax shifted by the running maximum, as in FlashAttention (Dao et al., 2022). */
#include "device.cuh"

/* A block computes 64 queries of one head, 16 a warp, and walks over the keys in tiles of 64. */
constexpr unsigned warps = 4, tile = 64, queries_per_warp = 16;
constexpr unsigned row_length =
    64 + 8; /* elements of a tile's row, so that rows begin in different banks */

/* Two 16-bit numbers in a register; the lower half comes first. */
template <class T> __device__ uint32_t pair(T low, T high)
{
    T both[2] = {low, high};
    uint32_t bits;

    memcpy(&bits, both, sizeof bits);
    return bits;
}

template <class T> __device__ uint32_t pair_at(const T *at)
{
    return *reinterpret_cast<const uint32_t *>(at);
}

/* The same in global memory, where pairs may start at any element unless `paired`. */
template <bool paired, class T> __device__ uint32_t load_pair(const T *at)
{
    return paired ? pair_at(at) : pair(at[0], at[1]);
}

template <bool paired, class T> __device__ void store_pair(T *at, T low, T high)
{
    if (paired) {
        *reinterpret_cast<uint32_t *>(at) = pair(low, high);
    } else {
        at[0] = low;
        at[1] = high;
    }
}

/* ---- the tensor core ------------------------------------------------------------------------- */

#ifdef CUDA_ON_CPU

using cuda_on_cpu::multiply_accumulate;

#else

/* c (16, 8) += a (16, 16) b (16, 8), spread over the warp as PTX defines for mma.m16n8k16. With
 * g = lane / 4 and t = lane % 4, a thread holds, in this order:
 *
 *     a   (g, lower), (g + 8, lower), (g, upper), (g + 8, upper): rows g and g + 8; lower is
 *         columns 2t, 2t + 1, upper is columns 2t + 8, 2t + 9
 *     b   column g, rows 2t, 2t + 1, then rows 2t + 8, 2t + 9
 *     c   row g, columns 2t, 2t + 1, then row g + 8, the same columns */
template <class T>
__device__ void multiply_accumulate(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]);

template <>
__device__ inline void multiply_accumulate<__half>(float (&c)[4], const uint32_t (&a)[4],
                                                   const uint32_t (&b)[2])
{
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

template <>
__device__ inline void multiply_accumulate<__nv_bfloat16>(float (&c)[4], const uint32_t (&a)[4],
                                                          const uint32_t (&b)[2])
{
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

#endif

/* ---- one block ------------------------------------------------------------------------------- */

/* Copies rows first .. first + 63 of keys or values to shared memory, and zeros after the last
 * one, because 0 times these rows must be 0. */
template <bool paired, class T>
__device__ void load_tile(T *to, const T *from, size_t row_stride, unsigned first, unsigned rows)
{
    for (unsigned i = threadIdx.x; i < tile * 32; i += blockDim.x) {
        unsigned row = i / 32, column = i % 32 * 2;
        uint32_t bits =
            first + row < rows ? load_pair<paired>(from + (first + row) * row_stride + column) : 0;

        *reinterpret_cast<uint32_t *>(to + row * row_length + column) = bits;
    }
}

/* Two rows of 16 queries as operand a of four products over 16 of the 64 dimensions each. */
template <bool paired, class T>
__device__ void load_queries(uint32_t (&q)[4][4], const T *from, size_t row_stride, unsigned row,
                             unsigned rows)
{
    unsigned column = threadIdx.x % 4 * 2;

    for (unsigned step = 0; step < 4; step++)
        for (unsigned i = 0; i < 4; i++) {
            unsigned at = row + i % 2 * 8;

            q[step][i] =
                at < rows
                    ? load_pair<paired>(from + at * row_stride + step * 16 + i / 2 * 8 + column)
                    : 0;
        }
}

/* scores (16, 64) of the warp's queries and the tile's keys, in units of log2; -infinity after the
 * last key. */
template <class T>
__device__ void score(float (&s)[8][4], const uint32_t (&q)[4][4], const T *keys, float scale,
                      unsigned count)
{
    unsigned group = threadIdx.x % 32 / 4, column = threadIdx.x % 4 * 2;

    for (unsigned n = 0; n < 8; n++) {
        const T *key = keys + (n * 8 + group) * row_length + column;

        for (unsigned i = 0; i < 4; i++)
            s[n][i] = 0;
        for (unsigned step = 0; step < 4; step++) {
            uint32_t b[2] = {pair_at(key + step * 16), pair_at(key + step * 16 + 8)};

            multiply_accumulate<T>(s[n], q[step], b);
        }
        for (unsigned i = 0; i < 4; i++)
            s[n][i] = n * 8 + column + i % 2 < count ? s[n][i] * scale : -INFINITY;
    }
}

/* One thread's state of its two rows. */
struct Rows {
    float out[8][4]; /* (16, 64) as operand c, not yet divided by the totals */
    float largest[2], total[2];
};

/* Turns scores into weights, and rescales the sums so far to the new maximum. */
__device__ static void weigh(float (&s)[8][4], Rows &rows)
{
    for (unsigned half = 0; half < 2; half++) {
        float largest = rows.largest[half], fade;

        for (unsigned n = 0; n < 8; n++)
            largest = fmaxf(largest, fmaxf(s[n][2 * half], s[n][2 * half + 1]));
        for (int lanes = 1; lanes <= 2; lanes *= 2)
            largest = fmaxf(largest, __shfl_xor_sync(~0u, largest, lanes));
        fade = exp2f(rows.largest[half] - largest);
        rows.largest[half] = largest;
        rows.total[half] *= fade;
        for (unsigned n = 0; n < 8; n++)
            for (unsigned i = 2 * half; i < 2 * half + 2; i++) {
                s[n][i] = exp2f(s[n][i] - largest);
                rows.total[half] += s[n][i];
                rows.out[n][i] *= fade;
            }
    }
}

/* out += weights (16, 64) values (64, 64). Operand c of the scores is operand a of this. */
template <class T> __device__ void add_values(Rows &rows, const float (&w)[8][4], const T *values)
{
    unsigned group = threadIdx.x % 32 / 4, row = threadIdx.x % 4 * 2;

    for (unsigned step = 0; step < 4; step++) {
        const float(&lower)[4] = w[2 * step], (&upper)[4] = w[2 * step + 1];
        uint32_t a[4] = {pair(from_float<T>(lower[0]), from_float<T>(lower[1])),
                         pair(from_float<T>(lower[2]), from_float<T>(lower[3])),
                         pair(from_float<T>(upper[0]), from_float<T>(upper[1])),
                         pair(from_float<T>(upper[2]), from_float<T>(upper[3]))};

        for (unsigned n = 0; n < 8; n++) {
            const T *v = values + (step * 16 + row) * row_length + n * 8 + group;
            uint32_t b[2] = {pair(v[0], v[row_length]), pair(v[8 * row_length], v[9 * row_length])};

            multiply_accumulate<T>(rows.out[n], a, b);
        }
    }
}

template <bool paired, class T>
__device__ void store(Rows &rows, T *out, size_t stride, unsigned row, unsigned end)
{
    for (unsigned half = 0; half < 2; half++, row += 8) {
        float total = rows.total[half];

        for (int lanes = 1; lanes <= 2; lanes *= 2)
            total += __shfl_xor_sync(~0u, total, lanes);
        for (unsigned n = 0; n < 8 && row < end; n++)
            store_pair<paired>(out + row * stride + n * 8 + threadIdx.x % 4 * 2,
                               from_float<T>(rows.out[n][2 * half] / total),
                               from_float<T>(rows.out[n][2 * half + 1] / total));
    }
}

template <bool paired, class T> __global__ void attend(CodeAttention args)
{
    T *keys = shared_memory<T>(), *values = keys + tile * row_length;
    unsigned row =
        (blockIdx.x * warps + threadIdx.x / 32) * queries_per_warp + threadIdx.x % 32 / 4;
    unsigned head = blockIdx.y, lane = blockIdx.z;
    size_t kv = lane * args.kv_lane + head * args.kv_head;
    const float log2e = 1.44269504f;
    uint32_t q[4][4];
    Rows rows = {{}, {-INFINITY, -INFINITY}, {0, 0}};

    load_queries<paired>(q, (const T *)args.q + lane * args.q_lane + head * args.q_head, args.q_row,
                         row, args.queries);
    for (unsigned first = 0; first < args.keys; first += tile) {
        float s[8][4];

        __syncthreads(); /* the last tile may still be read */
        load_tile<paired>(keys, (const T *)args.k + kv, args.kv_row, first, args.keys);
        load_tile<paired>(values, (const T *)args.v + kv, args.kv_row, first, args.keys);
        __syncthreads();
        score(s, q, keys, args.scale * log2e, args.keys - first);
        weigh(s, rows);
        add_values(rows, s, values);
    }
    store<paired>(rows, (T *)args.out + lane * args.out_lane + head * args.out_head, args.out_row,
                  row, args.queries);
}

/* Whether all pairs begin where a register can be read. */
static bool in_pairs(const CodeAttention *args)
{
    size_t strides = args->q_lane | args->q_head | args->q_row | args->kv_lane | args->kv_head |
                     args->kv_row | args->out_lane | args->out_head | args->out_row;
    uintptr_t begins =
        (uintptr_t)args->q | (uintptr_t)args->k | (uintptr_t)args->v | (uintptr_t)args->out;

    return strides % 2 == 0 && begins % 4 == 0;
}

template <class T> static cudaError_t launch_attend(const CodeAttention &args, cudaStream_t stream)
{
    unsigned per_block = warps * queries_per_warp;
    dim3 grid((args.queries + per_block - 1) / per_block, args.heads, args.lanes);
    size_t shared = 2 * tile * row_length * sizeof(T);

    return in_pairs(&args) ? launch(attend<true, T>, grid, dim3(warps * 32), shared, stream, args)
                           : launch(attend<false, T>, grid, dim3(warps * 32), shared, stream, args);
}

cudaError_t cuda_attend(const CodeAttention *args, CudaType type, cudaStream_t stream)
{
    return type == CUDA_F16 ? launch_attend<__half>(*args, stream)
                            : launch_attend<__nv_bfloat16>(*args, stream);
}
