/* manifest.h - a model's YAML manifest, as data. docs/models.md describes the format. */
#ifndef CODE_MODEL_MANIFEST_H
#define CODE_MODEL_MANIFEST_H

#include "codesrc.h"
#include "model/checkpoint.h"
#include "model/limits.h"

/* A number that the manifest does not give is 0; the loader then derives it from the tensors. */
typedef struct CodeManifestVae {
    CodeWeightsFile file;
    unsigned codes, channels, ch, res_blocks, groups;
    unsigned levels, ch_mult[CODE_MAX_LEVELS];
} CodeManifestVae;

typedef struct CodeManifestVar {
    bool given;
    CodeWeightsFile file;
    unsigned depth, width, heads;
    bool shared_aln, aln_given; /* aln_given: the manifest says shared_aln */
} CodeManifestVar;

typedef struct CodeManifestPair {
    uint32_t steps; /* bit N: this pair was trained for, or is offered for, N drafting steps */
    CodeManifestVar drafter, refiner;
} CodeManifestPair;

typedef struct CodeManifest {
    char *path;                         /* of the manifest */
    char *folder_name;                  /* the folder to which weight files are relative */
    int folder;                         /* its descriptor */
    char *name, *description, *license; /* "" if not given */
    unsigned scales, patch_nums[CODESRC_MAX_SCALES];
    unsigned classes;
    char **class_names; /* `classes` strings, or NULL */
    bool names_apart;   /* they are in a file of their own */
    bool synthetic;
    uint32_t synthetic_seed; /* the VQ-VAE's; the drafter's is + 1, the refiner's + 2 */
    CodeManifestVae vae;
    unsigned pair_count; /* 1 with plain `drafter` and `refiner` keys */
    CodeManifestPair pairs[CODE_MAX_PAIRS];
    CodesrcSettings defaults;
    uint64_t digest; /* of the file, and of its class_names file, see digest.h */
} CodeManifest;

/* Reads and checks the manifest at `path`. Refuses anything unknown, naming file:line. Missing
 * settings get the paper's values. NULL on failure. */
CodeManifest *code_manifest_read(const char *path, CodesrcError *error);
/* The file names of a converted model. */
#define CODE_VAE_FILE      "vae.safetensors"
#define CODE_DRAFTER_FILE  "drafter.safetensors"
#define CODE_REFINER_FILE  "refiner.safetensors"
#define CODE_MANIFEST_FILE "model.yaml"
#define CODE_CLASSES_FILE  "classes.txt"

/* manifest_write.c: writes the names of classes to a new file. Fails if `path` exists. */
bool code_manifest_write_names(const CodeManifest *manifest, const char *path, CodesrcError *error);

/* Writes a new file that describes one pair of a manifest, with weights in the files above, and in
 * them the names of classes too if the manifest had those in a file. `steps`: the default number of
 * drafting steps. Fails if `path` exists. */
bool code_manifest_write(const CodeManifest *manifest, const CodeManifestPair *pair,
                         unsigned classes, unsigned groups, unsigned steps, const char *path,
                         CodesrcError *error);

void code_manifest_free(CodeManifest *manifest); /* NULL is allowed */

#endif
