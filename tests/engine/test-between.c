/* test-between.c - feature maps that a caller holds, and the pictures between two of them. */
#include "../test.h"
#include "tiny.h"

#include <math.h>

enum { BYTES = TINY_SIDE * TINY_SIDE * 3, BATCH = 3, POSITIONS = 64, CHANNELS = 8 };

static const CodesrcPicture none[BATCH];

static CodesrcPicture picture_of(uint8_t *pixels)
{
    return (CodesrcPicture){pixels, 3 * TINY_SIDE};
}

/* Pictures 0..2, each of another number of drafting steps or another guidance, so that a call has
 * several runs. */
static void ask(const CodesrcModel *model, CodesrcRequest requests[BATCH])
{
    for (unsigned i = 0; i < BATCH; i++) {
        codesrc_request_init(model, &requests[i]);
        requests[i].seed = 5;
        requests[i].frame = i;
        requests[i].settings.drafting_steps = i ? 3 : 5;
        requests[i].settings.guidance = i < 2 ? 1.5 : 0;
    }
}

/* ---- the ends are the pictures --------------------------------------------------------------- */

static void render(CodesrcGenerator *generator, const CodesrcFeatures *a, const CodesrcFeatures *b,
                   double t, uint8_t *pixels)
{
    CodesrcError error = {0};
    CodesrcPicture picture = picture_of(pixels);

    memset(pixels, 77, BYTES);
    CHECK(codesrc_render_between(generator, a, b, t, &picture, &error), "t = %g: %s", t,
          error.text);
}

/* Features made in a batch and alone, by models with one thread and with three, and after their
 * generator is gone. */
static void test_ends(TinyDevice device)
{
    static uint8_t plain[BATCH][BYTES], ends[BYTES], middle[2][BYTES];
    CodesrcError error = {0};
    CodesrcRequest requests[BATCH];
    CodesrcFeatures *features[BATCH];

    for (unsigned way = 0; way < 2; way++) {
        CodesrcModel *model = tiny_model(device, way ? 3 : 1);
        CodesrcGenerator *maker = codesrc_generator_new(model, BATCH, 0, &error);
        CodesrcGenerator *generator = codesrc_generator_new(model, 1, 0, &error);
        CodesrcPicture pictures[BATCH];

        ask(model, requests);
        for (unsigned i = 0; i < BATCH; i++)
            pictures[i] = picture_of(plain[i]);
        CHECK(codesrc_generate(maker, requests, BATCH, pictures, &error), "%s", error.text);
        if (way == 0)
            CHECK(codesrc_generate_features(maker, requests, BATCH, features, &error), "%s",
                  error.text);
        for (unsigned i = 0; way == 1 && i < BATCH; i++)
            CHECK(codesrc_generate_features(generator, &requests[i], 1, &features[i], &error), "%s",
                  error.text);
        CHECK(codesrc_generate(maker, requests, BATCH, pictures, &error), "%s", error.text);
        codesrc_generator_free(maker);

        for (unsigned i = 0; i < BATCH; i++) {
            const CodesrcFeatures *other = features[(i + 1) % BATCH];

            render(generator, features[i], other, 0, ends);
            CHECK(!memcmp(ends, plain[i], BYTES), "t = 0 is not picture %u", i);
            render(generator, other, features[i], 1, ends);
            CHECK(!memcmp(ends, plain[i], BYTES), "t = 1 is not picture %u", i);
            render(generator, features[i], features[i], 0.3, ends);
            CHECK(!memcmp(ends, plain[i], BYTES), "between %u and itself", i);
        }
        render(generator, features[0], features[1], 0.4, middle[way]);
        CHECK(memcmp(middle[way], plain[0], BYTES) && memcmp(middle[way], plain[1], BYTES),
              "0.4 is an end");
        codesrc_generator_free(generator);
        codesrc_model_unref(model); /* the features keep it */
        for (unsigned i = 0; i < BATCH; i++) {
            codesrc_features_unref(codesrc_features_ref(features[i]));
            codesrc_features_unref(features[i]);
        }
    }
    CHECK(!memcmp(middle[0], middle[1], BYTES), "batch and threads change 0.4");
    codesrc_features_unref(NULL);
}

