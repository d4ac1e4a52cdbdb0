/* code-bench.c - how long pictures take, stage by stage, how much memory they need, and how near to
 * the processor's own limit that is. */
#include "bench-report.h"
#include "complain.h"
#include "model-options.h"
#include "peak.h"
#include "progress.h"
#include "shapes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_RUNS = 1000 };

typedef struct Arguments {
    const char *model, *shape;
    CodesrcModelOptions options;
    OptionList steps; /* N, as given */
    unsigned batch, runs, class_weights;
    bool random_classes, whole, no_pictures, trace, json;
} Arguments;

#define AT(member) offsetof(Arguments, member)

/* clang-format off */
static const Option table[] = {
    {.help = "What to measure"},
    MODEL_OPTION(AT(model)),
    {"shape", 0, "SHAPE", OPTION_TEXT, AT(shape),
     .help = "in place of a model, synthetic weights in the shape official (d30 with d16), d16, "
     "d20, d24, d30, d36 (512 pixels), vistas or tiny",
     .words = "official d16 d20 d24 d30 d36 vistas tiny"},
    {"drafting-steps", 0, "N", OPTION_LIST, AT(steps),
     .help = "scales that the drafter decodes; may be repeated to measure one N after the other; "
     "default: the model's own", .least = 1, .most = CODESRC_MAX_SCALES},
    BATCH_OPTION(AT(batch)),
    {"runs", 0, "R", OPTION_COUNT, AT(runs),
     .help = "calls that are measured, after one that is not; default 5",
     .least = 1, .most = MOST_RUNS},
    {"random-classes", 0, NULL, OPTION_FLAG, AT(random_classes),
     .help = "another class for each picture; default: one class for all"},
    {"whole", 0, NULL, OPTION_FLAG, AT(whole),
     .help = "draw as in a pipeline, where nobody looks at single stages and each call begins "
     "before the last has ended"},
    {"no-pictures", 0, NULL, OPTION_FLAG, AT(no_pictures),
     .help = "measure the transformers alone: pictures are not rendered"},
    {.help = "What computes"},
    DEVICE_OPTION(AT(options)),
    CUDA_DEVICE_OPTION(AT(options)),
    PRECISION_OPTION(AT(options)),
    THREADS_OPTION(AT(options)),
    {"class-weights", 0, "WHERE", OPTION_CHOICE, AT(class_weights),
     .help = "AdaLN weights: keep them in memory, read them from their files for each new class, "
     "or auto; default auto", .words = "auto keep read"},
    {.help = "Output"},
    {"trace", 0, NULL, OPTION_FLAG, AT(trace),
     .help = "also print the time of every stage of each scale, on a GPU by its own clock"},
    {"json", 0, NULL, OPTION_FLAG, AT(json),
     .help = "print the figures as JSON, an object for each N"},
    {0},
};
/* clang-format on */

static const Program program = {
    .name = "code-bench",
    .summary = "measure how fast pictures are drawn",
    .description =
        "Measures how pictures are drawn: the time of each stage (median, least and most "
        "of some runs), memory planned and used, and which share of the processor's "
        "multiply-add peak is reached.",
    .commands = (const Command[]){{"", "", "[OPTION]...", ""}, {0}},
    .options = table,
    .examples = (const Example[]){{"code-bench --runs 3", "the bundled model"},
                                  {"code-bench --shape tiny --drafting-steps 1 --drafting-steps 3",
                                   "two N, in one go"},
                                  {"code-bench --shape tiny --json", "figures for a program"},
                                  {0}},
};

/* The words of --class-weights, in their order. */
static const CodesrcClassWeights class_weights[] = {
    CODESRC_CLASS_WEIGHTS_AUTO, CODESRC_CLASS_WEIGHTS_KEEP, CODESRC_CLASS_WEIGHTS_READ};

static void parse(Arguments *a, int argc, char **argv)
{
    const char *operands[OPTIONS_MOST_OPERANDS];

    options_parse(&program, argc, argv, a, operands);
    if (a->model && a->shape)
        options_fail(&program, "--model and --shape: expected one of them");
    if (a->whole && a->trace)
        options_fail(&program, "--whole and --trace: expected one of them");
    a->options.class_weights = class_weights[a->class_weights];
    a->options.drafting_steps = a->steps.value[0]; /* 0: the default */
}

static double now_ms(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return 1e3 * (double)time.tv_sec + 1e-6 * (double)time.tv_nsec;
}

static void show_run(Progress *progress, unsigned run, unsigned runs)
{
    char text[40];

    snprintf(text, sizeof text, "run %u of %u", run, runs);
    progress_text(progress, run ? text : "first run");
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* The most that has been resident since the last reset, in bytes; 0 if the system does not say. */
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

/* If the system refuses, later peaks include earlier ones. */
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
    double total, stage[STAGES], scale[CODESRC_MAX_SCALES], part[CODESRC_MAX_SCALES][PARTS];
} Run;

