/* benchmark.c - times of the operations on the shapes of real models, and what part of the
 * processor's own multiply-add peak, measured in the same run, products and convolutions reach. */
#include "properties.h"

#include "../../tools/peak.h"
#include "../test.h"
#include "attention.h"
#include "cases.h"

#include <math.h>
#include <time.h>

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* ---- measuring ------------------------------------------------------------------------------- */

typedef bool Operation(CodeStream *stream, const void *args);

typedef struct Bench {
    Side side;
    double peak;
    const char *filter;
} Bench;

static int compare_times(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static PeakType type_of(const char *precision)
{
    return !strcmp(precision, "bf16")   ? PEAK_BF16
           : !strcmp(precision, "int8") ? PEAK_INT8
                                        : PEAK_F32;
}

/* Prints a line: times, and the rates of operations and bytes. */
static void report(Bench *bench, const char *what, Operation *operation, const void *args,
                   double operations, double bytes)
{
    enum { MOST = 1000 };
    CodeStream *stream = bench->side.stream;
    double times[MOST], spent = 0, median;
    int runs = 0;

    stream->rehearsing = true;
    CHECK(operation(stream, args), "%s: %s", what, stream->error.text);
    stream->rehearsing = false;
    CHECK(operation(stream, args), "%s: %s", what, stream->error.text);
    while (runs < MOST && (spent < 0.3 || runs < 5)) {
        double begin = now();

        operation(stream, args);
        times[runs] = now() - begin;
        spent += times[runs++];
    }
    qsort(times, (size_t)runs, sizeof *times, compare_times);
    median = times[runs / 2];
    printf("%-44s %9.3f ms (best %9.3f)", what, 1e3 * median, 1e3 * times[0]);
    if (operations > 0)
        printf("  %7.1f GFLOP/s  %5.1f %% of peak (best %5.1f)", 1e-9 * operations / median,
               100 * operations / median / bench->peak, 100 * operations / times[0] / bench->peak);
    if (bytes > 0)
        printf("  %7.1f GB/s", 1e-9 * bytes / median);
    putchar('\n');
    side_clear(&bench->side);
}

/* An array of a short repeated pattern: times do not depend on the numbers. */
static void *array(Bench *bench, size_t count)
{
    float *values = malloc((count + 1) * sizeof *values);
    void *memory;

    if (!values)
        abort();
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(i % 13) * 0.1f - 0.6f;
    memory = side_array(&bench->side, values, count * sizeof *values);
    free(values);
    return memory;
}

/* The same of activations. */
static void *activations(Bench *bench, size_t count)
{
    float *values = malloc((count + 1) * sizeof *values);
    void *memory;

    if (!values)
        abort();
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(i % 13) * 0.1f - 0.6f;
    memory = side_activations(&bench->side, values, count);
    free(values);
    return memory;
}

static CodeWeight *weight(Bench *bench, CodeWeightKind kind, unsigned in, unsigned out,
                          unsigned types)
{
    CodeWeightSpec spec = spec_of(kind, in, out, types);
    size_t taps = kind == CODE_WEIGHT_LINEAR || kind == CODE_WEIGHT_CONV1 ? 1 : 9;
    float *zeros = calloc(taps * in * out, sizeof *zeros);
    CodeWeight *packed = side_weight(&bench->side, spec, zeros, NULL);

    free(zeros);
    return packed;
}

static CodePerLane vectors(Bench *bench, unsigned lanes, size_t width)
{
    return (CodePerLane){.base = array(bench, lanes * width), .stride = width};
}

/* ---- operations ------------------------------------------------------------------------------ */

#define CALL(name, Arguments)                                                                      \
    static bool call_##name(CodeStream *stream, const void *args)                                  \
    {                                                                                              \
        return stream->backend->name(stream, (const Arguments *)args);                             \
    }

CALL(linear, CodeLinear)
CALL(modulate, CodeModulate)
CALL(heads, CodeHeads)
CALL(attention, CodeAttention)
CALL(guide, CodeGuide)
CALL(sample, CodeSample)
CALL(conv, CodeConv)
CALL(group_norm, CodeGroupNorm)
CALL(pixels, CodePixels)

static bool wanted(const Bench *bench, const char *operation)
{
    return !bench->filter || !strcmp(bench->filter, operation);
}

static void bench_linear(Bench *bench, unsigned rows, unsigned in, unsigned out,
                         CodeEpilogue epilogue)
{
    static const char *const names[] = {"plain", "gelu", "gated"};
    char what[100];
    CodeLinear args = {
        .weight = weight(bench, CODE_WEIGHT_LINEAR, in, out,
                         epilogue == CODE_GATED ? ACT_TO_F32 : ACT_TO_ACT),
        .x = activations(bench, (size_t)rows * in),
        .y = epilogue == CODE_GATED ? array(bench, (size_t)rows * out)
                                    : activations(bench, (size_t)rows * out),
        .groups = 1,
        .rows = rows,
        .epilogue = epilogue,
        .gate = vectors(bench, 2, out),
        .lane_rows = rows > 1 ? rows / 2 : 1,
    };

    snprintf(what, sizeof what, "linear %u x %u -> %u %s", rows, in, out, names[epilogue]);
    report(bench, what, call_linear, &args, 2.0 * rows * in * out, 0);
}

static void bench_conv(Bench *bench, CodeWeightKind kind, unsigned width, unsigned in, unsigned out,
                       bool add)
{
    unsigned taps = kind == CODE_WEIGHT_CONV1 ? 1 : 9;
    size_t positions = (size_t)width * width;
    char what[100];
    bool doubled = kind == CODE_WEIGHT_CONV3_X2;
    bool coarse = taps == 9 && in >= 32; /* as in a decoder */
    CodeConv args = {
        .weight = weight(bench, kind, in, out, coarse ? COARSE : ACT_TO_ACT),
        .x = activations(bench, positions * in),
        .y = activations(bench, (doubled ? 4 : 1) * positions * out),
        .images = 1,
        .side = width,
    };

    args.add = add ? args.y : NULL;
    snprintf(what, sizeof what, "conv %ux%u %u^2 %u -> %u%s", taps == 9 ? 3 : 1, taps == 9 ? 3 : 1,
             width, in, out,
             add       ? " add"
             : doubled ? " doubled"
                       : "");
    report(bench, what, call_conv, &args,
           2.0 * taps * (doubled ? 4 : 1) * (double)positions * in * out, 0);
}

static void bench_attention(Bench *bench, unsigned queries, unsigned keys, unsigned heads,
                            unsigned dim, unsigned lanes)
{
    CodeAttention args = attention_shape(lanes, heads, dim, queries, keys, keys);
    char what[100];

    args.q = activations(bench, lanes * args.q_lane);
    args.k = activations(bench, lanes * args.kv_lane);
    args.v = activations(bench, lanes * args.kv_lane);
    args.out = activations(bench, lanes * args.out_lane);
    args.scale = 0.1f;
    snprintf(what, sizeof what, "attention %u x %u, %u x %u heads of %u", queries, keys, lanes,
             heads, dim);
    report(bench, what, call_attention, &args, 4.0 * lanes * heads * dim * (double)queries * keys,
           0);
}

static void bench_rows(Bench *bench, unsigned rows, unsigned heads)
{
    unsigned width = heads * CODE_HEAD_SIZE;
    size_t size = 2 * (size_t)rows * width;
    char what[100];

    if (wanted(bench, "modulate")) {
        CodeModulate args = {array(bench, size),       activations(bench, size), 2, rows, width,
                             vectors(bench, 2, width), vectors(bench, 2, width)};

        snprintf(what, sizeof what, "modulate 2 x %u x %u", rows, width);
        report(bench, what, call_modulate, &args, 0,
               (4.0 + bench->side.info.activation_size) * (double)size);
    }
    if (wanted(bench, "heads")) {
        CodeHeads args = {activations(bench, 3 * size),
                          array(bench, heads),
                          activations(bench, size),
                          activations(bench, size),
                          2,
                          rows,
                          heads,
                          0,
                          rows};

        snprintf(what, sizeof what, "heads 2 x %u x %u", rows, heads);
        report(bench, what, call_heads, &args, 0,
               6.0 * bench->side.info.activation_size * (double)size);
    }
    if (wanted(bench, "guide")) {
        CodeGuide args = {.x = array(bench, size),
                          .x_lane = (size_t)rows * width,
                          .y = array(bench, size / 2),
                          .t = array(bench, 1),
                          .scale = vectors(bench, 2, width),
                          .shift = vectors(bench, 2, width),
                          .images = 1,
                          .branches = 2,
                          .rows = rows,
                          .width = width};

        snprintf(what, sizeof what, "guide %u x %u", rows, width);
        report(bench, what, call_guide, &args, 0, 6.0 * (double)size);
    }
}

/* Copy the logits each time, because `sample` filters them in place. */
typedef struct Drawing {
    CodeSample sample;
    const float *logits;
} Drawing;

static bool call_drawing(CodeStream *stream, const void *args)
{
    const Drawing *drawing = args;
    const CodeSample *sample = &drawing->sample;
    size_t bytes = (size_t)sample->rows * sample->codes * sizeof(float);

    return stream->backend->copy(stream, sample->logits, drawing->logits, bytes, CODE_INSIDE) &&
           call_sample(stream, sample);
}

static void bench_sample(Bench *bench, unsigned rows, unsigned codes, unsigned top_k)
{
    Shape shape = {.images = 1, .sample = {.rows = rows, .codes = codes}};
    float *logits = images_of(&shape, (size_t)rows * codes, 3, 1);
    CodeDraw draw = {.top_p = 0.96, .top_k = top_k, .temperature = 1};
    char what[100];
    Drawing args = {.logits =
                        side_array(&bench->side, logits, (size_t)rows * codes * sizeof(float))};

    args.sample = (CodeSample){.logits = array(bench, (size_t)rows * codes),
                               .tokens = array(bench, rows),
                               .token_stride = rows,
                               .draws = side_records(&bench->side, &draw, sizeof draw),
                               .images = 1,
                               .rows = rows,
                               .codes = codes};
    free(logits);
    snprintf(what, sizeof what, "sample %u x %u, top-k %u", rows, codes, top_k);
    report(bench, what, call_drawing, &args, 0, 4.0 * rows * codes);
}

static void bench_maps(Bench *bench, unsigned width, unsigned channels, unsigned groups)
{
    size_t size = (size_t)width * width * channels;
    char what[100];

    if (wanted(bench, "group_norm")) {
        CodeGroupNorm args = {activations(bench, size),
                              array(bench, channels),
                              array(bench, channels),
                              activations(bench, size),
                              1,
                              width * width,
                              channels,
                              groups,
                              true};

        snprintf(what, sizeof what, "group_norm %u^2 x %u", width, channels);
        report(bench, what, call_group_norm, &args, 0,
               3.0 * bench->side.info.activation_size * (double)size);
    }
}

static void bench_pixels(Bench *bench, unsigned width)
{
    uint8_t *pixels = malloc((size_t)width * width * 3);
    CodePixels args = {array(bench, (size_t)width * width * 3), pixels, 3 * (size_t)width, width};
    char what[100];

    snprintf(what, sizeof what, "pixels %u^2", width);
    report(bench, what, call_pixels, &args, 0, 15.0 * width * width);
    free(pixels);
}

/* ---- models ---------------------------------------------------------------------------------- */

typedef struct Products {
    unsigned width;
    unsigned rows[10]; /* of both lanes */
} Products;

static void bench_transformer(Bench *bench, const Products *products)
{
    unsigned width = products->width, heads = width / CODE_HEAD_SIZE;

    for (const unsigned *rows = products->rows; *rows; rows++) {
        if (wanted(bench, "linear")) {
            bench_linear(bench, *rows, width, 3 * width, CODE_PLAIN);
            bench_linear(bench, *rows, width, width, CODE_GATED);
            bench_linear(bench, *rows, width, 4 * width, CODE_GELU);
            bench_linear(bench, *rows, 4 * width, width, CODE_GATED);
        }
        if (wanted(bench, "attention"))
            bench_attention(bench, *rows / 2, 2 * *rows, heads, CODE_HEAD_SIZE, 2);
        bench_rows(bench, *rows / 2, heads);
    }
}

/* Channels of the levels of a decoder, from the lowest resolution, 16^2. */
static void bench_decoder(Bench *bench, const unsigned channels[5], unsigned groups)
{
    unsigned width = 16, before = channels[0];

    if (wanted(bench, "attention"))
        bench_attention(bench, 256, 256, 1, channels[0], 1);
    for (int level = 0; level < 5; level++, width *= 2) {
        if (wanted(bench, "conv")) {
            if (before != channels[level]) {
                bench_conv(bench, CODE_WEIGHT_CONV3, width, before, channels[level], false);
                bench_conv(bench, CODE_WEIGHT_CONV1, width, before, channels[level], false);
            }
            bench_conv(bench, CODE_WEIGHT_CONV3, width, channels[level], channels[level], true);
            if (level < 4)
                bench_conv(bench, CODE_WEIGHT_CONV3_X2, width, channels[level], channels[level],
                           false);
        }
        bench_maps(bench, width, channels[level], groups);
        before = channels[level];
    }
    if (wanted(bench, "conv"))
        bench_conv(bench, CODE_WEIGHT_CONV3, width / 2, before, 3, false);
}

int benchmark(const CodeBackend *backend, const char *precision, unsigned threads,
              const char *filter)
{
    static const Products transformers[] = {
        {1920, {2, 8, 32, 72, 200, 512, 848}}, /* d30 */
        {1024, {2, 50, 512, 1360}},            /* d16 */
        {384, {2, 18, 72, 200}},               /* vistas, drafter */
        {256, {338, 512, 848}},                /* vistas, refiner */
    };
    Bench bench = {.filter = filter};

    if (!side_open(&bench.side, backend, getenv("CODESRC_CPU"), precision, threads))
        return 1;
    bench.peak = peak_measure(type_of(bench.side.info.precision), bench.side.info.threads);
    printf("%s: peak %.1f GFLOP/s\n", bench.side.name, 1e-9 * bench.peak);
    for (size_t i = 0; i < sizeof transformers / sizeof *transformers; i++)
        bench_transformer(&bench, &transformers[i]);
    if (wanted(&bench, "sample")) {
        bench_sample(&bench, 256, 4096, 600);
        bench_sample(&bench, 256, 4096, 0);
        bench_sample(&bench, 256, 1024, 200);
    }
    bench_decoder(&bench, (const unsigned[]){640, 320, 320, 160, 160}, 32);
    bench_decoder(&bench, (const unsigned[]){128, 64, 64, 32, 16}, 4); /* vistas */
    if (wanted(&bench, "pixels"))
        bench_pixels(&bench, 256);
    side_close(&bench.side);
    return test_failures != 0;
}
