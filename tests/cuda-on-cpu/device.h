/* device.h - the state of the emulated device, for blocks.cc and cublas.cc. */
#ifndef CUDA_ON_CPU_DEVICE_H
#define CUDA_ON_CPU_DEVICE_H

#include "cuda_runtime_api.h"

#include <functional>

namespace cuda_on_cpu
{

unsigned device_order();

/* Remembers an error for cudaGetLastError, and returns it. */
cudaError_t device_fail(cudaError_t error);

/* What every call on a broken device returns. */
cudaError_t device_state();

bool streams_are_late();

/* Not cudaSuccess on a thread that captures, and the capture is spoilt. */
cudaError_t may_allocate();

/* As what frees memory does. */
cudaError_t wait_for_all();

/* Does some work of a stream: now, or later if the stream is late or being captured. */
cudaError_t submit(cudaStream_t stream, std::function<cudaError_t()> work);

/* Counts a launch; not cudaSuccess if the device is broken. */
cudaError_t device_launch();

} // namespace cuda_on_cpu

#endif
