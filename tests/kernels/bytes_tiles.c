/* bytes_tiles.c - convolutions in tiles of bytes against the documented rule in plain C: a row of
 * inputs is a tile at one of its points, with all its channels, and so is one of weights. */
#include "bytes.h"

#include "../test.h"

#include <math.h>

/* B^T, G and A^T of a row or column, as docs/numerics.md has them; `doubled`: 3 points, else 4. */
static void input_points(bool doubled, float x[4], unsigned step)
{
    float a = x[0], b = x[step], c = x[2 * step];

    x[0] = doubled ? a - b : a - c;
    x[2 * step] = c - b;
    if (!doubled) {
        x[3 * step] = b - x[3 * step];
        x[step] = b + c;
    }
}

static void weight_points(bool doubled, const float w[3], float points[4])
{
    float all = w[0] + w[1] + w[2];

    points[0] = w[0];
    points[1] = doubled ? all : all / 2;
    points[2] = doubled ? w[2] : (w[0] - w[1] + w[2]) / 2;
    points[3] = w[2];
}

static const int output_points[2][2][4] = {{{1, 1, 1, 0}, {0, 1, -1, -1}},
                                           {{1, 1, 0, 0}, {0, 1, 1, 0}}};

typedef struct Tiles {
    bool doubled;
    unsigned side, in, out, points_side, points;
    const float *x; /* (side, side, in) */
    int8_t *byte;   /* (points, out, in) */
    float *scale;   /* (points, out) */
} Tiles;

/* Weights (out, in, 3, 3), whose sums must be exact. */
static void take_weights(Tiles *tiles, const float *weight)
{
    unsigned width = tiles->points_side, in = tiles->in;
    float *points = malloc((size_t)tiles->points * in * sizeof *points);

    tiles->byte = malloc((size_t)tiles->points * tiles->out * in);
    tiles->scale = malloc((size_t)tiles->points * tiles->out * sizeof(float));
    if (!points || !tiles->byte || !tiles->scale)
        abort();
    for (unsigned o = 0; o < tiles->out; o++) {
        for (unsigned i = 0; i < in; i++, weight += 9) {
            float rows[3][4], column[4];

            for (unsigned r = 0; r < 3; r++)
                weight_points(tiles->doubled, weight + 3 * r, rows[r]);
            for (unsigned j = 0; j < width; j++) {
                const float from[3] = {rows[0][j], rows[1][j], rows[2][j]};

                weight_points(tiles->doubled, from, column);
                for (unsigned k = 0; k < width; k++)
                    points[(k * width + j) * in + i] = column[k];
            }
        }
        for (unsigned p = 0; p < tiles->points; p++)
            tiles->scale[p * tiles->out + o] = weights_to_bytes(
                points + (size_t)p * in, in, tiles->byte + ((size_t)p * tiles->out + o) * in);
    }
    free(points);
}

/* The inputs of the tile at (top, left) of the map, (points, in). */
static void take_inputs(const Tiles *tiles, int top, int left, float *points)
{
    unsigned width = tiles->points_side, in = tiles->in;
    int side = (int)tiles->side;

    for (unsigned i = 0; i < in; i++) {
        float x[16];

        for (unsigned p = 0; p < tiles->points; p++) {
            int row = top + (int)(p / width), column = left + (int)(p % width);
            bool inside = row >= 0 && column >= 0 && row < side && column < side;

            x[p] = inside ? tiles->x[((size_t)row * tiles->side + (size_t)column) * in + i] : 0;
        }
        for (unsigned j = 0; j < width; j++)
            input_points(tiles->doubled, x + j, width);
        for (unsigned j = 0; j < width; j++)
            input_points(tiles->doubled, x + j * width, 1);
        for (unsigned p = 0; p < tiles->points; p++)
            points[(size_t)p * in + i] = x[p];
    }
}

/* Products of one output with a tile's rows of bytes. */
static void multiply(const Tiles *tiles, const Bytes *rows, unsigned o, double *products)
{
    for (unsigned p = 0; p < tiles->points; p++) {
        const int8_t *weight = tiles->byte + ((size_t)p * tiles->out + o) * tiles->in;
        int64_t sum = 0;

        for (unsigned i = 0; i < tiles->in; i++)
            sum += (rows[p].byte[i] - rows[p].zero) * weight[i];
        products[p] = (double)sum * rows[p].scale * tiles->scale[p * tiles->out + o];
    }
}

