/* test-allocations.c - generating allocates nothing; and if an allocation fails, there is one
 * error, no crash and no leak. The linker sends this program's allocations through the counters
 * below; they do not see a library's own allocations. */
#include "../test.h"
#include "tiny.h"

#include <stdatomic.h>

static atomic_uint allocations; /* since the last reset */
static atomic_uint fail_at;     /* the allocation that fails, counted from 1; 0: none */
static atomic_bool fail_after;  /* and all that follow */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
int __real_posix_memalign(void **memory, size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
int __wrap_posix_memalign(void **memory, size_t alignment, size_t size);

static bool fails(void)
{
    unsigned number = atomic_fetch_add(&allocations, 1) + 1, at = atomic_load(&fail_at);

    return at && (number == at || (number > at && atomic_load(&fail_after)));
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails() ? NULL : __real_realloc(memory, size);
}

int __wrap_posix_memalign(void **memory, size_t alignment, size_t size)
{
    return fails() ? 12 : __real_posix_memalign(memory, alignment, size);
}

static uint8_t pixels[3][TINY_SIDE * TINY_SIDE * 3];

/* Opens, generates once, closes. True if everything succeeds. */
static bool whole_life(TinyDevice device, CodesrcClassWeights class_weights, CodesrcError *error)
{
    CodesrcModelOptions options;
    CodesrcModel *model;
    CodesrcGenerator *generator = NULL;
    CodesrcPicture picture = {pixels[0], 3 * TINY_SIDE};
    CodesrcRequest request;
    CodesrcFeatures *features = NULL;
    bool good = false;

    codesrc_model_options_init(&options);
    options.device = device.device;
    options.precision = device.precision;
    options.class_weights = class_weights;
    model = codesrc_model_open(tiny_folder(), &options, error);
    if (model)
        generator = codesrc_generator_new(model, 1, 1 << 3, error);
    if (generator) {
        codesrc_request_init(model, &request);
        good = codesrc_generate(generator, &request, 1, &picture, error) &&
               codesrc_generate_features(generator, &request, 1, &features, error) &&
               codesrc_render_between(generator, features, features, 0, &picture, error);
    }
    codesrc_features_unref(features);
    codesrc_generator_free(generator);
    codesrc_model_unref(model);
    return good;
}

static void test_rendering(CodesrcGenerator *generator, const CodesrcModel *model)
{
    CodesrcError error = {0};
    CodesrcPicture picture = {pixels[0], 3 * TINY_SIDE};
    CodesrcRequest requests[2];
    CodesrcFeatures *features[2];

    for (unsigned i = 0; i < 2; i++) {
        codesrc_request_init(model, &requests[i]);
        requests[i].frame = i;
    }
    CHECK(codesrc_generate_features(generator, requests, 2, features, &error), "%s", error.text);
    atomic_store(&allocations, 0);
    for (unsigned i = 0; i <= 4; i++)
        CHECK(
            codesrc_render_between(generator, features[0], features[1], i / 4.0, &picture, &error),
            "%s", error.text);
    CHECK(atomic_load(&allocations) == 0, "%u allocations between pictures",
          atomic_load(&allocations));
    for (unsigned i = 0; i < 2; i++)
        codesrc_features_unref(features[i]);
}

static void test_generating(TinyDevice device, CodesrcClassWeights class_weights)
{
    CodesrcModel *model = tiny_model_with(device, 2, class_weights);
    CodesrcError error = {0};
    CodesrcGenerator *generator = codesrc_generator_new(model, 3, 0, &error);
    CodesrcPicture pictures[3];

    CHECK(generator, "%s", error.text);
    atomic_store(&allocations, 0);
    for (unsigned n = 1; n <= 5; n++)
        for (unsigned i = 0; i < 4; i++) {
            CodesrcRequest requests[3];

            for (unsigned j = 0; j < 3; j++) {
                pictures[j] = (CodesrcPicture){pixels[j], 3 * TINY_SIDE};
                codesrc_request_init(model, &requests[j]);
                requests[j].frame = 3 * i + j;
                requests[j].settings.drafting_steps = n;
                requests[j].class_id_2 = (int32_t)j;
                requests[j].class_mix = i / 3.0;
                requests[j].settings.guidance = i % 2 ? 0 : 2;
            }
            CHECK(codesrc_generate(generator, requests, 1 + i % 3, pictures, &error), "%s",
                  error.text);
        }
    CHECK(atomic_load(&allocations) == 0, "%u allocations in 20 calls", atomic_load(&allocations));
    test_rendering(generator, model);
    codesrc_generator_free(generator);
    codesrc_model_unref(model);
}

/* Every allocation of a whole life fails once, and then for ever after. */
static void test_every_failure(TinyDevice device, CodesrcClassWeights class_weights)
{
    unsigned refused = 0;

    for (int for_ever = 0; for_ever < 2; for_ever++)
        for (unsigned number = 1;; number++) {
            CodesrcError error = {0};
            bool good;

            atomic_store(&allocations, 0);
            atomic_store(&fail_after, for_ever);
            atomic_store(&fail_at, number);
            good = whole_life(device, class_weights, &error);
            atomic_store(&fail_at, 0);
            if (good && atomic_load(&allocations) < number)
                break; /* there are not that many */
            refused += !good;
            CHECK(good || (error.status == CODESRC_NO_MEMORY && error.text[0]),
                  "allocation %u%s: status %d, \"%s\"", number, for_ever ? " and on" : "",
                  error.status, error.text);
        }
    printf("%u failing allocations, each refused with one error\n", refused);
    CHECK(refused > 50, "only %u", refused);
}

int main(int argc, char **argv)
{
    TinyDevice device = tiny_device(argc, argv);

    tiny_folder();
    for (int way = CODESRC_CLASS_WEIGHTS_KEEP; way <= CODESRC_CLASS_WEIGHTS_READ; way++) {
        test_generating(device, (CodesrcClassWeights)way);
        test_every_failure(device, (CodesrcClassWeights)way);
    }
    return test_end();
}
