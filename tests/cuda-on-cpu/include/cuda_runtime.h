/* cuda_runtime.h - CUDA's C++ on the host: qualifiers, thread indices, barriers, warp shuffles,
 * atomics, and launching. One launch runs at a time; its threads are fibers that give way at
 * barriers only, so a missing barrier shows as a result that depends on the order of threads. */
#ifndef CUDA_ON_CPU_RUNTIME_H
#define CUDA_ON_CPU_RUNTIME_H

#include "cuda_runtime_api.h"

#include <functional>
#include <math.h>
#include <stdint.h>
#include <string.h>
#include <tuple>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __restrict__

struct uint3 {
    unsigned x, y, z;
};

struct alignas(16) uint4 {
    unsigned x, y, z, w;
};

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned width = 1, unsigned height = 1, unsigned depth = 1)
        : x(width), y(height), z(depth)
    {
    }
};

extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;

namespace cuda_on_cpu
{

constexpr unsigned warp_size = 32, exchange_size = 48;

/* What each lane of the calling thread's warp gave; every lane of it must call. */
struct Exchanged {
    const unsigned char (*of)[exchange_size];
};

struct alignas(16) Given {
    unsigned char bytes[exchange_size];
};
Exchanged exchange(const Given &mine);

template <class T> Exchanged exchange(const T &value)
{
    static_assert(sizeof value <= exchange_size, "an exchange of that size");
    Given mine;

    memcpy(mine.bytes, &value, sizeof value);
    return exchange(mine);
}

void *shared_memory();

/* Runs a kernel in a stream; `thread` is called for each thread of it. */
cudaError_t run(dim3 grid, dim3 block, size_t shared, cudaStream_t stream,
                std::function<void()> thread);

} // namespace cuda_on_cpu

void __syncthreads();
void __syncwarp(unsigned mask = ~0u);

template <class T> T __shfl_sync(unsigned, T value, int lane)
{
    memcpy(&value, cuda_on_cpu::exchange(value).of[lane & 31], sizeof value);
    return value;
}

template <class T> T __shfl_xor_sync(unsigned mask, T value, int lanes)
{
    return __shfl_sync(mask, value, (int)(threadIdx.x % 32) ^ lanes);
}

/* Threads take turns at barriers only: these are atomic as they are. */
static inline int atomicMin(int *at, int value)
{
    int old = *at;

    *at = value < old ? value : old;
    return old;
}

static inline int atomicMax(int *at, int value)
{
    int old = *at;

    *at = value > old ? value : old;
    return old;
}

static inline uint32_t __float_as_uint(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float __uint_as_float(uint32_t bits)
{
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

/* <<<grid, block, shared, stream>>> is not C++. Arguments are copied now, whenever it runs. */
template <class... P, class... A>
cudaError_t launch(void (*kernel)(P...), dim3 grid, dim3 block, size_t shared, cudaStream_t stream,
                   A... args)
{
    std::tuple<P...> given(static_cast<P>(args)...);

    return cuda_on_cpu::run(grid, block, shared, stream,
                            [kernel, given] { std::apply(kernel, given); });
}

template <class... P>
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes *attributes, void (*kernel)(P...))
{
    return cudaFuncGetAttributes(attributes, reinterpret_cast<const void *>(kernel));
}

/* The one way to dynamic shared memory. */
template <class T> T *shared_memory()
{
    return static_cast<T *>(cuda_on_cpu::shared_memory());
}

#endif
