/* decode.c - whole decodes, and editing: the golden tokens are fed at every scale, so that each
 * logit, token, feature map and pixel is compared by itself, whatever was drawn before it. */
#include "golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOP = 16 }; /* logits kept of each position in the files of big models */

typedef struct Comparison {
    const GoldenFile *file;
    const CodesrcModelInfo *info;
    unsigned images;
    double token_margin; /* a token may differ if u is this close to an end of its interval */
    size_t features;     /* Z * P * P */
    const int32_t *tokens;
    const float *margin;
    const float *logits;               /* (B, L, V), or NULL */
    const float *top_logits;           /* (B, L, TOP), or NULL */
    const int32_t *top_tokens;         /* (B, L, TOP), or NULL */
    unsigned first;                    /* position of the scale's first token */
    unsigned equal, excused, wrong;    /* tokens */
    double logit_error, feature_error; /* largest */
    float *logit_buffer, *feature_buffer;
    int32_t *token_buffer;
    CodesrcError error;
    bool failed;
} Comparison;

static double logits_difference(const Comparison *c, unsigned image, size_t rows)
{
    size_t codes = c->info->codes, at = (size_t)image * c->info->positions + c->first;
    double largest = 0;

    if (c->logits)
        return golden_difference(c->logit_buffer, c->logits + at * codes, rows * codes);
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < TOP; i++) {
            size_t code = (size_t)c->top_tokens[(at + row) * TOP + i];
            double difference = golden_difference(&c->logit_buffer[row * codes + code],
                                                  &c->top_logits[(at + row) * TOP + i], 1);

            largest = fmax(largest, difference);
        }
    return largest;
}

static void compare_tokens(Comparison *c, unsigned image, unsigned rows)
{
    for (unsigned row = 0; row < rows; row++) {
        size_t at = (size_t)image * c->info->positions + c->first + row;

        if (c->token_buffer[row] == c->tokens[at])
            c->equal++;
        else if (c->margin[at] < c->token_margin)
            c->excused++;
        else
            c->wrong++;
    }
}

/* Feature maps after each scale are in the small files only; the last one is in all. */
static void compare_features(Comparison *c, unsigned image, unsigned scale)
{
    char name[32];
    const float *all;

    snprintf(name, sizeof name, "f_hat_%u", scale);
    if (!golden_has(c->file, name) && scale + 1 < c->info->scales)
        return;
    all = golden_tensor(c->file, golden_has(c->file, name) ? name : "f_hat", "F32",
                        c->images * c->features);
    if (!all || !golden_has(c->file, "f_hat"))
        c->failed = true;
    else
        c->feature_error =
            fmax(c->feature_error,
                 golden_difference(c->feature_buffer, all + image * c->features, c->features));
}

static void scale_done(void *user, CodesrcGenerator *generator, unsigned scale, unsigned first,
                       unsigned count)
{
    Comparison *c = user;
    unsigned rows = c->info->patch_nums[scale] * c->info->patch_nums[scale];

    for (unsigned image = first; image < first + count && !c->failed; image++) {
        if (!codesrc_generator_tokens(generator, image, c->token_buffer, &c->error) ||
            !codesrc_generator_logits(generator, image, c->logit_buffer, &c->error) ||
            !codesrc_generator_feature_map(generator, image, c->feature_buffer, &c->error)) {
            c->failed = true;
            return;
        }
        compare_tokens(c, image, rows);
        if (c->logits || c->top_logits)
            c->logit_error = fmax(c->logit_error, logits_difference(c, image, rows));
        compare_features(c, image, scale);
    }
    c->first = first + count == c->images ? c->first + rows : c->first;
}

