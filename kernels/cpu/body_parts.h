/* body_parts.h - names of the inner loops for the instruction set that is being compiled, which the
 * build defines as CPU_BODY (sse2, avx2, avx512). */
#ifndef CODE_KERNELS_CPU_BODY_PARTS_H
#define CODE_KERNELS_CPU_BODY_PARTS_H

#include "body.h"

#define CPU_JOIN(part, body)   cpu_##part##_##body
#define CPU_EXPAND(part, body) CPU_JOIN(part, body)
#define CPU_PART(part)         CPU_EXPAND(part, CPU_BODY)

void CPU_PART(add_bias)(float *y, size_t y_row, const float *tile, const float *bias, size_t rows,
                        size_t width);
void CPU_PART(gelu)(float *y, size_t y_row, const float *tile, const float *bias, size_t rows,
                    size_t width);
void CPU_PART(add_gated)(float *y, size_t y_row, const float *tile, const float *bias,
                         const float *gate, size_t rows, size_t width);
void CPU_PART(add)(float *y, const float *a, const float *b, size_t count);
void CPU_PART(modulate)(float *y, const float *x, size_t width, CpuModulation modulation);
void CPU_PART(guide)(float *y, const float *x, const float *none, size_t width, CpuModulation m,
                     CpuModulation none_m, float t);
void CPU_PART(head)(float *q, const float *k, const float *v, float q_scale, float *k_out,
                    float *v_out);
float CPU_PART(softmax)(float *row, size_t count, float scale);
void CPU_PART(divide)(float *row, size_t count, float divisor);
int32_t CPU_PART(sample)(float *logits, size_t codes, const CpuDraw *draw, void *memory);
void CPU_PART(blend)(float *out, float *scores, const uint32_t *listed, size_t count,
                     const float *codebook, size_t channels);
void CPU_PART(cubic)(float *out, const float *const in[4][4], const float rows[4],
                     const float columns[4], size_t channels);
void CPU_PART(mean)(float *out, const float *in, size_t in_row, size_t rows, size_t columns,
                    size_t channels);
void CPU_PART(accumulate)(float *f, const float *h, const float *conv, const float *kept,
                          float mask, size_t count);
void CPU_PART(moments)(float *sum, float *square, const float *x, const float *shift,
                       size_t positions, size_t channels);
void CPU_PART(normalise)(float *y, const float *x, const float *mean, const float *factor,
                         const float *weight, const float *bias, size_t positions, size_t channels,
                         bool silu);
void CPU_PART(pixels)(uint8_t *out, const float *x, size_t count);

#endif
