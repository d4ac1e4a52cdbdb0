/* test-device.c - whole pictures on the emulated device: the same bits in every order of threads,
 * for every batch, with graphs and without, and however late streams are; and what happens when
 * memory, device or driver fail. */
#include "../../tools/shapes.h"
#include "../engine/tiny.h"
#include "../test.h"

#include <cublasLt.h>
#include <cuda_runtime_api.h>

enum { IMAGES = 2, PIXELS = 3 * TINY_SIDE * TINY_SIDE };

static CodesrcGenerator *make(CodesrcModel *model, unsigned batch)
{
    CodesrcError error = {0};
    CodesrcGenerator *generator = codesrc_generator_new(model, batch, 0, &error);

    CHECK(generator, "%s", error.text);
    return generator;
}

static CodesrcRequest request(const CodesrcModel *model, unsigned frame)
{
    CodesrcRequest it;

    codesrc_request_init(model, &it);
    it.class_id = (int32_t)frame % TINY_CLASSES;
    it.seed = 5;
    it.frame = frame;
    it.settings.more_smooth = frame == 1;
    return it;
}

/* Pictures `first` and on; returns the status. */
static CodesrcStatus draw(const CodesrcModel *model, CodesrcGenerator *generator, unsigned first,
                          unsigned count, uint8_t *pixels, CodesrcError *error)
{
    CodesrcRequest requests[IMAGES];
    CodesrcPicture pictures[IMAGES];

    for (unsigned i = 0; i < count; i++) {
        requests[i] = request(model, first + i);
        pictures[i] = (CodesrcPicture){pixels + i * PIXELS, 3 * TINY_SIDE};
    }
    error->status = CODESRC_OK;
    return codesrc_generate(generator, requests, count, pictures, error) ? CODESRC_OK
                                                                         : error->status;
}

/* `orders` more than the first. */
static void check_same(const char *precision, unsigned orders)
{
    static uint8_t expected[IMAGES * PIXELS], found[IMAGES * PIXELS];
    CodesrcModel *model = tiny_model((TinyDevice){"cuda", precision}, 1);
    CodesrcGenerator *generator = make(model, IMAGES);
    CodesrcError error = {0};

    CHECK(!strcmp(codesrc_model_info(model)->precision, precision), "%s", precision);
    cuda_on_cpu_set_order(0);
    CHECK(draw(model, generator, 0, IMAGES, expected, &error) == CODESRC_OK, "%s", error.text);
    for (unsigned order = 1; order <= orders; order++) {
        cuda_on_cpu_set_order(order);
        CHECK(draw(model, generator, 0, IMAGES, found, &error) == CODESRC_OK, "%s", error.text);
        CHECK(!memcmp(expected, found, sizeof found), "%s: order %u", precision, order);
    }
    cuda_on_cpu_set_order(0);
    for (unsigned i = 0; i < IMAGES; i++) {
        draw(model, generator, i, 1, found, &error);
        CHECK(!memcmp(expected + i * PIXELS, found, PIXELS), "%s: image %u alone", precision, i);
    }
    codesrc_generator_free(generator);

    cuda_on_cpu_set_lt(2); /* one group at a time */
    generator = make(model, IMAGES);
    draw(model, generator, 0, IMAGES, found, &error);
    CHECK(!memcmp(expected, found, sizeof found), "%s: groups one by one", precision);
    cuda_on_cpu_set_lt(0);
    codesrc_generator_free(generator);
    codesrc_model_unref(model);
}

/* Without cuBLASLt biases and gelu are kernels of their own: the last bit may differ, pictures
 * hardly. */
static void check_plain(void)
{
    static uint8_t expected[PIXELS], found[2 * PIXELS];
    CodesrcModel *model = tiny_model((TinyDevice){"cuda", "f32"}, 1);
    CodesrcGenerator *generator = make(model, 2);
    CodesrcError error = {0};
    int worst = 0;

    draw(model, generator, 4, 1, expected, &error);
    codesrc_generator_free(generator);
    cuda_on_cpu_set_lt(1);
    generator = make(model, 2);
    CHECK(draw(model, generator, 3, 2, found, &error) == CODESRC_OK, "%s", error.text);
    cuda_on_cpu_set_lt(0);
    for (int i = 0; i < PIXELS; i++)
        worst = abs(expected[i] - found[PIXELS + i]) > worst ? abs(expected[i] - found[PIXELS + i])
                                                             : worst;
    CHECK(worst <= 1, "%d", worst);
    codesrc_generator_free(generator);
    codesrc_model_unref(model);
}

enum { CALLS = 3, PLAIN = 3 }; /* PLAIN: the image that is drawn without guidance */

static uint8_t expected_f16[CALLS * IMAGES * PIXELS];