/* Golden tensors of the file, and buffers for ours. */
static bool prepare(Comparison *c)
{
    const CodesrcModelInfo *info = c->info;
    size_t positions = (size_t)c->images * info->positions;
    unsigned last = info->patch_nums[info->scales - 1];
    size_t rows = (size_t)last * last;

    c->features = rows * info->channels;
    c->tokens = golden_tensor(c->file, "tokens", "I32", positions);
    c->margin = golden_tensor(c->file, "margin", "F32", positions);
    if (golden_has(c->file, "top_logits")) {
        c->top_logits = golden_tensor(c->file, "top_logits", "F32", positions * TOP);
        c->top_tokens = golden_tensor(c->file, "top_tokens", "I32", positions * TOP);
        if (!c->top_logits || !c->top_tokens)
            return false;
    } else if (golden_has(c->file, "logits")) {
        c->logits = golden_tensor(c->file, "logits", "F32", positions * info->codes);
        if (!c->logits)
            return false;
    }
    c->logit_buffer = malloc(rows * info->codes * sizeof(float));
    c->feature_buffer = malloc(c->features * sizeof(float));
    c->token_buffer = malloc(rows * sizeof(int32_t));
    return c->tokens && c->margin && c->logit_buffer && c->feature_buffer && c->token_buffer;
}

/* ---- requests -------------------------------------------------------------------------------- */

