/* test-generate.c - what a picture may depend on, and what not: batch, neighbours, threads,
 * history. And what a caller can do wrong. */
#include "../test.h"
#include "tiny.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

enum { BYTES = TINY_SIDE * TINY_SIDE * 3, PICTURES = 8 };

/* Different classes, seeds, frames, N, guidance and filters. */
static void make_requests(const CodesrcModel *model, CodesrcRequest *requests)
{
    for (unsigned i = 0; i < PICTURES; i++) {
        codesrc_request_init(model, &requests[i]);
        requests[i].class_id =
            i % 3 == 2 ? CODESRC_CLASS_RANDOM : (int32_t)(i * 3 % (TINY_CLASSES + 1));
        requests[i].seed = 7 + i / 2;
        requests[i].frame = i + ((uint64_t)i << 33);
        requests[i].settings.drafting_steps = 1 + i / 2 % 5;
        requests[i].settings.guidance = i % 4 == 3 ? 0 : 1.0 + i;
        requests[i].settings.top_k = i * 9;
        requests[i].settings.more_smooth = i == 5;
        if (i == 3 || i == 6) {
            requests[i].class_id_2 = (int32_t)i + 1;
            requests[i].class_mix = i / 10.0;
        }
    }
}

/* All pictures, `batch` at a time. */
static void draw(CodesrcModel *model, unsigned batch, const CodesrcRequest *requests,
                 uint8_t *pixels)
{
    CodesrcError error = {0};
    CodesrcGenerator *generator = codesrc_generator_new(model, batch, 0, &error);

    CHECK(generator, "%s", error.text);
    for (unsigned first = 0; generator && first < PICTURES; first += batch) {
        CodesrcPicture pictures[PICTURES];
        unsigned count = PICTURES - first < batch ? PICTURES - first : batch;

        for (unsigned i = 0; i < count; i++)
            pictures[i] = (CodesrcPicture){pixels + (first + i) * BYTES, 3 * TINY_SIDE};
        CHECK(codesrc_generate(generator, requests + first, count, pictures, &error), "%s",
              error.text);
    }
    codesrc_generator_free(generator);
}

static void test_batches_and_threads(TinyDevice device, CodesrcClassWeights class_weights)
{
    static uint8_t golden[PICTURES * BYTES], pixels[PICTURES * BYTES];
    static const unsigned batches[] = {1, 3, 8}, threads[] = {1, 2, 3};
    CodesrcRequest requests[PICTURES];
    CodesrcModel *model = tiny_model_with(device, 1, class_weights);

    make_requests(model, requests);
    draw(model, 1, requests, golden);
    codesrc_model_unref(model);
    for (unsigned t = 0; t < 3; t++) {
        model = tiny_model_with(device, threads[t], class_weights);
        for (unsigned b = 0; b < 3; b++) {
            memset(pixels, 0, sizeof pixels);
            draw(model, batches[b], requests, pixels);
            for (unsigned i = 0; i < PICTURES; i++)
                CHECK(!memcmp(pixels + i * BYTES, golden + i * BYTES, BYTES),
                      "%s %s: picture %u differs with batch %u, threads %u, class weights %d",
                      device.device, device.precision, i, batches[b], threads[t], class_weights);
        }
        codesrc_model_unref(model);
    }
    for (unsigned i = 1; i < PICTURES; i++)
        CHECK(memcmp(golden, golden + i * BYTES, BYTES), "pictures 0 and %u are the same", i);
}

/* A stride leaves the bytes between rows alone; no data, no rendering; the order does not matter.
 */
static void test_pictures(CodesrcModel *model)
{
    enum { STRIDE = 3 * TINY_SIDE + 13 };
    static uint8_t plain[2 * BYTES], wide[TINY_SIDE * STRIDE];
    CodesrcError error = {0};
    CodesrcGenerator *generator = codesrc_generator_new(model, 2, 0, &error);
    CodesrcRequest requests[PICTURES];
    CodesrcPicture pictures[2] = {{plain, 3 * TINY_SIDE}, {plain + BYTES, 3 * TINY_SIDE}};

    make_requests(model, requests);
    CHECK(codesrc_generate(generator, requests, 2, pictures, &error), "%s", error.text);
    memset(wide, 0xA5, sizeof wide);
    pictures[0] = (CodesrcPicture){NULL, 0};
    pictures[1] = (CodesrcPicture){wide, STRIDE};
    CHECK(codesrc_generate(generator, requests, 2, pictures, &error), "%s", error.text);
    for (unsigned y = 0; y < TINY_SIDE; y++) {
        CHECK(!memcmp(wide + y * STRIDE, plain + BYTES + y * 3 * TINY_SIDE, 3 * TINY_SIDE),
              "row %u", y);
        for (unsigned x = 3 * TINY_SIDE; x < STRIDE; x++)
            CHECK(wide[y * STRIDE + x] == 0xA5, "row %u: byte %u beyond the row was written", y, x);
    }
    codesrc_generator_free(generator);
}