static CodesrcRequest plain_request(const CodesrcModel *model, unsigned frame)
{
    CodesrcRequest it = request(model, frame);

    it.settings.guidance = frame == PLAIN ? 0 : it.settings.guidance;
    return it;
}

/* All pictures, alone and operation by operation. */
static void expect_all(void)
{
    CodesrcModel *model = tiny_model((TinyDevice){"cuda", "f16"}, 1);
    unsigned launched = cuda_on_cpu_graphs_launched();
    CodesrcGenerator *generator;
    CodesrcError error = {0};

    cuda_on_cpu_refuse_captures(true);
    generator = make(model, 1);
    for (unsigned i = 0; i < CALLS * IMAGES; i++) {
        CodesrcRequest one = plain_request(model, i);
        CodesrcPicture picture = {expected_f16 + i * PIXELS, 3 * TINY_SIDE};

        CHECK(codesrc_generate(generator, &one, 1, &picture, &error), "%s", error.text);
    }
    CHECK(cuda_on_cpu_graphs_launched() == launched, "captures were not refused");
    cuda_on_cpu_refuse_captures(false);
    codesrc_generator_free(generator);
    codesrc_model_unref(model);
}

static void check_pictures(const uint8_t *found, unsigned first, unsigned count, const char *what)
{
    for (unsigned i = 0; i < count; i++)
        CHECK(!memcmp(found + i * PIXELS, expected_f16 + (first + i) * PIXELS, PIXELS),
              "%s: image %u", what, first + i);
}

/* A graph is captured once for each number of images, and draws what single operations draw,
 * whatever classes, seeds and settings come. */
static void check_graphs(void)
{
    static uint8_t found[IMAGES * PIXELS];
    CodesrcModel *model = tiny_model((TinyDevice){"cuda", "f16"}, 1);
    unsigned launched = cuda_on_cpu_graphs_launched();
    CodesrcGenerator *generator = make(model, IMAGES);
    static const unsigned firsts[] = {0, 4};
    CodesrcError error = {0};

    CHECK(cuda_on_cpu_graphs_launched() == launched, "making a generator computes");
    for (unsigned call = 0; call < 2; call++) {
        CHECK(draw(model, generator, firsts[call], IMAGES, found, &error) == CODESRC_OK, "%s",
              error.text);
        check_pictures(found, firsts[call], IMAGES, "a graph");
        /* One for the scales of all images, one for each image's rendering. */
        CHECK(cuda_on_cpu_graphs_launched() == (launched += 1 + IMAGES), "call %u: %u graphs", call,
              cuda_on_cpu_graphs_launched());
    }
    CHECK(draw(model, generator, 1, 1, found, &error) == CODESRC_OK, "%s", error.text);
    check_pictures(found, 1, 1, "a graph of fewer images");
    CHECK(draw(model, generator, 0, IMAGES, found, &error) == CODESRC_OK, "%s", error.text);
    check_pictures(found, 0, IMAGES, "the first graph again");
    codesrc_generator_free(generator);
    codesrc_model_unref(model);
}

/* A driver may refuse a first capture, as it loads kernels meanwhile: the next call tries again. */
static void check_second_capture(void)
{
    static uint8_t found[IMAGES * PIXELS];
    CodesrcModel *model = tiny_model((TinyDevice){"cuda", "f16"}, 1);
    CodesrcGenerator *generator = make(model, IMAGES);
    unsigned launched = cuda_on_cpu_graphs_launched();
    CodesrcError error = {0};

    for (unsigned call = 0; call < 2; call++) {
        cuda_on_cpu_refuse_captures(call == 0);
        CHECK(draw(model, generator, 0, IMAGES, found, &error) == CODESRC_OK, "%s", error.text);
        check_pictures(found, 0, IMAGES, "a second capture");
    }
    CHECK(cuda_on_cpu_graphs_launched() > launched, "no graph after a refused capture");
    codesrc_generator_free(generator);
    codesrc_model_unref(model);
}

/* Two calls under way: each ends with its own pictures, however late the work of streams is done.
 * The second call is in two runs. */
