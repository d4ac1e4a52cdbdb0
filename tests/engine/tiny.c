/* tiny.c - writes the manifest of the tiny model into a folder of its own. */
#include "tiny.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char manifest[] =
    "name: tiny\n"
    "patch_nums: [1, 2, 3, 4, 8]\n"
    "classes: 10\n"
    "class_names: [red fox, arctic fox, owl, barn owl, hare, seal, bear, wolf, moose, lynx]\n"
    "synthetic: 11\n"
    "vae: {codes: 64, channels: 8, ch: 32, ch_mult: [1, 1, 2], res_blocks: 1, groups: 8}\n"
    "drafter: {depth: 3, width: 128, heads: 2}\n"
    "refiner: {depth: 2, width: 64, heads: 1}\n"
    "defaults: {drafting_steps: 3, guidance: 1.5, top_k: 20, top_p: 0.95, temperature: 1.0}\n";

static char folder[] = "/tmp/codesrc-tiny-XXXXXX";
static char path[64];

static void remove_all(void)
{
    unlink(path);
    rmdir(folder);
}

const char *tiny_folder(void)
{
    FILE *file;

    if (path[0])
        return folder;
    if (!mkdtemp(folder)) {
        perror(folder);
        exit(1);
    }
    snprintf(path, sizeof path, "%s/tiny.yaml", folder);
    atexit(remove_all);
    file = fopen(path, "w");
    if (!file || fputs(manifest, file) < 0 || fclose(file)) {
        perror(path);
        exit(1);
    }
    return folder;
}

TinyDevice tiny_device(int argc, char **argv)
{
    return (TinyDevice){argc > 1 ? argv[1] : "auto", argc > 2 ? argv[2] : "auto"};
}

CodesrcModel *tiny_model(TinyDevice device, unsigned threads)
{
    return tiny_model_with(device, threads, CODESRC_CLASS_WEIGHTS_AUTO);
}

CodesrcModel *tiny_model_with(TinyDevice device, unsigned threads,
                              CodesrcClassWeights class_weights)
{
    CodesrcModelOptions options;
    CodesrcError error = {0};
    CodesrcModel *model;

    codesrc_model_options_init(&options);
    options.device = device.device;
    options.precision = device.precision;
    options.threads = threads;
    options.class_weights = class_weights;
    model = codesrc_model_open(tiny_folder(), &options, &error);
    if (!model) {
        printf("%s: %s\n", error.status == CODESRC_SETTINGS ? "skipped" : "tiny model", error.text);
        exit(error.status == CODESRC_SETTINGS ? 77 : 1); /* a precision that this processor lacks */
    }
    return model;
}