/* ---- looking inside -------------------------------------------------------------------------- */

typedef struct Record {
    CodesrcError error;
    unsigned calls, position;
    int32_t tokens[TINY_LENGTH];
    float features[TINY_FEATURES];
    uint8_t preview[BYTES];
} Record;

static void scale_done(void *user, CodesrcGenerator *generator, unsigned scale, unsigned first,
                       unsigned count)
{
    static const unsigned sides[] = {1, 2, 3, 4, 8};
    Record *record = user;
    CodesrcPicture picture = {record->preview, 3 * TINY_SIDE};

    CHECK(scale == record->calls && first == 0 && count == 1, "scale %u", scale);
    CHECK(
        codesrc_generator_tokens(generator, 0, record->tokens + record->position, &record->error) &&
            codesrc_generator_feature_map(generator, 0, record->features, &record->error) &&
            codesrc_generator_preview(generator, 0, &picture, &record->error),
        "%s", record->error.text);
    CHECK(!codesrc_generator_tokens(generator, 1, record->tokens, &record->error) &&
              record->error.status == CODESRC_SETTINGS,
          "image 1 of 1 has tokens");
    record->position += sides[scale] * sides[scale];
    record->calls++;
}

/* Tokens fed again, and the feature map decoded again, give the same picture. */
static void test_inside(CodesrcModel *model)
{
    static Record record;
    static float image[3 * TINY_SIDE * TINY_SIDE];
    static uint8_t pixels[BYTES], again[BYTES];
    CodesrcError error = {0};
    CodesrcGenerator *generator = codesrc_generator_new(model, 1, 0, &error);
    CodesrcPicture picture = {pixels, 3 * TINY_SIDE}, second = {again, 3 * TINY_SIDE};
    CodesrcRequest request;

    codesrc_request_init(model, &request);
    request.seed = 3;
    CHECK(codesrc_generator_observe(generator, scale_done, &record, false, &error), "%s",
          error.text);
    CHECK(codesrc_generate(generator, &request, 1, &picture, &error), "%s", error.text);
    CHECK(record.calls == 5 && record.position == TINY_LENGTH, "%u scales", record.calls);
    CHECK(!memcmp(pixels, record.preview, BYTES), "the preview of the last scale is the picture");
    CHECK(codesrc_generator_observe(generator, NULL, NULL, false, &error), "%s", error.text);

    request.tokens = record.tokens;
    request.seed = 4; /* what would be drawn does not matter any more */
    CHECK(codesrc_generate(generator, &request, 1, &second, &error), "%s", error.text);
    CHECK(!memcmp(pixels, again, BYTES), "the same tokens give another picture");

    CHECK(codesrc_decode(generator, record.features, image, &error), "%s", error.text);
    for (unsigned i = 0; i < TINY_SIDE * TINY_SIDE; i++)
        for (unsigned c = 0; c < 3; c++) {
            float value = (image[c * TINY_SIDE * TINY_SIDE + i] + 1) / 2 * 255;

            CHECK(value - pixels[3 * i + c] < 0.501f && pixels[3 * i + c] - value < 0.501f,
                  "pixel %u channel %u: %g and %u", i, c, value, pixels[3 * i + c]);
        }
    codesrc_generator_free(generator);
}

/* With a mask of ones editing draws everything anew; with zeros it gives the encoded picture back.
 */
