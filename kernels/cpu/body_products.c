/* body_products.c - inner loops around products: what happens to a tile of sums on its way to
 * memory, and to a row of inputs on its way to bytes. */
#include "body_parts.h"
#include "vector.h"

/* gelu(x) = x / 2 * (1 + tanh(z)), z = sqrt(2 / pi) * (x + 0.044715 x^3), which is x / (1 + e^-2z).
 */
INLINE Vector gelu_of(Vector x)
{
    Vector z = (x + 0.044715f * x * x * x) * 0.7978845608028654f;

    return over_exponential(x, -2.0f * z);
}

INLINE Vector biased(const float *tile, const float *bias, size_t at)
{
    return load(tile + at) + load(bias + at);
}

INLINE Vector biased_part(const float *tile, const float *bias, size_t at, size_t count)
{
    return load_part(tile + at, count) + load_part(bias + at, count);
}

void CPU_PART(add_bias)(void *out, size_t y_row, const float *tile, size_t tile_row,
                        const float *bias, size_t rows, size_t width)
{
    Activation *y = out;
    size_t whole = width / LANES * LANES, rest = width % LANES;

    for (size_t row = 0; row < rows; row++, y += y_row, tile += tile_row) {
        for (size_t i = 0; i < whole; i += LANES)
            store_act(y + i, biased(tile, bias, i));
        if (rest)
            store_act_part(y + whole, biased_part(tile, bias, whole, rest), rest);
    }
}

void CPU_PART(add_bias_f32)(float *y, size_t y_row, const float *tile, size_t tile_row,
                            const float *bias, size_t rows, size_t width)
{
    size_t whole = width / LANES * LANES, rest = width % LANES;

    for (size_t row = 0; row < rows; row++, y += y_row, tile += tile_row) {
        for (size_t i = 0; i < whole; i += LANES)
            store(y + i, biased(tile, bias, i));
        if (rest)
            store_part(y + whole, biased_part(tile, bias, whole, rest), rest);
    }
}

void CPU_PART(gelu)(void *out, size_t y_row, const float *tile, size_t tile_row, const float *bias,
                    size_t rows, size_t width)
{
    Activation *y = out;
    size_t whole = width / LANES * LANES, rest = width % LANES;

    for (size_t row = 0; row < rows; row++, y += y_row, tile += tile_row) {
        for (size_t i = 0; i < whole; i += LANES)
            store_act(y + i, gelu_of(biased(tile, bias, i)));
        if (rest)
            store_act_part(y + whole, gelu_of(biased_part(tile, bias, whole, rest)), rest);
    }
}

void CPU_PART(gelu_f32)(float *y, size_t y_row, const float *tile, size_t tile_row,
                        const float *bias, size_t rows, size_t width)
{
    size_t whole = width / LANES * LANES, rest = width % LANES;

    for (size_t row = 0; row < rows; row++, y += y_row, tile += tile_row) {
        for (size_t i = 0; i < whole; i += LANES)
            store(y + i, gelu_of(biased(tile, bias, i)));
        if (rest)
            store_part(y + whole, gelu_of(biased_part(tile, bias, whole, rest)), rest);
    }
}

void CPU_PART(add_gated)(float *y, size_t y_row, const float *tile, size_t tile_row,
                         const float *bias, const float *gate, size_t rows, size_t width)
{
    size_t whole = width / LANES * LANES;

    for (size_t row = 0; row < rows; row++, y += y_row, tile += tile_row) {
        for (size_t i = 0; i < whole; i += LANES)
            store(y + i, load(y + i) + load(gate + i) * biased(tile, bias, i));
        for (size_t i = whole; i < width; i++)
            y[i] += gate[i] * (tile[i] + bias[i]);
    }
}

void CPU_PART(add_residual)(void *out, size_t y_row, const float *tile, size_t tile_row,
                            const float *bias, const void *residual, size_t rows, size_t width)
{
    const Activation *add = residual;
    Activation *y = out;
    size_t whole = width / LANES * LANES, rest = width % LANES;

    for (size_t row = 0; row < rows; row++, y += y_row, add += y_row, tile += tile_row) {
        for (size_t i = 0; i < whole; i += LANES)
            store_act(y + i, biased(tile, bias, i) + load_act(add + i));
        if (rest)
            store_act_part(y + whole,
                           biased_part(tile, bias, whole, rest) + load_act_part(add + whole, rest),
                           rest);
    }
}

void CPU_PART(add)(float *y, const float *a, const float *b, size_t count)
{
    size_t i = 0;

    for (; i + LANES <= count; i += LANES)
        store(y + i, load(a + i) + load(b + i));
    for (; i < count; i++)
        y[i] = a[i] + b[i];
}

void CPU_PART(convert)(void *out, const float *x, size_t count)
{
    Activation *y = out;
    size_t i = 0;

    for (; i + LANES <= count; i += LANES)
        store_act(y + i, load(x + i));
    if (i < count)
        store_act_part(y + i, load_part(x + i, count - i), count - i);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

INLINE float smallest(Vector v)
{
    return -largest(-v);
}

/* Asymmetric: what GELU gives is nearly all positive, and must not waste half of the range. The
 * range always holds 0. A row whose values are all below some 1e-32 is 0: the inverse of its scale
 * must be a number. */
void CPU_PART(quantise)(uint8_t *bytes, const void *in, size_t count, float *scale, int32_t *zero)
{
    const float magic = 0x1.8p23f; /* adding it rounds to an integer, kept in the low bits */
    const Activation *x = in;
    Vector high = {0}, low = {0};
    float top, bottom, inverse, offset;

    for (size_t i = 0; i < count; i += LANES) {
        Vector v = i + LANES <= count ? load_act(x + i) : load_act_part(x + i, count - i);

        high = larger(v, high);
        low = smaller(v, low);
    }
    top = largest(high), bottom = smallest(low);
    *scale = top / 255 - bottom / 255; /* the difference of the two may be no number */
    inverse = *scale > 1e-34f ? 1 / *scale : 0;
    offset = -bottom * inverse + magic;
    offset -= magic;
    *zero = (int32_t)offset;
    for (size_t i = 0; i < count; i += LANES) {
        size_t n = count - i < LANES ? count - i : LANES;
        Vector v = (n == LANES ? load_act(x + i) : load_act_part(x + i, n)) * inverse + offset;
        Bits whole;

        whole = (Bits)(smaller(larger(v, (Vector){0}), splat(255.0f)) + magic) & 255;
        store_bytes(bytes + i, whole, n);
    }
}

void CPU_PART(dequantise)(void *tile, const float *scale, const int32_t *zero,
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
