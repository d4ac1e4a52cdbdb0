/* code-sample.c - many pictures of each class, split over workers and machines, for FID and the
 * like. */
#include "arguments.h"
#include "drawing.h"
#include "sample-draw.h"
#include "sample-pack.h"
#include "whole-file.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "Usage: code-sample draw --output FOLDER [OPTION]...\n"
    "       code-sample pack FOLDER [--npz FILE]\n"
    "Samples a model at scale. Picture i shows class i / per-class and is frame i of the seed; "
    "any\n"
    "worker may draw any range of them into the one folder, again and again, until all are there.\n"
    "\n"
    "draw: those pictures of a range that are not there yet, as FOLDER/000000.png and so on\n"
    "  --output FOLDER       made if need be; recipe.txt in it keeps other settings out\n"
    "  --first F  --count C  the range, all where not given; it ends with the last picture\n"
    "  --per-class P         pictures of each class, 50\n"
    "  --classes COUNT       the first COUNT classes, all where not given\n"
    "  --model NAME          a manifest, a folder or a bundled name (vistas)\n"
    "  --seed S              0\n"
    "  --drafting-steps N    scales that the drafter decodes; the model's default where not given\n"
    "  --guidance G  --top-k K  --top-p P  --temperature T   the model's defaults where not given\n"
    "  --batch B             pictures at a time, 1\n"
    "  --device D            auto, cuda, cpu, reference\n"
    "  --precision P         auto, f32, bf16, int8\n"
    "  --threads T           the processor's cores where not given\n"
    "\n"
    "pack: checks all pictures, writes FOLDER/SHA256SUMS, and one array for tools that take .npz\n"
    "  --npz FILE            FOLDER/samples.npz\n"
    "\n"
    "  --help\n";

typedef struct Arguments {
    const char *model, *npz;
    CodesrcModelOptions options;
    SampleJob job;
    uint64_t seed;
    unsigned classes, per_class;
    DrawingOptions drawing;
} Arguments;

enum Option {
    OUTPUT,
    FIRST,
    COUNT,
    PER_CLASS,
    CLASSES,
    MODEL,
    SEED,
    DRAWING,
    BATCH,
    DEVICE,
    PRECISION,
    THREADS,
    HELP
};

static const struct option draw_options[] = {
    {"output", 1, NULL, OUTPUT},       {"first", 1, NULL, FIRST},
    {"count", 1, NULL, COUNT},         {"per-class", 1, NULL, PER_CLASS},
    {"classes", 1, NULL, CLASSES},     {"model", 1, NULL, MODEL},
    {"seed", 1, NULL, SEED},           {"drafting-steps", 1, NULL, DRAWING},
    {"guidance", 1, NULL, DRAWING},    {"top-k", 1, NULL, DRAWING},
    {"top-p", 1, NULL, DRAWING},       {"temperature", 1, NULL, DRAWING},
    {"batch", 1, NULL, BATCH},         {"device", 1, NULL, DEVICE},
    {"precision", 1, NULL, PRECISION}, {"threads", 1, NULL, THREADS},
    {"help", 0, NULL, HELP},           {NULL, 0, NULL, 0}};

static void help(FILE *stream, int status)
{
    fputs(usage, stream);
    exit(status);
}

/* Which pictures, and where to. */
static bool parse_job(Arguments *a, int option, const char *name)
{
    if (option == OUTPUT)
        a->job.folder = optarg;
    else if (option == FIRST)
        a->job.first = argument_integer(name, optarg, 0, RECIPE_MOST_PICTURES - 1);
    else if (option == COUNT)
        a->job.count = argument_integer(name, optarg, 1, RECIPE_MOST_PICTURES);
    else if (option == PER_CLASS)
        a->per_class = (unsigned)argument_integer(name, optarg, 1, RECIPE_MOST_PICTURES);
    else if (option == CLASSES)
        a->classes = (unsigned)argument_integer(name, optarg, 1, RECIPE_MOST_PICTURES);
    else if (option == BATCH)
        a->job.batch = (unsigned)argument_integer(name, optarg, 1, CODESRC_MAX_BATCH);
    else
        return false;
    return true;
}

/* What makes them. */
static bool parse_model(Arguments *a, int option, const char *name)
{
    if (option == MODEL)
        a->model = optarg;
    else if (option == SEED)
        a->seed = argument_integer(name, optarg, 0, UINT64_MAX);
    else if (option == DEVICE)
        a->options.device = optarg;
    else if (option == PRECISION)
        a->options.precision = optarg;
    else if (option == THREADS)
        a->options.threads = (unsigned)argument_integer(name, optarg, 1, 1024);
    else
        return false;
    return true;
}

