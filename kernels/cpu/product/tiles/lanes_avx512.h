/* lanes_avx512.h - the part of a vector that a row's end still fills. */
#ifndef CODE_KERNELS_CPU_LANES_AVX512_H
#define CODE_KERNELS_CPU_LANES_AVX512_H

#include <immintrin.h>
#include <stddef.h>

#define INLINE static inline __attribute__((always_inline))

/* The first `count` of 16 lanes, or all. */
INLINE __mmask16 first_of(size_t count)
{
    return count < 16 ? (__mmask16)((1u << count) - 1) : (__mmask16)0xFFFF;
}

#endif