static void check_ahead(bool late)
{
    static uint8_t found[CALLS * IMAGES * PIXELS];
    CodesrcModel *model = tiny_model((TinyDevice){"cuda", "f16"}, 1);
    CodesrcGenerator *generator = make(model, IMAGES);
    CodesrcError error = {0};

    CHECK(codesrc_model_info(model)->overlaps, "calls do not overlap");
    memset(found, 0, sizeof found);
    cuda_on_cpu_set_late(late);
    for (unsigned call = 0; call <= CALLS; call++) {
        CodesrcRequest requests[IMAGES];
        CodesrcPicture pictures[IMAGES];

        for (unsigned i = 0; call < CALLS && i < IMAGES; i++) {
            requests[i] = plain_request(model, call * IMAGES + i);
            pictures[i] = (CodesrcPicture){found + (call * IMAGES + i) * PIXELS, 3 * TINY_SIDE};
        }
        if (call < CALLS)
            CHECK(codesrc_generate_begin(generator, requests, IMAGES, pictures, &error), "%s",
                  error.text);
        if (call == 0)
            continue;
        CHECK(codesrc_generate_end(generator, &error), "%s", error.text);
        check_pictures(found + (call - 1) * IMAGES * PIXELS, (call - 1) * IMAGES, IMAGES,
                       late ? "ahead and late" : "ahead");
    }
    CHECK(!codesrc_generate_end(generator, &error) && error.status == CODESRC_SETTINGS,
          "an end too many");
    cuda_on_cpu_set_late(false);
    codesrc_generator_free(generator);
    codesrc_model_unref(model);
}

/* A call that is cancelled writes no picture any more; a generator with calls under way can go. */
static void check_cancelled(void)
{
    static uint8_t found[PIXELS];
    CodesrcModel *model = tiny_model((TinyDevice){"cuda", "f16"}, 1);
    CodesrcGenerator *generator = make(model, 1);
    CodesrcRequest one = request(model, 0);
    uint8_t *gone = malloc(PIXELS);
    CodesrcPicture picture = {gone, 3 * TINY_SIDE};
    CodesrcError error = {0};

    cuda_on_cpu_set_late(true);
    CHECK(codesrc_generate_begin(generator, &one, 1, &picture, &error), "%s", error.text);
    codesrc_generator_cancel(generator, true);
    CHECK(!codesrc_generate_end(generator, &error) && error.status == CODESRC_CANCELLED, "%s",
          error.text);
    free(gone);
    codesrc_generator_cancel(generator, false);
    CHECK(draw(model, generator, 0, 1, found, &error) == CODESRC_OK, "%s", error.text);
    check_pictures(found, 0, 1, "after a cancelled call");
    picture.data = found;
    for (unsigned i = 0; i < 2; i++)
        CHECK(codesrc_generate_begin(generator, &one, 1, &picture, &error), "%s", error.text);
    CHECK(!codesrc_generate_begin(generator, &one, 1, &picture, &error) &&
              error.status == CODESRC_SETTINGS,
          "three calls under way");
    codesrc_generator_free(generator);
    cuda_on_cpu_set_late(false);
    codesrc_model_unref(model);
}

static void check_memory(void)
{
    CodesrcModel *model = tiny_model((TinyDevice){"cuda", NULL}, 1);
    CodesrcGenerator *generator = make(model, 1);
    static uint8_t pixels[PIXELS];
    CodesrcError error = {0};

    cuda_on_cpu_set_memory(cuda_on_cpu_memory_used() + 1000);
    CHECK(!codesrc_generator_new(model, 2, 0, &error), "memory from nowhere");
    CHECK(error.status == CODESRC_NO_MEMORY &&
              strstr(error.text, "on CUDA device 0 (emulated 0): ") && strstr(error.text, "bytes"),
          "%s", error.text);
    CHECK(draw(model, generator, 0, 1, pixels, &error) == CODESRC_OK,
          "what is there already goes on: %s", error.text);
    cuda_on_cpu_set_memory((size_t)64 << 30);
    codesrc_generator_free(generator);
    generator = make(model, 2);
    CHECK(draw(model, generator, 0, 2, (uint8_t[2 * PIXELS]){0}, &error) == CODESRC_OK, "%s",
          error.text);
    codesrc_generator_free(generator);
    codesrc_model_unref(model);
    CHECK(cuda_on_cpu_memory_used() == 0, "%zu bytes were not freed", cuda_on_cpu_memory_used());
}

/* A broken device says so once; from then on the stream refuses without asking it. */
static void check_broken(void)
{
    CodesrcModel *model = tiny_model((TinyDevice){"cuda", NULL}, 1);
    CodesrcGenerator *generator = make(model, 1);
    static uint8_t pixels[PIXELS];
    CodesrcError error = {0};

    cuda_on_cpu_break(40);
    CHECK(draw(model, generator, 0, 1, pixels, &error) == CODESRC_FAILED, "%d", (int)error.status);
    CHECK(strstr(error.text, "illegal memory access"), "%s", error.text);
    CHECK(strstr(error.text, "CUDA device 0 (emulated 0): ") == error.text, "%s", error.text);
    CHECK(draw(model, generator, 0, 1, pixels, &error) == CODESRC_FAILED, "%d", (int)error.status);
    CHECK(strstr(error.text, "CUDA device 0 (emulated 0) failed before") == error.text, "%s",
          error.text);
    codesrc_generator_free(generator);
    codesrc_model_unref(model);
    cuda_on_cpu_break(-1);
    model = tiny_model((TinyDevice){"cuda", NULL}, 1);
    generator = make(model, 1);
    CHECK(draw(model, generator, 0, 1, pixels, &error) == CODESRC_OK, "%s", error.text);
    codesrc_generator_free(generator);
    codesrc_model_unref(model);
}