static void parse_draw(Arguments *a, int argc, char **argv)
{
    int option, index = 0;

    while ((option = getopt_long(argc, argv, "", draw_options, &index)) != -1) {
        const char *name = draw_options[index].name;

        if (option == HELP)
            help(stdout, 0);
        if (!parse_job(a, option, name) && !parse_model(a, option, name) &&
            !(option == DRAWING && drawing_parse(&a->drawing, name, optarg)))
            help(stderr, 2);
    }
    a->options.drafting_steps = a->drawing.steps; /* it chooses the weights */
    if (optind < argc)
        help(stderr, 2);
    if (!a->job.folder) {
        fputs("--output is missing\n", stderr);
        exit(2);
    }
}

static void parse_pack(Arguments *a, int argc, char **argv)
{
    static const struct option names[] = {
        {"npz", 1, NULL, OUTPUT}, {"help", 0, NULL, HELP}, {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (option == HELP)
            help(stdout, 0);
        if (option != OUTPUT)
            help(stderr, 2);
        a->npz = optarg;
    }
    if (optind + 1 != argc)
        help(stderr, 2);
    a->job.folder = argv[optind];
}

/* A path that leaves room for the names in the folder, and for those of parts of files. */
static void check_path(const char *path)
{
    if (!*path || strlen(path) > WHOLE_FILE_NAME - 200) {
        fprintf(stderr, "%.40s: expected a path of 1 to %d bytes\n", path, WHOLE_FILE_NAME - 200);
        exit(2);
    }
}

/* ---- drawing --------------------------------------------------------------------------------- */

static CodesrcRequest request_of(const Arguments *a, const CodesrcModel *model)
{
    CodesrcRequest request;

    codesrc_request_init(model, &request);
    request.seed = a->seed;
    drawing_apply(&a->drawing, codesrc_model_info(model), &request.settings);
    return request;
}

/* Fits classes and range to the model. */
static bool fit(Arguments *a, const CodesrcModelInfo *info, Recipe *recipe)
{
    uint64_t total;

    if (a->classes > info->classes) {
        fprintf(stderr, "--classes %u: the model has %u\n", a->classes, info->classes);
        return false;
    }
    recipe->classes = a->classes ? a->classes : info->classes;
    recipe->per_class = a->per_class;
    total = recipe_pictures(recipe);
    if (total > RECIPE_MOST_PICTURES) {
        fprintf(stderr, "--per-class %u: %" PRIu64 " pictures, expected up to %d\n", a->per_class,
                total, RECIPE_MOST_PICTURES);
        return false;
    }
    if (a->job.first >= total) {
        fprintf(stderr, "--first %" PRIu64 ": expected 0..%" PRIu64 "\n", a->job.first, total - 1);
        return false;
    }
    if (!a->job.count || a->job.count > total - a->job.first)
        a->job.count = total - a->job.first;
    return true;
}

static bool draw(Arguments *a)
{
    CodesrcError error;
    CodesrcModel *model = codesrc_model_open(a->model, &a->options, &error);
    Recipe recipe = {0};
    CodesrcRequest request;
    bool good = false;

    if (!model) {
        fprintf(stderr, "code-sample: %s\n", error.text);
        return false;
    }
    if (fit(a, codesrc_model_info(model), &recipe)) {
        request = request_of(a, model);
        good = sample_draw(&a->job, &recipe, model, &request);
    }
    codesrc_model_unref(model);
    return good;
}

/* ---- packing --------------------------------------------------------------------------------- */

static bool pack(const Arguments *a)
{
    char npz[WHOLE_FILE_NAME];

    snprintf(npz, sizeof npz, "%s/samples.npz", a->job.folder);
    return sample_pack(a->job.folder, a->npz ? a->npz : npz);
}

int main(int argc, char **argv)
{
    Arguments a = {.model = "vistas", .per_class = 50, .job.batch = 1};
    const char *command = argc > 1 ? argv[1] : "";
    bool drawing = !strcmp(command, "draw");

    codesrc_model_options_init(&a.options);
    if (!strcmp(command, "--help"))
        help(stdout, 0);
    if (!drawing && strcmp(command, "pack"))
        help(stderr, 2);
    (drawing ? parse_draw : parse_pack)(&a, argc - 1, argv + 1);
    check_path(a.job.folder);
    if (a.npz)
        check_path(a.npz);
    return !(drawing ? draw(&a) : pack(&a));
}
