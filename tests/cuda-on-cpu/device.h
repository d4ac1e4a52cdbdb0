/* device.h - the state of the one emulated device, for blocks.cc and cublas.cc. */
#ifndef CUDA_ON_CPU_DEVICE_H
#define CUDA_ON_CPU_DEVICE_H

#include "cuda_runtime_api.h"

namespace cuda_on_cpu
{

unsigned device_order();

/* Remembers an error for cudaGetLastError, and returns it. */
cudaError_t device_fail(cudaError_t error);

/* Counts a launch; not cudaSuccess where the device is broken. */
cudaError_t device_launch();

} // namespace cuda_on_cpu

#endif
