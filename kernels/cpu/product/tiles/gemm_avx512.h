/* gemm_avx512.h - the part of the table of gemm_avx512.c that bytes_avx512.c has. */
#ifndef CODE_KERNELS_CPU_GEMM_AVX512_H
#define CODE_KERNELS_CPU_GEMM_AVX512_H

#include <stddef.h>
#include <stdint.h>

void gemm_weights_to_bytes(int8_t *to, const float *weight, size_t count, float *scale,
                           int32_t *sum);
void gemm_rows_to_bytes(uint8_t *to, size_t to_row, const float *x, size_t row, unsigned rows,
                        size_t count, float *scale, int32_t *zero);

#endif
