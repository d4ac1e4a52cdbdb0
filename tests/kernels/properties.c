/* properties.c - errors, cancelling, copying, streams side by side. */
#include "properties.h"

#include "../load.h"
#include "../test.h"
#include "cases.h"
#include "compare.h"

#include <pthread.h>
#include <time.h>
#ifdef CODE_HAVE_CPU
#include "levels.h"
#endif

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void check_memory(Side *side)
{
    CodesrcError error = {0};
    char out[1000], in[1000];
    char *memory = side->backend->alloc(side->device, sizeof in, &error);
    char *nothing = side->backend->alloc(side->device, 0, &error);

    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (char)(i * 7);
    CHECK(memory && (uintptr_t)memory % 64 == 0, "%p", (void *)memory);
    CHECK(nothing, "no bytes: %s", error.text);
    side->backend->copy(side->stream, memory, in, 500, CODE_UPLOAD);
    side->backend->copy(side->stream, memory + 500, memory, 500, CODE_INSIDE);
    side->backend->copy(side->stream, out, memory, 1000, CODE_DOWNLOAD);
    CHECK(!memcmp(out, in, 500) && !memcmp(out + 500, in, 500), "copies");
    side->backend->release(side->device, memory);
    side->backend->release(side->device, nothing);

    for (int shift = 46; shift <= 62; shift += 8) {
        size_t bytes = (size_t)1 << shift;
        char size[32];

        snprintf(size, sizeof size, "%zu", bytes);
        CHECK(!side->backend->alloc(side->device, bytes, &error), "%s bytes", size);
        CHECK(error.status == CODESRC_NO_MEMORY && strstr(error.text, size), "%s", error.text);
    }
    CHECK(!side->backend->alloc(side->device, SIZE_MAX, &error), "all bytes");
}

static void check_precision(const CodeBackend *backend)
{
    CodeDeviceOptions options = {.threads = 1, .precision = "f13", .index = -1};
    CodeDeviceInfo info;
    CodesrcError error = {0};
    CodeDevice *device = backend->device_open(&options, &info, &error);

    CHECK(!device && error.status == CODESRC_SETTINGS && strstr(error.text, "f13"), "%s",
          error.text);
}

/* ---- cancelling ------------------------------------------------------------------------------ */

typedef struct Stopper {
    Side *side;
    double when; /* the stop was ordered */
} Stopper;

static void *stop_soon(void *argument)
{
    Stopper *stopper = argument;

    nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
    stopper->when = now();
    atomic_store(&stopper->side->cancelled, true);
    return NULL;
}

/* A convolution and a product that take seconds. */
static bool long_work(Side *side, const CodeConv *conv, const CodeLinear *linear)
{
    return conv ? side->backend->conv(side->stream, conv)
                : side->backend->linear(side->stream, linear);
}

static void check_stop(Side *side, const CodeConv *conv, const CodeLinear *linear)
{
    Stopper stopper = {side, 0};
    pthread_t thread;
    bool done = true;
    double took;

    side->stream->rehearsing = true;
    long_work(side, conv, linear);
    side->stream->rehearsing = false;
    atomic_store(&side->cancelled, false);
    pthread_create(&thread, NULL, stop_soon, &stopper);
    for (int i = 0; i < 1000 && done; i++)
        done = long_work(side, conv, linear);
    pthread_join(thread, NULL);
    took = now() - stopper.when;
    CHECK(!done && side->stream->error.status == CODESRC_CANCELLED, "%s", side->stream->error.text);
    CHECK(took < 0.1 * busy(), "%s took %g s to stop", conv ? "a convolution" : "a product", took);
    CHECK(!long_work(side, conv, linear), "still cancelled");
    atomic_store(&side->cancelled, false);
}

static void check_cancelling(Side *side)
{
    enum { WIDTH = 64, CHANNELS = 256, ROWS = 2048, OUT = 4096 };
    CodeWeightSpec spec = spec_of(CODE_WEIGHT_CONV3, CHANNELS, CHANNELS, ACT_TO_ACT);
    CodeWeightSpec flat = spec_of(CODE_WEIGHT_LINEAR, CHANNELS, OUT, ACT_TO_ACT);
    float *zeros = calloc((size_t)OUT * ROWS, sizeof *zeros);
    CodeConv conv = {
        .weight = side_weight(side, spec, zeros, NULL),
        .x = side_array(side, zeros, (size_t)4 * WIDTH * WIDTH * CHANNELS * sizeof *zeros),
        .y = side_array(side, zeros, (size_t)4 * WIDTH * WIDTH * CHANNELS * sizeof *zeros),
        .images = 4,
        .side = WIDTH,
    };
    CodeLinear linear = {
        .weight = side_weight(side, flat, zeros, NULL),
        .x = conv.x,
        .y = side_array(side, zeros, (size_t)OUT * ROWS * sizeof *zeros),
        .groups = 1,
        .rows = ROWS,
        .epilogue = CODE_GELU,
    };

    free(zeros);
    check_stop(side, &conv, NULL);
    check_stop(side, NULL, &linear);
    side_clear(side);
}