typedef struct Bench {
    const Arguments *a;
    CodesrcModel *model;
    CodesrcGenerator *generator;
    unsigned drafting_steps;
    uint8_t *pixels;
    uint64_t frame;
    Run *run; /* the one in progress */
    Progress progress;
} Bench;

static void stage_done(void *user, const CodesrcStageInfo *info)
{
    Run *run = ((Bench *)user)->run;
    unsigned n = info->drafting_steps;
    double spent = 1e3 * info->seconds;

    run->part[info->scale][info->stage] += spent;
    if (info->stage == CODESRC_STAGE_RENDER || info->stage == CODESRC_STAGE_WAIT) {
        run->stage[VAE] += spent;
        return;
    }
    run->scale[info->scale] += spent;
    run->stage[info->scale < n ? DRAFTER : info->scale == n ? HAND_OVER : REFINER] += spent;
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
    if (!begin_call(bench, error) || !codesrc_generate_end(bench->generator, error))
        return false;
    run->total = now_ms() - begin;
    return true;
}

/* One call after the other, each begun before the one before it has ended. */
static bool draw_ahead(Bench *bench, Run *runs, unsigned count, CodesrcError *error)
{
    double last = now_ms(), time;

    if (!begin_call(bench, error))
        return false;
    for (unsigned i = 0; i < count; i++) {
        show_run(&bench->progress, i + 1, count);
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
    for (unsigned k = 0; k < report->plan.scales; k++)
        for (unsigned part = 0; part < PARTS; part++)
            report->part[k][part] = spread(
                runs, count, offsetof(Run, part[0][0]) + (k * PARTS + part) * sizeof(double));
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* With int8, the layers of the transformers compute with bytes and all else with bfloat16. Peaks
 * are only known of the processor. */
static void measure_peaks(Bench *bench, Report *report)
{
    const char *precision = report->info->precision;
    bool bytes = !strcmp(precision, "int8"), half = bytes || !strcmp(precision, "bf16");
    double products, rest;

    if (strcmp(report->info->device, "cpu"))
        return;
    progress_text(&bench->progress, "measuring the processor");
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

    show_run(&bench->progress, 0, a->runs);
    if (!draw(bench, &first, error))
        return false;
    report->first_ms = first.total;
    measure_peaks(bench, report);
    if (a->whole && !draw_ahead(bench, runs, a->runs, error))
        return false;
    for (unsigned i = 0; !a->whole && i < a->runs; i++) {
        show_run(&bench->progress, i + 1, a->runs);
        if (!draw(bench, &runs[i], error))
            return false;
    }
    measure_peaks(bench, report); /* again: the better of both is the processor's */
    report->peak_bytes = resident_peak();
    summarise(report, runs, a->runs);
    return true;
}

/* Makes a generator for N, measures, prints. `load_ms`: what loading the weights took. */
static bool run(Bench *bench, unsigned n, double load_ms, CodesrcError *error)
{
    const Arguments *a = bench->a;
    const CodesrcModelInfo *info = codesrc_model_info(bench->model);
    Report report = {.name = a->shape ? a->shape : info->name, .info = info, .traced = a->trace};
    double begin = now_ms();
    bool good;

    bench->drafting_steps = n;
    if (!codesrc_plan(bench->model, n, a->batch, &report.plan, error))
        return false;
    bench->generator = codesrc_generator_new(bench->model, a->batch, 1u << n, error);
    good = bench->generator != NULL;
    if (good && !a->whole)
        codesrc_generator_trace(bench->generator, stage_done, bench, true);
    report.load_ms = load_ms + now_ms() - begin;
    report.load_peak_bytes = resident_peak();
    reset_resident_peak();
    good = good && measure(bench, &report, error);
    progress_clear(&bench->progress);
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
    good = bench->pixels != NULL;
    if (!good)
        snprintf(error->text, sizeof error->text, "no memory for the pictures");
    if (good && !a->steps.count)
        good = run(bench, info->defaults.drafting_steps, load_ms, error);
    for (unsigned i = 0; good && i < a->steps.count; i++)
        good = run(bench, a->steps.value[i], load_ms, error);
    free(bench->pixels);
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
    parse(&a, argc, argv);
    progress_start(&bench.progress, "loading", 1);
    a.options.progress = progress_loading;
    a.options.progress_user = &bench.progress;
    begin = now_ms();
    bench.model = a.shape ? shapes_open(a.shape, &a.options, &error)
                          : codesrc_model_open(a.model ? a.model : "vistas", &a.options, &error);
    if (bench.model)
        good = run_all(&bench, now_ms() - begin, &error);
    progress_clear(&bench.progress);
    if (!good)
        complain("%s", error.text);
    codesrc_model_unref(bench.model);
    return complain_unwritten() || !good;
}