/* The plan predicts the device memory of a model and its generator. */
static void check_plan(void)
{
    CodesrcModel *model = tiny_model((TinyDevice){"cuda", "f16"}, 1);
    unsigned usual = codesrc_model_info(model)->defaults.drafting_steps;
    static uint8_t pixels[IMAGES * PIXELS];

    for (unsigned n = 1; n <= codesrc_model_info(model)->scales; n++) {
        CodesrcError error = {0};
        CodesrcGenerator *generator = codesrc_generator_new(model, IMAGES, 1u << n, &error);
        size_t used;
        CodesrcPlan plan;

        CHECK(generator && codesrc_plan(model, n, IMAGES, &plan, &error), "%s", error.text);
        if (n == usual)
            CHECK(draw(model, generator, 0, IMAGES, pixels, &error) == CODESRC_OK, "%s",
                  error.text);
        used = cuda_on_cpu_memory_used();
        CHECK(used <= plan.device_bytes && used > 0.95 * (double)plan.device_bytes,
              "N = %u: %zu bytes used, %zu planned", n, used, (size_t)plan.device_bytes);
        codesrc_generator_free(generator);
    }
    codesrc_model_unref(model);
}

/* What docs/performance.md promises of the official shape: N = 8, 64 at a time, within 12 GB. */
static void check_goal(void)
{
    CodesrcModelOptions options;
    CodesrcError error = {0};
    CodesrcPlan plan = {0};
    CodesrcModel *model;

    codesrc_model_options_init(&options);
    options.device = "cuda";
    options.headers_only = true;
    model = shapes_open("official", &options, &error);
    CHECK(model && codesrc_plan(model, 8, 64, &plan, &error), "%s", error.text);
    CHECK(plan.device_bytes > 0 && plan.device_bytes <= 12000000000u, "%zu bytes",
          (size_t)plan.device_bytes);
    codesrc_model_unref(model);
}

/* Whatever fails on one of several devices, the error says on which. */
static void check_names(void)
{
    CodesrcModelOptions options;
    CodesrcError error = {0};
    CodesrcModel *model;
    CodesrcGenerator *generator;
    static uint8_t pixels[PIXELS];

    cuda_on_cpu_set_devices(3, 0);
    codesrc_model_options_init(&options);
    options.device = "cuda";
    options.cuda_device_id = 2;
    cuda_on_cpu_set_memory(100);
    CHECK(!codesrc_model_open(tiny_folder(), &options, &error), "weights of no memory");
    CHECK(error.status == CODESRC_NO_MEMORY &&
              strstr(error.text, "on CUDA device 2 (emulated 2): "),
          "%s", error.text);
    cuda_on_cpu_set_memory((size_t)64 << 30);
    cuda_on_cpu_break(5);
    CHECK(!codesrc_model_open(tiny_folder(), &options, &error), "weights packed by nobody");
    CHECK(error.status == CODESRC_FAILED &&
              strstr(error.text, "CUDA device 2 (emulated 2): packing"),
          "%s", error.text);
    cuda_on_cpu_break(-1);
    model = codesrc_model_open(tiny_folder(), &options, &error);
    CHECK(model, "%s", error.text);
    generator = make(model, 1);
    cuda_on_cpu_break(0);
    CHECK(draw(model, generator, 0, 1, pixels, &error) == CODESRC_FAILED, "%d", (int)error.status);
    CHECK(strstr(error.text, "CUDA device 2 (emulated 2): ") == error.text, "%s", error.text);
    codesrc_generator_free(generator);
    CHECK(!codesrc_generator_new(model, 1, 0, &error) &&
              strstr(error.text, "CUDA device 2 (emulated 2) failed before"),
          "%s", error.text);
    codesrc_model_unref(model);
    cuda_on_cpu_break(-1);
    cuda_on_cpu_set_devices(1, 0);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    check_same("f16", 2);
    check_same("f32", 1);
    check_same("bf16", 1);
    check_plain();
    expect_all();
    check_graphs();
    check_second_capture();
    check_ahead(false);
    check_ahead(true);
    check_cancelled();
    check_plan();
    check_goal();
    check_memory();
    check_broken();
    check_names();
    return test_end();
}
