/* packed.h - products and convolutions with weights of bfloat16 or bytes, by our own tile
 * kernels. */
#ifndef CODE_KERNELS_CPU_PACKED_H
#define CODE_KERNELS_CPU_PACKED_H

#include "gemm.h"
#include "product/product.h"

/* Weights as the kernels read them: panels of up to 64 outputs, each (taps, steps, vectors, 16) of
 * 32 bits; a step is two inputs, or four bytes. Past the last input or output is 0. */
typedef struct CpuPacked {
    CodeWeight head;
    bool bytes; /* int8, else bfloat16 */
    /* A 3 x 3 convolution with few outputs: the columns of the kernel stand side by side as
     * outputs, (3, out), and its rows are the taps. */
    bool folded;
    bool winograd; /* in tiles of 2 x 2 outputs, winograd.h: taps are its points */
    unsigned taps, steps, in, out;
    float *scale;        /* bytes: (taps, out, padded), of each output's weights */
    int32_t *column_sum; /* bytes: (taps, out, padded), sums of the weights, for the zero point */
    char *data;
} CpuPacked;

static inline const CpuPacked *cpu_packed(const CodeWeight *weight)
{
    return (const CpuPacked *)weight;
}

/* True if the tile kernels cannot read inputs in place: float32 inputs, and rows that end within
 * a step. */
static inline bool cpu_moves_inputs(const CpuPacked *packed)
{
    return !packed->bytes && (code_reads_f32(&packed->head.spec) || packed->in % 2);
}

/* Rows of inputs, one after the other, to bfloat16 rows of whole steps. */
void cpu_move_inputs(const CpuBody *body, const CpuPacked *packed, void *to, const void *x,
                     size_t rows);

/* A panel of packed weights. */
typedef struct CpuPanel {
    size_t first; /* its first output */
    unsigned width, vectors;
    const char *data;
} CpuPanel;

static inline size_t cpu_panels(const CpuPacked *packed)
{
    return pieces(packed->out, GEMM_COLUMNS);
}

static inline CpuPanel cpu_panel(const CpuPacked *packed, size_t index)
{
    size_t first = index * GEMM_COLUMNS, width = least(GEMM_COLUMNS, packed->out - first);

    return (CpuPanel){
        .first = first,
        .width = (unsigned)width,
        .vectors = (unsigned)pieces(width, 16),
        .data = packed->data + first * packed->taps * packed->steps * 4,
    };
}

/* Columns of packed weights, their padding included. */
static inline size_t cpu_padded(const CpuPacked *packed)
{
    return pieces(packed->out, 16) * 16;
}

bool cpu_packed_linear(CodeStream *stream, const CodeLinear *args);
bool cpu_packed_conv(CodeStream *stream, const CodeConv *args);
bool cpu_packed_attention(CodeStream *stream, const CodeAttention *args);

#endif
