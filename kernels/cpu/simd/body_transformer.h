/* body_transformer.h - inner loops of the transformer: norms, heads, softmax. Part of body.c. */
#ifndef CODE_KERNELS_CPU_BODY_TRANSFORMER_H
#define CODE_KERNELS_CPU_BODY_TRANSFORMER_H

#include "body.h"
#include "vector.h"

/* ---- layer norm ------------------------------------------------------------------------------ */

/* LN(x)[i] = (x[i] - mean) * factor */
typedef struct Norm {
    float mean, factor;
} Norm;

INLINE Norm norm_of(const float *x, size_t width)
{
    size_t whole = width / GROUP * GROUP;
    Group total = {0}, square = {0};
    float tail[GROUP] = {0}; /* one partial sum each: those past the end add 0 */
    Norm norm;

    for (size_t i = 0; i < whole; i += GROUP)
        for (int p = 0; p < PARTS; p++)
            total.part[p] += load(x + i + p * LANES);
    memcpy(tail, x + whole, (width - whole) * sizeof *tail);
    for (int p = 0; p < PARTS; p++)
        total.part[p] += load(tail + p * LANES);
    norm.mean = sum(&total) / (float)width;
    for (size_t i = 0; i < whole; i += GROUP)
        for (int p = 0; p < PARTS; p++) {
            Vector offset = load(x + i + p * LANES) - norm.mean;

            square.part[p] += offset * offset;
        }
    for (size_t i = whole; i < width; i++)
        tail[i - whole] = (x[i] - norm.mean) * (x[i] - norm.mean);
    for (int p = 0; p < PARTS; p++)
        square.part[p] += load(tail + p * LANES);
    norm.factor = 1 / sqrtf(sum(&square) / (float)width + 1e-6f);
    return norm;
}

INLINE Vector modulated(Vector x, Norm norm, Vector scale, Vector shift)
{
    return (x - norm.mean) * norm.factor * (1.0f + scale) + shift;
}

static void modulate(void *out, const float *x, size_t width, CpuModulation m)
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

static void guide(float *y, const float *x, const float *none, size_t width, CpuModulation m,
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

/* ---- attention ------------------------------------------------------------------------------- */

enum { HEAD_VECTORS = 64 / LANES };

/* 1 / max(|v|, 1e-12) of 64 values. Squares of values below 1e-19 would vanish, so the values are
 * first scaled by a power of two. */
INLINE float inverse_norm(const Vector v[HEAD_VECTORS])
{
    Vector top = {0};
    Group square = {0};
    float peak, scale;

    for (int i = 0; i < HEAD_VECTORS; i++)
        top = larger(larger(v[i], -v[i]), top);
    peak = largest(top);
    scale = peak < 1e-9f ? 0x1p60f : peak > 1e9f ? 0x1p-60f : 1.0f;
    for (int i = 0; i < HEAD_VECTORS; i++)
        square.part[i % PARTS] += (v[i] * scale) * (v[i] * scale);
    peak = sqrtf(sum(&square)) / scale;
    return 1 / (peak < 1e-12f ? 1e-12f : peak);
}

static void head(void *q_inout, const void *k_in, const void *v_in, const float *q_scale,
                 void *k_to, void *v_to)
{
    const Activation *k = k_in, *v = v_in;
    Activation *q = q_inout, *k_out = k_to, *v_out = v_to;
    Vector query[HEAD_VECTORS], key[HEAD_VECTORS];
    float q_factor = CODE_PLAIN_Q_SCALE, k_factor = 1;

    for (int i = 0; i < HEAD_VECTORS; i++) {
        query[i] = load_act(q + i * LANES);
        key[i] = load_act(k + i * LANES);
    }
    if (q_scale) {
        q_factor = inverse_norm(query) * *q_scale;
        k_factor = inverse_norm(key);
    }
    for (int i = 0; i < HEAD_VECTORS; i++) {
        store_act(q + i * LANES, query[i] * q_factor);
        store_act(k_out + i * LANES, key[i] * k_factor);
        store_act(v_out + i * LANES, load_act(v + i * LANES));
    }
}

/* Replaces scores by their weights. */
INLINE Vector weigh(float *scores, float top)
{
    Vector weight = decay(load(scores) - top);

    store(scores, weight);
    return weight;
}

static float softmax(float *row, size_t count, float scale)
{
    size_t whole = count / GROUP * GROUP;
    float tail[GROUP], top; /* places past the end are -infinity, whose exponential adds 0 */
    Vector peak[PARTS];
    Group total = {0};

    for (int p = 0; p < PARTS; p++)
        peak[p] = splat(-INFINITY);
    for (size_t i = 0; i < whole; i += GROUP)
        for (int p = 0; p < PARTS; p++) {
            Vector score = load(row + i + p * LANES) * scale;

            store(row + i + p * LANES, score);
            peak[p] = larger(score, peak[p]);
        }
    for (int p = 1; p < PARTS; p++)
        peak[0] = larger(peak[p], peak[0]);
    top = largest(peak[0]);
    for (size_t i = whole; i < count; i++) {
        row[i] *= scale;
        top = row[i] > top ? row[i] : top;
    }
    for (size_t i = 0; i < whole; i += GROUP)
        for (int p = 0; p < PARTS; p++)
            total.part[p] += weigh(row + i + p * LANES, top);
    if (count > whole) {
        for (int i = 0; i < GROUP; i++)
            tail[i] = whole + (size_t)i < count ? row[whole + (size_t)i] : -INFINITY;
        for (int p = 0; p < PARTS; p++)
            total.part[p] += weigh(tail + p * LANES, top);
        memcpy(row + whole, tail, (count - whole) * sizeof *row);
    }
    return sum(&total);
}

static void divide(void *out, const float *row, size_t count, float divisor)
{
    Activation *y = out;
    size_t i = 0, rest = count % LANES;

    for (; i + LANES <= count; i += LANES)
        store_act(y + i, load(row + i) / divisor);
    if (rest)
        store_act_part(y + i, load_part(row + i, rest) / divisor, rest);
}

#endif
