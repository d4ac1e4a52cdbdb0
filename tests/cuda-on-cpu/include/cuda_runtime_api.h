/* cuda_runtime_api.h - the part of the CUDA runtime's C interface that kernels/cuda uses, on the
 * host. Streams run in the calling thread: at once, or as late as they may, see below; device
 * memory is ordinary memory. */
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
    cudaErrorNoKernelImageForDevice = 209,
    cudaErrorNotReady = 600,
    cudaErrorIllegalAddress = 700,
    cudaErrorStreamCaptureUnsupported = 900,
    cudaErrorStreamCaptureInvalidated = 901,
    cudaErrorStreamCaptureWrongThread = 908,
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
enum cudaStreamCaptureMode {
    cudaStreamCaptureModeGlobal,
    cudaStreamCaptureModeThreadLocal,
    cudaStreamCaptureModeRelaxed
};
enum { cudaStreamNonBlocking = 1 };
enum { cudaEventDisableTiming = 2 };

typedef struct CUstream_st *cudaStream_t;
typedef struct CUevent_st *cudaEvent_t;
typedef struct CUgraph_st *cudaGraph_t;
typedef struct CUgraphExec_st *cudaGraphExec_t;

cudaError_t cudaGetDeviceCount(int *count);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device);
struct cudaDeviceProp {
    char name[256];
};
cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *properties, int device);
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
cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamQuery(cudaStream_t stream);

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags);
cudaError_t cudaEventCreate(cudaEvent_t *event);
cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t first, cudaEvent_t last);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags);

/* A stream that is being captured computes nothing; its work goes into a graph. Whatever would wait
 * for it, and allocating memory on the thread that captures, fails and spoils the capture. */
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph,
                                 unsigned long long flags);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec);
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream);

typedef struct cudaFuncAttributes {
    int binaryVersion;
} cudaFuncAttributes;
cudaError_t cudaFuncGetAttributes(struct cudaFuncAttributes *attributes, const void *kernel);

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

/* Bytes copied to the host so far. */
CUDA_ON_CPU_API size_t cuda_on_cpu_downloaded(void);

/* The launch after `launches` more fails like a kernel that touched memory not its own, and so does
 * everything after it. Negative: heals the device. */
CUDA_ON_CPU_API void cuda_on_cpu_break(int launches);

/* If late, a stream does its work only when a caller waits for it, or for an event after it;
 * otherwise it works as soon as possible. A stream that forgets to wait for another then computes
 * something else. For one thread at a time. */
CUDA_ON_CPU_API void cuda_on_cpu_set_late(bool late);

/* The next captures end with an error, as if a library did something that cannot be captured. */
CUDA_ON_CPU_API void cuda_on_cpu_refuse_captures(bool refuse);

/* Graphs launched so far. */
CUDA_ON_CPU_API unsigned cuda_on_cpu_graphs_launched(void);

/* Sets the number of devices, initially 1. The first `old` of them have compute capability 7.5,
 * the others 8.0. All share one memory. Number i is called "emulated i". */
CUDA_ON_CPU_API void cuda_on_cpu_set_devices(int count, int old);

/* The build has no code for the first `count` devices: no kernel can be launched on them. */
CUDA_ON_CPU_API void cuda_on_cpu_set_foreign(int count);

/* The device of the calling thread. */
CUDA_ON_CPU_API int cuda_on_cpu_device(void);

#ifdef __cplusplus
}
#endif
#endif
