/* checkpoint.h - where in a checkpoint a model lies: under which prefix, beside what else. Trainers
 * and libraries wrap the same tensors in names of their own. */
#ifndef CODE_MODEL_CHECKPOINT_H
#define CODE_MODEL_CHECKPOINT_H

#include "model/tensors.h"

/* A weight file of a manifest, and how its tensors are found there. */
struct CodeWeightsFile {
    char *name;            /* relative to the manifest's folder; NULL with synthetic weights */
    char *prefix;          /* that the model's tensors have, with or without a dot at its end; "" or
                              NULL: one that is known */
    char **ignore;         /* names of tensors to leave out, in which '*' stands for any text */
    unsigned ignore_count; /* 0: none */
};

/* Where the model was found. */
typedef struct CodePlace {
    char prefix[CODE_MAX_TENSOR_NAME + 2]; /* "" or with a dot at its end */
    bool found; /* false: no tensor that such a model must have; prefix is "" then */
} CodePlace;

/* Leaves of a file's tensors those of the model of that role, under their names in the model: drops
 * those that `given` ignores, and what a trainer saves beside a model; takes the names that wrappers
 * put in between out of names. `file` is what errors call the file. */
bool code_checkpoint_enter(CodeTensors *tensors, CodeRole role, const CodeWeightsFile *given,
                           const char *file, CodePlace *place, CodesrcError *error);

/* A tensor that files hold and the engine derives by itself, or state of a trainer. */
bool code_checkpoint_spare(CodeRole role, const char *name);

/* Up to three of the names, for an error: "'a', 'b', 'c'". */
typedef struct CodeNames {
    char text[160];
} CodeNames;

const char *code_checkpoint_names(const CodeTensors *tensors, CodeNames *out);

/* Fails with CODESRC_MISMATCH for a tensor that must be there, and says what is there instead. */
bool code_checkpoint_missing(const CodeTensors *tensors, const CodePlace *place, const char *name,
                             const char *expected, const char *file, CodesrcError *error);

#endif
