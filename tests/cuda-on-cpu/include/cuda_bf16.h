/* cuda_bf16.h - bfloat16 on the host: the upper half of a float, rounded to nearest even. */
#ifndef CUDA_ON_CPU_BF16_H
#define CUDA_ON_CPU_BF16_H

#include <stdint.h>
#include <string.h>

struct __nv_bfloat16 {
    uint16_t bits;
};

static inline float __bfloat162float(__nv_bfloat16 value)
{
    uint32_t bits = (uint32_t)value.bits << 16;
    float result;

    memcpy(&result, &bits, sizeof result);
    return result;
}

static inline __nv_bfloat16 __float2bfloat16_rn(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7FFFFFFF) > 0x7F800000)
        return __nv_bfloat16{0x7FFF};
    return __nv_bfloat16{(uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16)};
}

#endif
