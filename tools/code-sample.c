/* code-sample.c - generates many pictures of each class on many workers and machines, for FID and
 * similar measures. */
#include "complain.h"
#include "drawing.h"
#include "line.h"
#include "model-options.h"
#include "progress.h"
#include "sample-draw.h"
#include "sample-pack.h"
#include "whole-file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum Action { DRAW, PACK } Action;

typedef struct Arguments {
    const char *model, *npz;
    CodesrcModelOptions options;
    SampleJob job;
    uint64_t seed;
    unsigned classes, per_class;
    DrawingOptions drawing;
} Arguments;

#define AT(member) offsetof(Arguments, member)

/* clang-format off */
static const Command commands[] = {
    [DRAW] = {"draw", "", "--output FOLDER [OPTION]...",
              "draw the pictures of a range that are missing, as FOLDER/000000.png and so on"},
    [PACK] = {"pack", "FOLDER", "[--npz FILE]",
              "check all pictures, write FOLDER/SHA256SUMS, and an array for tools that read .npz"},
    {0},
};

static const Option table[] = {
    {.help = "draw: which pictures", .commands = 1 << DRAW},
    {"output", 'o', "FOLDER", OPTION_TEXT, AT(job.folder),
     .help = "where pictures go; made if need be, and its recipe.txt keeps other settings out",
     .value = 'd'},
    {"first", 0, "F", OPTION_LARGE, AT(job.first),
     .help = "the range begins with picture F; default 0",
     .most = RECIPE_MOST_PICTURES - 1},
    {"count", 0, "C", OPTION_LARGE, AT(job.count),
     .help = "pictures of the range, which ends with the last picture at the latest; default: all",
     .least = 1, .most = RECIPE_MOST_PICTURES},
    {"per-class", 0, "P", OPTION_COUNT, AT(per_class),
     .help = "pictures of each class; default 50",
     .least = 1, .most = RECIPE_MOST_PICTURES},
    {"classes", 0, "COUNT", OPTION_COUNT, AT(classes),
     .help = "the first COUNT classes; default: all",
     .least = 1, .most = RECIPE_MOST_PICTURES},
    {.help = "draw: how (default: as the model says)", .commands = 1 << DRAW},
    MODEL_OPTION(AT(model)),
    {"seed", 's', "S", OPTION_LARGE, AT(seed),
     .help = "the seed of all pictures; default 0", .most = UINT64_MAX},
    DRAWING_OPTIONS(AT(drawing)),
    {.help = "draw: what computes", .commands = 1 << DRAW},
    BATCH_OPTION(AT(job.batch)),
    DEVICE_OPTION(AT(options)),
    CUDA_DEVICE_OPTION(AT(options)),
    PRECISION_OPTION(AT(options)),
    THREADS_OPTION(AT(options)),
    {.help = "pack", .commands = 1 << PACK},
    {"npz", 0, "FILE", OPTION_TEXT, AT(npz),
     .help = "where the array goes; default FOLDER/samples.npz",
     .value = 'f'},
    {0},
};
/* clang-format on */

static const Program program = {
    .name = "code-sample",
    .summary = "draw thousands of pictures, split over workers and machines",
    .description =
        "Samples a model at scale, for FID and similar measures. Picture i shows class i "
        "/ per-class and is frame i of the seed. Any worker may draw any range of them "
        "into the same folder, as often as it takes until all are there.",
    .commands = commands,
    .options = table,
    .examples =
        (const Example[]){{"code-sample draw --per-class 2 --output samples", "two of each class"},
                          {"code-sample draw --per-class 2 --output samples --first 16 --count 16",
                           "one worker's share of them"},
                          {"code-sample pack samples", "check them, and write samples/samples.npz"},
                          {0}},
};

static Action parse(Arguments *a, int argc, char **argv)
{
    const char *operands[OPTIONS_MOST_OPERANDS];
    Action action = options_parse(&program, argc, argv, a, operands);

    a->options.drafting_steps = a->drawing.steps; /* it chooses the weights */
    if (action == PACK)
        a->job.folder = operands[0];
    if (!a->job.folder)
        options_fail(&program, "--output is missing");
    return action;
}

/* A path that leaves room for the names in the folder, and for those of parts of files. */
static void check_path(const char *path)
{
    if (!*path || strlen(path) > WHOLE_FILE_NAME - 200) {
        options_fail(&program, "%.*s: expected a path of 1 to %d bytes", CODE_CUT(path, 40),
                     WHOLE_FILE_NAME - 200);
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
        complain("--classes %u: the model has %u", a->classes, info->classes);
        return false;
    }
    recipe->classes = a->classes ? a->classes : info->classes;
    recipe->per_class = a->per_class;
    total = recipe_pictures(recipe);
    if (total > RECIPE_MOST_PICTURES) {
        complain("--per-class %u: %" PRIu64 " pictures, expected up to %d", a->per_class, total,
                 RECIPE_MOST_PICTURES);
        return false;
    }
    if (a->job.first >= total) {
        complain("--first %" PRIu64 ": expected 0..%" PRIu64, a->job.first, total - 1);
        return false;
    }
    if (!a->job.count || a->job.count > total - a->job.first)
        a->job.count = total - a->job.first;
    return true;
}

static bool draw(Arguments *a)
{
    CodesrcModel *model;
    CodesrcError error;
    Progress loading;
    Recipe recipe = {0};
    CodesrcRequest request;
    bool good = false;

    progress_start(&loading, "loading", 1);
    a->options.progress = progress_loading;
    a->options.progress_user = &loading;
    model = codesrc_model_open(a->model, &a->options, &error);
    progress_clear(&loading);
    if (!model) {
        complain("%s", error.text);
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
    Action action;
    bool good;

    codesrc_model_options_init(&a.options);
    action = parse(&a, argc, argv);
    check_path(a.job.folder);
    if (a.npz)
        check_path(a.npz);
    good = action == DRAW ? draw(&a) : pack(&a);
    return complain_unwritten() || !good;
}
