/* code-bench.c - how long pictures take, stage by stage, how much memory they need, and how near to
 * the processor's own limit that is. */
#include "arguments.h"
#include "bench-report.h"
#include "peak.h"
#include "shapes.h"

#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
    "Usage: code-bench [OPTION]...\n"
    "Measures the drawing of pictures: time of each stage (median, least and most of some runs),\n"
    "memory planned and used, and what part of the processor's multiply-add peak is reached.\n"
    "\n"
    "  --model NAME          a manifest, a folder or a bundled name (vistas)\n"
    "  --shape SHAPE         instead: official, d16, vistas or tiny, with synthetic weights\n"
    "  --drafting-steps N    scales that the drafter decodes; the model's default where not "
    "given;\n"
    "                        may be repeated, which measures one N after the other\n"
    "  --batch B             pictures at a time, 1\n"
    "  --runs R              calls that are measured, 5, after one that is not\n"
    "  --random-classes      another class for each picture; one for all where not given\n"
    "  --whole               pictures as they are drawn where nobody looks: no stage is told "
    "apart,\n"
    "                        and the next call begins before the last has ended\n"
    "  --no-pictures         the transformers alone: pictures are not rendered\n"
    "  --device D            auto, cuda, cpu, reference\n"
    "  --cuda-device-id I    which of the CUDA devices\n"
    "  --precision P         auto, f32, bf16, int8\n"
    "  --threads T           the processor's cores where not given\n"
    "  --class-weights WHERE auto, keep or read: AdaLN weights in memory, or read for a new class\n"
    "  --json                figures as JSON, an object for each N\n"
    "  --help\n";

enum { MOST_RUNS = 1000 };

typedef struct Arguments {
    const char *model, *shape;
    CodesrcModelOptions options;
    unsigned steps[CODESRC_MAX_SCALES], steps_count; /* N, as given */
    unsigned batch, runs;
    bool random_classes, whole, no_pictures, json;
} Arguments;

static CodesrcClassWeights class_weights(const char *text)
{
    if (!strcmp(text, "auto"))
        return CODESRC_CLASS_WEIGHTS_AUTO;
    if (!strcmp(text, "keep"))
        return CODESRC_CLASS_WEIGHTS_KEEP;
    if (strcmp(text, "read")) {
        fprintf(stderr, "code-bench: --class-weights %s: expected auto, keep or read\n", text);
        exit(2);
    }
    return CODESRC_CLASS_WEIGHTS_READ;
}

static void parse(Arguments *a, int argc, char **argv)
{
    enum {
        MODEL,
        SHAPE,
        STEPS,
        BATCH,
        RUNS,
        RANDOM,
        WHOLE,
        NO_PICTURES,
        DEVICE,
        DEVICE_ID,
        PRECISION,
        THREADS,
        CLASSES,
        JSON,
        HELP
    };
    static const struct option names[] = {{"model", 1, NULL, MODEL},
                                          {"shape", 1, NULL, SHAPE},
                                          {"drafting-steps", 1, NULL, STEPS},
                                          {"batch", 1, NULL, BATCH},
                                          {"runs", 1, NULL, RUNS},
                                          {"random-classes", 0, NULL, RANDOM},
                                          {"whole", 0, NULL, WHOLE},
                                          {"no-pictures", 0, NULL, NO_PICTURES},
                                          {"device", 1, NULL, DEVICE},
                                          {"cuda-device-id", 1, NULL, DEVICE_ID},
                                          {"precision", 1, NULL, PRECISION},
                                          {"threads", 1, NULL, THREADS},
                                          {"class-weights", 1, NULL, CLASSES},
                                          {"json", 0, NULL, JSON},
                                          {"help", 0, NULL, HELP},
                                          {NULL, 0, NULL, 0}};
    int option, index = 0;

    while ((option = getopt_long(argc, argv, "", names, &index)) != -1) {
        const char *name = names[index].name;

        if (option == MODEL) {
            a->model = optarg;
        } else if (option == SHAPE) {
            a->shape = optarg;
        } else if (option == STEPS) {
            if (a->steps_count == CODESRC_MAX_SCALES)
                a->steps_count--; /* there are not more different ones */
            a->steps[a->steps_count++] =
                (unsigned)argument_integer(name, optarg, 1, CODESRC_MAX_SCALES);
        } else if (option == BATCH) {
            a->batch = (unsigned)argument_integer(name, optarg, 1, CODESRC_MAX_BATCH);
        } else if (option == RUNS) {
            a->runs = (unsigned)argument_integer(name, optarg, 1, MOST_RUNS);
        } else if (option == RANDOM) {
            a->random_classes = true;
        } else if (option == WHOLE) {
            a->whole = true;
        } else if (option == NO_PICTURES) {
            a->no_pictures = true;
        } else if (option == DEVICE) {
            a->options.device = optarg;
        } else if (option == DEVICE_ID) {
            a->options.cuda_device_id = (int)argument_integer(name, optarg, 0, INT_MAX);
        } else if (option == PRECISION) {
            a->options.precision = optarg;
        } else if (option == THREADS) {
            a->options.threads = (unsigned)argument_integer(name, optarg, 1, 1024);
        } else if (option == CLASSES) {
            a->options.class_weights = class_weights(optarg);
        } else if (option == JSON) {
            a->json = true;
        } else {
            fputs(usage, option == HELP ? stdout : stderr);
            exit(option == HELP ? 0 : 2);
        }
    }
    if (optind < argc || (a->model && a->shape)) {
        fputs(usage, stderr);
        exit(2);
    }
}

