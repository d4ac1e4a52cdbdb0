/* golden.c - runs golden files: outputs of the public PyTorch code, computed from weights that are
 * either a pure function of a seed or the bundled model's. For each file, one line reports the
 * engine's difference from them; exit 0 only if all are within docs/numerics.md.
 *
 *     golden [--device D] [--precision P] [--threads T] [--model MANIFEST] [--numerics FILE]
 * FILE... */
#include "golden.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

double golden_difference(const float *a, const float *b, size_t count)
{
    double largest = 0;

    for (size_t i = 0; i < count; i++) {
        double difference = fabs((double)a[i] - b[i]);

        if (!(difference <= largest))
            largest = isnan(difference) ? INFINITY : difference;
    }
    return largest;
}

/* Cell `index` of a line "| a | b | ... |", without blanks and backquotes. */
static bool cell(const char *line, unsigned index, char *out, size_t size)
{
    size_t length = 0;

    for (; *line && index + 1; line++)
        index -= *line == '|';
    for (; *line && *line != '|' && length + 1 < size; line++)
        if (*line != ' ' && *line != '`')
            out[length++] = *line;
    out[length] = 0;
    return length > 0;
}

double golden_tolerance(const GoldenOptions *options, const char *quantity, const char *precision,
                        const char *device)
{
    FILE *table = fopen(options->numerics, "r");
    char line[1024], name[64], type[32], backend[32], value[32];
    double tolerance = -1;

    while (table && tolerance < 0 && fgets(line, sizeof line, table))
        if (line[0] == '|' && cell(line, 0, name, sizeof name) && !strcmp(name, quantity) &&
            cell(line, 1, type, sizeof type) && !strcmp(type, precision) &&
            cell(line, 2, backend, sizeof backend) && !strcmp(backend, device) &&
            cell(line, 3, value, sizeof value))
            tolerance = strtod(value, NULL);
    if (table)
        fclose(table);
    return tolerance;
}

bool golden_within(const GoldenOptions *options, const CodesrcModelInfo *info, const char *quantity,
                   double error)
{
    char row[64];
    double tolerance;

    snprintf(row, sizeof row, "golden %s", quantity);
    for (char *at = row; *at; at++)
        *at = *at == ' ' ? '-' : *at;
    tolerance = golden_tolerance(options, row, info->precision, info->device);
    printf(" %s %.2g", quantity, error);
    if (error <= tolerance)
        return true;
    printf(" (allowed %g)", tolerance);
    return false;
}

static bool skipped;

/* ---- the model of a file --------------------------------------------------------------------- */

static void write_var(FILE *out, const char *role, json_t *shape)
{
    json_t *var = json_object_get(shape, role);

    fprintf(out, "%s: {depth: %lld, width: %lld, heads: %lld, shared_aln: %s}\n", role,
            json_integer_value(json_object_get(var, "depth")),
            json_integer_value(json_object_get(var, "width")),
            json_integer_value(json_object_get(var, "heads")),
            json_is_true(json_object_get(var, "shared_aln")) ? "true" : "false");
}

static void write_numbers(FILE *out, json_t *numbers)
{
    for (size_t i = 0; i < json_array_size(numbers); i++)
        fprintf(out, "%s%lld", i ? ", " : "[", json_integer_value(json_array_get(numbers, i)));
    fputc(']', out);
}

/* A manifest with synthetic weights. With N = K there is no refiner: the file was made without. */
static void write_manifest(FILE *out, json_t *shape, long long seed, size_t steps)
{
    json_t *vae = json_object_get(shape, "vae"), *groups = json_object_get(vae, "groups");
    json_t *patch_nums = json_object_get(shape, "patch_nums");

    fprintf(out, "name: golden\npatch_nums: ");
    write_numbers(out, patch_nums);
    fprintf(out, "\nclasses: %lld\nsynthetic: %lld\n",
            json_integer_value(json_object_get(shape, "classes")), seed);
    fprintf(
        out,
        "vae: {codes: %lld, channels: %lld, ch: %lld, res_blocks: %lld, groups: %lld, ch_mult: ",
        json_integer_value(json_object_get(vae, "codes")),
        json_integer_value(json_object_get(vae, "channels")),
        json_integer_value(json_object_get(vae, "ch")),
        json_integer_value(json_object_get(vae, "res_blocks")),
        groups ? json_integer_value(groups) : 32);
    write_numbers(out, json_object_get(vae, "ch_mult"));
    fprintf(out, "}\n");
    write_var(out, "drafter", shape);
    if (steps != json_array_size(patch_nums))
        write_var(out, "refiner", shape);
    fprintf(out, "defaults: {drafting_steps: %zu}\n", steps);
}

