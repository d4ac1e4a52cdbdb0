/* body.h - the inner loops of the CPU backend, compiled once for each instruction set.
 *
 * body.c and its parts, body_*.h, are written with vectors as wide as the registers. Sums are taken
 * in groups of 16 along fixed trees, and only fused() fuses a multiplication with an addition. So
 * every instruction set that has a fused multiply-add gives the same bits.
 *
 * `void *` are activations: float32, or bfloat16 in bodies compiled with CPU_HALF. Products are in
 * multiply.h. Outputs may be inputs only if a comment says so. Rows need no alignment. */
#ifndef CODE_KERNELS_CPU_BODY_H
#define CODE_KERNELS_CPU_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A layer norm's affine part: y = LN(x) * (1 + scale) + shift. */
typedef struct CpuModulation {
    const float *scale, *shift;
} CpuModulation;

/* Settings to draw one token with. */
typedef struct CpuDraw {
    double top_p, u;
    float temperature;
    unsigned top_k;
} CpuDraw;

/* Working memory of `sample` and `blend`: cpu_codes_bytes(codes) bytes, aligned to 64. */
static inline size_t cpu_codes_bytes(size_t codes)
{
    return (codes + 16) * 6 * sizeof(uint32_t);
}

/* A tile (rows, width) of sums from a product, and its destination. */
typedef struct CpuTile {
    void *y;
    bool y_f32; /* y is float32, not activations */
    const float *sums, *bias;
    size_t y_row, sums_row; /* elements from one row to the next */
    size_t rows, width;
} CpuTile;

/* A group norm, (channels) each: y = (x - mean) * scale + bias, then SiLU if `silu`. */
typedef struct CpuNorm {
    const float *mean, *scale, *bias;
    bool silu;
    bool y_f32; /* y is float32, not activations */
} CpuNorm;

struct WinogradInputs;
struct WinogradOutputs;

typedef struct CpuBody {
    /* y = sums + bias, without or with GELU */
    void (*add_bias)(const CpuTile *tile);
    void (*gelu)(const CpuTile *tile);
    /* y += gate * (sums + bias); y is float32 */
    void (*add_gated)(const CpuTile *tile, const float *gate);
    /* y = sums + bias + residual, in activations; y may be residual, whose rows are as far apart */
    void (*add_residual)(const CpuTile *tile, const void *residual);

    /* y = a + b; y may be either. */
    void (*add)(float *y, const float *a, const float *b, size_t count);
    /* float32 to activations */
    void (*convert)(void *y, const float *x, size_t count);

    void (*modulate)(void *y, const float *x, size_t width, CpuModulation modulation);
    /* y = (1 + t) * m(x) - t * m'(none) */
    void (*guide)(float *y, const float *x, const float *none, size_t width, CpuModulation m,
                  CpuModulation none_m, float t);
    /* One head of 64: q in place, k and v to the caches. q_scale may be NULL, see CodeHeads. */
    void (*head)(void *q, const void *k, const void *v, const float *q_scale, void *k_out,
                 void *v_out);

    /* A tile of byte products, 64 apart, to float32 in place: (sum - zero[row] * column_sum) *
     * (scale[row] * column_scale) */
    void (*dequantise)(void *tile, const float *scale, const int32_t *zero,
                       const float *column_scale, const int32_t *column_sum, size_t rows,
                       size_t width);

    /* row = exp(scale * row - their largest); returns the sum */
    float (*softmax)(float *row, size_t count, float scale);
    /* y = row / divisor; y may be row if activations are float32 */
    void (*divide)(void *y, const float *row, size_t count, float divisor);

    /* Drops logits in place and returns the token. */
    int32_t (*sample)(float *logits, size_t codes, const CpuDraw *draw, void *memory);
    /* out = softmax(scores) * codebook over the `count` codes listed; scores are overwritten. */
    void (*blend)(float *out, float *scores, const uint32_t *listed, size_t count,
                  const float *codebook, size_t channels);

    /* out = sum over 4 x 4 inputs of rows[i] * (columns[j] * in[i][j]) */
    void (*cubic)(float *out, const float *const in[4][4], const float rows[4],
                  const float columns[4], size_t channels);
    /* out = mean of `rows` x `columns` inputs, rows in_row apart */
    void (*mean)(float *out, const float *in, size_t in_row, size_t rows, size_t columns,
                 size_t channels);
    /* f = (f + (h / 2 + conv / 2)) [* mask + kept * (1 - mask)]; kept may be NULL */
    void (*accumulate)(float *f, const float *h, const float *conv, const float *kept, float mask,
                       size_t count);

    /* One position of the operation `between` */
    void (*between)(float *y, const float *a, const float *b, float t, size_t channels);

    /* sum[c] = sum over positions of x - shift[c]; square[c]: of its square */
    void (*moments)(float *sum, float *square, const void *x, const void *shift, size_t positions,
                    size_t channels);
    /* y may be x */
    void (*normalise)(void *y, const void *x, const CpuNorm *norm, size_t positions,
                      size_t channels);

    /* Convolutions in tiles, winograd.h; side: of a tile's inputs. */
    void (*tile_inputs)(unsigned side, const struct WinogradInputs *inputs);
    void (*tile_outputs)(unsigned side, const struct WinogradOutputs *outputs);

    void (*pixels)(uint8_t *out, const float *x, size_t count);
} CpuBody;

#endif
