/* test-convert.c - a converted model generates the same pictures; and a change of the file of
 * weights that stay in it is an error. */
#include "../test.h"
#include "tiny.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BYTES = TINY_SIDE * TINY_SIDE * 3, PICTURES = 3 };

static char scratch[] = "/tmp/codesrc-convert-XXXXXX";

typedef struct Path {
    char text[700];
} Path;

static Path path_in(const char *folder, const char *name)
{
    Path path;

    if ((size_t)snprintf(path.text, sizeof path.text, "%s/%s", folder, name) >= sizeof path.text)
        abort();
    return path;
}

static Path in_scratch(const char *name)
{
    return path_in(scratch, name);
}

static void remove_folder(const char *folder)
{
    DIR *list = opendir(folder);
    struct dirent *entry;

    while (list && (entry = readdir(list)))
        if (entry->d_name[0] != '.')
            unlink(path_in(folder, entry->d_name).text);
    if (list)
        closedir(list);
    rmdir(folder);
}

static unsigned count_entries(const char *folder)
{
    DIR *list = opendir(folder);
    unsigned count = 0;

    while (list && readdir(list))
        count++;
    if (list)
        closedir(list);
    return count;
}

static bool convert(const char *precision, const char *folder, CodesrcError *error)
{
    CodesrcModelOptions options;

    codesrc_model_options_init(&options);
    options.precision = precision;
    return codesrc_model_convert(tiny_folder(), &options, folder, error);
}

static CodesrcModel *open_model(const char *name, TinyDevice device,
                                CodesrcClassWeights class_weights)
{
    CodesrcModelOptions options;
    CodesrcError error = {0};
    CodesrcModel *model;

    codesrc_model_options_init(&options);
    options.device = device.device;
    options.precision = device.precision;
    options.class_weights = class_weights;
    model = codesrc_model_open(name, &options, &error);
    CHECK(model, "%s: %s", name, error.text);
    return model;
}

static bool draw(CodesrcGenerator *generator, const CodesrcModel *model, int32_t class_id,
                 uint8_t *pixels, CodesrcError *error)
{
    CodesrcPicture picture = {pixels, 3 * TINY_SIDE};
    CodesrcRequest request;

    codesrc_request_init(model, &request);
    request.class_id = class_id;
    return codesrc_generate(generator, &request, 1, &picture, error);
}

static void draw_all(const char *name, TinyDevice device, CodesrcClassWeights class_weights,
                     uint8_t *pixels)
{
    CodesrcModel *model = open_model(name, device, class_weights);
    CodesrcError error = {0};
    CodesrcGenerator *generator = model ? codesrc_generator_new(model, 1, 0, &error) : NULL;

    memset(pixels, 0, (size_t)PICTURES * BYTES);
    for (int i = 0; generator && i < PICTURES; i++)
        CHECK(draw(generator, model, 4 * i, pixels + i * BYTES, &error), "%s", error.text);
    codesrc_generator_free(generator);
    codesrc_model_unref(model);
}

/* Float32 files give the same bytes at each precision, 16-bit ones at those that keep no more. */
static void test_pictures(TinyDevice device)
{
    static uint8_t before[PICTURES * BYTES], after[PICTURES * BYTES];
    bool half = !strcmp(device.precision, "bf16");

    for (int way = CODESRC_CLASS_WEIGHTS_KEEP; way <= CODESRC_CLASS_WEIGHTS_READ; way++) {
        draw_all(tiny_folder(), device, (CodesrcClassWeights)way, before);
        draw_all(in_scratch("f32").text, device, (CodesrcClassWeights)way, after);
        CHECK(!memcmp(before, after, sizeof before), "%s: float32 files, class weights %d",
              device.precision, way);
        draw_all(in_scratch("bf16").text, device, (CodesrcClassWeights)way, after);
        CHECK(!half || !memcmp(before, after, sizeof before),
              "bf16: 16-bit files, class weights %d", way);
        CHECK(memcmp(before, before + BYTES, BYTES), "classes look the same");
    }
}

static void test_manifest(void)
{
    TinyDevice reference = {"reference", "f32"};
    CodesrcModel *before = open_model(tiny_folder(), reference, CODESRC_CLASS_WEIGHTS_AUTO);
    CodesrcModel *after =
        open_model(in_scratch("bf16").text, reference, CODESRC_CLASS_WEIGHTS_AUTO);
    const CodesrcModelInfo *a = codesrc_model_info(before), *b = codesrc_model_info(after);

    CHECK(!strcmp(a->name, b->name) && !strcmp(a->description, b->description) &&
              !strcmp(a->license, b->license),
          "texts");
    CHECK(a->steps == b->steps && a->classes == b->classes && a->side == b->side, "numbers");
    CHECK(!memcmp(a->patch_nums, b->patch_nums, sizeof a->patch_nums), "the pyramid");
    CHECK(!memcmp(&a->defaults, &b->defaults, sizeof a->defaults), "settings");
    CHECK(a->drafter_parameters == b->drafter_parameters &&
              a->refiner_parameters == b->refiner_parameters &&
              a->vae_parameters == b->vae_parameters,
          "parameters");
    for (unsigned i = 0; i < a->classes; i++)
        CHECK(!strcmp(a->class_names[i], b->class_names[i]), "class %u", i);
    codesrc_model_unref(before);
    codesrc_model_unref(after);
}