/* ---- the formula ----------------------------------------------------------------------------- */

static double length_at(const float *map, unsigned position)
{
    double square = 0;

    for (unsigned c = 0; c < CHANNELS; c++)
        square += (double)map[c * POSITIONS + position] * map[c * POSITIONS + position];
    return sqrt(square);
}

/* As codesrc.h states it, in double, channels first. */
static void mix(const float *a, const float *b, double t, float *out)
{
    for (unsigned i = 0; i < POSITIONS; i++) {
        double wanted = (1 - t) * length_at(a, i) + t * length_at(b, i), found;

        for (unsigned c = i; c < CHANNELS * POSITIONS; c += POSITIONS)
            out[c] = (float)((1 - t) * a[c] + t * b[c]);
        found = length_at(out, i);
        for (unsigned c = i; c < CHANNELS * POSITIONS; c += POSITIONS)
            out[c] = (float)(out[c] * wanted / found);
    }
}

static CodesrcCanvas *canvas_of(CodesrcGenerator *generator, unsigned period)
{
    static float image[3 * TINY_SIDE * TINY_SIDE];
    CodesrcError error = {0};
    CodesrcCanvas *canvas;

    for (unsigned i = 0; i < 3 * TINY_SIDE * TINY_SIDE; i++)
        image[i] = (float)(i % period) / (float)period * 2 - 1;
    canvas = codesrc_encode(generator, image, &error);
    CHECK(canvas, "%s", error.text);
    return canvas;
}

/* Features of canvases, whose maps this program knows, and the decoder on its own mix of them. */
static void test_formula(CodesrcModel *model)
{
    static float mixed[TINY_FEATURES], image[3 * TINY_SIDE * TINY_SIDE];
    static uint8_t pixels[BYTES];
    CodesrcError error = {0};
    CodesrcGenerator *generator = codesrc_generator_new(model, 1, 0, &error);
    CodesrcCanvas *first = canvas_of(generator, 97), *second = canvas_of(generator, 31);
    CodesrcFeatures *a = codesrc_canvas_to_features(generator, first, &error);
    CodesrcFeatures *b = codesrc_canvas_to_features(generator, second, &error);
    double most = strcmp(codesrc_model_info(model)->precision, "f32") ? 2.5 : 0.502;

    CHECK(a && b, "%s", error.text);
    for (unsigned eighths = 0; eighths <= 8; eighths += 2) {
        double t = eighths / 8.0;

        mix(codesrc_canvas_feature_map(first, 4), codesrc_canvas_feature_map(second, 4), t, mixed);
        CHECK(codesrc_decode(generator, mixed, image, &error), "%s", error.text);
        render(generator, a, b, t, pixels);
        for (unsigned i = 0; i < BYTES; i++) {
            double value = (image[i % 3 * TINY_SIDE * TINY_SIDE + i / 3] + 1) / 2 * 255;

            CHECK(fabs(value - pixels[i]) < most, "t = %g, byte %u: %u, expected %g", t, i,
                  pixels[i], value);
        }
    }
    codesrc_features_unref(a);
    codesrc_features_unref(b);
    codesrc_canvas_free(first);
    codesrc_canvas_free(second);
    codesrc_generator_free(generator);
}

/* ---- refusals -------------------------------------------------------------------------------- */

typedef struct Pair {
    CodesrcFeatures *a, *b;
} Pair;

static void refused(CodesrcGenerator *generator, Pair pair, double t, size_t stride,
                    CodesrcStatus status, const char *text)
{
    static uint8_t pixels[BYTES];
    CodesrcError error = {0};
    CodesrcPicture picture = {pixels, stride};

    CHECK(!codesrc_render_between(generator, pair.a, pair.b, t, &picture, &error) &&
              error.status == status && strstr(error.text, text),
          "expected \"%s\", status %d, found %d: %s", text, status, error.status, error.text);
}

