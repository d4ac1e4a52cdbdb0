/* tensor_core.h - mma.sync.m16n8k16 on the host: c (16, 8) += a (16, 16) b (16, 8), spread over the
 * lanes of a warp as PTX spreads it. */
#ifndef CUDA_ON_CPU_TENSOR_CORE_H
#define CUDA_ON_CPU_TENSOR_CORE_H

#include "cuda_bf16.h"
#include "cuda_fp16.h"
#include "cuda_runtime.h"

namespace cuda_on_cpu
{

static inline float number(uint16_t bits, __half)
{
    return __half2float(__half{bits});
}

static inline float number(uint16_t bits, __nv_bfloat16)
{
    return __bfloat162float(__nv_bfloat16{bits});
}

/* Half `half` of register `r` of what lane `lane` gave. */
template <class T> float element(const Exchanged &given, unsigned lane, unsigned r, unsigned half)
{
    uint16_t bits;

    memcpy(&bits, given.of[lane] + 4 * r + 2 * half, sizeof bits);
    return number(bits, T());
}

template <class T>
void multiply_accumulate(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2])
{
    uint32_t mine[6] = {a[0], a[1], a[2], a[3], b[0], b[1]};
    Exchanged given = exchange(mine, sizeof mine);
    unsigned lane = threadIdx.x % 32, row = lane / 4, column = lane % 4 * 2;

    for (unsigned i = 0; i < 4; i++) /* c0 c1: row, c2 c3: row + 8 */
        for (unsigned k = 0; k < 16; k++)
            c[i] += element<T>(given, row * 4 + k % 8 / 2, (k / 8) * 2 + i / 2, k % 2) *
                    element<T>(given, (column + i % 2) * 4 + k % 8 / 2, 4 + k / 8, k % 2);
}

} // namespace cuda_on_cpu

#endif