/* Whether the value found is a tile's output at its row i and column j, up to its rounding to
 * bfloat16 and the float32 roundings on the way. */
static bool is_output(const Tiles *tiles, const double *products, unsigned i, unsigned j,
                      double bias, double found)
{
    const int(*factors)[4] = output_points[tiles->doubled];
    double expected = bias, size = fabs(bias);

    for (unsigned p = 0; p < tiles->points; p++) {
        double term =
            products[p] * factors[i][p / tiles->points_side] * factors[j][p % tiles->points_side];

        expected += term;
        size += fabs(term);
    }
    return fabs(expected - found) <= 0x1.01p-8 * fabs(expected) + 2e-6 * size;
}

static unsigned wrong_outputs(const Tiles *tiles, const float *bias, const float *found)
{
    unsigned step = tiles->doubled ? 1 : 2, out_side = tiles->side * (tiles->doubled ? 2 : 1);
    float *points = malloc((size_t)tiles->points * tiles->in * sizeof *points);
    unsigned wrong = 0;

    if (!points)
        abort();
    for (unsigned y = 0; y < out_side; y += 2)
        for (unsigned x = 0; x < out_side; x += 2) {
            Bytes rows[16];
            double products[16];

            take_inputs(tiles, (int)(y / 2 * step) - 1, (int)(x / 2 * step) - 1, points);
            for (unsigned p = 0; p < tiles->points; p++)
                rows[p] = row_to_bytes(points + (size_t)p * tiles->in, tiles->in);
            for (unsigned o = 0; o < tiles->out; o++) {
                multiply(tiles, rows, o, products);
                for (unsigned at = 0; at < 4; at++) {
                    unsigned row = y + at / 2, column = x + at % 2;

                    if (row < out_side && column < out_side)
                        wrong +=
                            !is_output(tiles, products, at / 2, at % 2, bias[o],
                                       found[((size_t)row * out_side + column) * tiles->out + o]);
                }
            }
            for (unsigned p = 0; p < tiles->points; p++)
                free(rows[p].byte);
        }
    free(points);
    return wrong;
}

static void check_tiles(Side *side, bool doubled, unsigned width, unsigned in, unsigned out)
{
    CodeWeightKind kind = doubled ? CODE_WEIGHT_CONV3_X2 : CODE_WEIGHT_CONV3;
    CodeWeightSpec spec = spec_of(kind, in, out, COARSE);
    unsigned out_width = doubled ? 2 * width : width, wrong;
    Shape shape = {.images = 1};
    Random random = {in * 1000 + out};
    float *weight = random_floats(&random, (size_t)9 * in * out, 1),
          *bias = random_floats(&random, out, 1),
          *x = random_floats(&random, (size_t)width * width * in, 1);
    Tiles tiles = {.doubled = doubled,
                   .side = width,
                   .in = in,
                   .out = out,
                   .points_side = doubled ? 3 : 4,
                   .points = doubled ? 9 : 16,
                   .x = x};
    Output output;
    CodeConv args = {.images = 1, .side = width};

    for (unsigned i = 0; i < 9 * in * out; i++)
        weight[i] = rintf(64 * weight[i]) / 64;
    for (unsigned i = 0; i < width * width; i++) /* also zeros, constants, ranges on one side */
        fill_row(x + (size_t)i * in, in, i % 5 == 3 ? 7 : i % 5, &random);
    take_weights(&tiles, weight);
    args.weight = side_weight(side, spec, weight, bias);
    args.x = side_activations(side, x, (size_t)width * width * in);
    args.y = side_activations(side, NULL, (size_t)out_width * out_width * out);
    RUN(side, conv, &args);
    download_activations(side, &shape, args.y, (size_t)out_width * out_width * out, &output);
    side_clear(side);
    wrong = wrong_outputs(&tiles, bias, output.values);
    CHECK(wrong == 0, "%u -> %u at %u^2%s on %s: %u numbers are not what tiles of bytes give", in,
          out, width, doubled ? " doubled" : "", side->name, wrong);
    free(output.values);
    free(tiles.byte);
    free(tiles.scale);
    free(weight);
    free(bias);
    free(x);
}

void check_tiles_in_bytes(Side *side)
{
    for (int doubled = 0; doubled < 2; doubled++) {
        check_tiles(side, doubled, 9, 128, 128);
        check_tiles(side, doubled, 14, 134, 161);
        check_tiles(side, doubled, 3, 320, 128);
        check_tiles(side, doubled, 1, 130, 160);
    }
}