/* ---- mistakes -------------------------------------------------------------------------------- */

static bool give_up(void *user, double fraction)
{
    (void)user;
    return fraction < 0.5;
}

static void test_mistakes(void)
{
    unsigned before = count_entries(scratch);
    CodesrcModelOptions options;
    CodesrcError error = {0};

    CHECK(!convert("f32", in_scratch("f32").text, &error) && error.status == CODESRC_SETTINGS &&
              strstr(error.text, "exists already"),
          "over a folder: %s", error.text);
    CHECK(!convert("f32", in_scratch("no/such").text, &error) && error.status == CODESRC_FAILED &&
              strstr(error.text, "No such file"),
          "into nothing: %s", error.text);
    CHECK(!convert("int8", in_scratch("int8").text, &error) && error.status == CODESRC_SETTINGS &&
              strstr(error.text, "int8"),
          "to bytes: %s", error.text);
    codesrc_model_options_init(&options);
    options.drafting_steps = 9;
    CHECK(!codesrc_model_convert(tiny_folder(), &options, in_scratch("nine").text, &error) &&
              error.status == CODESRC_SETTINGS,
          "N = 9: %s", error.text);
    options.drafting_steps = 0;
    options.progress = give_up;
    CHECK(!codesrc_model_convert(tiny_folder(), &options, in_scratch("half").text, &error) &&
              error.status == CODESRC_CANCELLED,
          "cancelled: %s", error.text);
    CHECK(count_entries(scratch) == before, "something was left behind");
}

/* ---- files that change ----------------------------------------------------------------------- */

typedef enum Change { CUT, TOUCHED, REPLACED, REMOVED } Change;

static void change(Change how)
{
    Path file = path_in(in_scratch("f32").text, "drafter.safetensors"), other = in_scratch("other");
    struct timespec long_ago[] = {{1000, 0}, {1000, 0}};
    FILE *junk;

    if (how == CUT) {
        CHECK(!truncate(file.text, 5000), "not cut");
    } else if (how == TOUCHED) {
        CHECK(!utimensat(AT_FDCWD, file.text, long_ago, 0), "not touched");
    } else if (how == REPLACED) {
        junk = fopen(other.text, "w");
        CHECK(junk && fputs("junk", junk) >= 0 && !fclose(junk), "no other file");
        CHECK(!rename(other.text, file.text), "not replaced");
    } else {
        CHECK(!unlink(file.text), "not removed");
    }
}

static void test_change(Change how, bool refused)
{
    static uint8_t golden[PICTURES * BYTES], pixels[BYTES];
    TinyDevice device = {"auto", "f32"};
    Path folder = in_scratch("f32");
    CodesrcError error = {0};
    CodesrcModel *model;
    CodesrcGenerator *generator;

    remove_folder(folder.text);
    CHECK(convert("f32", folder.text, &error), "%s", error.text);
    draw_all(folder.text, device, CODESRC_CLASS_WEIGHTS_READ, golden);
    model = open_model(folder.text, device, CODESRC_CLASS_WEIGHTS_READ);
    generator = codesrc_generator_new(model, 1, 0, &error);
    CHECK(draw(generator, model, 0, pixels, &error) && !memcmp(pixels, golden, BYTES), "%s",
          error.text);
    change(how);
    CHECK(draw(generator, model, 0, pixels, &error) && !memcmp(pixels, golden, BYTES),
          "change %d: a class that is known: %s", how, error.text);
    if (refused) {
        for (int i = 0; i < 2; i++)
            CHECK(!draw(generator, model, 4, pixels, &error) && error.status == CODESRC_TRUNCATED &&
                      strstr(error.text, "drafter.safetensors"),
                  "change %d: a new class: status %d, %s", how, error.status, error.text);
        CHECK(draw(generator, model, 0, pixels, &error) && !memcmp(pixels, golden, BYTES),
              "change %d: after the refusal: %s", how, error.text);
    } else {
        CHECK(draw(generator, model, 4, pixels, &error) && !memcmp(pixels, golden + BYTES, BYTES),
              "change %d: a new class: %s", how, error.text);
    }
    codesrc_generator_free(generator);
    codesrc_model_unref(model);
}

int main(int argc, char **argv)
{
    TinyDevice device = tiny_device(argc, argv);
    CodesrcError error = {0};

    codesrc_model_unref(
        tiny_model(device, 1)); /* ends the program if the processor lacks a precision */
    CHECK(mkdtemp(scratch), "no folder");
    CHECK(convert("f32", in_scratch("f32").text, &error), "%s", error.text);
    CHECK(convert("bf16", in_scratch("bf16").text, &error), "%s", error.text);
    test_pictures(device);
    test_manifest();
    test_mistakes();
    test_change(CUT, true);
    test_change(TOUCHED, true);
    test_change(REPLACED, false);
    test_change(REMOVED, false);
    remove_folder(in_scratch("f32").text);
    remove_folder(in_scratch("bf16").text);
    CHECK(!rmdir(scratch), "the folder is not empty");
    return test_end();
}
