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

/* What lanes give lies in the emulation's own memory, which the sanitizers need not watch. */
__attribute__((no_sanitize("address", "undefined"))) static inline void
multiply_lane(float *c, const unsigned char (*given)[exchange_size], unsigned lane)
{
    unsigned row = lane / 4, column = lane % 4 * 2;

    for (unsigned upper = 0; upper < 2; upper++)
        for (unsigned thread = 0; thread < 4; thread++) {
            const Operands *left = reinterpret_cast<const Operands *>(given[row * 4 + thread]);
            const Operands *right = reinterpret_cast<const Operands *>(given[column * 4 + thread]);
            const Operands *next =
                reinterpret_cast<const Operands *>(given[(column + 1) * 4 + thread]);

            for (unsigned half = 0; half < 2; half++) {
                unsigned low = 4 * upper + half, at = 2 * upper + half;

                c[0] += left->a[low] * right->b[at]; /* c0 c1: row, c2 c3: row + 8 */
                c[1] += left->a[low] * next->b[at];
                c[2] += left->a[low + 2] * right->b[at];
                c[3] += left->a[low + 2] * next->b[at];
            }
        }
}

template <class T>
void multiply_accumulate(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2])
{
    Operands mine;

    numbers<T>(mine.a, a);
    numbers<T>(mine.b, b);
    multiply_lane(c, exchange(mine).of, threadIdx.x % 32);
}

} // namespace cuda_on_cpu

#endif
