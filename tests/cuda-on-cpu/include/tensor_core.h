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

/* The two numbers of each register. */
template <class T, unsigned count>
void numbers(float (&values)[2 * count], const uint32_t (&registers)[count])
{
    for (unsigned i = 0; i < 2 * count; i++)
        values[i] = number((uint16_t)(registers[i / 2] >> 16 * (i % 2)), T());
}

/* What each lane gives: its parts of a and b. */
struct Operands {
    float a[8], b[4];
};

template <class T>
void multiply_accumulate(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2])
{
    Operands mine;
    unsigned lane = threadIdx.x % 32, row = lane / 4, column = lane % 4 * 2;
    const unsigned char(*given)[exchange_size];

    numbers<T>(mine.a, a);
    numbers<T>(mine.b, b);
    given = exchange(&mine, sizeof mine).of;
    for (unsigned k = 0; k < 16; k++) {
        unsigned thread = k % 8 / 2, upper = k / 8, half = k % 2;
        Operands left, right[2];

        memcpy(&left, given[row * 4 + thread], sizeof left);
        memcpy(&right[0], given[column * 4 + thread], sizeof left);
        memcpy(&right[1], given[(column + 1) * 4 + thread], sizeof left);
        for (unsigned i = 0; i < 4; i++) /* c0 c1: row, c2 c3: row + 8 */
            c[i] += left.a[2 * (2 * upper + i / 2) + half] * right[i % 2].b[2 * upper + half];
    }
}

} // namespace cuda_on_cpu

#endif
