/* bytes.c - products in bytes against the documented rule in plain C: of each row of inputs a scale
 * and a zero point, of each output a scale of its weights, and exact sums of integers. */
#include "bytes.h"

#include "../test.h"
#include "properties.h"

#include <math.h>
#ifdef CODE_HAVE_CPU
#include "levels.h"
#endif

Bytes row_to_bytes(const float *x, unsigned count)
{
    float top = 0, bottom = 0, inverse;
    Bytes row = {.byte = malloc(count)};

    if (!row.byte)
        abort();
    for (unsigned i = 0; i < count; i++) {
        top = fmaxf(top, x[i]);
        bottom = fminf(bottom, x[i]);
    }
    row.scale = top / 255 - bottom / 255;
    inverse = row.scale > 1e-34f ? 1 / row.scale : 0;
    row.zero = (int)rintf(-bottom * inverse);
    for (unsigned i = 0; i < count; i++)
        row.byte[i] = (uint8_t)rintf(fminf(fmaxf(x[i] * inverse + (float)row.zero, 0), 255));
    return row;
}

float weights_to_bytes(const float *weight, unsigned count, int8_t *byte)
{
    float largest = 0, inverse;

    for (unsigned i = 0; i < count; i++)
        largest = fmaxf(largest, fabsf(weight[i]));
    inverse = largest > 1e-30f ? 127 / largest : 0;
    for (unsigned i = 0; i < count; i++)
        byte[i] = (int8_t)rintf(weight[i] * inverse);
    return largest / 127;
}

enum { ROWS = 14, KINDS = 8 };

void fill_row(float *x, unsigned count, unsigned kind, Random *random)
{
    static const float sizes[KINDS] = {1, 1, 1, 1e30f, 1, 1e-37f, 1e-3f, 1};

    for (unsigned i = 0; i < count; i++) {
        float value = random_normal(random) * sizes[kind];

        if (kind == 1)
            value = 0.7f;
        else if (kind == 2)
            value = 0;
        else if (kind == 4) /* as GELU gives them */
            value = value > 0 ? 5 * value : 0.1f * value;
        else if (kind == 6 && i == count / 2)
            value = -50; /* one compared with which all others vanish */
        else if (kind == 7)
            value = -fabsf(value);
        x[i] = to_bfloat16(value);
    }
    if (kind == 3 && count > 2) /* a range that is no float32 */
        x[0] = to_bfloat16(3e38f), x[1] = to_bfloat16(-3e38f);
}

static float *run_product(Side *side, const float *x, const float *weight, const float *bias,
                          unsigned in, unsigned out)
{
    CodeWeightSpec spec = spec_of(CODE_WEIGHT_LINEAR, in, out, ACT_TO_F32);
    Shape shape = {.images = 1};
    Output output;
    CodeLinear args = {
        .weight = side_weight(side, spec, weight, bias),
        .x = side_activations(side, x, (size_t)ROWS * in),
        .y = side_array(side, NULL, (size_t)ROWS * out * sizeof(float)),
        .groups = 1,
        .rows = ROWS,
        .epilogue = CODE_PLAIN,
    };

    RUN(side, linear, &args);
    download(side, &shape, args.y, (size_t)ROWS * out, &output);
    side_clear(side);
    return output.values;
}

/* Three roundings of the product and one of the sum with the bias. */
static bool is_close(double product, float bias, float found)
{
    double size = fabs(product) + fabs(bias);

    return size > 3e38 || fabs(product + bias - found) <= 5e-7 * size + 1e-37;
}

static void check_product(Side *side, unsigned in, unsigned out, float weight_size)
{
    Random random = {in * 1000 + out};
    float *weight = random_floats(&random, (size_t)in * out, weight_size),
          *bias = random_floats(&random, out, 1), *x = random_floats(&random, (size_t)ROWS * in, 1);
    int8_t *byte = malloc((size_t)in * out);
    float *scale = malloc(out * sizeof *scale), *found;
    unsigned wrong = 0;

    if (!byte || !scale)
        abort();
    for (unsigned row = 0; row < ROWS; row++)
        fill_row(x + (size_t)row * in, in, row % KINDS, &random);
    for (unsigned o = 0; o < out; o++)
        scale[o] = weights_to_bytes(weight + (size_t)o * in, in, byte + (size_t)o * in);
    found = run_product(side, x, weight, bias, in, out);
    for (unsigned row = 0; row < ROWS; row++) {
        Bytes bytes = row_to_bytes(x + (size_t)row * in, in);

        for (unsigned o = 0; o < out; o++) {
            int64_t sum = 0;

            for (unsigned i = 0; i < in; i++)
                sum += (bytes.byte[i] - bytes.zero) * byte[(size_t)o * in + i];
            wrong += !is_close((double)sum * bytes.scale * scale[o], bias[o],
                               found[(size_t)row * out + o]);
        }
        free(bytes.byte);
    }
    CHECK(wrong == 0, "%u -> %u on %s: %u numbers are not what bytes give", in, out, side->name,
          wrong);
    free(weight);
    free(bias);
    free(x);
    free(byte);
    free(scale);
    free(found);
}

#ifdef CODE_HAVE_CPU
/* A row with an infinite value has an infinite scale, and the zero of a row of zeros. */
static void check_infinite(const CpuLevel *level)
{
    enum { COUNT = 20, ROW = 32 };
    static const float zeros[ROW];
    float x[ROW] = {-3, 1, -INFINITY}, scale = 0;
    uint16_t bytes[ROW]; /* room for either width */
    int32_t zero = 0, expected = 0;

    level->multiplier->quantise(bytes, zeros, COUNT, false, &scale, &expected);
    level->multiplier->quantise(bytes, x, COUNT, false, &scale, &zero);
    CHECK(scale == INFINITY && zero == expected, "%s: scale %g, zero %d", level->name, scale, zero);
    if (!level->gemm || !level->gemm->rows_to_bytes)
        return;
    level->gemm->rows_to_bytes((uint8_t *)bytes, ROW, x, ROW, 1, COUNT, &scale, &zero);
    CHECK(scale == INFINITY && zero == 0, "%s, tiles: scale %g, zero %d", level->name, scale, zero);
}
#endif

void check_bytes(const CodeBackend *backend)
{
    static const unsigned sizes[][2] = {{64, 64},   {1, 1},     {3, 17},     {5, 100},  {66, 33},
                                        {127, 129}, {1000, 48}, {1536, 384}, {3200, 7}, {7680, 70}};
    Side side;

    if (!side_open(&side, backend, NULL, "int8", 2)) {
        CHECK(false, "no device");
        return;
    }
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        check_product(&side, sizes[i][0], sizes[i][1], 0.05f);
    check_product(&side, 40, 24, 0);
    check_product(&side, 40, 24, 1e-40f); /* no scale can be inverted */
    check_product(&side, 40, 24, 1e-25f);
    check_tiles_in_bytes(&side);
    side_close(&side);
#ifdef CODE_HAVE_CPU
    for (const CpuLevel *level = cpu_levels; level->name; level++)
        if (level->runs())
            check_infinite(level);
#endif
}
