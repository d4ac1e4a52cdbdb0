/* test-widths.c - drafter and refiner of other widths than each other: logits with AdaLN weights
 * that are read are those with weights that are kept. */
#include "../test.h"
#include "tiny.h"

#include <math.h>
#include <unistd.h>

enum { SCALES = 3, LENGTH = 1 + 4 + 16, CODES = 64, SIDE = 8 };

typedef struct Logits {
    float all[LENGTH * CODES];
    size_t count;
} Logits;

static void keep(void *user, CodesrcGenerator *generator, unsigned scale, unsigned first,
                 unsigned count)
{
    Logits *logits = user;
    CodesrcError error = {0};

    (void)first;
    (void)count;
    CHECK(codesrc_generator_logits(generator, 0, logits->all + logits->count, &error), "%s",
          error.text);
    logits->count += (size_t)1 << 2 * scale << 6; /* sides 1, 2, 4; 64 codes */
}

/* Of fed tokens, so that no draw hides or multiplies what differs. */
static void logits_of(const char *path, TinyDevice device, CodesrcClassWeights class_weights,
                      unsigned n, Logits *logits)
{
    static uint8_t pixels[SIDE * SIDE * 3];
    int32_t tokens[LENGTH];
    CodesrcModelOptions options;
    CodesrcError error = {0};
    CodesrcModel *model;
    CodesrcGenerator *generator;
    CodesrcRequest request;

    codesrc_model_options_init(&options);
    options.device = device.device;
    options.precision = device.precision;
    options.class_weights = class_weights;
    options.keeps_refiner = true; /* N = K is one of the cases */
    model = codesrc_model_open(path, &options, &error);
    if (!model) {
        printf("%s: %s\n", error.status == CODESRC_SETTINGS ? "skipped" : path, error.text);
        unlink(path);
        exit(error.status == CODESRC_SETTINGS ? 77 : 1);
    }
    for (int i = 0; i < LENGTH; i++)
        tokens[i] = i * 7 % CODES;
    codesrc_request_init(model, &request);
    request.class_id = 3;
    request.tokens = tokens;
    request.settings.drafting_steps = n;
    logits->count = 0;
    generator = codesrc_generator_new(model, 1, 0, &error);
    CHECK(generator && codesrc_generator_observe(generator, keep, logits, true, &error) &&
              codesrc_generate(generator, &request, 1, &(CodesrcPicture){pixels, 3 * SIDE}, &error),
          "%s", error.text);
    CHECK(logits->count == LENGTH * CODES, "%zu logits", logits->count);
    codesrc_generator_free(generator);
    codesrc_model_unref(model);
}

static void write_manifest(const char *path, unsigned drafter, unsigned refiner)
{
    FILE *file = fopen(path, "w");

    if (!file ||
        fprintf(file,
                "name: widths\npatch_nums: [1, 2, 4]\nclasses: 10\nsynthetic: 5\n"
                "vae: {codes: 64, channels: 8, ch: 32, ch_mult: [1, 1], res_blocks: 1, "
                "groups: 8}\n"
                "drafter: {depth: 2, width: %u, heads: %u}\n"
                "refiner: {depth: 2, width: %u, heads: %u}\n",
                drafter, drafter / 64, refiner, refiner / 64) < 0 ||
        fclose(file)) {
        perror(path);
        exit(1);
    }
}

/* The bounds are far above the difference between the device's matrix products and plain C, and
 * far below the effect of one wrong modulation on the logits, which are about 6. */
static void compare(TinyDevice device, unsigned drafter, unsigned refiner)
{
    static Logits kept, read;
    char path[] = "/tmp/codesrc-widths-XXXXXX.yaml";
    double bound = !strcmp(device.precision, "f32") ? 1e-3 : 1;
    int descriptor = mkstemps(path, 5);

    if (descriptor < 0) {
        perror(path);
        exit(1);
    }
    close(descriptor);
    write_manifest(path, drafter, refiner);
    for (unsigned n = 1; n <= SCALES; n++) {
        double most = 0;

        logits_of(path, device, CODESRC_CLASS_WEIGHTS_KEEP, n, &kept);
        logits_of(path, device, CODESRC_CLASS_WEIGHTS_READ, n, &read);
        for (size_t i = 0; i < kept.count; i++)
            most = fmax(most, fabs((double)kept.all[i] - read.all[i]));
        CHECK(most <= bound, "drafter %u, refiner %u wide, N = %u: %g, expected %g", drafter,
              refiner, n, most, bound);
    }
    unlink(path);
}

int main(int argc, char **argv)
{
    TinyDevice device = tiny_device(argc, argv);

    /* 65,536 floats are read at a time: whole rows of 64, 128 or 256, not of 192 or 320. */
    compare(device, 192, 128);
    compare(device, 128, 192);
    compare(device, 320, 256);
    compare(device, 320, 64);
    return test_end();
}
