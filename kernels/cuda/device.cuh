/* device.cuh - shared by the kernels: number types, launching, sums over a block. Compiles with
 * nvcc, and as C++ against tests/cuda-on-cpu, which then supplies launch(), shared_memory() and
 * the tensor core. */
#ifndef CODE_KERNELS_CUDA_DEVICE_CUH
#define CODE_KERNELS_CUDA_DEVICE_CUH

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#define CODE_DEVICE __device__
#include "formulas.h"
#include "kernels.h"

#ifdef CUDA_ON_CPU
#include <tensor_core.h>
#else

template <class... P, class... A>
cudaError_t launch(void (*kernel)(P...), dim3 grid, dim3 block, size_t shared, cudaStream_t stream,
                   A... args)
{
    kernel<<<grid, block, shared, stream>>>(static_cast<P>(args)...);
    return cudaGetLastError();
}

/* The one way to dynamic shared memory. */
template <class T> __device__ T *shared_memory()
{
    extern __shared__ __align__(16) unsigned char code_shared[];

    return reinterpret_cast<T *>(code_shared);
}

#endif

/* ---- number types ---------------------------------------------------------------------------- */

__device__ inline float to_float(float value)
{
    return value;
}

__device__ inline float to_float(__half value)
{
    return __half2float(value);
}

__device__ inline float to_float(__nv_bfloat16 value)
{
    return __bfloat162float(value);
}

template <class T> __device__ T from_float(float value);

template <> __device__ inline float from_float<float>(float value)
{
    return value;
}

template <> __device__ inline __half from_float<__half>(float value)
{
    return __float2half_rn(value);
}

template <> __device__ inline __nv_bfloat16 from_float<__nv_bfloat16>(float value)
{
    return __float2bfloat16_rn(value);
}

/* Calls `function` with a value of the type that `type` names. */
template <class F> cudaError_t with_type(CudaType type, F function)
{
    return type == CUDA_F32   ? function(float())
           : type == CUDA_F16 ? function(__half())
                              : function(__nv_bfloat16());
}

/* An operation that is one launch, which `function` makes. */
template <class F> bool one_launch(CodeStream *stream, const char *operation, F function)
{
    CudaLaunch on;

    return cuda_begin(stream, &on) &&
           (stream->rehearsing || cuda_end(stream, function(on), operation));
}

/* The same with a value of the activations' type. */
template <class F> bool one_typed_launch(CodeStream *stream, const char *operation, F function)
{
    return one_launch(stream, operation, [&](const CudaLaunch &on) {
        return with_type(on.type, [&](auto zero) { return function(on, zero); });
    });
}

/* ---- places ---------------------------------------------------------------------------------- */

/* Number of the calling thread among all of a one-dimensional launch. */
__device__ inline size_t thread_number()
{
    return (size_t)blockIdx.x * blockDim.x + threadIdx.x;
}

constexpr unsigned flat_block = 256;

/* The number of blocks of flat_block threads for this many threads. */
inline dim3 flat_grid(size_t threads)
{
    return dim3((unsigned)((threads + flat_block - 1) / flat_block));
}

/* ---- reductions ------------------------------------------------------------------------------ */

struct Sum {
    template <class V> __device__ V operator()(V a, V b) const
    {
        return a + b;
    }
};

struct Largest {
    template <class V> __device__ V operator()(V a, V b) const
    {
        return a > b ? a : b;
    }
};

/* Combines the values of all threads of the block, whose number is a multiple of 32, in a fixed
 * order. Every thread gets the same result. `room`: shared memory for a V of each warp. */
template <class V, class F> __device__ V over_block(V value, V *room, F function)
{
    unsigned warps = blockDim.x / 32;

    for (int lanes = 16; lanes > 0; lanes /= 2)
        value = function(value, __shfl_xor_sync(~0u, value, lanes));
    __syncthreads(); /* other threads may still read the room */
    if (threadIdx.x % 32 == 0)
        room[threadIdx.x / 32] = value;
    __syncthreads();
    value = room[0];
    for (unsigned warp = 1; warp < warps; warp++)
        value = function(value, room[warp]);
    return value;
}

#endif
