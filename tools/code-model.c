/* code-model.c - what is in a manifest or a weight file, what it takes to run it, and writing it
 * anew.
 */
#include "arguments.h"

#include <codesrc.h>

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const char usage[] =
    "Usage: code-model inspect [OPTION]... NAME     tensors, shapes, parameters, planned memory\n"
    "       code-model verify [OPTION]... NAME      the same, and reads every weight\n"
    "       code-model convert [OPTION]... NAME FOLDER\n"
    "                                               writes the model anew: files that load fast\n"
    "NAME is a manifest, a folder, a bundled name, or a .safetensors or .pth file.\n"
    "\n"
    "  --drafting-steps N   plan for N, and look at the weights that serve it\n"
    "  --batch B            plan for B pictures at a time, 1\n"
    "  --device D           auto, cuda, cpu, reference\n"
    "  --precision P        of converted weights: bf16, half the bytes, or f32\n"
    "  --help\n";

typedef struct Arguments {
    CodesrcModelOptions options;
    unsigned batch;
    bool verify, convert;
    const char *name, *folder;
} Arguments;

static bool is_weight_file(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot && (!strcasecmp(dot, ".safetensors") || !strcasecmp(dot, ".pth") ||
                   !strcasecmp(dot, ".pt"));
}

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

static bool inspect_weights(const Arguments *a, CodesrcError *error)
{
    Totals totals = {0};

    if (!codesrc_weights_inspect(a->name, a->verify, print_tensor, &totals, error))
        return false;
    printf("%zu tensors, %" PRIu64 " values%s\n", totals.tensors, totals.elements,
           a->verify ? ", all read, all finite" : "");
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
    printf("; %u unless told otherwise\n", info->defaults.drafting_steps);
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

static bool inspect_model(const Arguments *a, CodesrcError *error)
{
    CodesrcModelOptions options = a->options;
    const CodesrcModelInfo *info;
    CodesrcModel *model;
    CodesrcPlan plan;
    bool good;

    options.headers_only = !a->verify;
    model = codesrc_model_open(a->name, &options, error);
    if (!model)
        return false;
    info = codesrc_model_info(model);
    print_model(info);
    good = codesrc_plan(
        model, options.drafting_steps ? options.drafting_steps : info->defaults.drafting_steps,
        a->batch, &plan, error);
    if (good)
        print_plan(&plan);
    if (good && a->verify)
        printf("verified      every weight was read and is finite\n");
    codesrc_model_unref(model);
    return good;
}

static void parse(Arguments *a, int argc, char **argv)
{
    static const struct option names[] = {
        {"drafting-steps", 1, NULL, 'n'}, {"batch", 1, NULL, 'b'}, {"device", 1, NULL, 'd'},
        {"precision", 1, NULL, 'p'},      {"help", 0, NULL, 'h'},  {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (option == 'n') {
            a->options.drafting_steps =
                (unsigned)argument_integer("drafting-steps", optarg, 1, CODESRC_MAX_SCALES);
        } else if (option == 'b') {
            a->batch = (unsigned)argument_integer("batch", optarg, 1, CODESRC_MAX_BATCH);
        } else if (option == 'd') {
            a->options.device = optarg;
        } else if (option == 'p') {
            a->options.precision = optarg;
        } else {
            fputs(usage, option == 'h' ? stdout : stderr);
            exit(option == 'h' ? 0 : 2);
        }
    }
    a->verify = argc - optind == 2 && !strcmp(argv[optind], "verify");
    a->convert = argc - optind == 3 && !strcmp(argv[optind], "convert");
    if (!a->convert && (argc - optind != 2 || (!a->verify && strcmp(argv[optind], "inspect")))) {
        fputs(usage, stderr);
        exit(2);
    }
    a->name = argv[optind + 1];
    a->folder = a->convert ? argv[optind + 2] : NULL;
}

/* ---- converting ------------------------------------------------------------------------------ */

static bool show_progress(void *user, double fraction)
{
    (void)user;
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%3.0f %%%s", 100 * fraction, fraction < 1 ? "" : "\r     \r");
    return true;
}

static bool convert(const Arguments *a, CodesrcError *error)
{
    CodesrcModelOptions options = a->options;

    options.progress = show_progress;
    if (!codesrc_model_convert(a->name, &options, a->folder, error))
        return false;
    printf("%s: written\n", a->folder);
    return true;
}

static bool run(const Arguments *a, CodesrcError *error)
{
    if (a->convert)
        return convert(a, error);
    return is_weight_file(a->name) ? inspect_weights(a, error) : inspect_model(a, error);
}

int main(int argc, char **argv)
{
    Arguments a = {.batch = 1};
    CodesrcError error = {0};

    codesrc_model_options_init(&a.options);
    parse(&a, argc, argv);
    if (run(&a, &error))
        return 0;
    fprintf(stderr, "code-model: %s\n", error.text);
    return 1;
}
