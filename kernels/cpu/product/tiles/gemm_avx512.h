/* gemm_avx512.h - functions of CpuGemm, gemm.h, that the tables of several files have. */
#ifndef CODE_KERNELS_CPU_GEMM_AVX512_H
#define CODE_KERNELS_CPU_GEMM_AVX512_H

#include <stddef.h>
#include <stdint.h>

/* ---- bytes_avx512.c -------------------------------------------------------------------------- */

void gemm_weights_to_bytes(int8_t *to, const float *weight, size_t count, float *scale,
                           int32_t *sum);
void gemm_rows_to_bytes(uint8_t *to, size_t to_row, const float *x, size_t row, unsigned rows,
                        size_t count, float *scale, int32_t *zero);

/* ---- gemm_avx512.c --------------------------------------------------------------------------- */

void gemm_pack_columns(uint32_t *to, const uint16_t *from, size_t row, size_t rows, size_t width);
void gemm_pack_steps(uint32_t *to, const uint16_t *from, size_t row, size_t rows, size_t width);
void gemm_pack_panel(uint32_t *to, const uint16_t *from, size_t rows, size_t width);
float gemm_softmax(uint16_t *weights, const float *scores, size_t count, size_t padded,
                   float scale);

#endif