typedef struct Meanwhile {
    CodesrcModel *model;
    Pair pair;
} Meanwhile;

static void ask_meanwhile(void *user, CodesrcGenerator *generator, unsigned scale, unsigned first,
                          unsigned count)
{
    CodesrcError error = {0};
    CodesrcFeatures *features = NULL;
    CodesrcRequest requests[BATCH];

    (void)scale, (void)first, (void)count;
    refused(generator, ((Meanwhile *)user)->pair, 0.5, 3 * TINY_SIDE, CODESRC_SETTINGS, "observer");
    ask(((Meanwhile *)user)->model, requests);
    CHECK(!codesrc_generate_features(generator, requests, 1, &features, &error) && !features &&
              error.status == CODESRC_SETTINGS,
          "features in an observer: %s", error.text);
}

static void test_refusals(TinyDevice device, CodesrcModel *model)
{
    CodesrcError error = {0};
    CodesrcModel *other = tiny_model(device, 1);
    CodesrcGenerator *generator = codesrc_generator_new(model, 2, 0, &error);
    CodesrcGenerator *stranger = codesrc_generator_new(other, 1, 0, &error);
    CodesrcFeatures *features[2] = {NULL, NULL};
    CodesrcRequest requests[BATCH];
    Pair pair;
    Meanwhile meanwhile;

    ask(model, requests);
    CHECK(codesrc_generate_features(generator, requests, 2, features, &error), "%s", error.text);
    pair = (Pair){features[0], features[1]};
    refused(generator, pair, -0.01, 3 * TINY_SIDE, CODESRC_SETTINGS, "t is -0.01, expected 0..1");
    refused(generator, pair, 1.01, 3 * TINY_SIDE, CODESRC_SETTINGS, "t is 1.01");
    refused(generator, pair, NAN, 3 * TINY_SIDE, CODESRC_SETTINGS, "nan");
    refused(generator, pair, 0.5, 3 * TINY_SIDE - 1, CODESRC_SETTINGS, "stride 95");
    refused(stranger, pair, 0.5, 3 * TINY_SIDE, CODESRC_SETTINGS, "another model");
    codesrc_generator_cancel(generator, true);
    refused(generator, pair, 0.5, 3 * TINY_SIDE, CODESRC_CANCELLED, "cancelled");
    codesrc_generator_cancel(generator, false);

    meanwhile = (Meanwhile){model, pair};
    CHECK(codesrc_generator_observe(generator, ask_meanwhile, &meanwhile, false, &error), "%s",
          error.text);
    CHECK(codesrc_generate_begin(generator, requests, 1, none, &error), "%s", error.text);
    refused(generator, pair, 0.5, 3 * TINY_SIDE, CODESRC_SETTINGS, "has not ended");
    CHECK(codesrc_generate_end(generator, &error), "%s", error.text);
    CHECK(codesrc_generator_observe(generator, NULL, NULL, false, &error), "%s", error.text);

    requests[1].settings.guidance = -1;
    features[0] = features[1] = NULL;
    CHECK(!codesrc_generate_features(generator, requests, 2, features, &error) && !features[0] &&
              !features[1] && error.status == CODESRC_SETTINGS,
          "a request out of range: %s", error.text);
    codesrc_features_unref(pair.a);
    codesrc_features_unref(pair.b);
    codesrc_generator_free(generator);
    codesrc_generator_free(stranger);
    codesrc_model_unref(other);
}

int main(int argc, char **argv)
{
    TinyDevice device = tiny_device(argc, argv);
    CodesrcModel *model = tiny_model(device, 0);

    test_ends(device);
    test_formula(model);
    test_refusals(device, model);
    codesrc_model_unref(model);
    return test_end();
}
