/* precisions.c - what each precision of a processor costs in pixels: pictures are drawn in float32,
 * and their tokens fed at the other precisions, so that the same picture is compared.
 * docs/numerics.md has the figures.
 * Usage: precisions [MODEL [PICTURES]]; vistas and 32: frames 0 to 31 of seed 0, of random classes,
 * in the model's settings. */
#include "codesrc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Pictures, one after the other: their tokens, and their pixels in float32. */
typedef struct Truth {
    unsigned count, side;
    size_t positions, bytes;
    int32_t *tokens;
    uint8_t *pixels;
} Truth;

typedef struct Drawing {
    const CodesrcModelInfo *info;
    int32_t *tokens; /* NULL: not wanted; moves on with each scale */
} Drawing;

static void die(const char *what, const CodesrcError *error)
{
    fprintf(stderr, "precisions: %s: %s\n", what, error->text);
    exit(1);
}

static void *allocate(size_t bytes)
{
    void *memory = malloc(bytes);

    if (!memory) {
        fprintf(stderr, "precisions: no memory\n");
        exit(1);
    }
    return memory;
}

static void scale_done(void *user, CodesrcGenerator *generator, unsigned scale, unsigned first,
                       unsigned count)
{
    Drawing *drawing = user;
    unsigned side = drawing->info->patch_nums[scale];
    CodesrcError error;

    (void)first;
    (void)count; /* one picture at a time */
    if (!codesrc_generator_tokens(generator, 0, drawing->tokens, &error))
        die("tokens", &error);
    drawing->tokens += side * side;
}

/* Picture `i` into `pixels`, with its tokens kept or fed. */
static void draw(CodesrcGenerator *generator, const CodesrcModel *model, const Truth *truth,
                 unsigned i, bool feed, uint8_t *pixels)
{
    int32_t *tokens = truth->tokens + i * truth->positions;
    Drawing drawing = {codesrc_model_info(model), tokens};
    CodesrcPicture picture = {pixels, 3 * (size_t)truth->side};
    CodesrcRequest request;
    CodesrcError error;

    codesrc_request_init(model, &request);
    request.class_id = codesrc_random_class(model, 0, i);
    request.frame = i;
    request.tokens = feed ? tokens : NULL;
    if (!codesrc_generator_observe(generator, feed ? NULL : scale_done, &drawing, false, &error) ||
        !codesrc_generate(generator, &request, 1, &picture, &error))
        die("a picture", &error);
}

static CodesrcModel *open_model(const char *name, const char *precision, CodesrcError *error)
{
    CodesrcModelOptions options;

    codesrc_model_options_init(&options);
    options.device = "cpu";
    options.precision = precision;
    return codesrc_model_open(name, &options, error);
}

static CodesrcGenerator *new_generator(CodesrcModel *model)
{
    CodesrcError error;
    CodesrcGenerator *generator = codesrc_generator_new(model, 1, 0, &error);

    if (!generator)
        die("a generator", &error);
    return generator;
}

static Truth draw_truth(const char *name, unsigned count)
{
    CodesrcError error;
    CodesrcModel *model = open_model(name, "f32", &error);
    CodesrcGenerator *generator;
    Truth truth;

    if (!model)
        die(name, &error);
    generator = new_generator(model);
    truth = (Truth){.count = count,
                    .side = codesrc_model_info(model)->side,
                    .positions = codesrc_model_info(model)->positions};
    truth.bytes = 3 * (size_t)truth.side * truth.side;
    truth.tokens = allocate(count * truth.positions * sizeof(int32_t));
    truth.pixels = allocate(count * truth.bytes);
    for (unsigned i = 0; i < count; i++)
        draw(generator, model, &truth, i, false, truth.pixels + i * truth.bytes);
    codesrc_generator_free(generator);
    codesrc_model_unref(model);
    return truth;
}

static void compare(const char *name, const char *precision, const Truth *truth)
{
    uint8_t *pixels = allocate(truth->bytes);
    double squares = 0.0, mean;
    CodesrcGenerator *generator;
    CodesrcError error;
    CodesrcModel *model = open_model(name, precision, &error);
    int largest = 0;

    if (!model) {
        printf("%-5s not here: %s\n", precision, error.text);
        free(pixels);
        return;
    }
    generator = new_generator(model);
    for (unsigned i = 0; i < truth->count; i++) {
        draw(generator, model, truth, i, true, pixels);
        for (size_t at = 0; at < truth->bytes; at++) {
            int difference = abs(pixels[at] - truth->pixels[i * truth->bytes + at]);

            largest = difference > largest ? difference : largest;
            squares += difference * difference;
        }
    }
    mean = squares / ((double)truth->count * truth->bytes);
    printf("%-5s largest difference %d of 255, root of the mean square %.3f, PSNR %.1f dB\n",
           precision, largest, sqrt(mean), 10.0 * log10(255.0 * 255.0 / mean));
    codesrc_generator_free(generator);
    codesrc_model_unref(model);
    free(pixels);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "vistas";
    int count = argc > 2 ? atoi(argv[2]) : 32;
    Truth truth;

    if (argc > 3 || count < 1 || count > 10000) {
        fprintf(stderr, "Usage: precisions [MODEL [PICTURES]]\n");
        return 2;
    }
    truth = draw_truth(name, (unsigned)count);
    compare(name, "f32", &truth); /* has to be the same: PSNR inf */
    compare(name, "bf16", &truth);
    compare(name, "int8", &truth);
    free(truth.tokens);
    free(truth.pixels);
    return 0;
}
