/* body.h - the inner loops of the CPU backend, compiled once for each instruction set.
 *
 * body_*.c are written with vectors as wide as the registers, and sum in groups of 16 along fixed
 * trees without fused multiply-add: every instruction set gives the same bits.
 * `void *` are activations: float32, or bfloat16 in the bodies compiled with CPU_HALF.
 * Outputs may be inputs where a comment says so. Rows need no alignment. */
#ifndef CODE_KERNELS_CPU_BODY_H
#define CODE_KERNELS_CPU_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A layer norm's affine part: y = LN(x) * (1 + scale) + shift. */
typedef struct CpuModulation {
    const float *scale, *shift;
} CpuModulation;

/* How to draw one token. */
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

struct WinogradTile;

typedef struct CpuBody {
    const char *name;

    /* Of a tile (rows, width) that a product has just filled, rows tile_row apart, into y, whose
     * rows are y_row apart. */
    void (*add_bias)(void *y, size_t y_row, const float *tile, size_t tile_row, const float *bias,
                     size_t rows, size_t width);
    void (*add_bias_f32)(float *y, size_t y_row, const float *tile, size_t tile_row,
                         const float *bias, size_t rows, size_t width);
    void (*gelu)(void *y, size_t y_row, const float *tile, size_t tile_row, const float *bias,
                 size_t rows, size_t width);
    void (*gelu_f32)(float *y, size_t y_row, const float *tile, size_t tile_row, const float *bias,
                     size_t rows, size_t width);
    void (*add_gated)(float *y, size_t y_row, const float *tile, size_t tile_row, const float *bias,
                      const float *gate, size_t rows, size_t width);
    /* y = tile + bias + add; y may be add, and has its rows as far apart. */
    void (*add_residual)(void *y, size_t y_row, const float *tile, size_t tile_row,
                         const float *bias, const void *add, size_t rows, size_t width);

    /* y = a + b; y may be either. */
    void (*add)(float *y, const float *a, const float *b, size_t count);
    /* float32 to activations */
    void (*convert)(void *y, const float *x, size_t count);

    void (*modulate)(void *y, const float *x, size_t width, CpuModulation modulation);
    /* y = (1 + t) * m(x) - t * m'(none) */
    void (*guide)(float *y, const float *x, const float *none, size_t width, CpuModulation m,
                  CpuModulation none_m, float t);
    /* One head of 64: q in place, k and v to the caches. */
    void (*head)(void *q, const void *k, const void *v, float q_scale, void *k_out, void *v_out);

    /* bytes = round(x / *scale) + *zero, in 0..255, scale and zero as the row's extremes want them
     */
    void (*quantise)(uint8_t *bytes, const void *x, size_t count, float *scale, int32_t *zero);
    /* A tile of byte products, 64 apart, to float32 in place: (sum - zero[row] * column_sum) *
     * (scale[row] * column_scale) */
    void (*dequantise)(void *tile, const float *scale, const int32_t *zero,
                       const float *column_scale, const int32_t *column_sum, size_t rows,
                       size_t width);

    /* row = exp(scale * row - their largest); returns the sum */
    float (*softmax)(float *row, size_t count, float scale);
    /* y = row / divisor; y may be row where activations are float32 */
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

    /* sum[c] = sum over positions of x - shift[c]; square[c]: of its square */
    void (*moments)(float *sum, float *square, const void *x, const void *shift, size_t positions,
                    size_t channels);
    /* y = silu((x - mean) * factor * weight + bias), silu if asked for; y may be x */
    void (*normalise)(void *y, const void *x, const float *mean, const float *factor,
                      const float *weight, const float *bias, size_t positions, size_t channels,
                      bool silu);

    /* Convolutions in tiles, winograd.h. The inputs of one tile, x (side * side positions) of
     * `channels` activations each, to its points, as activations or float32: that of point p to to
     * + p * point. Writes whole vectors, up to a multiple of 16 channels. */
    void (*tile_inputs)(unsigned side, const void *const *x, size_t channels, void *to,
                        size_t point, bool to_f32);
    void (*tile_outputs)(unsigned side, const struct WinogradTile *tile);

    void (*pixels)(uint8_t *out, const float *x, size_t count);
} CpuBody;

extern const CpuBody cpu_body_sse2, cpu_body_avx2, cpu_body_avx512;
extern const CpuBody cpu_body_avx512_bf16; /* the one with bfloat16 */

#endif