static double now_ms(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return 1e3 * (double)time.tv_sec + 1e-6 * (double)time.tv_nsec;
}

/* ---- progress -------------------------------------------------------------------------------- */

/* One line on a terminal, written over; nothing elsewhere. An empty text clears it. */
static void show(const char *text)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%-40s%s", text, *text ? "" : "\r");
}

static bool show_loading(void *user, double fraction)
{
    char text[40];

    (void)user;
    snprintf(text, sizeof text, "loading, %.0f %%", 100 * fraction);
    show(text);
    return true;
}

static void show_run(unsigned run, unsigned runs)
{
    char text[40];

    snprintf(text, sizeof text, "run %u of %u", run, runs);
    show(run ? text : "first run");
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* The most that has been resident since the last reset, in bytes; 0 where the system does not say.
 */
static uint64_t resident_peak(void)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[256];
    uint64_t kibibytes = 0;

    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "VmHWM: %" SCNu64, &kibibytes) == 1)
            break;
    if (status)
        fclose(status);
    return 1024 * kibibytes;
}

/* Where the system refuses, later peaks include earlier ones. */
static void reset_resident_peak(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "w");

    if (file) {
        fputs("5", file);
        fclose(file);
    }
}

/* ---- runs ------------------------------------------------------------------------------------ */

/* Times of one call. */
typedef struct Run {
    double total, stage[STAGES], scale[CODESRC_MAX_SCALES];
} Run;

typedef struct Bench {
    const Arguments *a;
    CodesrcModel *model;
    CodesrcGenerator *generator;
    unsigned drafting_steps;
    uint8_t *pixels;
    int32_t *tokens;
    uint64_t frame;
    double last; /* when the last scale was done */
    Run *run;    /* that which is going on */
} Bench;

static void scale_done(void *user, CodesrcGenerator *generator, unsigned scale, unsigned first,
                       unsigned count)
{
    Bench *bench = user;
    unsigned n = bench->drafting_steps;
    double time, spent;
    CodesrcError error;

    (void)count;
    /* A device that computes by itself has to be waited for: that is what reading does. */
    if (strcmp(codesrc_model_info(bench->model)->device, "cpu"))
        codesrc_generator_tokens(generator, first, bench->tokens, &error);
    time = now_ms();
    spent = time - bench->last;
    bench->last = time;
    bench->run->scale[scale] = spent;
    bench->run->stage[scale < n ? DRAFTER : scale == n ? HAND_OVER : REFINER] += spent;
}

/* The next pictures. */
static bool begin_call(Bench *bench, CodesrcError *error)
{
    size_t side = codesrc_model_info(bench->model)->side, stride = 3 * side;
    CodesrcRequest requests[CODESRC_MAX_BATCH];
    CodesrcPicture pictures[CODESRC_MAX_BATCH];

    for (unsigned i = 0; i < bench->a->batch; i++) {
        codesrc_request_init(bench->model, &requests[i]);
        requests[i].settings.drafting_steps = bench->drafting_steps;
        requests[i].class_id = bench->a->random_classes ? CODESRC_CLASS_RANDOM : 0;
        requests[i].frame = bench->frame++;
        pictures[i] = (CodesrcPicture){bench->pixels + i * side * stride, stride};
        pictures[i].data = bench->a->no_pictures ? NULL : pictures[i].data;
    }
    return codesrc_generate_begin(bench->generator, requests, bench->a->batch, pictures, error);
}

static bool draw(Bench *bench, Run *run, CodesrcError *error)
{
    double begin = now_ms();

    *run = (Run){0};
    bench->run = run;
    bench->last = begin;
    if (!begin_call(bench, error) || !codesrc_generate_end(bench->generator, error))
        return false;
    run->total = now_ms() - begin;
    run->stage[VAE] = bench->a->whole ? 0 : now_ms() - bench->last;
    return true;
}