static void test_editing(CodesrcModel *model)
{
    static float image[3 * TINY_SIDE * TINY_SIDE], mask[64], decoded[3 * TINY_SIDE * TINY_SIDE];
    static uint8_t plain[BYTES], edited[BYTES];
    CodesrcError error = {0};
    CodesrcGenerator *generator = codesrc_generator_new(model, 1, 0, &error);
    CodesrcPicture first = {plain, 3 * TINY_SIDE}, second = {edited, 3 * TINY_SIDE};
    CodesrcRequest request;
    CodesrcCanvas *canvas;

    for (unsigned i = 0; i < 3 * TINY_SIDE * TINY_SIDE; i++)
        image[i] = (float)(i % 97) / 48 - 1;
    canvas = codesrc_encode(generator, image, &error);
    CHECK(canvas, "%s", error.text);
    codesrc_request_init(model, &request);
    CHECK(codesrc_generate(generator, &request, 1, &first, &error), "%s", error.text);

    request.canvas = canvas;
    request.mask = mask;
    for (unsigned i = 0; i < 64; i++)
        mask[i] = 1;
    CHECK(codesrc_generate(generator, &request, 1, &second, &error), "%s", error.text);
    CHECK(!memcmp(plain, edited, BYTES), "a mask of ones keeps something");

    memset(mask, 0, sizeof mask);
    CHECK(codesrc_generate(generator, &request, 1, &second, &error), "%s", error.text);
    CHECK(codesrc_decode(generator, codesrc_canvas_feature_map(canvas, 4), decoded, &error), "%s",
          error.text);
    for (unsigned i = 0; i < TINY_SIDE * TINY_SIDE; i++) {
        float value = (decoded[i] + 1) / 2 * 255;

        CHECK(value - edited[3 * i] < 0.501f && edited[3 * i] - value < 0.501f, "pixel %u", i);
    }
    codesrc_canvas_free(canvas);
    codesrc_generator_free(generator);
}

/* ---- blending -------------------------------------------------------------------------------- */

/* A class and a second one at that mix, in `pixels`. */
static void blend(CodesrcGenerator *generator, const CodesrcModel *model, int32_t class_id,
                  int32_t class_id_2, double mix, uint8_t *pixels)
{
    CodesrcPicture picture = {pixels, 3 * TINY_SIDE};
    CodesrcError error = {0};
    CodesrcRequest request;

    codesrc_request_init(model, &request);
    request.class_id = class_id;
    request.class_id_2 = class_id_2;
    request.class_mix = mix;
    request.settings.top_k = 0;
    CHECK(codesrc_generate(generator, &request, 1, &picture, &error), "%s", error.text);
}

/* The ends of a morph are the classes themselves; what is between them is neither; and none is
 * changed by the many others that have gone through the table of classes since. */
static void test_blending(CodesrcModel *model)
{
    enum { STEPS = 40 };
    static uint8_t first[BYTES], second[BYTES], middle[BYTES], pixels[BYTES];
    CodesrcError error = {0};
    CodesrcGenerator *generator = codesrc_generator_new(model, 1, 0, &error);

    blend(generator, model, 2, CODESRC_CLASS_NONE, 0, first);
    blend(generator, model, 7, CODESRC_CLASS_NONE, 0, second);
    blend(generator, model, 2, 7, 0.5, middle);
    CHECK(memcmp(first, second, BYTES), "two classes look the same");
    CHECK(memcmp(first, middle, BYTES) && memcmp(second, middle, BYTES), "a blend is a class");
    for (int i = 0; i <= STEPS; i++) {
        blend(generator, model, 2, 7, (double)i / STEPS, pixels);
        CHECK(i != 0 || !memcmp(pixels, first, BYTES), "mix 0 is not the first class");
        CHECK(i != STEPS || !memcmp(pixels, second, BYTES), "mix 1 is not the second class");
        CHECK(i != STEPS / 2 || !memcmp(pixels, middle, BYTES), "a blend depends on the past");
    }
    blend(generator, model, 7, 2, 0.5, pixels);
    CHECK(!memcmp(pixels, middle, BYTES), "half of each is not half of each");
    blend(generator, model, 2, 2, 0.3, pixels);
    CHECK(!memcmp(pixels, first, BYTES), "a class and itself is not the class");
    blend(generator, model, 2, CODESRC_CLASS_NONE, 0.3, pixels);
    CHECK(!memcmp(pixels, first, BYTES), "a class and none is not the class");
    codesrc_generator_free(generator);
}

/* ---- cancelling ------------------------------------------------------------------------------ */

static void *cancel_soon(void *generator)
{
    struct timespec pause = {0, 2000000};

    nanosleep(&pause, NULL);
    codesrc_generator_cancel(generator, true);
    return NULL;
}

