/* roofline.c - the time of each operation on the shapes of a model, its operations and bytes, and
 * its share of the limit that is nearer: the rate of a large matrix product, or of a large copy,
 * both measured first. Bytes count every input and output once. One JSON object a line.
 *
 *     roofline PRECISION [official|tiny] */
#include "../kernels/attention.h"
#include "module.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RUNS = 5 };

/* The sizes of a model: its transformer at the last scale, and its decoder at both ends. */
typedef struct Sizes {
    const char *name;
    unsigned width, rows, keys, codes; /* rows: of the last scale, of one branch */
    unsigned side, low, high; /* low, high: channels at the lowest and at full resolution */
    unsigned batches[3];      /* up to a 0 */
    unsigned square;          /* of the product that counts as the peak */
    unsigned repeats;         /* calls that are measured together */
    unsigned grows;           /* side of a picture over that of the feature map */
    size_t copied;            /* bytes of the copy */
} Sizes;

static const Sizes sizes[] = {
    {"official", 1920, 256, 680, 4096, 16, 640, 160, {64, 1, 0}, 8192, 10, 16, (size_t)1 << 30},
    {"tiny", 128, 4, 30, 64, 4, 64, 32, {2, 0, 0}, 64, 1, 2, 1 << 16},
};

typedef struct Bench {
    const CodeBackend *backend;
    CodeDevice *device;
    CodeDeviceInfo info;
    CodeStream *stream;
    void *memory[32];
    CodeWeight *weight;
    unsigned arrays, key, repeats;
    double peak, bandwidth; /* per second; 0 until measured */
} Bench;

typedef bool Operation(CodeStream *stream, const void *args);

