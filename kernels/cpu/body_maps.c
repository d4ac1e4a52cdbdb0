/* body_maps.c - inner loops on maps: resizing, accumulating, group norm, pixels. Also the table of
 * all inner loops. */
#include "body_parts.h"
#include "vector.h"

void CPU_PART(cubic)(float *out, const float *const in[4][4], const float rows[4],
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

void CPU_PART(mean)(float *out, const float *in, size_t in_row, size_t rows, size_t columns,
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

void CPU_PART(accumulate)(float *f, const float *h, const float *conv, const float *kept,
                          float mask, size_t count)
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

void CPU_PART(moments)(float *total, float *square, const void *in, const void *about,
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

void CPU_PART(normalise)(void *out, const void *in, const float *mean, const float *factor,
                         const float *weight, const float *bias, size_t positions, size_t channels,
                         bool silu)
{
    const Activation *x = in;
    Activation *y = out;
    size_t whole = channels / LANES * LANES, rest = channels % LANES;

    for (size_t i = 0; i < positions; i++, x += channels, y += channels) {
        Vector v;

        for (size_t c = 0; c < whole; c += LANES) {
            v = (load_act(x + c) - load(mean + c)) * load(factor + c) * load(weight + c) +
                load(bias + c);
            store_act(y + c, silu ? silu_of(v) : v);
        }
        if (rest) {
            v = (load_act_part(x + whole, rest) - load_part(mean + whole, rest)) *
                    load_part(factor + whole, rest) * load_part(weight + whole, rest) +
                load_part(bias + whole, rest);
            store_act_part(y + whole, silu ? silu_of(v) : v, rest);
        }
    }
}

/* 255 * (x + 1) / 2, cut to 0..255 and rounded half to even; NaN gives 0.
 */
INLINE Bits pixels_of(Vector x)
{
    const float magic = 0x1.8p23f; /* adding it rounds to an integer, kept in the low bits */
    Vector value = (x + 1.0f) / 2.0f * 255.0f;

    value = smaller(larger(value, (Vector){0}), splat(255.0f));
    return (Bits)(value + magic) & 255;
}

void CPU_PART(pixels)(uint8_t *out, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i += LANES) {
        size_t n = count - i < LANES ? count - i : LANES;
        Bits pixel = pixels_of(n == LANES ? load(x + i) : load_part(x + i, n));

        store_bytes(out + i, pixel, n);
    }
}

/* ---- the table ------------------------------------------------------------------------------- */

#define CPU_TEXT(body) #body
#define CPU_NAME(body) CPU_TEXT(body)

const CpuBody CPU_PART(body) = {
    .name = CPU_NAME(CPU_BODY),
    .add_bias = CPU_PART(add_bias),
    .add_bias_f32 = CPU_PART(add_bias_f32),
    .gelu = CPU_PART(gelu),
    .gelu_f32 = CPU_PART(gelu_f32),
    .add_gated = CPU_PART(add_gated),
    .add_residual = CPU_PART(add_residual),
    .add = CPU_PART(add),
    .convert = CPU_PART(convert),
    .quantise = CPU_PART(quantise),
    .dequantise = CPU_PART(dequantise),
    .modulate = CPU_PART(modulate),
    .guide = CPU_PART(guide),
    .head = CPU_PART(head),
    .softmax = CPU_PART(softmax),
    .divide = CPU_PART(divide),
    .sample = CPU_PART(sample),
    .blend = CPU_PART(blend),
    .cubic = CPU_PART(cubic),
    .mean = CPU_PART(mean),
    .accumulate = CPU_PART(accumulate),
    .moments = CPU_PART(moments),
    .normalise = CPU_PART(normalise),
    .tile_inputs = CPU_PART(tile_inputs),
    .tile_outputs = CPU_PART(tile_outputs),
    .pixels = CPU_PART(pixels),
};
