/* cases_sample.c - sample and look_up. */
#include "cases.h"

#include "../test.h"

#include <math.h>

/* The settings of image i: every combination of filters comes by. */
static void settings_of(const Shape *shape, CodeDraw *draws, unsigned codes, bool more_smooth)
{
    static const double top_p[] = {0, 0.9, 1, 0.5, 1e-9, 0.96};

    for (unsigned image = 0; image < shape->images; image++) {
        unsigned number = shape->first + image + shape->sample.setting;
        unsigned top_k[] = {0, codes / 3 + 1, 1, codes, codes * 2, codes / 7 + 1, 0};

        draws[image] = (CodeDraw){
            .seed = 1234567890123456789u + number,
            .frame = (uint64_t)number << 31,
            .top_p = top_p[number % 6],
            .temperature = 1.1f - 0.02f * (float)shape->sample.scale,
            .top_k = top_k[number % 7],
            .more_smooth = more_smooth && number % 2 == 0,
        };
    }
}

/* Random logits; every third row has many equal ones. */
static float *logits_of(const Shape *shape, unsigned rows, unsigned codes)
{
    float *logits = images_of(shape, (size_t)rows * codes, 3, 1);

    for (size_t row = 0; row < (size_t)shape->images * rows; row++)
        for (size_t i = 0; i < codes && row % rows % 3 == 2; i++)
            logits[row * codes + i] = roundf(logits[row * codes + i]);
    return logits;
}

/* Rows from FIRST_BAD on have no probabilities, each in its own way. */
enum { FIRST_BAD = 5, BAD_ROWS = 4 };

static float *spoil(const Shape *shape, float *logits, unsigned rows, unsigned codes)
{
    const float bad[BAD_ROWS] = {NAN, -NAN, INFINITY, -INFINITY};

    for (unsigned image = 0; image < shape->images; image++)
        for (unsigned i = 0; i < BAD_ROWS && FIRST_BAD + i < rows; i++) {
            float *row = logits + ((size_t)image * rows + FIRST_BAD + i) * codes;

            row[codes / 2] = bad[i];
            for (unsigned code = 0; bad[i] == -INFINITY && code < codes; code++)
                row[code] = bad[i];
        }
    return logits;
}

void run_sample(Side *side, const Shape *shape, Output *output)
{
    unsigned rows = shape->sample.rows, codes = shape->sample.codes, images = shape->images;
    size_t count = (size_t)images * rows, stride = rows + 2;
    float *logits = spoil(shape, logits_of(shape, rows, codes), rows, codes);
    CodeDraw *draws = calloc(images, sizeof *draws);
    int32_t *tokens = calloc(images * stride, sizeof *tokens);
    CodeSample args = {
        .logits = side_array(side, logits, count * codes * sizeof *logits),
        .tokens = side_array(side, NULL, images * stride * sizeof *tokens),
        .token_stride = stride,
        .images = images,
        .rows = rows,
        .codes = codes,
        .first = 17,
    };

    settings_of(shape, draws, codes, false);
    args.draws = side_records(side, draws, images * sizeof *draws);
    RUN(side, sample, &args);
    side_download(side, tokens, args.tokens, images * stride * sizeof *tokens);
    output->size = (size_t)rows * (codes + 1);
    output->values = calloc(images * output->size, sizeof(float));
    for (size_t row = 0; row < count; row++) {
        int32_t token = tokens[row / rows * stride + row % rows];
        bool bad = row % rows >= FIRST_BAD && row % rows < FIRST_BAD + BAD_ROWS;

        CHECK((token == CODE_NO_TOKEN) == bad, "row %zu: token %d", row % rows, (int)token);
        output->values[row * (codes + 1)] = (float)token;
        if (bad)
            continue;
        side_download(side, output->values + row * (codes + 1) + 1, args.logits + row * codes,
                      codes * sizeof(float));
    }
    free(logits);
    free(draws);
    free(tokens);
}

void run_look_up(Side *side, const Shape *shape, Output *output)
{
    unsigned rows = shape->look_up.rows, codes = shape->look_up.codes, images = shape->images,
             channels = shape->look_up.channels;
    size_t stride = rows + 2, size = (size_t)rows * channels;
    Random random = random_shared(shape);
    float *logits = logits_of(shape, rows, codes);
    float *codebook = random_floats(&random, (size_t)codes * channels, 1);
    CodeDraw *draws = calloc(images, sizeof *draws);
    int32_t *tokens = calloc(images * stride, sizeof *tokens);
    CodeLookUp args = {
        .token_stride = stride,
        .images = images,
        .rows = rows,
        .codes = codes,
        .channels = channels,
        .scale = shape->look_up.scale,
        .scales = 10,
        .first = 17,
    };

    settings_of(shape, draws, codes, true);
    for (unsigned image = 0; image < images; image++) {
        Random own = random_of(shape, image);

        for (unsigned row = 0; row < rows; row++)
            tokens[image * stride + row] =
                row == 1 ? CODE_NO_TOKEN : (int32_t)(random_bits(&own) % codes);
    }
    for (size_t i = 0; i < (size_t)images * rows * codes; i++) /* as top-k leaves them */
        if (i % codes && logits[i] < 0)
            logits[i] = -INFINITY;
    args.logits = side_array(side, logits, (size_t)images * rows * codes * sizeof *logits);
    args.codebook = side_array(side, codebook, (size_t)codes * channels * sizeof *codebook);
    args.tokens = side_array(side, tokens, images * stride * sizeof *tokens);
    args.draws = side_records(side, draws, images * sizeof *draws);
    args.map = side_array(side, NULL, images * size * sizeof(float));
    RUN(side, look_up, &args);
    output->size = size;
    output->values = malloc((images * size + 1) * sizeof(float));
    side_download(side, output->values, args.map, images * size * sizeof(float));
    free(logits);
    free(codebook);
    free(draws);
    free(tokens);
}
