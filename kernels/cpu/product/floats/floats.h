/* floats.h - products, convolutions and attention in float32, by the tiles of
 * simd/body_multiply.h.
 *
 * Each sum is one chain of fused multiply-adds, from the bias or, in attention and at a point of
 * winograd.h, from 0: over the inputs in ascending order; for a convolution over rows of the
 * kernel, then its columns, then channels. Nothing else decides a bit of it: not the instruction
 * set, the number of threads, or the rows that share a call. */
#ifndef CODE_KERNELS_CPU_FLOATS_H
#define CODE_KERNELS_CPU_FLOATS_H

#include "product/product.h"

enum { FLOAT_PANEL = 16 }; /* outputs of a panel of weights */

/* Weights as the tiles read them: panels of 16 outputs, each (taps, in, 16). Past the last output
 * is 0. The taps of a convolution in tiles of 2 x 2 outputs are its points, winograd.h. */
typedef struct CpuFloats {
    CodeWeight head;
    size_t steps; /* taps * in */
    size_t panels;
    float *data;
} CpuFloats;

static inline const CpuFloats *cpu_floats_of(const CodeWeight *weight)
{
    return (const CpuFloats *)weight;
}

bool cpu_float_linear(CodeStream *stream, const CodeLinear *args);
bool cpu_float_conv(CodeStream *stream, const CodeConv *args);
bool cpu_float_attention(CodeStream *stream, const CodeAttention *args);

#endif
