/* body_maps.h - inner loops on maps: resizing, accumulating, group norm, pixels. Part of body.c. */
#ifndef CODE_KERNELS_CPU_BODY_MAPS_H
#define CODE_KERNELS_CPU_BODY_MAPS_H

#include "body.h"
#include "vector.h"

static void cubic(float *out, const float *const in[4][4], const float rows[4],
                  const float columns[4], size_t channels)
{
    size_t c = 0;

    for (; c + LANES <= channels; c += LANES) {
        Vector total = {0};

        for (int i = 0; i < 4; i++) {
            Vector row = {0};

            for (int j = 0; j < 4; j++)
                row += columns[j] * load(in[i][j] + c);
            total += rows[i] * row;
        }
        store(out + c, total);
    }
    for (; c < channels; c++) {
        float total = 0;

        for (int i = 0; i < 4; i++) {
            float row = 0;

            for (int j = 0; j < 4; j++)
                row += columns[j] * in[i][j][c];
            total += rows[i] * row;
        }
        out[c] = total;
    }
}

static void mean(float *out, const float *in, size_t in_row, size_t rows, size_t columns,
                 size_t channels)
{
    float count = (float)(rows * columns);
    size_t c = 0;

    for (; c + LANES <= channels; c += LANES) {
        Vector total = {0};

        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < columns; j++)
                total += load(in + i * in_row + j * channels + c);
        store(out + c, total / count);
    }
    for (; c < channels; c++) {
        float total = 0;

        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < columns; j++)
                total += in[i * in_row + j * channels + c];
        out[c] = total / count;
    }
}

static void accumulate(float *f, const float *h, const float *conv, const float *kept, float mask,
                       size_t count)
{
    size_t i = 0;

    for (; i + LANES <= count; i += LANES) {
        Vector v = load(f + i) + (0.5f * load(h + i) + 0.5f * load(conv + i));

        store(f + i, kept ? v * mask + load(kept + i) * (1.0f - mask) : v);
    }
    for (; i < count; i++) {
        float v = f[i] + (0.5f * h[i] + 0.5f * conv[i]);

        f[i] = kept ? v * mask + kept[i] * (1.0f - mask) : v;
    }
}

static void between(float *y, const float *a, const float *b, float t, size_t channels)
{
    Group from = {0}, to = {0}, mixed = {0};
    float length, direction;

    for (size_t i = 0; i < channels; i += LANES) {
        size_t count = channels - i < LANES ? channels - i : LANES, p = i / LANES % PARTS;
        Vector u = load_part(a + i, count), v = load_part(b + i, count);
        Vector m = (1.0f - t) * u + t * v;

        from.part[p] += u * u;
        to.part[p] += v * v;
        mixed.part[p] += m * m;
        store_part(y + i, m, count);
    }
    direction = sqrtf(sum(&mixed));
    length = (1.0f - t) * sqrtf(sum(&from)) + t * sqrtf(sum(&to));
    for (size_t c = 0; c < channels && direction > 0; c++)
        y[c] *= length / direction;
}

static void moments(float *total, float *square, const void *in, const void *about,
                    size_t positions, size_t channels)
{
    const Activation *x = in, *shift = about;

    size_t c = 0;

    for (; c + GROUP <= channels; c += GROUP) { /* a cache line at a time */
        Group first = {0}, second = {0};

        for (size_t i = 0; i < positions; i++)
            for (int p = 0; p < PARTS; p++) {
                Vector v =
                    load_act(x + i * channels + c + p * LANES) - load_act(shift + c + p * LANES);

                first.part[p] += v;
                second.part[p] += v * v;
            }
        for (int p = 0; p < PARTS; p++) {
            store(total + c + p * LANES, first.part[p]);
            store(square + c + p * LANES, second.part[p]);
        }
    }
    for (; c < channels; c += LANES) {
        size_t count = channels - c < LANES ? channels - c : LANES;
        Vector first = {0}, second = {0}, from = load_act_part(shift + c, count);

        for (size_t i = 0; i < positions; i++) {
            Vector v = load_act_part(x + i * channels + c, count) - from;

            first += v;
            second += v * v;
        }
        store_part(total + c, first, count);
        store_part(square + c, second, count);
    }
}

INLINE Vector silu_of(Vector x)
{
    return over_exponential(x, -x);
}

/* Channels from c on of one position, `count` of them; LANES is a constant at compile time. */
INLINE void normalise_at(void *out, const Activation *x, const CpuNorm *norm, size_t c,
                         size_t count, const bool y_f32)
{
    bool part = count < LANES;
    Vector mean = part ? load_part(norm->mean + c, count) : load(norm->mean + c);
    Vector scale = part ? load_part(norm->scale + c, count) : load(norm->scale + c);
    Vector bias = part ? load_part(norm->bias + c, count) : load(norm->bias + c);
    Vector v = fused(load_up_to(x + c, count) - mean, scale, bias);

    v = norm->silu ? silu_of(v) : v;
    if (y_f32)
        store_up_to((float *)out + c, v, count);
    else
        store_act_up_to((Activation *)out + c, v, count);
}

/* Compiled for a constant type. */
INLINE void normalise_to(void *out, const Activation *x, const CpuNorm norm, size_t positions,
                         size_t channels, const bool y_f32)
{
    size_t whole = channels / LANES * LANES, size = y_f32 ? sizeof(float) : sizeof(Activation);
    char *y = out;

    for (size_t i = 0; i < positions; i++, x += channels, y += channels * size) {
        for (size_t c = 0; c < whole; c += LANES)
            normalise_at(y, x, &norm, c, LANES, y_f32);
        if (whole < channels)
            normalise_at(y, x, &norm, whole, channels - whole, y_f32);
    }
}

static void normalise(void *out, const void *in, const CpuNorm *norm, size_t positions,
                      size_t channels)
{
    if (norm->y_f32)
        normalise_to(out, in, *norm, positions, channels, true);
    else
        normalise_to(out, in, *norm, positions, channels, false);
}

/* 255 * (x + 1) / 2, clipped to 0..255 and rounded half to even; NaN gives 0. */
INLINE Bits pixels_of(Vector x)
{
    const float magic = 0x1.8p23f; /* adding it rounds to an integer, kept in the low bits */
    Vector value = (x + 1.0f) / 2.0f * 255.0f;

    value = smaller(larger(value, (Vector){0}), splat(255.0f));
    return (Bits)(value + magic) & 255;
}

static void pixels(uint8_t *out, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i += LANES) {
        size_t n = count - i < LANES ? count - i : LANES;
        Bits pixel = pixels_of(n == LANES ? load(x + i) : load_part(x + i, n));

        store_bytes(out + i, pixel, n);
    }
}

#endif
