/* test-kernels.c - every operation of every backend against the reference, and against itself:
 * other instruction sets, numbers of threads, numbers of images, alignments and rounding modes must
 * give the same bits.
 *
 *     test-kernels [--precision f32|bf16|int8] [--numerics FILE] [--operation NAME]
 *                  [--level NAME] [--benchmark [--threads T]]
 *
 * --level: of the CPU's instruction sets, only this one.
 *
 * Exit: 0 all well, 1 a failure, 77 no backend but the reference in this build, or a processor that
 * lacks the precision. */
#include "../test.h"
#include "compare.h"
#include "properties.h"

#include <getopt.h>
#include <math.h>
#ifdef CODE_HAVE_CPU
#include "levels.h"
#endif

typedef struct Options {
    const char *numerics, *operation, *precision, *level;
    bool benchmark;
    unsigned threads;
} Options;

enum { MAX_SIDES = 24 };

#ifdef CODE_HAVE_CPU
static bool level_has(const CpuLevel *level, const char *precision)
{
    for (const char *const *name = level->precisions; *name; name++)
        if (!strcmp(*name, precision))
            return true;
    return false;
}

/* A backend opened in every way: with each instruction set that has the precision, and numbers of
 * threads: two are enough for one set alone, and for bf16 and int8 without a CpuGemm, which share
 * out work as f32 does. The others are compared with the first. */
static unsigned open_sides(const CodeBackend *backend, const Options *options,
                           Side sides[MAX_SIDES])
{
    const char *precision = options->precision;
    static const unsigned threads[] = {2, 1, 3, 8};
    unsigned count = 0;

    for (const CpuLevel *level = cpu_levels; level->name; level++)
        for (int i = 0; i < 4 && level_has(level, precision) && count < MAX_SIDES; i++) {
            Side *side = &sides[count];

            if (options->level && strcmp(options->level, level->name))
                break;
            if ((i == 0 || i == 3) && (!level->gemm || options->level) && strcmp(precision, "f32"))
                continue;
            if (!side_open(side, backend, level->name, precision, threads[i])) {
                side_close(side);
                break;
            }
            side->sums = (int)level->sums;
            side->offset = i % 2 ? 4 : 0;
            side->hostile = i == 2;
            count++;
        }
    return count;
}
#else
static unsigned open_sides(const CodeBackend *backend, const Options *options,
                           Side sides[MAX_SIDES])
{
    return side_open(sides, backend, NULL, options->precision, 1);
}
#endif

static void run(Side *side, const Case *operation, const Shape *shape, Output *output)
{
    operation->run(side, shape, output);
    side_clear(side);
}

/* Compares with the reference. Returns the error, relative to the tolerance. */
static double check_value(const Case *operation, const Shape *shape, const Side *side,
                          const Output *expected, const Output *found, double tolerance)
{
    double error;
    char text[100];

    describe_shape(operation->name, shape, text, sizeof text);
    if (operation->run == run_sample) {
        unsigned wrong = wrong_rows(shape, expected, found);

        CHECK(wrong == 0, "%s on %s: %u rows are drawn differently", text, side->name, wrong);
        return wrong;
    }
    error = distance(expected, found, shape->images);
    CHECK(error <= tolerance, "%s on %s: error %g, allowed %g", text, side->name, error, tolerance);
    return error;
}

/* Products, exponentials and group norms add products: instruction sets that round them otherwise
 * differ in these, and only in these. */
static bool adds_products(const Case *operation)
{
    return operation->run == run_linear || operation->run == run_conv ||
           operation->run == run_attention || operation->run == run_group_norm ||
           operation->run == run_look_up;
}

static double check_shape(const Case *operation, const Shape *shape, Side *reference, Side *sides,
                          unsigned count, double tolerance)
{
    Output expected, first, found;
    unsigned base = 0; /* the side that others are compared with */
    double error;
    char text[100];

    describe_shape(operation->name, shape, text, sizeof text);
    run(reference, operation, shape, &expected);
    run(&sides[0], operation, shape, &first);
    error = check_value(operation, shape, &sides[0], &expected, &first, tolerance);
    for (unsigned i = 1; i < count; i++) {
        run(&sides[i], operation, shape, &found);
        if (adds_products(operation) && sides[i].sums != sides[base].sums) {
            error =
                fmax(error, check_value(operation, shape, &sides[i], &expected, &found, tolerance));
            free(first.values);
            first = found;
            base = i;
            continue;
        }
        CHECK(same_bits(&first, 0, &found, shape->images), "%s: %s is not %s", text, sides[i].name,
              sides[base].name);
        free(found.values);
    }
    for (unsigned image = 0; image < shape->images && shape->images > 1; image++) {
        Shape alone = *shape;

        alone.images = 1;
        alone.first = shape->first + image;
        run(&sides[base + image % (count - base)], operation, &alone, &found);
        CHECK(same_bits(&first, image, &found, 1), "%s: image %u is another one alone", text,
              image);
        free(found.values);
    }
    free(expected.values);
    free(first.values);
    return error;
}

