/* shapes.c - manifests of known sizes. */
#include "shapes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PYRAMID "patch_nums: [1, 2, 3, 4, 5, 6, 8, 10, 13, 16]\n"
#define OFFICIAL_VAE                                                                               \
    "classes: 1000\n"                                                                              \
    "vae: {codes: 4096, channels: 32, ch: 160, ch_mult: [1, 1, 2, 2, 4], res_blocks: 2}\n"

static const char known[] = "official, d16, d20, d24, d30, d36, vistas, tiny";

/* official, d16, vistas and tiny are those of training/bench_pytorch.py. */
static const struct {
    const char *name, *manifest;
} shapes[] = {
    /* VAR-d30 and VAR-d16, as released for 256 x 256 */
    {"official", PYRAMID OFFICIAL_VAE "drafter: {depth: 30, width: 1920, heads: 30}\n"
                                      "refiner: {depth: 16, width: 1024, heads: 16}\n"},
    /* VAR alone: N = 10 */
    {"d16", PYRAMID OFFICIAL_VAE "drafter: {depth: 16, width: 1024, heads: 16}\n"},
    {"d20", PYRAMID OFFICIAL_VAE "drafter: {depth: 20, width: 1280, heads: 20}\n"},
    {"d24", PYRAMID OFFICIAL_VAE "drafter: {depth: 24, width: 1536, heads: 24}\n"},
    {"d30", PYRAMID OFFICIAL_VAE "drafter: {depth: 30, width: 1920, heads: 30}\n"},
    /* 512 x 512 pixels */
    {"d36", "patch_nums: [1, 2, 3, 4, 6, 9, 13, 18, 24, 32]\n" OFFICIAL_VAE
            "drafter: {depth: 36, width: 2304, heads: 36, shared_aln: true}\n"},
    {"vistas", PYRAMID "classes: 16\n"
                       "vae: {codes: 1024, channels: 16, ch: 16, ch_mult: [1, 2, 4, 4, 8], "
                       "res_blocks: 1, groups: 4}\n"
                       "drafter: {depth: 5, width: 256, heads: 4}\n"
                       "refiner: {depth: 4, width: 128, heads: 2}\n"},
    {"tiny", "patch_nums: [1, 2, 3, 4]\n"
             "classes: 10\n"
             "vae: {codes: 64, channels: 8, ch: 32, ch_mult: [1, 2], res_blocks: 1}\n"
             "drafter: {depth: 3, width: 128, heads: 2}\n"
             "refiner: {depth: 2, width: 64, heads: 1}\n"
             "defaults: {drafting_steps: 2}\n"},
};

CodesrcModel *shapes_open(const char *name, const CodesrcModelOptions *options, CodesrcError *error)
{
    const char *folder = getenv("TMPDIR");
    char path[4096];
    const char *manifest = NULL;
    CodesrcModel *model = NULL;
    FILE *file;
    int descriptor;
    bool written;

    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (!strcmp(shapes[i].name, name))
            manifest = shapes[i].manifest;
    if (!manifest) {
        snprintf(error->text, sizeof error->text, "--shape %.100s: expected one of %s", name,
                 known);
        return NULL;
    }
    snprintf(path, sizeof path, "%s/code-bench-XXXXXX.yaml", folder && *folder ? folder : "/tmp");
    descriptor = mkstemps(path, 5);
    file = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    written = file && fprintf(file, "name: %s\nsynthetic: 1\n%s", name, manifest) > 0;
    if ((file && fclose(file)) || !written)
        snprintf(error->text, sizeof error->text, "%.300s cannot be written", path);
    else
        model = codesrc_model_open(path, options, error);
    if (descriptor >= 0)
        unlink(path);
    return model;
}
