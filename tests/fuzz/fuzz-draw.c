/* fuzz-draw.c - any request, canvas and mask, drawn by a tiny synthetic model on every backend:
 * backends agree on what they refuse, and the same request gives the same bytes again. */
#include "../model/hostile.h"
#include "fuzz.h"

#include <string.h>

enum {
    SIDE = 8,
    CELLS = 4,
    CHANNELS = 4,
    CODES = 16,
    SCALES = 3,
    LENGTH = 1 + 4 + 16,
    PICTURES = 2
};

static const char manifest[] =
    "name: fuzz\npatch_nums: [1, 2, 4]\nclasses: 3\nsynthetic: 5\n"
    "vae: {codes: 16, channels: 4, ch: 4, ch_mult: [1, 2], res_blocks: 1,"
    " groups: 2}\n"
    "drafter: {depth: 2, width: 64, heads: 1}\n"
    "refiner: {depth: 1, width: 64, heads: 1}\n"
    "defaults: {drafting_steps: 2}\n";

static const struct {
    const char *device, *precision;
} backends[] = {{"reference", "f32"}, {"cpu", "f32"}, {"cpu", "bf16"}, {"cpu", "int8"}};

enum { BACKENDS = sizeof backends / sizeof *backends };

typedef struct Side {
    CodesrcModel *model;
    CodesrcGenerator *generator;
    uint8_t pixels[2][PICTURES][SIDE * SIDE * 3];
} Side;

static Side sides[BACKENDS];
static unsigned side_count;

/* Backends and precisions that this processor lacks are left out. */
static void open_sides(void)
{
    CodesrcModelOptions options;
    CodesrcError error;

    write_file("fuzz.yaml", manifest, sizeof manifest - 1);
    for (unsigned i = 0; i < BACKENDS; i++) {
        Side *side = &sides[side_count];

        codesrc_model_options_init(&options);
        options.device = backends[i].device;
        options.precision = backends[i].precision;
        options.threads = 1;
        side->model = codesrc_model_open(scratch("fuzz.yaml"), &options, &error);
        side->generator =
            side->model ? codesrc_generator_new(side->model, PICTURES, 0, &error) : NULL;
        side_count += side->generator != NULL;
    }
    fuzz_promise(side_count, "there is a backend");
}

typedef struct Drawing {
    CodesrcRequest requests[PICTURES];
    unsigned count;
    size_t stride;
    bool has_canvas, between;
    float image[3 * SIDE * SIDE], mask[CELLS * CELLS];
    int32_t tokens[LENGTH];
    double t;
} Drawing;

static void take_request(FuzzInput *in, CodesrcRequest *request, const Drawing *drawing)
{
    CodesrcSettings *settings = &request->settings;

    codesrc_request_init(sides[0].model, request);
    request->class_id = (int32_t)fuzz_integer(in, -1, 3);
    request->class_id_2 = (int32_t)fuzz_integer(in, -1, 3);
    request->class_mix = fuzz_real(in, 0, 1);
    fuzz_take(in, &request->seed, sizeof request->seed);
    request->frame = (uint64_t)fuzz_integer(in, 0, 5);
    request->keep_scales = (unsigned)fuzz_integer(in, 0, SCALES);
    request->seed_2 = (uint64_t)fuzz_integer(in, 0, 5);
    settings->drafting_steps = (unsigned)fuzz_integer(in, 1, SCALES);
    settings->guidance = fuzz_real(in, 0, 100);
    settings->top_k = (unsigned)fuzz_integer(in, 0, CODES);
    settings->top_p = fuzz_real(in, 0, 1);
    for (unsigned k = 0; k < SCALES; k++)
        settings->temperature[k] = fuzz_real(in, 0.01, 100);
    settings->more_smooth = fuzz_integer(in, 0, 1) & 1;
    request->tokens = fuzz_integer(in, 0, 3) == 1 ? drawing->tokens : NULL;
}

static void take_drawing(FuzzInput *in, Drawing *drawing)
{
    drawing->count = 1 + (fuzz_integer(in, 0, 1) & 1);
    for (unsigned i = 0; i < drawing->count; i++)
        take_request(in, &drawing->requests[i], drawing);
    drawing->stride = 3 * SIDE;
    drawing->between = fuzz_integer(in, 0, 3) == 1;
    drawing->t = fuzz_real(in, 0, 1);
    for (unsigned i = 0; i < LENGTH; i++)
        drawing->tokens[i] = (int32_t)fuzz_integer(in, 0, CODES - 1);
    drawing->has_canvas = fuzz_integer(in, 0, 1) & 1;
    for (unsigned i = 0; i < CELLS * CELLS; i++)
        drawing->mask[i] = (float)fuzz_real(in, 0, 1);
    for (unsigned i = 0; i < 3 * SIDE * SIDE && in->left; i++)
        drawing->image[i] = (float)fuzz_real(in, -1, 1);
}

static void draw_between(Side *side, const Drawing *drawing)
{
    uint8_t pixels[SIDE * SIDE * 3];
    CodesrcPicture picture = {pixels, drawing->stride};
    CodesrcFeatures *features[PICTURES] = {NULL};
    CodesrcError error = {.status = CODESRC_OK};

    if (!codesrc_generate_features(side->generator, drawing->requests, drawing->count, features,
                                   &error) ||
        !codesrc_render_between(side->generator, features[0], features[drawing->count - 1],
                                drawing->t, &picture, &error))
        fuzz_check_error(&error);
    for (unsigned i = 0; i < drawing->count; i++)
        codesrc_features_unref(features[i]);
}

/* Draws into pixels[turn]. */
static CodesrcStatus draw(Side *side, const Drawing *drawing, unsigned turn)
{
    CodesrcRequest requests[PICTURES];
    CodesrcPicture pictures[PICTURES];
    CodesrcError error = {.status = CODESRC_OK};
    CodesrcCanvas *canvas = NULL;
    CodesrcStatus status = CODESRC_OK;

    memcpy(requests, drawing->requests, sizeof requests);
    if (drawing->has_canvas) {
        canvas = codesrc_encode(side->generator, drawing->image, &error);
        if (!canvas) {
            fuzz_check_error(&error);
            return error.status;
        }
        requests[0].canvas = canvas;
        requests[0].mask = drawing->mask;
    }
    for (unsigned i = 0; i < PICTURES; i++)
        pictures[i] = (CodesrcPicture){side->pixels[turn][i], drawing->stride};
    if (!codesrc_generate(side->generator, requests, drawing->count, pictures, &error)) {
        fuzz_check_error(&error);
        status = error.status;
    }
    codesrc_canvas_free(canvas);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = {data, size};
    Drawing drawing = {.count = 0};
    CodesrcStatus first = CODESRC_OK;

    if (!side_count)
        open_sides();
    take_drawing(&in, &drawing);
    for (unsigned i = 0; i < side_count; i++) {
        CodesrcStatus status = draw(&sides[i], &drawing, 0);

        first = i ? first : status;
        fuzz_promise(status == first, "backends refuse the same");
        fuzz_promise(draw(&sides[i], &drawing, 1) == status, "the same again");
        fuzz_promise(status != CODESRC_OK ||
                         !memcmp(sides[i].pixels[0], sides[i].pixels[1], sizeof sides[i].pixels[0]),
                     "the same request gives the same bytes");
        if (drawing.between)
            draw_between(&sides[i], &drawing);
    }
    return 0;
}
