/* body_parts.h - names of the inner loops for the instruction set that is being compiled, which the
 * build defines as CPU_BODY (sse2, avx2, avx512). */
#ifndef CODE_KERNELS_CPU_BODY_PARTS_H
#define CODE_KERNELS_CPU_BODY_PARTS_H

#include "body.h"

#define CPU_JOIN(part, body)   cpu_##part##_##body
#define CPU_EXPAND(part, body) CPU_JOIN(part, body)
#define CPU_PART(part)         CPU_EXPAND(part, CPU_BODY)

void CPU_PART(add_bias)(void *y, size_t y_row, const float *tile, size_t tile_row,
                        const float *bias, size_t rows, size_t width);
void CPU_PART(add_bias_f32)(float *y, size_t y_row, const float *tile, size_t tile_row,
                            const float *bias, size_t rows, size_t width);
void CPU_PART(gelu)(void *y, size_t y_row, const float *tile, size_t tile_row, const float *bias,
                    size_t rows, size_t width);
void CPU_PART(gelu_f32)(float *y, size_t y_row, const float *tile, size_t tile_row,
                        const float *bias, size_t rows, size_t width);
void CPU_PART(add_gated)(float *y, size_t y_row, const float *tile, size_t tile_row,
                         const float *bias, const float *gate, size_t rows, size_t width);
void CPU_PART(add_residual)(void *y, size_t y_row, const float *tile, size_t tile_row,
                            const float *bias, const void *add, size_t rows, size_t width);
void CPU_PART(add)(float *y, const float *a, const float *b, size_t count);
void CPU_PART(convert)(void *y, const float *x, size_t count);
void CPU_PART(modulate)(void *y, const float *x, size_t width, CpuModulation modulation);
void CPU_PART(guide)(float *y, const float *x, const float *none, size_t width, CpuModulation m,
                     CpuModulation none_m, float t);
void CPU_PART(head)(void *q, const void *k, const void *v, float q_scale, void *k_out, void *v_out);
void CPU_PART(quantise)(uint8_t *bytes, const void *x, size_t count, float *scale, int32_t *zero);
void CPU_PART(dequantise)(void *tile, const float *scale, const int32_t *zero,
                          const float *column_scale, const int32_t *column_sum, size_t rows,
                          size_t width);
float CPU_PART(softmax)(float *row, size_t count, float scale);
void CPU_PART(divide)(void *y, const float *row, size_t count, float divisor);
int32_t CPU_PART(sample)(float *logits, size_t codes, const CpuDraw *draw, void *memory);
void CPU_PART(blend)(float *out, float *scores, const uint32_t *listed, size_t count,
                     const float *codebook, size_t channels);
void CPU_PART(cubic)(float *out, const float *const in[4][4], const float rows[4],
                     const float columns[4], size_t channels);
void CPU_PART(mean)(float *out, const float *in, size_t in_row, size_t rows, size_t columns,
                    size_t channels);
void CPU_PART(accumulate)(float *f, const float *h, const float *conv, const float *kept,
                          float mask, size_t count);
void CPU_PART(moments)(float *sum, float *square, const void *x, const void *shift,
                       size_t positions, size_t channels);
void CPU_PART(normalise)(void *y, const void *x, const float *mean, const float *factor,
                         const float *weight, const float *bias, size_t positions, size_t channels,
                         bool silu);
struct WinogradTile;
void CPU_PART(tile_inputs)(unsigned side, const void *const *x, size_t channels, void *to,
                           size_t point, bool to_f32);
void CPU_PART(tile_outputs)(unsigned side, const struct WinogradTile *tile);
void CPU_PART(pixels)(uint8_t *out, const float *x, size_t count);

#endif
