/* body_products.h - inner loops around products: a tile of sums on its way to memory. Part of
 * body.c. */
#ifndef CODE_KERNELS_CPU_BODY_PRODUCTS_H
#define CODE_KERNELS_CPU_BODY_PRODUCTS_H

#include "body.h"
#include "vector.h"

/* gelu(x) = x / 2 * (1 + tanh(z)), z = sqrt(2 / pi) * (x + 0.044715 x^3), which is x / (1 + e^-2z).
 */
INLINE Vector gelu_of(Vector x)
{
    const float linear = -2 * 0.7978845608028654f, cubic = linear * 0.044715f;

    return over_exponential(x, fused(x * x, splat(cubic), splat(linear)) * x);
}

INLINE Vector biased(const float *sums, const float *bias, size_t at)
{
    return load(sums + at) + load(bias + at);
}

INLINE Vector biased_part(const float *sums, const float *bias, size_t at, size_t count)
{
    return load_part(sums + at, count) + load_part(bias + at, count);
}

/* Compiled for a constant `gelu` and type of y. */
INLINE void finish_rows(const CpuTile *tile, const bool gelu, const bool to_f32)
{
    size_t rows = tile->rows, whole = tile->width / LANES * LANES, rest = tile->width % LANES;
    size_t y_row = tile->y_row, sums_row = tile->sums_row;
    const float *sums = tile->sums, *bias = tile->bias;
    void *out = tile->y;

    for (size_t row = 0; row < rows; row++, sums += sums_row) {
        float *floats = (float *)out + row * y_row;
        Activation *y = (Activation *)out + row * y_row;

        for (size_t i = 0; i < whole; i += LANES) {
            Vector v = biased(sums, bias, i);

            v = gelu ? gelu_of(v) : v;
            if (to_f32)
                store(floats + i, v);
            else
                store_act(y + i, v);
        }
        if (rest) {
            Vector v = biased_part(sums, bias, whole, rest);

            v = gelu ? gelu_of(v) : v;
            if (to_f32)
                store_part(floats + whole, v, rest);
            else
                store_act_part(y + whole, v, rest);
        }
    }
}

static void add_bias(const CpuTile *tile)
{
    if (tile->y_f32)
        finish_rows(tile, false, true);
    else
        finish_rows(tile, false, false);
}

static void gelu(const CpuTile *tile)
{
    if (tile->y_f32)
        finish_rows(tile, true, true);
    else
        finish_rows(tile, true, false);
}

static void add_gated(const CpuTile *tile, const float *gate)
{
    size_t rows = tile->rows, width = tile->width, whole = width / LANES * LANES;
    size_t y_row = tile->y_row, sums_row = tile->sums_row;
    const float *sums = tile->sums, *bias = tile->bias;
    float *y = tile->y;

    for (size_t row = 0; row < rows; row++, y += y_row, sums += sums_row) {
        for (size_t i = 0; i < whole; i += LANES)
            store(y + i, load(y + i) + load(gate + i) * biased(sums, bias, i));
        for (size_t i = whole; i < width; i++)
            y[i] += gate[i] * (sums[i] + bias[i]);
    }
}

static void add_residual(const CpuTile *tile, const void *residual)
{
    const Activation *add = residual;
    const float *sums = tile->sums, *bias = tile->bias;
    Activation *y = tile->y;
    size_t rows = tile->rows, whole = tile->width / LANES * LANES, rest = tile->width % LANES;
    size_t y_row = tile->y_row, sums_row = tile->sums_row;

    for (size_t row = 0; row < rows; row++) {
        for (size_t i = 0; i < whole; i += LANES)
            store_act(y + i, biased(sums, bias, i) + load_act(add + i));
        if (rest)
            store_act_part(y + whole,
                           biased_part(sums, bias, whole, rest) + load_act_part(add + whole, rest),
                           rest);
        y += y_row, add += y_row, sums += sums_row;
    }
}

static void add(float *y, const float *a, const float *b, size_t count)
{
    size_t i = 0;

    for (; i + LANES <= count; i += LANES)
        store(y + i, load(a + i) + load(b + i));
    for (; i < count; i++)
        y[i] = a[i] + b[i];
}

static void convert(void *out, const float *x, size_t count)
{
    Activation *y = out;
    size_t i = 0;

    for (; i + LANES <= count; i += LANES)
        store_act(y + i, load(x + i));
    if (i < count)
        store_act_part(y + i, load_part(x + i, count - i), count - i);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static void dequantise(void *tile, const float *scale, const int32_t *zero,
                       const float *column_scale, const int32_t *column_sum, size_t rows,
                       size_t width)
{
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < width; i += LANES) {
            float *at = (float *)tile + row * 64 + i;
            Bits sum = *(const UnalignedBits *)at;

            sum -= *(const UnalignedBits *)(column_sum + i) * zero[row];
            store(at, __builtin_convertvector(sum, Vector) * (scale[row] * load(column_scale + i)));
        }
}

#endif