static void check(const Bench *bench, bool good, const char *what)
{
    if (!good) {
        printf("FAILED: %s: %s\n", what, bench->stream->error.text);
        exit(1);
    }
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* ---- memory ---------------------------------------------------------------------------------- */

enum { BLOCK = 1 << 16 };

/* Random bits that are numbers of moderate size in every type: zeros make products faster. */
static void fill(const Bench *bench, void *memory, size_t bytes, bool f32)
{
    static uint32_t block[BLOCK / 4];
    uint32_t state = 1;
    bool bf16 = !strcmp(bench->info.precision, "bf16");

    for (size_t i = 0; i < BLOCK / 4; i++) {
        state = state * 1664525 + 1013904223;
        block[i] = f32    ? (state & 0x807FFFFF) | 0x3F000000
                   : bf16 ? (state & 0x807F807F) | 0x3F003F00
                          : (state & 0x83FF83FF) | 0x38003800;
    }
    for (size_t at = 0; at < bytes; at += BLOCK)
        check(bench,
              bench->backend->copy(bench->stream, (char *)memory + at, block,
                                   bytes - at < BLOCK ? bytes - at : BLOCK, CODE_UPLOAD),
              "filling");
}

static void *take(Bench *bench, size_t count, bool f32)
{
    size_t bytes = count * (f32 ? sizeof(float) : bench->info.activation_size);
    CodesrcError error = {0};
    void *memory = bench->backend->alloc(bench->device, bytes, &error);

    if (!memory) {
        printf("FAILED: %s\n", error.text);
        exit(1);
    }
    bench->memory[bench->arrays++] = memory;
    fill(bench, memory, bytes, f32 || bench->info.activation_size == sizeof(float));
    return memory;
}

static void *activations(Bench *bench, size_t count)
{
    return take(bench, count, false);
}

static float *floats(Bench *bench, size_t count)
{
    return take(bench, count, true);
}

static CodePerLane vectors(Bench *bench, unsigned lanes, unsigned width)
{
    void *slots = take(bench, lanes, true);

    check(bench, bench->backend->copy(bench->stream, slots, NULL, lanes * 4, CODE_CLEAR),
          "clearing");
    return (CodePerLane){.base = floats(bench, width), .stride = width, .slot = slots};
}

static CodeWeight *weight(Bench *bench, CodeWeightKind kind, unsigned in, unsigned out,
                          CodeTypes types)
{
    CodeWeightSpec spec = {.kind = kind, .in = in, .out = out, .types = types};
    size_t side = code_kernel_side(kind), count = side * side * in * out;
    float *values = malloc(count * sizeof *values);
    uint32_t state = 7;
    CodesrcError error = {0};

    for (size_t i = 0; values && i < count; i++) {
        state = state * 1664525 + 1013904223;
        values[i] = (float)(state >> 8) * 0x1p-24f - 0.5f;
    }
    bench->weight =
        values ? bench->backend->weight_pack(bench->device, &spec, values, NULL, &error) : NULL;
    free(values);
    if (!bench->weight) {
        printf("FAILED: %s\n", error.text);
        exit(1);
    }
    return bench->weight;
}

static void drop(Bench *bench)
{
    check(bench, !bench->backend->wait || bench->backend->wait(bench->stream), "waiting");
    while (bench->arrays)
        bench->backend->release(bench->device, bench->memory[--bench->arrays]);
    if (bench->weight)
        bench->backend->weight_free(bench->device, bench->weight);
    bench->weight = NULL;
}

/* ---- time ------------------------------------------------------------------------------------ */

/* Several repetitions, as one recorded series if the backend records: no time between launches. */
static void repeat(Bench *bench, Operation *operation, const void *args, const char *what)
{
    const CodeBackend *backend = bench->backend;
    CodeSeries series = backend->series_begin ? backend->series_begin(bench->stream, bench->key)
                                              : CODE_SERIES_PLAIN;
    bool good = series != CODE_SERIES_FAILED;

    for (unsigned i = 0; i < bench->repeats && good && series != CODE_SERIES_DONE; i++)
        good = operation(bench->stream, args);
    if (series == CODE_SERIES_RECORDS &&
        backend->series_end(bench->stream, good) != CODE_SERIES_DONE)
        for (unsigned i = 0; i < bench->repeats && good; i++)
            good = operation(bench->stream, args);
    check(bench, good && (!backend->wait || backend->wait(bench->stream)), what);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Median seconds of one call. */
static double measure(Bench *bench, Operation *operation, const void *args, const char *what)
{
    double times[RUNS];

    bench->key++;
    bench->stream->rehearsing = true;
    check(bench, operation(bench->stream, args), what);
    bench->stream->rehearsing = false;
    repeat(bench, operation, args, what);
    for (int i = 0; i < RUNS; i++) {
        double begin = now();

        repeat(bench, operation, args, what);
        times[i] = (now() - begin) / bench->repeats;
    }
    qsort(times, RUNS, sizeof *times, compare);
    return times[RUNS / 2];
}

/* `operations` count for the tensor cores' limit. */
static void report(Bench *bench, const char *what, Operation *operation, const void *args,
                   double operations, double bytes)
{
    double seconds = measure(bench, operation, args, what);
    double least = fmax(operations / bench->peak, bytes / bench->bandwidth);

    printf("{\"operation\": \"%s\", \"us\": %.2f, \"gflop\": %.4g, \"mb\": %.4g, \"tflops\": %.4g, "
           "\"gb_per_s\": %.5g, \"limit\": \"%s\", \"share\": %.3f}\n",
           what, 1e6 * seconds, 1e-9 * operations, 1e-6 * bytes, 1e-12 * operations / seconds,
           1e-9 * bytes / seconds,
           operations / bench->peak > bytes / bench->bandwidth ? "products" : "memory",
           least / seconds);
    drop(bench);
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

typedef struct Copy {
    void *to;
    const void *from;
    size_t bytes;
} Copy;

static bool call_copy(CodeStream *stream, const void *args)
{
    const Copy *copy = args;

    return stream->backend->copy(stream, copy->to, copy->from, copy->bytes, CODE_INSIDE);
}

static void measure_limits(Bench *bench, const Sizes *s)
{
    unsigned n = s->square;
    CodeLinear product = {.weight = weight(bench, CODE_WEIGHT_LINEAR, n, n, ACT_TO_ACT),
                          .x = activations(bench, (size_t)n * n),
                          .y = activations(bench, (size_t)n * n),
                          .groups = 1,
                          .rows = n};
    Copy copy = {floats(bench, s->copied / 4), floats(bench, s->copied / 4), s->copied};

    bench->peak = 2.0 * n * n * n / measure(bench, call_linear, &product, "a product");
    bench->bandwidth = 2.0 * (double)s->copied / measure(bench, call_copy, &copy, "a copy");
    printf("{\"device\": \"%s\", \"precision\": \"%s\", \"peak_tflops\": %.5g, "
           "\"bandwidth_gb_per_s\": %.5g}\n",
           bench->backend->name, bench->info.precision, 1e-12 * bench->peak,
           1e-9 * bench->bandwidth);
    drop(bench);
}

static void linear(Bench *bench, const char *layer, unsigned images, unsigned rows, unsigned in,
                   unsigned out, CodeEpilogue epilogue)
{
    double act = bench->info.activation_size, all = (double)images * rows;
    bool gated = epilogue == CODE_GATED;
    char what[100];
    CodeLinear args = {
        .weight = weight(bench, CODE_WEIGHT_LINEAR, in, out, gated ? ACT_TO_F32 : ACT_TO_ACT),
        .x = activations(bench, (size_t)images * rows * in),
        .x_group = (size_t)rows * in,
        .y = gated ? floats(bench, (size_t)images * rows * out)
                   : activations(bench, (size_t)images * rows * out),
        .groups = images,
        .rows = rows,
        .epilogue = epilogue,
        .gate = vectors(bench, 2 * images, out),
        .lane_rows = rows / 2};

    snprintf(what, sizeof what, "%s, %u x %u rows, %u -> %u", layer, images, rows, in, out);
    report(bench, what, call_linear, &args, 2 * all * in * out,
           act * ((double)in * out + all * in) + all * out * (gated ? 8 : act));
}

static void attention(Bench *bench, unsigned lanes, unsigned heads, unsigned dim, unsigned queries,
                      unsigned keys)
{
    CodeAttention args = attention_shape(lanes, heads, dim, queries, keys, keys);
    double act = bench->info.activation_size;
    char what[100];

    args.q = activations(bench, lanes * args.q_lane);
    args.k = activations(bench, lanes * args.kv_lane);
    args.v = activations(bench, lanes * args.kv_lane);
    args.out = activations(bench, lanes * args.out_lane);
    args.scale = 0.1f;
    snprintf(what, sizeof what, "attention, %u lanes, %u heads of %u, %u x %u", lanes, heads, dim,
             queries, keys);
    report(bench, what, call_attention, &args, 4.0 * lanes * heads * dim * (double)queries * keys,
           2.0 * act * lanes * heads * dim * ((double)queries + keys));
}

static void rows(Bench *bench, unsigned images, unsigned count, unsigned width)
{
    unsigned lanes = 2 * images, heads = width / CODE_HEAD_SIZE;
    size_t size = (size_t)lanes * count * width;
    double act = bench->info.activation_size, all = (double)size;
    CodeModulate modulate = {
        floats(bench, size),          activations(bench, size),    lanes, count, width,
        vectors(bench, lanes, width), vectors(bench, lanes, width)};
    char what[100];

    snprintf(what, sizeof what, "modulate, %u x %u x %u", lanes, count, width);
    report(bench, what, call_modulate, &modulate, 0, (4 + act) * all);
    CodeHeads split = {activations(bench, 3 * size),
                       floats(bench, heads),
                       activations(bench, size),
                       activations(bench, size),
                       lanes,
                       count,
                       heads,
                       0,
                       count};
    snprintf(what, sizeof what, "heads, %u x %u x %u", lanes, count, heads);
    report(bench, what, call_heads, &split, 0, 6 * act * all);
    CodeGuide guide = {.x = floats(bench, size),
                       .x_lane = (size_t)count * width,
                       .y = floats(bench, size / 2),
                       .t = floats(bench, images),
                       .scale = vectors(bench, lanes, width),
                       .shift = vectors(bench, lanes, width),
                       .images = images,
                       .branches = 2,
                       .rows = count,
                       .width = width};
    snprintf(what, sizeof what, "guide, %u x %u x %u", images, count, width);
    report(bench, what, call_guide, &guide, 0, 6 * all);
}

static void sample(Bench *bench, unsigned images, unsigned count, unsigned codes)
{
    CodeDraw draw[CODESRC_MAX_BATCH];
    char what[100];
    CodeSample args = {.logits = floats(bench, (size_t)images * count * codes),
                       .tokens = take(bench, (size_t)images * count, true),
                       .token_stride = count,
                       .images = images,
                       .rows = count,
                       .codes = codes};
    void *draws = floats(bench, CODESRC_MAX_BATCH * (sizeof *draw / 4));

    for (unsigned i = 0; i < images; i++)
        draw[i] = (CodeDraw){.seed = i, .top_p = 0.96, .top_k = codes / 8, .temperature = 1};
    check(bench,
          bench->backend->copy(bench->stream, draws, draw, images * sizeof *draw, CODE_UPLOAD),
          "settings");
    args.draws = draws;
    snprintf(what, sizeof what, "sample, %u x %u x %u", images, count, codes);
    report(bench, what, call_sample, &args, 0, 4.0 * images * count * codes);
}

static void decoder(Bench *bench, unsigned side, unsigned channels, CodeWeightKind kind)
{
    size_t size = (size_t)side * side * channels, grown = kind == CODE_WEIGHT_CONV3_X2 ? 4 : 1;
    double act = bench->info.activation_size;
    char what[100];
    CodeConv conv = {.weight = weight(bench, kind, channels, channels, ACT_TO_ACT),
                     .x = activations(bench, size),
                     .y = activations(bench, grown * size),
                     .images = 1,
                     .side = side};

    snprintf(what, sizeof what, "conv%s, %u^2 x %u", grown > 1 ? " doubled" : "", side, channels);
    report(bench, what, call_conv, &conv, 18.0 * (double)(grown * size) * channels,
           act * ((double)size + (double)(grown * size) + 9.0 * channels * channels));
    CodeGroupNorm norm = {activations(bench, size),
                          floats(bench, channels),
                          floats(bench, channels),
                          activations(bench, size),
                          1,
                          side * side,
                          channels,
                          32,
                          true};
    snprintf(what, sizeof what, "group norm, %u^2 x %u", side, channels);
    report(bench, what, call_group_norm, &norm, 0, 2 * act * (double)size);
}

static void run_model(Bench *bench, const Sizes *s)
{
    unsigned width = s->width, both = 2 * s->rows, top = s->side * s->grows;

    for (const unsigned *images = s->batches; *images; images++) {
        linear(bench, "qkv", *images, both, width, 3 * width, CODE_PLAIN);
        linear(bench, "proj", *images, both, width, width, CODE_GATED);
        linear(bench, "fc1", *images, both, width, 4 * width, CODE_GELU);
        linear(bench, "fc2", *images, both, 4 * width, width, CODE_GATED);
        linear(bench, "qkv at scale 0", *images, 2, width, 3 * width, CODE_PLAIN);
        attention(bench, 2 * *images, width / CODE_HEAD_SIZE, CODE_HEAD_SIZE, s->rows, s->keys);
        rows(bench, *images, s->rows, width);
        sample(bench, *images, s->rows, s->codes);
    }
    attention(bench, 1, 1, s->low, s->side * s->side, s->side * s->side);
    decoder(bench, s->side, s->low, CODE_WEIGHT_CONV3);
    decoder(bench, s->side, s->low, CODE_WEIGHT_CONV3_X2);
    decoder(bench, top, s->high, CODE_WEIGHT_CONV3);
}

int main(int argc, char **argv)
{
    const char *name = argc > 2 ? argv[2] : "official";
    CodeDeviceOptions options = {.precision = argc > 1 ? argv[1] : "f16", .index = -1};
    CodesrcError error = {0};
    atomic_bool cancelled = false;
    Bench bench = {.backend = code_module_open("cuda", "libcuda.so.1", &error)};
    const Sizes *s = !strcmp(name, "tiny") ? &sizes[1] : &sizes[0];

    bench.repeats = s->repeats;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!bench.backend) {
        printf("skipped: %s\n", error.text);
        return 77;
    }
    bench.device = bench.backend->device_open(&options, &bench.info, &error);
    bench.stream =
        bench.device ? bench.backend->stream_open(bench.device, &cancelled, &error) : NULL;
    if (!bench.stream) {
        printf("FAILED: %s\n", error.text);
        return 1;
    }
    measure_limits(&bench, s);
    run_model(&bench, s);
    bench.backend->stream_close(bench.stream);
    bench.backend->device_close(bench.device);
    return 0;
}
