/* code-model.c - lists and checks a manifest or a weight file, plans its memory, and converts it.
 */
#include "complain.h"
#include "fetch.h"
#include "launch-line.h"
#include "model-options.h"
#include "progress.h"

#include <codesrc.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum Action { INSPECT, VERIFY, CONVERT, FETCH, RECIPE } Action;

typedef struct Arguments {
    CodesrcModelOptions options;
    unsigned batch;
    Action action;
    const char *name, *folder, *from;
} Arguments;

#define AT(member) offsetof(Arguments, member)

/* clang-format off */
static const Command commands[] = {
    [INSPECT] = {"inspect", "NAME", "[OPTION]...",
                 "print tensors, shapes, parameters and planned memory"},
    [VERIFY] = {"verify", "NAME", "[OPTION]...", "the same, and read every weight"},
    [CONVERT] = {"convert", "NAME FOLDER", "[OPTION]...",
                 "write the model to a new folder, in files that load fast"},
    [FETCH] = {"fetch", "NAME FOLDER", "[OPTION]...",
               "list the files of a released model (official-256, code-d30-d16, var-d16, -d20, "
               "-d24, -d30 or -d36), and fetch them with curl"},
    [RECIPE] = {"recipe", "FILE", "[OPTION]...",
                "print the gst-launch-1.0 line that draws the first picture of a file again"},
    {0},
};

static const Option table[] = {
    {"drafting-steps", 0, "N", OPTION_COUNT, AT(options.drafting_steps),
     .help = "plan for N drafting steps, and look at the weights that serve them; default: the "
     "model's own", .least = 1, .most = CODESRC_MAX_SCALES},
    {"batch", 'b', "B", OPTION_COUNT, AT(batch),
     .help = "plan for B pictures at a time; default 1",
     .least = 1, .most = CODESRC_MAX_BATCH, .commands = 1 << INSPECT | 1 << VERIFY},
    DEVICE_OPTION(AT(options)),
    {"precision", 0, "P", OPTION_TEXT, AT(options.precision),
     .help = "auto, f32, bf16, f16 or int8; of converted weights bf16, half the bytes, or f32",
     .words = "auto f32 bf16 f16 int8"},
    {"from", 0, "ADDRESS", OPTION_TEXT, AT(from),
     .help = "a mirror that has all files at ADDRESS/FILE; default: where they are published",
     .commands = 1 << FETCH},
    {0},
};
/* clang-format on */

static const Program program = {
    .name = "code-model",
    .summary = "inspect, verify, convert and fetch VAR models, and tell what drew a file",
    .description = "Shows what is in a model and what it takes to run it, checks its files, and "
                   "converts or fetches it. NAME is a manifest, a folder that holds one, the name "
                   "of a bundled "
                   "model, or, not for convert, a .safetensors or .pth file.",
    .commands = commands,
    .options = table,
    .examples = (const Example[]){{"code-model inspect vistas", "classes, scales and memory"},
                                  {"code-model inspect --drafting-steps 6 --batch 8 vistas",
                                   "what eight pictures at a time take"},
                                  {"code-model verify vistas", "read and check every weight"},
                                  {"code-model convert vistas vistas-bf16", "in half the bytes"},
                                  {"code-model recipe aurora.png", "the line that draws it again"},
                                  {0}},
};

/* ---- weight files ---------------------------------------------------------------------------- */

typedef struct Totals {
    size_t tensors;
    uint64_t elements;
} Totals;

static void print_tensor(void *user, const CodesrcTensorInfo *tensor)
{
    Totals *totals = user;

    printf("%-48s %-5s (", tensor->name, tensor->type);
    for (unsigned i = 0; i < tensor->rank; i++)
        printf("%s%" PRIu64, i ? ", " : "", tensor->dims[i]);
    printf(")\n");
    totals->tensors++;
    totals->elements += tensor->elements;
}

/* A manifest to start from, if the file has a model. */
static void print_outline(const char *path)
{
    CodesrcError error;
    char *outline = codesrc_weights_outline(path, &error);

    if (outline)
        printf("\na manifest to start from:\n\n%s", outline);
    else
        printf("\nno manifest: %s\n", error.text);
    free(outline);
}

static bool inspect_weights(const Arguments *a, CodesrcError *error)
{
    Totals totals = {0};

    if (!codesrc_weights_inspect(a->name, a->action == VERIFY, print_tensor, &totals, error))
        return false;
    printf("%zu tensors, %" PRIu64 " values%s\n", totals.tensors, totals.elements,
           a->action == VERIFY ? ", all read, all finite" : "");
    if (a->action == INSPECT)
        print_outline(a->name);
    return true;
}

/* ---- models ---------------------------------------------------------------------------------- */

