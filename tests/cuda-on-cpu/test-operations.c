/* test-operations.c - the cases of tests/kernels on a CUDA device: against the reference, and to
 * the bit the same for images alone, for arrays that begin elsewhere, and, on the emulated device,
 * in every order of threads. A GPU is held against the rows of the emulated one.
 *
 *     test-operations NUMERICS PRECISION [OPERATION] */
#include "../kernels/compare.h"
#include "../test.h"

#include "formulas.h"
#include "module.h"

#include <math.h>

#ifdef CUDA_ON_CPU_MODULE_PATH
#include <cuda_runtime_api.h>
#else
static void cuda_on_cpu_set_order(unsigned order)
{
    (void)order;
}
#endif

enum { ORDERS = 3 };

/* Results do not depend on alignment; those of cuBLAS only if it is a multiple of 16 bytes. */
#ifdef CUDA_ON_CPU_MODULE_PATH
enum { OFFSET = 4 };
#else
enum { OFFSET = 32 };
#endif

static void run(Side *side, const Case *operation, const Shape *shape, unsigned order,
                Output *output)
{
    cuda_on_cpu_set_order(order);
    side->offset = order == 1 ? OFFSET : 0;
    operation->run(side, shape, output);
    side_clear(side);
}

static double check_shape(const Case *operation, const Shape *shape, Side *reference, Side *side)
{
    Output expected, first, found;
    double error;
    char text[100];

    describe_shape(operation->name, shape, text, sizeof text);
    run(reference, operation, shape, 0, &expected);
    run(side, operation, shape, 0, &first);
    error = operation->run == run_sample ? wrong_rows(shape, &expected, &first)
                                         : distance(&expected, &first, shape->images);
    for (unsigned order = 1; order < ORDERS; order++) {
        run(side, operation, shape, order, &found);
        CHECK(same_bits(&first, 0, &found, shape->images), "%s: order %u", text, order);
        free(found.values);
    }
    for (unsigned image = 0; image < shape->images && shape->images > 1; image++) {
        Shape alone = *shape;

        alone.images = 1;
        alone.first = shape->first + image;
        run(side, operation, &alone, 0, &found);
        CHECK(same_bits(&first, image, &found, 1), "%s: image %u is another one alone", text,
              image);
        free(found.values);
    }
    free(expected.values);
    free(first.values);
    return error;
}

static void check_operation(const char *numerics, const Case *operation, Side *reference,
                            Side *side)
{
    double tolerance =
        tolerance_of(numerics, operation->name, side->info.precision, "cuda-emulated");
    double worst = 0;

    for (const Shape *shape = operation->shapes; shape->images; shape++)
        worst = fmax(worst, check_shape(operation, shape, reference, side));
    printf("%-14s %-4s error %.2g (allowed %g)\n", operation->name, side->info.precision, worst,
           tolerance);
    CHECK(worst <= tolerance, "%s: error %g", operation->name, worst);
}

/* The device makes the weights that the host would have packed, to the bit. An offset shows a fused
 * multiply-add. */
static void check_synthetic(Side *side, CodeWeightKind kind)
{
    enum { IN = 24, OUT = 40, MAP = 4, VALUES = 9 * IN * OUT, RESULTS = MAP * MAP * OUT };
    static float values[VALUES], inputs[MAP * MAP * IN], found[2][RESULTS];
    CodeSynthetic rule = {.key = 12345, .amplitude = 0.3f, .offset = 1.7f};
    CodeWeightSpec spec = {.kind = kind, .in = IN, .out = OUT, .types = ACT_TO_F32};
    CodesrcError error = {0};

    for (unsigned i = 0; i < VALUES; i++)
        values[i] = code_synthetic_value(&rule, i);
    for (unsigned i = 0; i < MAP * MAP * IN; i++)
        inputs[i] = (float)(i % 7) - 3;
    for (unsigned made = 0; made < 2; made++) {
        const CodeBackend *backend = side->backend;
        CodeWeight *weight =
            made ? backend->weight_synthetic(side->device, &spec, &rule, NULL, &error)
                 : backend->weight_pack(side->device, &spec, values, NULL, &error);
        CodeLinear linear = {.weight = weight,
                             .x = side_activations(side, inputs, MAP * MAP * IN),
                             .x_group = MAP * MAP * IN,
                             .y = side_array(side, NULL, sizeof found[made]),
                             .groups = 1,
                             .rows = MAP * MAP};
        CodeConv conv = {.weight = weight, .x = linear.x, .y = linear.y, .images = 1, .side = MAP};

        CHECK(weight, "%s", error.text);
        CHECK(kind == CODE_WEIGHT_LINEAR ? backend->linear(side->stream, &linear)
                                         : backend->conv(side->stream, &conv),
              "%s", side->stream->error.text);
        side_download(side, found[made], linear.y, sizeof found[made]);
        side_clear(side);
        backend->weight_free(side->device, weight);
    }
    CHECK(!memcmp(found[0], found[1], sizeof found[0]), "synthetic weights of kind %d", (int)kind);
}

int main(int argc, char **argv)
{
    const char *numerics = argc > 1 ? argv[1] : "docs/numerics.md";
    const char *precision = argc > 2 ? argv[2] : "f32", *only = argc > 3 ? argv[3] : NULL;
    CodesrcError error = {0};
    const CodeBackend *backend = code_module_open("cuda", "libcuda.so.1", &error);
    Side reference, side;

    setvbuf(stdout, NULL, _IOLBF, 0);
    CHECK(backend, "%s", error.text);
    if (!backend || !side_open(&reference, &code_backend_reference, NULL, precision, 1) ||
        !side_open(&side, backend, NULL, precision, 1))
        return 1;
    reference.rounds = side.rounds;
    for (const Case *operation = cases; operation->name; operation++)
        if ((!only || !strcmp(only, operation->name)) &&
            !(operation->repeats && side.info.activation_size == sizeof(float)))
            check_operation(numerics, operation, &reference, &side);
    if (!only || !strcmp(only, "synthetic")) {
        check_synthetic(&side, CODE_WEIGHT_LINEAR);
        check_synthetic(&side, CODE_WEIGHT_CONV3);
    }
    side_close(&reference);
    side_close(&side);
    return test_end();
}
