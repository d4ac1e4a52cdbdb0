/* test-bytes.c - in f32 and int8 a frame has the same bytes on every processor with fused
 * multiply-adds: hashes of logits, feature maps and pixels of the bundled model, on every such
 * instruction set of this machine.
 *
 *     test-bytes MANIFEST HASHES PRECISION [FRAMES]
 *
 * HASHES has a line for each frame; FRAMES, default 16, limits how many are drawn. If all are, the
 * environment variable CODESRC_WRITE_HASHES makes the program write HASHES instead. */
#include "codesrc.h"

#include "../test.h"
#include "levels.h"

#include <inttypes.h>

enum { FRAMES = 16, BATCH = 4 };

typedef struct Drawing {
    const CodesrcModelInfo *info;
    uint64_t hash[FRAMES];
    unsigned first; /* of the call */
    float *values;
    uint8_t *pixels;
} Drawing;

static const uint64_t empty_hash = 14695981039346656037u;

/* FNV-1a, of words in place of bytes. */
static uint64_t add_word(uint64_t hash, uint32_t word)
{
    return (hash ^ word) * 1099511628211u;
}

static uint64_t add_floats(uint64_t hash, const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;

        memcpy(&bits, &values[i], sizeof bits);
        hash = add_word(hash, bits);
    }
    return hash;
}

static void look(void *user, CodesrcGenerator *generator, unsigned scale, unsigned first,
                 unsigned count)
{
    Drawing *drawing = user;
    const CodesrcModelInfo *info = drawing->info;
    size_t p = info->patch_nums[scale], side = info->patch_nums[info->scales - 1];
    CodesrcError error;

    for (unsigned i = first; i < first + count; i++) {
        uint64_t *hash = &drawing->hash[drawing->first + i];

        CHECK(codesrc_generator_logits(generator, i, drawing->values, &error), "%s", error.text);
        *hash = add_floats(*hash, drawing->values, p * p * info->codes);
        CHECK(codesrc_generator_feature_map(generator, i, drawing->values, &error), "%s",
              error.text);
        *hash = add_floats(*hash, drawing->values, side * side * info->channels);
    }
}

/* Every N of the manifest's, with and without guidance, blends of codes, and of classes. */
static void make_request(const CodesrcModel *model, unsigned frame, CodesrcRequest *request)
{
    static const unsigned steps[] = {6, 8, 10};

    codesrc_request_init(model, request);
    request->frame = frame;
    request->settings.drafting_steps = steps[frame % 3];
    request->settings.more_smooth = frame % 4 == 3;
    if (frame % 5 == 4)
        request->settings.guidance = 0;
    if (frame == 7) {
        request->class_id = 0;
        request->class_id_2 = 1;
        request->class_mix = 0.375;
    }
}

static void draw(CodesrcModel *model, unsigned frames, Drawing *drawing)
{
    const CodesrcModelInfo *info = codesrc_model_info(model);
    size_t side = info->side, bytes = 3 * side * side;
    CodesrcRequest requests[BATCH];
    CodesrcPicture pictures[BATCH];
    CodesrcError error;
    CodesrcGenerator *generator = codesrc_generator_new(model, BATCH, 0, &error);

    drawing->info = info;
    drawing->values = malloc(sizeof(float) * info->positions * info->codes);
    drawing->pixels = malloc(BATCH * bytes);
    if (!generator || !drawing->values || !drawing->pixels ||
        !codesrc_generator_observe(generator, look, drawing, true, &error)) {
        CHECK(false, "%s", generator ? error.text : "no generator");
        exit(test_end());
    }
    for (unsigned first = 0, count; first < frames; first += count) {
        count = frames - first < BATCH ? frames - first : BATCH;
        drawing->first = first;
        for (unsigned i = 0; i < count; i++) {
            drawing->hash[first + i] = empty_hash;
            make_request(model, first + i, &requests[i]);
            pictures[i] = (CodesrcPicture){drawing->pixels + i * bytes, 3 * side};
        }
        CHECK(codesrc_generate(generator, requests, count, pictures, &error), "%s", error.text);
        for (size_t i = 0; i < count * bytes; i++) {
            uint64_t *hash = &drawing->hash[first + i / bytes];

            *hash = add_word(*hash, drawing->pixels[i]);
        }
    }
    codesrc_generator_free(generator);
    free(drawing->values);
    free(drawing->pixels);
}

static CodesrcModel *open_model(const char *manifest, const char *level, const char *precision,
                                unsigned threads)
{
    CodesrcModelOptions options;
    CodesrcModel *model;
    CodesrcError error;

    setenv("CODESRC_CPU", level, 1);
    codesrc_model_options_init(&options);
    options.device = "cpu";
    options.precision = precision;
    options.threads = threads;
    model = codesrc_model_open(manifest, &options, &error);
    if (!model) {
        CHECK(false, "%s", error.text);
        exit(test_end());
    }
    return model;
}

static void write_hashes(const char *path, const Drawing *drawing)
{
    FILE *file = fopen(path, "w");

    CHECK(file, "%s", path);
    for (unsigned i = 0; file && i < FRAMES; i++)
        fprintf(file, "%016" PRIx64 "\n", drawing->hash[i]);
    if (file)
        fclose(file);
}

static void compare(const char *path, const char *level, unsigned frames, const Drawing *drawing)
{
    FILE *file = fopen(path, "r");

    CHECK(file, "%s", path);
    for (unsigned i = 0; file && i < frames; i++) {
        uint64_t expected = 0;

        CHECK(fscanf(file, "%" SCNx64, &expected) == 1, "%s: no line %u", path, i + 1);
        CHECK(expected == drawing->hash[i], "%s: frame %u has other bytes", level, i);
    }
    if (file)
        fclose(file);
}

int main(int argc, char **argv)
{
    unsigned frames = argc > 4 ? (unsigned)atoi(argv[4]) : FRAMES, levels = 0;

    if (argc < 4 || frames < 1 || frames > FRAMES)
        return 1;
    for (const CpuLevel *level = cpu_levels; level->name; level++) {
        const char *chosen;
        CodesrcError error;
        Drawing drawing;
        CodesrcModel *model;

        if (level->sums != CPU_FUSES ||
            cpu_level_choose(level->name, argv[3], &chosen, &error) != level)
            continue;
        model = open_model(argv[1], level->name, argv[3], ++levels);
        draw(model, frames, &drawing);
        codesrc_model_unref(model);
        if (getenv("CODESRC_WRITE_HASHES") && frames == FRAMES)
            write_hashes(argv[2], &drawing);
        compare(argv[2], level->name, frames, &drawing);
        printf("%s: %u frames\n", level->name, frames);
    }
    if (levels)
        return test_end();
    printf("skipped: this processor has no fused multiply-add\n");
    return 77;
}
