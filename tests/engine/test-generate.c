/* test-generate.c - a picture depends on its request alone, and not on the batch, its neighbours,
 * the number of threads, history or cancelled calls. */
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

/* The ends of a morph are the classes themselves, and pictures between them are neither. Other
 * classes that have used the table since change none of them. */
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

/* A generator cancelled at any point of its preparation can be prepared again, and then generates
 * the usual pictures. */
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

int main(int argc, char **argv)
{
    TinyDevice device = tiny_device(argc, argv);
    CodesrcModel *model = tiny_model(device, 0);

    test_batches_and_threads(device, CODESRC_CLASS_WEIGHTS_KEEP);
    test_batches_and_threads(device, CODESRC_CLASS_WEIGHTS_READ);
    test_pictures(model);
    test_blending(model);
    test_cancel(model);
    test_flickering_cancel(model);
    test_cancel_preparation(model);
    codesrc_model_unref(model);
    return test_end();
}
