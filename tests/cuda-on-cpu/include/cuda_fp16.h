/* cuda_fp16.h - IEEE half precision on the host, rounded to nearest even as by the device. */
#ifndef CUDA_ON_CPU_FP16_H
#define CUDA_ON_CPU_FP16_H

#include <stdint.h>
#include <string.h>

struct __half {
    uint16_t bits;
};

static inline float __half2float(__half value)
{
    uint32_t sign = (uint32_t)(value.bits & 0x8000) << 16, rest = value.bits & 0x7FFF, bits;
    float result;

    if (rest >= 0x7C00)
        bits = sign | 0x7F800000 | (rest & 0x3FF) << 13;
    else if (rest >= 0x0400)
        bits = sign | ((rest << 13) + (112u << 23));
    else {
        result = (float)rest * 0x1p-24f; /* subnormal, or 0 */
        memcpy(&bits, &result, sizeof bits);
        bits |= sign;
    }
    memcpy(&result, &bits, sizeof result);
    return result;
}

static inline __half __float2half_rn(float value)
{
    uint32_t bits, sign;
    float magnitude;

    memcpy(&bits, &value, sizeof bits);
    sign = bits >> 16 & 0x8000;
    bits &= 0x7FFFFFFF;
    if (bits > 0x7F800000)
        return __half{(uint16_t)(sign | 0x7FFF)};
    if (bits >= 0x477FF000) /* 65520 and up */
        return __half{(uint16_t)(sign | 0x7C00)};
    if (bits < 0x38800000) { /* below 2^-14: adding 1/2 rounds at 2^-24 */
        memcpy(&magnitude, &bits, sizeof magnitude);
        magnitude += 0.5f;
        memcpy(&bits, &magnitude, sizeof bits);
        return __half{(uint16_t)(sign | (bits - 0x3F000000))};
    }
    return __half{(uint16_t)(sign | ((bits - (112u << 23) + 0xFFF + (bits >> 13 & 1)) >> 13))};
}

#endif
