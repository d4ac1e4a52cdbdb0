/* body_transformer.c - inner loops of the transformer: epilogues of products, norms, softmax. */
#include "body_parts.h"
#include "vector.h"

/* gelu(x) = x / 2 * (1 + tanh(z)), z = sqrt(2 / pi) * (x + 0.044715 x^3), which is x / (1 + e^-2z).
 */
INLINE Vector gelu_of(Vector x)
{
    Vector z = (x + 0.044715f * x * x * x) * 0.7978845608028654f;

    return x / (1.0f + exponential(-2.0f * z));
}

void CPU_PART(add_bias)(float *y, size_t y_row, const float *tile, const float *bias, size_t rows,
                        size_t width)
{
    for (size_t row = 0; row < rows; row++, y += y_row, tile += width) {
        size_t i = 0;

        for (; i + LANES <= width; i += LANES)
            store(y + i, load(tile + i) + load(bias + i));
        for (; i < width; i++)
            y[i] = tile[i] + bias[i];
    }
}

void CPU_PART(gelu)(float *y, size_t y_row, const float *tile, const float *bias, size_t rows,
                    size_t width)
{
    for (size_t row = 0; row < rows; row++, y += y_row, tile += width) {
        size_t i = 0, rest = width % LANES;

        for (; i + LANES <= width; i += LANES)
            store(y + i, gelu_of(load(tile + i) + load(bias + i)));
        if (rest)
            store_part(y + i, gelu_of(load_part(tile + i, rest) + load_part(bias + i, rest)), rest);
    }
}

void CPU_PART(add_gated)(float *y, size_t y_row, const float *tile, const float *bias,
                         const float *gate, size_t rows, size_t width)
{
    for (size_t row = 0; row < rows; row++, y += y_row, tile += width) {
        size_t i = 0;

        for (; i + LANES <= width; i += LANES)
            store(y + i, load(y + i) + load(gate + i) * (load(tile + i) + load(bias + i)));
        for (; i < width; i++)
            y[i] += gate[i] * (tile[i] + bias[i]);
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

/* ---- layer norm
 * ----------------------------------------------------------------------------------
 */

/* LN(x)[i] = (x[i] - mean) * factor */
typedef struct Norm {
    float mean, factor;
} Norm;

INLINE Norm norm_of(const float *x, size_t width)
{
    size_t whole = width / LANES * LANES, rest = width % LANES;
    Vector total = {0}, square = {0}, offset;
    Norm norm;

    for (size_t i = 0; i < whole; i += LANES)
        total += load(x + i);
    if (rest)
        total += load_part(x + whole, rest);
    norm.mean = sum(total) / (float)width;
    for (size_t i = 0; i < whole; i += LANES) {
        offset = load(x + i) - norm.mean;
        square += offset * offset;
    }
    for (size_t i = whole; i < width;
         i++) /* one lane each: those past the end are not in the sum */
        square[i - whole] += (x[i] - norm.mean) * (x[i] - norm.mean);
    norm.factor = 1 / sqrtf(sum(square) / (float)width + 1e-6f);
    return norm;
}

INLINE Vector modulated(Vector x, Norm norm, Vector scale, Vector shift)
{
    return (x - norm.mean) * norm.factor * (1.0f + scale) + shift;
}

void CPU_PART(modulate)(float *y, const float *x, size_t width, CpuModulation m)
{
    Norm norm = norm_of(x, width);
    size_t i = 0;

    for (; i + LANES <= width; i += LANES)
        store(y + i, modulated(load(x + i), norm, load(m.scale + i), load(m.shift + i)));
    for (; i < width; i++)
        y[i] = (x[i] - norm.mean) * norm.factor * (1.0f + m.scale[i]) + m.shift[i];
}

void CPU_PART(guide)(float *y, const float *x, const float *none, size_t width, CpuModulation m,
                     CpuModulation none_m, float t)
{
    Norm norm = norm_of(x, width), none_norm = norm_of(none, width);
    size_t i = 0;

    for (; i + LANES <= width; i += LANES) {
        Vector a = modulated(load(x + i), norm, load(m.scale + i), load(m.shift + i));
        Vector b =
            modulated(load(none + i), none_norm, load(none_m.scale + i), load(none_m.shift + i));

        store(y + i, (1.0f + t) * a - t * b);
    }
    for (; i < width; i++) {
        float a = (x[i] - norm.mean) * norm.factor * (1.0f + m.scale[i]) + m.shift[i];
        float b = (none[i] - none_norm.mean) * none_norm.factor * (1.0f + none_m.scale[i]) +
                  none_m.shift[i];

        y[i] = (1.0f + t) * a - t * b;
    }
}

/* ---- attention
 * -----------------------------------------------------------------------------------
 */

/* 1 / max(|v|, 1e-12) of 64 values, given as four vectors. Squares of values below 1e-19 would
 * vanish, so the values are first scaled by a power of two. */
INLINE float inverse_norm(const Vector v[4])
{
    Vector top = {0}, square = {0};
    float peak, scale;

    for (int i = 0; i < 4; i++) {
        Vector size = choose(v[i] < 0.0f, -v[i], v[i]);

        top = choose(size > top, size, top);
    }
    peak = largest(top);
    scale = peak < 1e-9f ? 0x1p60f : peak > 1e9f ? 0x1p-60f : 1.0f;
    for (int i = 0; i < 4; i++)
        square += (v[i] * scale) * (v[i] * scale);
    peak = sqrtf(sum(square)) / scale;
    return 1 / (peak < 1e-12f ? 1e-12f : peak);
}

void CPU_PART(head)(float *q, const float *k, const float *v, float q_scale, float *k_out,
                    float *v_out)
{
    Vector query[4], key[4];
    float q_factor, k_factor;

    for (int i = 0; i < 4; i++) {
        query[i] = load(q + i * LANES);
        key[i] = load(k + i * LANES);
    }
    q_factor = inverse_norm(query) * q_scale;
    k_factor = inverse_norm(key);
    for (int i = 0; i < 4; i++) {
        store(q + i * LANES, query[i] * q_factor);
        store(k_out + i * LANES, key[i] * k_factor);
        store(v_out + i * LANES, load(v + i * LANES));
    }
}

float CPU_PART(softmax)(float *row, size_t count, float scale)
{
    size_t whole = count / LANES * LANES;
    Vector peak = splat(-INFINITY), total = {0};
    float top;

    for (size_t i = 0; i < whole; i += LANES) {
        Vector score = load(row + i) * scale;

        store(row + i, score);
        peak = choose(score > peak, score, peak);
    }
    top = largest(peak);
    for (size_t i = whole; i < count; i++) {
        row[i] *= scale;
        top = row[i] > top ? row[i] : top;
    }
    for (size_t i = 0; i < whole; i += LANES) {
        Vector weight = exponential(load(row + i) - top);

        store(row + i, weight);
        total += weight;
    }
    if (count > whole) {
        Vector score = splat(-INFINITY), weight;

        memcpy(&score, row + whole, (count - whole) * sizeof(float));
        weight = exponential(score - top);
        store_part(row + whole, weight, count - whole);
        total += weight;
    }
    return sum(total);
}

void CPU_PART(divide)(float *row, size_t count, float divisor)
{
    size_t i = 0;

    for (; i + LANES <= count; i += LANES)
        store(row + i, load(row + i) / divisor);
    for (; i < count; i++)
        row[i] /= divisor;
}
