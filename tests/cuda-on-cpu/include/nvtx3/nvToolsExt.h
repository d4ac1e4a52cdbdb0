/* nvToolsExt.h - the part of NVTX that kernels/cuda uses: ranges, noted for tests. */
#ifndef CUDA_ON_CPU_NVTX_H
#define CUDA_ON_CPU_NVTX_H

#include "cuda_runtime_api.h"

#ifdef __cplusplus
extern "C" {
#endif

int nvtxRangePushA(const char *message);
int nvtxRangePop(void);

/* The ranges since the last call, each name followed by a space; '!' for one that is opened inside
 * another, '?' for a pop without a range. Valid until the next range. */
CUDA_ON_CPU_API const char *cuda_on_cpu_ranges(void);

#ifdef __cplusplus
}
#endif
#endif
