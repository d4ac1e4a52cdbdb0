/* floats.h - products, convolutions and attention by the tiles of simd/multiply.h. Activations and
 * weights are float32, or bfloat16 that is multiplied in float32: half the memory. At int8, most
 * products are those of bytes, whose sums are exact.
 *
 * Each sum in float32 is one chain of fused multiply-adds, from the bias or, in bfloat16, in
 * attention and at a point of winograd.h, from 0: over the inputs in ascending order; for a
 * convolution over rows of the kernel, then its columns, then channels. Nothing else decides a bit
 * of it: not the instruction set, the number of threads, or the rows that share a call. */
#ifndef CODE_KERNELS_CPU_FLOATS_H
#define CODE_KERNELS_CPU_FLOATS_H

#include "product/product.h"

enum { FLOAT_PANEL = 16 }; /* outputs of a panel of weights */

/* Weights as the tiles read them: panels of 16 outputs, each runs of inputs that are multiplied by
 * one product. Past the last output, and past the end of a run that does not fill its words, or
 * pairs of zipped words, is 0. Runs are the rows of a kernel or, of a convolution in tiles of 2 x 2
 * outputs, its points, winograd.h. */
typedef struct CpuFloats {
    CodeWeight head;
    CpuNumbers numbers;
    size_t run;   /* inputs of a run, in whole words or pairs of words */
    size_t steps; /* inputs of all runs */
    size_t panels;
    void *data;
    float *scale;        /* bytes: (runs, panels * 16), of each output's weights */
    int32_t *column_sum; /* bytes: the same, sums of the weights, for the zero point */
} CpuFloats;

static inline const CpuFloats *cpu_floats_of(const CodeWeight *weight)
{
    return (const CpuFloats *)weight;
}

/* The weights' part of a product: from a panel and an input, the first of a word, on. */
CpuProduct cpu_product_with(const CpuFloats *floats, size_t panel, size_t input);

/* `count` inputs from element `index` of x, which has the type of the weights' inputs, to float32,
 * as they are multiplied. */
void cpu_float_inputs(const CodeDevice *device, const CpuFloats *floats, float *to, const void *x,
                      size_t index, size_t count);

bool cpu_float_linear(CodeStream *stream, const CodeLinear *args);
bool cpu_float_conv(CodeStream *stream, const CodeConv *args);
bool cpu_float_attention(CodeStream *stream, const CodeAttention *args);

#endif
