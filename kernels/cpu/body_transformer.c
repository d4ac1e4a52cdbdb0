/* body_transformer.c - inner loops of the transformer: norms, heads, softmax. */
#include "body_parts.h"
#include "vector.h"

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

void CPU_PART(modulate)(void *out, const float *x, size_t width, CpuModulation m)
{
    Norm norm = norm_of(x, width);
    Activation *y = out;
    size_t i = 0, rest = width % LANES;

    for (; i + LANES <= width; i += LANES)
        store_act(y + i, modulated(load(x + i), norm, load(m.scale + i), load(m.shift + i)));
    if (rest)
        store_act_part(y + i,
                       modulated(load_part(x + i, rest), norm, load_part(m.scale + i, rest),
                                 load_part(m.shift + i, rest)),
                       rest);
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

void CPU_PART(head)(void *q_inout, const void *k_in, const void *v_in, float q_scale, void *k_to,
                    void *v_to)
{
    const Activation *k = k_in, *v = v_in;
    Activation *q = q_inout, *k_out = k_to, *v_out = v_to;
    Vector query[4], key[4];
    float q_factor, k_factor;

    for (int i = 0; i < 4; i++) {
        query[i] = load_act(q + i * LANES);
        key[i] = load_act(k + i * LANES);
    }
    q_factor = inverse_norm(query) * q_scale;
    k_factor = inverse_norm(key);
    for (int i = 0; i < 4; i++) {
        store_act(q + i * LANES, query[i] * q_factor);
        store_act(k_out + i * LANES, key[i] * k_factor);
        store_act(v_out + i * LANES, load_act(v + i * LANES));
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

void CPU_PART(divide)(void *out, const float *row, size_t count, float divisor)
{
    Activation *y = out;
    size_t i = 0, rest = count % LANES;

    for (; i + LANES <= count; i += LANES)
        store_act(y + i, load(row + i) / divisor);
    if (rest)
        store_act_part(y + i, load_part(row + i, rest) / divisor, rest);
}
