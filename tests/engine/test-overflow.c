/* test-overflow.c - weights that are finite and whose logits are not: the picture and the scale are
 * reported, and nothing is drawn from noise. Arguments: [DEVICE [PRECISION]]. */
#include "../test.h"
#include "tiny.h"

#include <math.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BAD_CLASS = 3, WIDTH = 128 };

static char folder[200];

/* Where the values of a tensor of a .safetensors file begin, or 0. */
static long find_tensor(FILE *file, const char *name)
{
    uint64_t length = 0;
    unsigned long begin;
    char *header, *at, key[80];
    long found = 0;

    if (fread(&length, sizeof length, 1, file) != 1 || length > 1 << 20)
        return 0;
    header = calloc(1, (size_t)length + 1);
    snprintf(key, sizeof key, "\"%s\":", name);
    if (header && fread(header, 1, (size_t)length, file) == length && (at = strstr(header, key)) &&
        (at = strstr(at, "\"data_offsets\":[")) && sscanf(at, "\"data_offsets\":[%lu", &begin) == 1)
        found = (long)(8 + length + begin);
    free(header);
    return found;
}

/* The vector of one class becomes so large that its norm overflows. */
static void spoil(void)
{
    char path[300];
    float huge[WIDTH];
    FILE *file;
    long at;

    for (unsigned i = 0; i < WIDTH; i++)
        huge[i] = i % 2 ? 3e38f : 2e38f;
    snprintf(path, sizeof path, "%s/drafter.safetensors", folder);
    file = fopen(path, "r+b");
    at = file ? find_tensor(file, "class_emb.weight") : 0;
    CHECK(at && !fseek(file, at + BAD_CLASS * (long)sizeof huge, SEEK_SET) &&
              fwrite(huge, sizeof huge, 1, file) == 1,
          "%s cannot be changed", path);
    if (file)
        fclose(file);
}

static void remove_all(void)
{
    static const char *const names[] = {"vae.safetensors", "drafter.safetensors",
                                        "refiner.safetensors", "model.yaml"};
    char path[300];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

static bool draw(CodesrcGenerator *generator, const CodesrcModel *model, int32_t second,
                 bool smooth, uint8_t *pixels, CodesrcError *error)
{
    CodesrcRequest requests[2];
    CodesrcPicture pictures[2];

    for (unsigned i = 0; i < 2; i++) {
        codesrc_request_init(model, &requests[i]);
        requests[i].class_id = i ? second : 0;
        requests[i].settings.more_smooth = smooth;
        pictures[i] = (CodesrcPicture){pixels + i * 3 * TINY_SIDE * TINY_SIDE, 3 * TINY_SIDE};
    }
    return codesrc_generate(generator, requests, 2, pictures, error);
}

int main(int argc, char **argv)
{
    TinyDevice device = tiny_device(argc, argv);
    static uint8_t pixels[2][2 * 3 * TINY_SIDE * TINY_SIDE];
    CodesrcModel *good = tiny_model(device, 1), *spoilt;
    CodesrcModelOptions options;
    CodesrcGenerator *generator;
    CodesrcError error = {0};

    snprintf(folder, sizeof folder, "%s-overflow", tiny_folder());
    atexit(remove_all);
    codesrc_model_options_init(&options);
    options.precision = "f32";
    CHECK(codesrc_model_convert(tiny_folder(), &options, folder, &error), "%s", error.text);
    spoil();
    options.device = device.device;
    options.precision = device.precision;
    options.threads = 1;
    spoilt = codesrc_model_open(folder, &options, &error);
    CHECK(spoilt, "%s", error.text);
    generator = spoilt ? codesrc_generator_new(spoilt, 2, 0, &error) : NULL;
    CHECK(generator, "%s", error.text);
    for (unsigned smooth = 0; generator && smooth < 2; smooth++) {
        error.text[0] = '\0';
        CHECK(!draw(generator, spoilt, BAD_CLASS, smooth, pixels[0], &error) &&
                  error.status == CODESRC_MISMATCH &&
                  strstr(error.text, "picture 1, scale 0: found logits that are NaN or infinite"),
              "'%s'", error.text);
        printf("%s\n", error.text);
    }
    /* Other classes are drawn as if nothing had been. */
    CHECK(generator && draw(generator, spoilt, 1, false, pixels[0], &error), "%s", error.text);
    codesrc_generator_free(generator);
    generator = codesrc_generator_new(good, 2, 0, &error);
    CHECK(generator && draw(generator, good, 1, false, pixels[1], &error), "%s", error.text);
    CHECK(!memcmp(pixels[0], pixels[1], sizeof pixels[0]), "other pictures");
    codesrc_generator_free(generator);
    codesrc_model_unref(spoilt);
    codesrc_model_unref(good);
    return test_end();
}