static void print_model(const CodesrcModelInfo *info)
{
    printf("name          %s\n", info->name);
    if (*info->description)
        printf("description   %s\n", info->description);
    if (*info->license)
        printf("license       %s\n", info->license);
    printf("manifest      %s\n", info->path);
    printf("picture       %u x %u pixels, RGB\n", info->side, info->side);
    printf("scales        %u, sides", info->scales);
    for (unsigned k = 0; k < info->scales; k++)
        printf(" %u", info->patch_nums[k]);
    printf("; %u tokens of %u codes, %u channels\n", info->positions, info->codes, info->channels);
    if (!info->encodes)
        printf("encoder       none: codepaint cannot use this model\n");
    printf("classes       %u\n", info->classes);
    for (unsigned i = 0; info->class_names && i < info->classes; i++)
        printf("  %4u  %s\n", i, info->class_names[i]);
    printf("parameters    drafter %.1f M, refiner %.1f M, VQ-VAE %.1f M\n",
           1e-6 * (double)info->drafter_parameters, 1e-6 * (double)info->refiner_parameters,
           1e-6 * (double)info->vae_parameters);
    printf("drafting      N =");
    for (unsigned n = 1; n <= info->scales; n++)
        if (info->steps >> n & 1)
            printf(" %u", n);
    printf("; default %u\n", info->defaults.drafting_steps);
    printf("sampling      guidance %g, top-k %u, top-p %g, temperature", info->defaults.guidance,
           info->defaults.top_k, info->defaults.top_p);
    for (unsigned k = 0; k < info->scales; k++)
        printf(" %g", info->defaults.temperature[k]);
    printf("\ndevice        %s, %s\n", info->device, info->precision);
}

static double mebibytes(uint64_t bytes)
{
    return (double)bytes / (1 << 20);
}

static void print_plan(const CodesrcPlan *plan)
{
    printf("plan          N = %u, batch %u\n", plan->drafting_steps, plan->batch);
    for (unsigned k = 0; k < plan->scales; k++)
        printf("  scale %-2u    %2u x %-2u  positions from %-4u %s\n", k, plan->scale[k].side,
               plan->scale[k].side, plan->scale[k].first,
               plan->scale[k].refined ? "refiner" : "drafter");
    printf("memory        weights %.1f MiB, keys and values %.1f MiB, classes %.1f MiB, "
           "scratch %.1f MiB, together %.1f MiB\n",
           mebibytes(plan->weight_bytes), mebibytes(plan->cache_bytes),
           mebibytes(plan->class_bytes), mebibytes(plan->scratch_bytes),
           mebibytes(plan->total_bytes));
    if (plan->device_bytes)
        printf("              %.1f MiB of it on the device\n", mebibytes(plan->device_bytes));
    if (plan->class_weight_bytes)
        printf("class weights %.1f MiB as float32, not in memory: read for each new class\n",
               mebibytes(plan->class_weight_bytes));
}

static void print_class(void *user, int32_t class_id, const char *class_name)
{
    (void)user;
    printf("  %4d  %s\n", (int)class_id, class_name);
}

/* The classes of a model whose weights are not there, which the manifest knows. */
static bool list_classes(const char *name, const CodesrcError *missing, CodesrcError *error)
{
    printf("classes\n");
    if (!codesrc_model_classes(name, print_class, NULL, error))
        return false;
    printf("weights       %s\n", missing->text);
    return true;
}

static bool inspect_model(const Arguments *a, CodesrcError *error)
{
    CodesrcModelOptions options = a->options;
    const CodesrcModelInfo *info;
    CodesrcModel *model;
    char *manifest = codesrc_model_locate(a->name, error);
    CodesrcPlan plan;
    bool good = manifest != NULL;

    free(manifest);
    if (!good)
        return false;
    options.headers_only = a->action != VERIFY;
    model = codesrc_model_open(a->name, &options, error);
    progress_clear(options.progress_user);
    if (!model && a->action == INSPECT && error->status == CODESRC_NOT_FOUND) {
        CodesrcError missing = *error;

        return list_classes(a->name, &missing, error);
    }
    if (!model)
        return false;
    info = codesrc_model_info(model);
    print_model(info);
    good = codesrc_plan(
        model, options.drafting_steps ? options.drafting_steps : info->defaults.drafting_steps,
        a->batch, &plan, error);
    if (good)
        print_plan(&plan);
    if (good && a->action == VERIFY)
        printf("verified      every weight was read and is finite\n");
    codesrc_model_unref(model);
    return good;
}

static void parse(Arguments *a, int argc, char **argv)
{
    const char *operands[OPTIONS_MOST_OPERANDS];

    a->action = options_parse(&program, argc, argv, a, operands);
    a->name = operands[0];
    a->folder = a->action == CONVERT || a->action == FETCH ? operands[1] : NULL;
}

/* ---- converting ------------------------------------------------------------------------------ */

static bool convert(const Arguments *a, CodesrcError *error)
{
    if (!codesrc_model_convert(a->name, &a->options, a->folder, error))
        return false;
    printf("%s: written\n", a->folder);
    return true;
}

static bool print_recipe(const char *path, CodesrcError *error)
{
    char line[LAUNCH_LINE_MOST];

    return launch_line_find(line, path, error) && puts(line) >= 0;
}

static bool run(const Arguments *a, CodesrcError *error)
{
    if (a->action == RECIPE)
        return print_recipe(a->name, error);
    if (a->action == CONVERT)
        return convert(a, error);
    if (a->action == FETCH)
        return fetch_model(a->name, a->folder, a->options.drafting_steps, a->from, error);
    return codesrc_weights_recognised(a->name) ? inspect_weights(a, error)
                                               : inspect_model(a, error);
}

int main(int argc, char **argv)
{
    Arguments a = {.batch = 1};
    CodesrcError error = {0};
    Progress progress;
    bool good;

    codesrc_model_options_init(&a.options);
    parse(&a, argc, argv);
    progress_start(&progress, a.action == CONVERT ? "converting" : "reading", 1);
    a.options.progress = progress_loading;
    a.options.progress_user = &progress;
    good = run(&a, &error);
    progress_clear(&progress);
    if (!good)
        complain("%s", error.text);
    return complain_unwritten() || !good;
}