static double number(json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* One request an image from the file's metadata. */
static bool make_requests(const GoldenFile *file, const CodesrcModelInfo *info,
                          const int32_t *tokens, CodesrcRequest *requests, unsigned images)
{
    json_t *settings = golden_metadata(file, "settings"),
           *classes = golden_metadata(file, "classes");
    json_t *second = golden_metadata(file, "classes_2"), *mix = golden_metadata(file, "class_mix");
    json_t *steps = golden_metadata(file, "drafting_steps");
    json_t *temperature = json_object_get(settings, "temperature");
    uint64_t seeds[CODESRC_MAX_BATCH], frames[CODESRC_MAX_BATCH];
    bool good = json_array_size(temperature) == info->scales && images <= CODESRC_MAX_BATCH;

    if (!good)
        printf(" settings: temperature has not one number a scale, or too many images");
    good = good && golden_numbers(file, "seeds", seeds, images) &&
           golden_numbers(file, "frames", frames, images);
    for (unsigned i = 0; good && i < images; i++) {
        long long class_id = json_integer_value(json_array_get(classes, i));
        CodesrcRequest *request = &requests[i];

        *request =
            (CodesrcRequest){.class_id = class_id < 0 ? (int32_t)info->classes : (int32_t)class_id,
                             .class_id_2 = (int32_t)json_integer_value(json_array_get(second, i)),
                             .class_mix = json_number_value(json_array_get(mix, i)),
                             .seed = seeds[i],
                             .frame = frames[i],
                             .keep_scales = info->scales,
                             .settings = {.drafting_steps = (unsigned)json_integer_value(steps),
                                          .guidance = number(settings, "guidance"),
                                          .top_k = (unsigned)number(settings, "top_k"),
                                          .top_p = number(settings, "top_p")},
                             .tokens = tokens + (size_t)i * info->positions};
        for (unsigned k = 0; k < info->scales; k++)
            request->settings.temperature[k] = json_number_value(json_array_get(temperature, k));
    }
    json_decref(settings);
    json_decref(classes);
    json_decref(second);
    json_decref(mix);
    json_decref(steps);
    return good;
}

/* ---- pictures -------------------------------------------------------------------------------- */

typedef struct Difference {
    double largest, rms;
} Difference;

/* Of 8-bit pixels; golden (B, 3, S, S) as 8 bits or, if it has them, floats. */
static Difference pixels_difference(const Comparison *c, const uint8_t *pixels)
{
    size_t area = (size_t)c->info->side * c->info->side, count = c->images * 3 * area;
    bool bytes = golden_has(c->file, "image");
    const void *image = bytes ? golden_tensor(c->file, "image", "U8", count)
                              : golden_tensor(c->file, "image_f32", "F32", count);
    double largest = image ? 0 : INFINITY, squares = largest;

    for (size_t i = 0; image && i < count; i++) {
        size_t plane = i / area, at = i % area;
        double golden =
            bytes ? ((const uint8_t *)image)[i] : nearbyint(255.0 * ((const float *)image)[i]);

        double off = golden - pixels[(plane / 3 * area + at) * 3 + plane % 3];

        largest = fmax(largest, fabs(off));
        squares += off * off;
    }
    return (Difference){largest, sqrt(squares / (double)count)};
}

static bool report(const Comparison *c, const GoldenOptions *options, const uint8_t *pixels)
{
    unsigned total = c->equal + c->excused + c->wrong;
    Difference difference = pixels_difference(c, pixels);
    bool good = c->wrong == 0;

    printf(" tokens %u/%u", c->equal, total);
    if (c->excused)
        printf(" (%u within the margin)", c->excused);
    if (c->logits || c->top_logits)
        good &= golden_within(options, c->info, "logits", c->logit_error);
    good &= golden_within(options, c->info, "feature map", c->feature_error);
    good &= golden_within(options, c->info, "pixels", difference.largest);
    good &= golden_within(options, c->info, "pixels rms", difference.rms);
    return good && total == c->images * c->info->positions;
}

/* The encoded picture. Always in float32: another choice of codes, as near to the picture, would be
 * another canvas. */
static CodesrcCanvas *encode(const GoldenFile *file, const GoldenOptions *options,
                             const float *picture, CodesrcError *error)
{
    GoldenOptions exact = *options;
    CodesrcModel *model;
    CodesrcGenerator *generator;
    CodesrcCanvas *canvas = NULL;

    exact.precision = "f32";
    model = golden_model(file, &exact);
    generator = model ? codesrc_generator_new(model, 1, 0, error) : NULL;
    if (generator)
        canvas = codesrc_encode(generator, picture, error);
    codesrc_generator_free(generator);
    codesrc_model_unref(model);
    return canvas;
}

/* The canvas and mask, if the file is for editing. */
static bool prepare_editing(const GoldenFile *file, const GoldenOptions *options,
                            const CodesrcModelInfo *info, CodesrcRequest *request,
                            CodesrcCanvas **canvas, CodesrcError *error)
{
    unsigned last = info->patch_nums[info->scales - 1];
    const float *picture, *mask;

    if (!golden_has(file, "mask"))
        return true;
    picture = golden_tensor(file, "picture", "F32", 3 * (size_t)info->side * info->side);
    mask = golden_tensor(file, "mask", "F32", (size_t)last * last);
    *canvas = picture && mask ? encode(file, options, picture, error) : NULL;
    request->canvas = *canvas;
    request->mask = mask;
    return *canvas != NULL;
}

static bool run(Comparison *c, CodesrcModel *model, const GoldenOptions *options)
{
    CodesrcRequest *requests = calloc(c->images, sizeof *requests);
    CodesrcPicture *pictures = calloc(c->images, sizeof *pictures);
    size_t row = 3 * (size_t)c->info->side, size = row * c->info->side;
    uint8_t *pixels = malloc(c->images * size);
    CodesrcGenerator *generator = NULL;
    CodesrcCanvas *canvas = NULL;
    bool good = requests && pictures && pixels && prepare(c) &&
                make_requests(c->file, c->info, c->tokens, requests, c->images);

    for (unsigned i = 0; good && i < c->images; i++)
        pictures[i] = (CodesrcPicture){pixels + i * size, row};
    if (good)
        generator = codesrc_generator_new(model, c->images, 1u << requests->settings.drafting_steps,
                                          &c->error);
    good = generator && codesrc_generator_observe(generator, scale_done, c, true, &c->error) &&
           prepare_editing(c->file, options, c->info, requests, &canvas, &c->error) &&
           codesrc_generate(generator, requests, c->images, pictures, &c->error) && !c->failed;
    if (good)
        good = report(c, options, pixels);
    else
        printf(" %s", c->error.text);
    codesrc_canvas_free(canvas);
    codesrc_generator_free(generator);
    free(requests);
    free(pictures);
    free(pixels);
    return good;
}

bool golden_decode(const GoldenFile *file, const GoldenOptions *options)
{
    json_t *classes = golden_metadata(file, "classes");
    Comparison c = {.file = file, .images = (unsigned)json_array_size(classes)};
    CodesrcModel *model = golden_model(file, options);
    bool good = false;

    json_decref(classes);
    if (model) {
        c.info = codesrc_model_info(model);
        c.token_margin =
            golden_tolerance(options, "golden-margin", c.info->precision, c.info->device);
        good = c.images > 0 && run(&c, model, options);
    }
    free(c.logit_buffer);
    free(c.feature_buffer);
    free(c.token_buffer);
    codesrc_model_unref(model);
    return good;
}
