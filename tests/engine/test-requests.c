/* test-requests.c - what a caller may ask for, what is refused, and what a model and a plan say. */
#include "../test.h"
#include "tiny.h"

#include <unistd.h>

enum { BYTES = TINY_SIDE * TINY_SIDE * 3 };

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
    REFUSED(settings.temperature[2], 1e-46, "temperature 1e-46 of scale 2"); /* 0 as a float */
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

/* A smaller model than the tiny one. */
static CodesrcModel *small_model(TinyDevice device)
{
    static const char manifest[] =
        "name: small\npatch_nums: [1, 2, 4]\nclasses: 10\nsynthetic: 11\n"
        "vae: {codes: 64, channels: 8, ch: 32, ch_mult: [1, 1, 2], res_blocks: 1, groups: 8}\n"
        "drafter: {depth: 1, width: 64, heads: 1}\n";
    char path[] = "/tmp/codesrc-small-XXXXXX.yaml";
    int file = mkstemps(path, 5);
    CodesrcModelOptions options;
    CodesrcError error = {0};
    CodesrcModel *model;

    CHECK(write(file, manifest, sizeof manifest - 1) == sizeof manifest - 1, "%s", path);
    close(file);
    codesrc_model_options_init(&options);
    options.device = device.device;
    options.precision = device.precision;
    model = codesrc_model_open(path, &options, &error);
    CHECK(model, "%s", error.text);
    unlink(path);
    return model;
}

/* Its arrays are shorter than those that the model would read. */
static void test_other_canvas(CodesrcModel *model, TinyDevice device)
{
    static float image[3 * TINY_SIDE * TINY_SIDE], mask[64];
    static uint8_t pixels[BYTES];
    CodesrcError error = {0};
    CodesrcModel *small = small_model(device);
    CodesrcGenerator *encoder = codesrc_generator_new(small, 1, 0, &error);
    CodesrcGenerator *generator = codesrc_generator_new(model, 1, 0, &error);
    CodesrcPicture picture = {pixels, 3 * TINY_SIDE};
    CodesrcCanvas *canvas = codesrc_encode(encoder, image, &error);
    CodesrcRequest request;

    CHECK(canvas, "%s", error.text);
    codesrc_request_init(model, &request);
    request.canvas = canvas;
    request.mask = mask;
    CHECK(!codesrc_generate(generator, &request, 1, &picture, &error) &&
              error.status == CODESRC_SETTINGS && strstr(error.text, "canvas of another model"),
          "%s", error.text);
    error.text[0] = '\0';
    CHECK(!codesrc_canvas_to_features(generator, canvas, &error) &&
              error.status == CODESRC_SETTINGS && strstr(error.text, "canvas of another model"),
          "%s", error.text);
    codesrc_canvas_free(canvas);
    codesrc_generator_free(encoder);
    codesrc_generator_free(generator);
    codesrc_model_unref(small);
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

    test_mistakes(model);
    test_no_memory_of_its_own(model);
    test_other_canvas(model, device);
    test_names(model);
    test_random_classes(model);
    test_plan(model);
    test_class_weights(device);
    codesrc_model_unref(model);
    return test_end();
}
