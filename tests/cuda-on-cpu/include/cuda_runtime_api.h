/* cuda_runtime_api.h - the part of the CUDA runtime's C interface that kernels/cuda uses, on the
 * host. Streams run at once, in the calling thread; device memory is ordinary memory. */
#ifndef CUDA_ON_CPU_RUNTIME_API_H
#define CUDA_ON_CPU_RUNTIME_API_H

#include <stdbool.h>
#include <stddef.h>

#define CUDA_ON_CPU

#ifdef __cplusplus
extern "C" {
#endif

typedef enum cudaError {
    cudaSuccess = 0,
    cudaErrorInvalidValue = 1,
    cudaErrorMemoryAllocation = 2,
    cudaErrorInvalidConfiguration = 9,
    cudaErrorInsufficientDriver = 35,
    cudaErrorNoDevice = 100,
    cudaErrorNotReady = 600,
    cudaErrorIllegalAddress = 700,
} cudaError_t;

enum cudaMemcpyKind {
    cudaMemcpyHostToDevice = 1,
    cudaMemcpyDeviceToHost,
    cudaMemcpyDeviceToDevice
};
enum cudaDeviceAttr {
    cudaDevAttrComputeCapabilityMajor = 75,
    cudaDevAttrComputeCapabilityMinor = 76,
};
enum { cudaStreamNonBlocking = 1 };

typedef struct CUstream_st *cudaStream_t;

cudaError_t cudaGetDeviceCount(int *count);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device);
cudaError_t cudaMemGetInfo(size_t *available, size_t *total);
cudaError_t cudaMalloc(void **memory, size_t bytes);
cudaError_t cudaFree(void *memory);
cudaError_t cudaMallocHost(void **memory, size_t bytes);
cudaError_t cudaFreeHost(void *memory);
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                            cudaStream_t stream);
cudaError_t cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch,
                              size_t width, size_t height, enum cudaMemcpyKind kind,
                              cudaStream_t stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamQuery(cudaStream_t stream);
cudaError_t cudaGetLastError(void);
const char *cudaGetErrorString(cudaError_t error);

/* ---- for tests: what a real device cannot be told -------------------------------------------- */

#define CUDA_ON_CPU_API __attribute__((visibility("default")))

/* Threads of a block, and blocks of a grid, run 0: in order; 1: the last one first; 2: odd ones
 * first. The first value is that of $CUDA_ON_CPU_ORDER. */
CUDA_ON_CPU_API void cuda_on_cpu_set_order(unsigned order);

/* Device memory that there is; allocations beyond it fail. */
CUDA_ON_CPU_API void cuda_on_cpu_set_memory(size_t bytes);
CUDA_ON_CPU_API size_t cuda_on_cpu_memory_used(void);

/* The launch after `launches` more fails like a kernel that touched memory not its own, and so does
 * everything after it. Negative: heals the device. */
CUDA_ON_CPU_API void cuda_on_cpu_break(int launches);

/* How many devices there are: 1, until told otherwise. */
CUDA_ON_CPU_API void cuda_on_cpu_set_devices(int count);

#ifdef __cplusplus
}
#endif
#endif