static CodesrcModel *open_synthetic(const GoldenFile *file, const CodesrcModelOptions *options,
                                    long long seed, CodesrcError *error)
{
    char path[] = "/tmp/golden-XXXXXX.yaml";
    json_t *shape = golden_metadata(file, "shape"),
           *steps = golden_metadata(file, "drafting_steps");
    json_t *patch_nums = json_object_get(shape, "patch_nums");
    int descriptor = mkstemps(path, 5);
    FILE *out = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    CodesrcModel *model = NULL;

    if (out) {
        /* A file of the VQ-VAE alone has no drafting steps; a small drafter keeps loading short. */
        if (json_is_null(steps)) {
            json_object_set_new(shape, "drafter",
                                json_pack("{s:i, s:i, s:i, s:b}", "depth", 1, "width", 64, "heads",
                                          1, "shared_aln", 0));
            write_manifest(out, shape, seed, json_array_size(patch_nums));
        } else {
            write_manifest(out, shape, seed, (size_t)json_integer_value(steps));
        }
        fclose(out);
        model = codesrc_model_open(path, options, error);
        unlink(path);
    } else {
        snprintf(error->text, sizeof error->text, "%s cannot be written", path);
    }
    json_decref(shape);
    json_decref(steps);
    return model;
}

void golden_refused(const CodesrcError *error)
{
    bool lacks = error->status == CODESRC_SETTINGS; /* a precision that the processor lacks */

    printf(" %s%s", lacks ? "skipped: " : "", error->text);
    skipped |= lacks;
}

CodesrcModel *golden_model(const GoldenFile *file, const GoldenOptions *options)
{
    json_t *seed = golden_metadata(file, "weight_seed");
    json_t *steps = golden_metadata(file, "drafting_steps");
    CodesrcModelOptions model_options;
    CodesrcError error = {0};
    CodesrcModel *model = NULL;

    codesrc_model_options_init(&model_options);
    model_options.device = options->device;
    model_options.precision = options->precision;
    model_options.threads = options->threads;
    model_options.class_weights = options->class_weights;
    if (options->model) {
        model_options.drafting_steps = (unsigned)json_integer_value(steps);
        model = codesrc_model_open(options->model, &model_options, &error);
    } else if (json_is_integer(seed)) {
        model = open_synthetic(file, &model_options, json_integer_value(seed), &error);
    } else {
        snprintf(error.text, sizeof error.text,
                 "made with trained weights: give them with --model");
    }
    if (!model)
        golden_refused(&error);
    json_decref(seed);
    json_decref(steps);
    return model;
}

/* ---- main ------------------------------------------------------------------------------------ */

static bool run_file(const char *path, const GoldenOptions *options)
{
    const char *slash = strrchr(path, '/');
    GoldenFile file;
    bool good = false;

    printf("%s:", slash ? slash + 1 : path);
    if (golden_open(&file, path)) {
        if (golden_has(&file, "decode_f_hat"))
            good = golden_vae(&file, options);
        else if (golden_has(&file, "p_0"))
            good = golden_sampler(&file, options);
        else
            good = golden_decode(&file, options);
        golden_close(&file);
    }
    printf(": %s\n", good ? "ok" : "FAILED");
    fflush(stdout);
    return good;
}

int main(int argc, char **argv)
{
    static const struct option names[] = {{"device", required_argument, NULL, 'd'},
                                          {"precision", required_argument, NULL, 'p'},
                                          {"threads", required_argument, NULL, 't'},
                                          {"model", required_argument, NULL, 'm'},
                                          {"numerics", required_argument, NULL, 'n'},
                                          {"read-class-weights", no_argument, NULL, 'r'},
                                          {NULL, 0, NULL, 0}};
    GoldenOptions options = {.numerics = "docs/numerics.md"};
    int option, failed = 0;

    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (option == 'd')
            options.device = optarg;
        else if (option == 'p')
            options.precision = optarg;
        else if (option == 't')
            options.threads = (unsigned)atoi(optarg);
        else if (option == 'm')
            options.model = optarg;
        else if (option == 'n')
            options.numerics = optarg;
        else if (option == 'r')
            options.class_weights = CODESRC_CLASS_WEIGHTS_READ;
        else
            return 2;
    }
    if (optind == argc) {
        fprintf(stderr, "golden: no files given\n");
        return 2;
    }
    for (; optind < argc; optind++)
        failed += !run_file(argv[optind], &options);
    return skipped ? 77 : failed != 0;
}