/* One call after the other, each begun before the one before it has ended. */
static bool draw_ahead(Bench *bench, Run *runs, unsigned count, CodesrcError *error)
{
    double last = now_ms(), time;

    if (!begin_call(bench, error))
        return false;
    for (unsigned i = 0; i < count; i++) {
        show_run(i + 1, count);
        if ((i + 1 < count && !begin_call(bench, error)) ||
            !codesrc_generate_end(bench->generator, error))
            return false;
        time = now_ms();
        runs[i] = (Run){.total = time - last};
        last = time;
    }
    return true;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Of the numbers that lie `offset` bytes into each run. */
static Spread spread(const Run *runs, unsigned count, size_t offset)
{
    double times[MOST_RUNS];

    for (unsigned i = 0; i < count; i++)
        memcpy(&times[i], (const char *)&runs[i] + offset, sizeof times[i]);
    qsort(times, count, sizeof *times, compare);
    return (Spread){(times[(count - 1) / 2] + times[count / 2]) / 2, times[0], times[count - 1]};
}

static void summarise(Report *report, const Run *runs, unsigned count)
{
    report->runs = count;
    report->total = spread(runs, count, offsetof(Run, total));
    for (Stage stage = 0; stage < STAGES; stage++)
        report->stage[stage] =
            spread(runs, count, offsetof(Run, stage[0]) + stage * sizeof(double));
    for (unsigned k = 0; k < report->plan.scales; k++)
        report->scale[k] = spread(runs, count, offsetof(Run, scale[0]) + k * sizeof(double));
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* With int8, the layers of the transformers compute with bytes and all else with bfloat16. Peaks
 * are only known of the processor. */
static void measure_peaks(Report *report)
{
    const char *precision = report->info->precision;
    bool bytes = !strcmp(precision, "int8"), half = bytes || !strcmp(precision, "bf16");
    double products, rest;

    if (strcmp(report->info->device, "cpu"))
        return;
    show("measuring the processor");
    rest = peak_measure(half ? PEAK_BF16 : PEAK_F32, report->info->threads);
    products = bytes ? peak_measure(PEAK_INT8, report->info->threads) : rest;
    if (rest > report->peak_rest)
        report->peak_rest = rest;
    if (products > report->peak_products)
        report->peak_products = products;
}

static bool measure(Bench *bench, Report *report, CodesrcError *error)
{
    static Run runs[MOST_RUNS];
    const Arguments *a = bench->a;
    Run first;

    show_run(0, a->runs);
    if (!draw(bench, &first, error))
        return false;
    report->first_ms = first.total;
    measure_peaks(report);
    if (a->whole && !draw_ahead(bench, runs, a->runs, error))
        return false;
    for (unsigned i = 0; !a->whole && i < a->runs; i++) {
        show_run(i + 1, a->runs);
        if (!draw(bench, &runs[i], error))
            return false;
    }
    measure_peaks(report); /* again: the better of both is the processor's */
    report->peak_bytes = resident_peak();
    summarise(report, runs, a->runs);
    return true;
}

/* Makes a generator for N, measures, prints. `load_ms`: what loading the weights took. */
static bool run(Bench *bench, unsigned n, double load_ms, CodesrcError *error)
{
    const Arguments *a = bench->a;
    const CodesrcModelInfo *info = codesrc_model_info(bench->model);
    Report report = {.name = a->shape ? a->shape : info->name, .info = info};
    double begin = now_ms();
    bool good;

    bench->drafting_steps = n;
    if (!codesrc_plan(bench->model, n, a->batch, &report.plan, error))
        return false;
    bench->generator = codesrc_generator_new(bench->model, a->batch, 1u << n, error);
    good = bench->generator && (a->whole || codesrc_generator_observe(bench->generator, scale_done,
                                                                      bench, false, error));
    report.load_ms = load_ms + now_ms() - begin;
    report.load_peak_bytes = resident_peak();
    reset_resident_peak();
    good = good && measure(bench, &report, error);
    show("");
    if (good && a->json)
        report_json(&report);
    else if (good)
        report_text(&report);
    codesrc_generator_free(bench->generator);
    return good;
}

static bool run_all(Bench *bench, double load_ms, CodesrcError *error)
{
    const Arguments *a = bench->a;
    const CodesrcModelInfo *info = codesrc_model_info(bench->model);
    bool good;

    bench->pixels = calloc((size_t)a->batch * info->side, 3 * (size_t)info->side);
    bench->tokens = calloc(info->positions, sizeof *bench->tokens);
    if (!bench->pixels || !bench->tokens)
        snprintf(error->text, sizeof error->text, "no memory for the pictures");
    good = bench->pixels && bench->tokens;
    if (good && !a->steps_count)
        good = run(bench, info->defaults.drafting_steps, load_ms, error);
    for (unsigned i = 0; good && i < a->steps_count; i++)
        good = run(bench, a->steps[i], load_ms, error);
    free(bench->pixels);
    free(bench->tokens);
    return good;
}

int main(int argc, char **argv)
{
    Arguments a = {.batch = 1, .runs = 5};
    Bench bench = {.a = &a};
    CodesrcError error = {0};
    double begin;
    bool good = false;

    codesrc_model_options_init(&a.options);
    a.options.progress = show_loading;
    parse(&a, argc, argv);
    a.options.drafting_steps = a.steps[0]; /* or 0: the default */
    begin = now_ms();
    bench.model = a.shape ? shapes_open(a.shape, &a.options, &error)
                          : codesrc_model_open(a.model ? a.model : "vistas", &a.options, &error);
    if (bench.model)
        good = run_all(&bench, now_ms() - begin, &error);
    if (!good) {
        show("");
        fprintf(stderr, "code-bench: %s\n", error.text);
    }
    codesrc_model_unref(bench.model);
    return !good;
}