/* ---- two streams of one device --------------------------------------------------------------- */

static const Shape side_shape = {
    2, .linear = {.rows = 16, .in = 40, .out = 48, .epilogue = CODE_GELU}};

static void *run_often(void *argument)
{
    Side *side = argument;
    Output first = {0}, output;
    bool same = true;

    for (int i = 0; i < 50; i++) {
        run_linear(side, &side_shape, i ? &output : &first);
        side_clear(side);
        if (i) {
            same = same && same_bits(&first, 0, &output, side_shape.images);
            free(output.values);
        }
    }
    free(first.values);
    return (void *)(uintptr_t)same;
}

/* Another stream of the device, whose caller has its own rounding and is now and then cancelled. */
typedef struct Neighbour {
    Side side;
    atomic_bool done;
} Neighbour;

static void *run_until_cancelled(void *argument)
{
    enum { ROWS = 300, WIDTH = 256 };
    Neighbour *neighbour = argument;
    Side *side = &neighbour->side;
    CodeWeightSpec spec = spec_of(CODE_WEIGHT_LINEAR, WIDTH, WIDTH, ACT_TO_ACT);
    float *zeros = calloc((size_t)ROWS * WIDTH, sizeof *zeros);
    unsigned cancelled = 0;
    CodeLinear args = {
        .weight = side_weight(side, spec, zeros, NULL),
        .x = side_array(side, zeros, (size_t)ROWS * WIDTH * sizeof *zeros),
        .y = side_array(side, zeros, (size_t)ROWS * WIDTH * sizeof *zeros),
        .groups = 1,
        .rows = ROWS,
    };

    free(zeros);
    for (int i = 0; i < 300 || !cancelled; i++) {
        bool done;

        side_enter(side);
        done = side->backend->linear(side->stream, &args);
        side_leave(side);
        CHECK(done || side->stream->error.status == CODESRC_CANCELLED, "%s",
              side->stream->error.text);
        cancelled += !done;
    }
    atomic_store(&neighbour->done, true);
    side_clear(side);
    return NULL;
}

static void *cancel_often(void *argument)
{
    Neighbour *neighbour = argument;

    while (!atomic_load(&neighbour->done)) {
        atomic_store(&neighbour->side.cancelled, true);
        nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
        atomic_store(&neighbour->side.cancelled, false);
        nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
    }
    return NULL;
}

static void check_streams(Side *side)
{
    Neighbour neighbour = {.side = *side};
    Side *other = &neighbour.side;
    CodesrcError error;
    pthread_t thread, stopper;
    void *same;

    other->hostile = true;
    other->stream = side->backend->stream_open(side->device, &other->cancelled, &error);
    CHECK(other->stream, "a second stream: %s", error.text);
    pthread_create(&thread, NULL, run_often, other);
    CHECK(run_often(side), "a stream beside another gives other bits");
    pthread_join(thread, &same);
    CHECK(same, "a stream beside another gives other bits");

    pthread_create(&thread, NULL, run_until_cancelled, &neighbour);
    pthread_create(&stopper, NULL, cancel_often, &neighbour);
    CHECK(run_often(side), "a stream beside a cancelled one gives other bits");
    pthread_join(thread, NULL);
    pthread_join(stopper, NULL);
    side->backend->stream_close(other->stream);
}

void check_properties(const CodeBackend *backend, const char *precision)
{
    unsigned size = strcmp(precision, "f32") ? 2 : 4;
    Side side;

    check_precision(backend);
    if (!side_open(&side, backend, NULL, precision, 0)) {
        CHECK(false, "no device");
        return;
    }
    CHECK(side.info.threads > 0 && side.info.activation_size == size, "%u threads, %u bytes",
          side.info.threads, side.info.activation_size);
    check_memory(&side);
    check_cancelling(&side);
    check_streams(&side);
    side_close(&side);
}

void check_levels(void)
{
#ifdef CODE_HAVE_CPU
    CodeDeviceOptions options = {.threads = 1, .index = -1};
    CodeDeviceInfo info;
    CodesrcError error = {0};

    setenv("CODESRC_CPU", "mmx", 1);
    CHECK(!code_backend_cpu.device_open(&options, &info, &error), "a level that is none");
    CHECK(error.status == CODESRC_SETTINGS && strstr(error.text, "mmx"), "%s", error.text);
    for (const CpuLevel *level = cpu_levels; level->name; level++)
        CHECK(strstr(error.text, level->name), "%s lacks %s", error.text, level->name);
    unsetenv("CODESRC_CPU");
#endif
}