/* Formats are for devices with a memory of their own. */
static bool is_missing(const CodeBackend *backend, const Case *operation)
{
    return operation->run == run_frame && !backend->frame;
}

static void check_backend(const CodeBackend *backend, const Options *options)
{
    Side reference, sides[MAX_SIDES];
    unsigned count = open_sides(backend, options, sides);

    CHECK(count && side_open(&reference, &code_backend_reference, NULL, options->precision, 1),
          "no devices");
    if (!count)
        return;
    for (const Case *operation = cases; operation->name; operation++) {
        double tolerance = tolerance_of(options->numerics, operation->name, sides[0].info.precision,
                                        backend->name);
        double worst = 0;

        if ((options->operation && strcmp(options->operation, operation->name)) ||
            (operation->repeats && sides[0].info.activation_size == 4) ||
            is_missing(backend, operation))
            continue;
        CHECK(tolerance >= 0, "%s has no line for %s", options->numerics, operation->name);
        for (const Shape *shape = operation->shapes; shape->images; shape++)
            worst = fmax(worst, check_shape(operation, shape, &reference, sides, count, tolerance));
        printf("%-13s %-4s error %.2g (allowed %g) in %u ways\n", operation->name,
               sides[0].info.precision, worst, tolerance, count);
    }
    for (unsigned i = 0; i < count; i++)
        side_close(&sides[i]);
    side_close(&reference);
}

static bool parse(int argc, char **argv, Options *options)
{
    static const struct option known[] = {{"numerics", required_argument, NULL, 'n'},
                                          {"operation", required_argument, NULL, 'o'},
                                          {"precision", required_argument, NULL, 'p'},
                                          {"benchmark", no_argument, NULL, 'b'},
                                          {"threads", required_argument, NULL, 't'},
                                          {"level", required_argument, NULL, 'l'},
                                          {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 'n')
            options->numerics = optarg;
        else if (option == 'o')
            options->operation = optarg;
        else if (option == 'p')
            options->precision = optarg;
        else if (option == 'l')
            options->level = optarg;
        else if (option == 'b')
            options->benchmark = true;
        else if (option == 't')
            options->threads = (unsigned)strtoul(optarg, NULL, 10);
        else
            return false;
    }
    return optind == argc;
}

/* Whether the processor has a precision; prints why not. */
static bool has_precision(const CodeBackend *backend, const char *precision)
{
    Side side;
    bool opened = side_open(&side, backend, getenv("CODESRC_CPU"), precision, 1);

    side_close(&side);
    return opened;
}

/* Every operation of operations.h has a case. */
static void check_cases(void)
{
#define RUN_ENTRY(operation, Arguments) {.name = #operation, .run = run_##operation},
    static const Case all[] = {CODE_ALL_OPERATIONS(RUN_ENTRY)};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const Case *found = cases;

        while (found->name && found->run != all[i].run)
            found++;
        CHECK(found->name, "operation %s has no case in cases.c", all[i].name);
    }
}

int main(int argc, char **argv)
{
    Options options = {.numerics = "docs/numerics.md", .precision = "f32"};
    const CodeBackend *backend = NULL;

    setvbuf(stdout, NULL, _IOLBF, 0);
#ifdef CODE_HAVE_CPU
    backend = &code_backend_cpu;
#endif
    if (!parse(argc, argv, &options))
        return 1;
    if (!backend) {
        printf("skipped: this build has no backend but the reference\n");
        return 77;
    }
    if (!has_precision(backend, options.precision)) {
        printf("skipped: this processor lacks precision %s\n", options.precision);
        return 77;
    }
    if (options.benchmark)
        return benchmark(backend, options.precision, options.threads, options.operation);
    check_exponential();
    check_cases();
    check_backend(backend, &options);
    if (!strcmp(options.precision, "int8"))
        check_bytes(backend);
    if (!options.operation) {
        check_levels();
        check_properties(backend, options.precision);
    }
    return test_end();
}