static void test_cancel(CodesrcModel *model)
{
    static uint8_t pixels[BYTES];
    CodesrcError error = {0};
    CodesrcGenerator *generator = codesrc_generator_new(model, 1, 0, &error);
    CodesrcPicture picture = {pixels, 3 * TINY_SIDE};
    CodesrcRequest request;
    pthread_t thread;
    unsigned rounds = 0;

    codesrc_request_init(model, &request);
    codesrc_generator_cancel(generator, true);
    CHECK(!codesrc_generate(generator, &request, 1, &picture, &error) &&
              error.status == CODESRC_CANCELLED,
          "a cancelled generator generates");
    codesrc_generator_cancel(generator, false);
    pthread_create(&thread, NULL, cancel_soon, generator);
    while (codesrc_generate(generator, &request, 1, &picture, &error) && rounds < 100000)
        rounds++;
    pthread_join(thread, NULL);
    CHECK(error.status == CODESRC_CANCELLED, "%u rounds, %s", rounds, error.text);
    codesrc_generator_cancel(generator, false);
    CHECK(codesrc_generate(generator, &request, 1, &picture, &error), "%s", error.text);
    codesrc_generator_free(generator);
}

static atomic_bool flickering;

/* As a flushing seek does: there and back, at any moment. */
static void *flicker(void *generator)
{
    struct timespec pause = {0, 200000};

    for (unsigned i = 0; atomic_load(&flickering); i++) { /* up to some microseconds */
        codesrc_generator_cancel(generator, true);
        for (unsigned glance = 0; glance < i * 37 % 1000 && atomic_load(&flickering); glance++)
            continue;
        codesrc_generator_cancel(generator, false);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

/* A cancellation that is taken back at once either ends the call or leaves the picture whole. */
static void test_flickering_cancel(CodesrcModel *model)
{
    static uint8_t expected[BYTES], pixels[BYTES];
    CodesrcError error = {0};
    CodesrcGenerator *generator = codesrc_generator_new(model, 1, 0, &error);
    CodesrcPicture picture = {.data = expected, .stride = 3 * TINY_SIDE};
    CodesrcRequest request;
    pthread_t thread;

    codesrc_request_init(model, &request);
    CHECK(codesrc_generate(generator, &request, 1, &picture, &error), "%s", error.text);
    picture.data = pixels;
    atomic_store(&flickering, true);
    pthread_create(&thread, NULL, flicker, generator);
    for (unsigned round = 0; round < 300; round++) {
        if (codesrc_generate(generator, &request, 1, &picture, &error))
            CHECK(!memcmp(pixels, expected, BYTES), "round %u: another picture", round);
        else
            CHECK(error.status == CODESRC_CANCELLED, "%s", error.text);
    }
    atomic_store(&flickering, false);
    pthread_join(thread, NULL);
    codesrc_generator_free(generator);
}

/* Cancelled at any point of its preparation, a generator can be prepared anew, and then draws what
 * any other draws. */
static void test_cancel_preparation(CodesrcModel *model)
{
    static uint8_t expected[BYTES], pixels[BYTES];
    CodesrcError error = {0};
    CodesrcGenerator *whole = codesrc_generator_new(model, 1, 0, &error);
    CodesrcGenerator *generator = codesrc_generator_open(model, 1, 0, &error);
    CodesrcRequest request;
    pthread_t thread;

    codesrc_request_init(model, &request);
    codesrc_generator_cancel(generator, true);
    CHECK(!codesrc_generator_prepare(generator, &error) && error.status == CODESRC_CANCELLED,
          "a cancelled generator is prepared");
    codesrc_generator_cancel(generator, false);
    pthread_create(&thread, NULL, cancel_soon, generator);
    CHECK(codesrc_generator_prepare(generator, &error) || error.status == CODESRC_CANCELLED, "%s",
          error.text);
    pthread_join(thread, NULL);
    codesrc_generator_cancel(generator, false);
    CHECK(codesrc_generator_prepare(generator, &error) &&
              codesrc_generate(generator, &request, 1, &(CodesrcPicture){pixels, 3 * TINY_SIDE},
                               &error),
          "%s", error.text);
    codesrc_generator_free(generator);
    CHECK(
        codesrc_generate(whole, &request, 1, &(CodesrcPicture){expected, 3 * TINY_SIDE}, &error) &&
            !memcmp(pixels, expected, BYTES),
        "pictures differ after a preparation that was cancelled");
    codesrc_generator_free(whole);
}

/* ---- mistakes -------------------------------------------------------------------------------- */

static void refused(CodesrcGenerator *generator, const CodesrcRequest *request, const char *text)
{
    static uint8_t pixels[BYTES];
    CodesrcPicture picture = {pixels, 3 * TINY_SIDE};
    CodesrcError error = {0};

    CHECK(!codesrc_generate(generator, request, 1, &picture, &error), "not refused: %s", text);
    CHECK(error.status == CODESRC_SETTINGS && strstr(error.text, text), "\"%s\" says not \"%s\"",
          error.text, text);
}

/* A device that computes in the host's memory has no other to put pictures into. */
static void test_no_memory_of_its_own(CodesrcModel *model)
{
    CodesrcError error = {0};
    CodesrcGenerator *generator = codesrc_generator_new(model, 1, 1 << 3, &error);
    CodesrcOutput output = {.on_device = true, .format = CODESRC_BGRA};

    CHECK(codesrc_model_info(model)->cuda_device_id == -1, "%d",
          codesrc_model_info(model)->cuda_device_id);
    CHECK(!codesrc_generator_output(generator, &output, &error) &&
              error.status == CODESRC_SETTINGS &&
              strstr(error.text, codesrc_model_info(model)->device) &&
              strstr(error.text, "expected a device that has one"),
          "%s", error.text);
    CHECK(!codesrc_device_alloc(model, 100, &error) && error.status == CODESRC_SETTINGS, "%s",
          error.text);
    output.on_device = false;
    CHECK(codesrc_generator_output(generator, &output, &error), "%s", error.text);
    codesrc_generator_free(generator);
}

static void test_mistakes(CodesrcModel *model)
{
    static int32_t tokens[TINY_LENGTH];
    static uint8_t pixels[BYTES];
    static float mask[64];
    CodesrcError error = {0};
    CodesrcGenerator *generator = codesrc_generator_new(model, 1, 1 << 3, &error);
    CodesrcPicture narrow = {pixels, 3 * TINY_SIDE - 1};
    CodesrcRequest good, bad;

    codesrc_request_init(model, &good);
    CHECK(!codesrc_generate(generator, &good, 1, &narrow, &error) && strstr(error.text, "stride"),
          "%s", error.text);
    CHECK(!codesrc_generate(generator, &good, 2, &narrow, &error) &&
              strstr(error.text, "2 pictures"),
          "%s", error.text);
#define REFUSED(field, value, text)                                                                \
    (bad = good, bad.field = (value), refused(generator, &bad, text))
    REFUSED(class_id, TINY_CLASSES + 1, "class-id 11");
    REFUSED(class_id, -2, "class-id -2");
    REFUSED(class_id_2, TINY_CLASSES + 1, "class-id-2 11");
    REFUSED(class_id_2, -2, "class-id-2 -2");
    REFUSED(class_mix, -0.01, "class-mix -0.01");
    REFUSED(class_mix, 1.01, "class-mix 1.01");
    REFUSED(class_mix, 0.0 / 0.0, "class-mix");
    REFUSED(settings.drafting_steps, 0, "drafting-steps 0");
    REFUSED(settings.drafting_steps, 4, "drafting-steps 4"); /* made for 3 */
    REFUSED(settings.drafting_steps, 33, "drafting-steps 33");
    REFUSED(settings.guidance, -0.5, "guidance -0.5");
    REFUSED(settings.guidance, 0.0 / 0.0, "guidance");
    REFUSED(settings.top_p, 1.5, "top-p 1.5");
    REFUSED(settings.temperature[2], 0, "temperature 0 of scale 2");
    REFUSED(mask, mask, "mask needs a canvas");
    tokens[5] = TINY_CODES;
    REFUSED(tokens, tokens, "token 5 is 64");
#undef REFUSED
    codesrc_generator_free(generator);
    CHECK(!codesrc_generator_new(model, 0, 0, &error) && error.status == CODESRC_SETTINGS,
          "batch 0");
    CHECK(!codesrc_generator_new(model, 65, 0, &error) && error.status == CODESRC_SETTINGS,
          "batch 65");
    CHECK(!codesrc_generator_new(model, 1, 1 << 9, &error) && error.status == CODESRC_SETTINGS,
          "N = 9");
}

/* ---- names, random classes, the plan --------------------------------------------------------- */

static void test_names(CodesrcModel *model)
{
    CodesrcError error = {0};
    int32_t id = -9;

    CHECK(codesrc_model_find_class(model, "owl", &id, &error) && id == 2, "whole name: %d", id);
    CHECK(codesrc_model_find_class(model, "ARCTIC", &id, &error) && id == 1, "part: %d", id);
    CHECK(!codesrc_model_find_class(model, "fox", &id, &error) && strstr(error.text, "red fox") &&
              strstr(error.text, "arctic fox"),
          "%s", error.text);
    CHECK(!codesrc_model_find_class(model, "wolv", &id, &error) && strstr(error.text, "\"wolf\""),
          "%s", error.text);
    CHECK(!codesrc_model_find_class(model, "", &id, &error), "an empty name");
}

static void test_random_classes(CodesrcModel *model)
{
    unsigned seen[TINY_CLASSES] = {0};

    for (uint64_t frame = 0; frame < 1000; frame++) {
        int32_t id = codesrc_random_class(model, 5, frame);

        CHECK(id >= 0 && id < TINY_CLASSES, "class %d", id);
        seen[id]++;
    }
    for (unsigned i = 0; i < TINY_CLASSES; i++)
        CHECK(seen[i] > 60 && seen[i] < 140, "class %u was drawn %u times of 1000", i, seen[i]);
}

static void test_plan(CodesrcModel *model)
{
    CodesrcError error = {0};
    CodesrcPlan few, all;

    CHECK(codesrc_plan(model, 2, 1, &few, &error) && codesrc_plan(model, 5, 1, &all, &error), "%s",
          error.text);
    CHECK(!codesrc_model_info(model)->overlaps, "a processor overlaps calls");
    CHECK(few.scale[1].refined == false && few.scale[2].refined == true, "who decodes what");
    CHECK(few.scale[4].first == 30 && few.scale[4].side == 8, "the pyramid");
    /* Keys and values of 3 layers of 128 for the 30 positions that a later pass reads, and once for
     * the last 64; of the refiner's 2 layers of 64 likewise. */
    CHECK(few.cache_bytes * (3 * 30 + 64) * 128 == all.cache_bytes * (2 * 30 + 64) * 64,
          "%llu bytes of keys and values, %llu with the drafter alone",
          (unsigned long long)few.cache_bytes, (unsigned long long)all.cache_bytes);
    CHECK(few.total_bytes > few.weight_bytes + few.cache_bytes, "totals");
    CHECK(!codesrc_plan(model, 6, 1, &few, &error) && !codesrc_plan(model, 2, 0, &few, &error),
          "a plan for the impossible");
}

/* AdaLN weights that are read take no memory, but for what reading needs. */
static void test_class_weights(TinyDevice device)
{
    CodesrcModel *kept = tiny_model_with(device, 0, CODESRC_CLASS_WEIGHTS_KEEP);
    CodesrcModel *read = tiny_model_with(device, 0, CODESRC_CLASS_WEIGHTS_READ);
    const uint64_t drafter = (6 * 3 + 2) * 128 * 129, refiner = (6 * 2 + 2) * 64 * 65;
    CodesrcError error = {0};
    CodesrcPlan with, without;

    CHECK(codesrc_plan(kept, 3, 1, &with, &error) && codesrc_plan(read, 3, 1, &without, &error),
          "%s", error.text);
    CHECK(with.class_weight_bytes == 0 && without.class_weight_bytes == 4 * (drafter + refiner),
          "%llu bytes are read", (unsigned long long)without.class_weight_bytes);
    CHECK(with.weight_bytes - without.weight_bytes == 4 * (drafter + refiner),
          "%llu bytes kept, %llu without them", (unsigned long long)with.weight_bytes,
          (unsigned long long)without.weight_bytes);
    CHECK(codesrc_model_info(kept)->drafter_parameters ==
              codesrc_model_info(read)->drafter_parameters,
          "parameters");
    codesrc_model_unref(kept);
    codesrc_model_unref(read);
}

int main(int argc, char **argv)
{
    TinyDevice device = tiny_device(argc, argv);
    CodesrcModel *model = tiny_model(device, 0);

    test_batches_and_threads(device, CODESRC_CLASS_WEIGHTS_KEEP);
    test_batches_and_threads(device, CODESRC_CLASS_WEIGHTS_READ);
    test_pictures(model);
    test_inside(model);
    test_editing(model);
    test_blending(model);
    test_cancel(model);
    test_flickering_cancel(model);
    test_cancel_preparation(model);
    test_mistakes(model);
    test_no_memory_of_its_own(model);
    test_names(model);
    test_random_classes(model);
    test_plan(model);
    test_class_weights(device);
    codesrc_model_unref(model);
    return test_end();
}
