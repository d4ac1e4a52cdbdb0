/* cudamemory.h - what the tests of video in CUDA memory share. Where there is no GPU, the emulated
 * CUDA device draws it and libgstcuda keeps it in memory of an emulated driver (tests/cuda-on-cpu):
 * then what they say of copies and of contexts was seen there alone. */
#ifndef TEST_ELEMENT_CUDAMEMORY_H
#define TEST_ELEMENT_CUDAMEMORY_H

#define GST_USE_UNSTABLE_API

#include "common.h"

#include <cuda.h> /* with it comes CUDA_ON_CPU_DRIVER_H, if it is the emulated driver's */
#include <gst/cuda/gstcudabufferpool.h>
#include <gst/cuda/gstcudautils.h>

#define ON_DEVICE   "device=cuda precision=f32 class-id=3 seed=5"
#define CUDA_MEMORY "video/x-raw(memory:CUDAMemory)"

/* NULL: it is other memory. */
static inline GstCudaMemory *cuda_memory(GstBuffer *buffer)
{
    GstMemory *memory = gst_buffer_peek_memory(buffer, 0);

    return gst_is_cuda_memory(memory) ? GST_CUDA_MEMORY_CAST(memory) : NULL;
}

#endif
