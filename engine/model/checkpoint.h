/* checkpoint.h - finds a model in a checkpoint: its prefix, and the other things stored with it.
 * Trainers and libraries wrap the same tensors in names of their own. */
#ifndef CODE_MODEL_CHECKPOINT_H
#define CODE_MODEL_CHECKPOINT_H

#include "model/tensors.h"

/* The tensors' purpose, which selects the part of a trainer's checkpoint to read. */
typedef enum CodeRole { CODE_ROLE_VAE, CODE_ROLE_VAR } CodeRole;

/* A weight file of a manifest, and how to find its tensors. */
typedef struct CodeWeightsFile {
    char *name;            /* relative to the manifest's folder; NULL with synthetic weights */
    char *prefix;          /* of the model's tensors, with or without a final dot; "" or NULL: a
                              known one */
    char **ignore;         /* names of tensors to skip; '*' stands for any text */
    unsigned ignore_count; /* 0: none */
} CodeWeightsFile;

/* The model's place in the checkpoint. */
typedef struct CodePlace {
    char prefix[CODE_MAX_TENSOR_NAME + 2]; /* "" or with a final dot */
    bool found; /* false: the file lacks a tensor that every model has; prefix is then "" */
} CodePlace;

/* Reduces a file's tensors to those of the model of that role, under their names in the model.
 * Drops those that `given` ignores and those that a trainer saves alongside a model, and removes
 * the parts that wrappers insert into names. Errors call the file `file`. */
bool code_checkpoint_enter(CodeTensors *tensors, CodeRole role, const CodeWeightsFile *given,
                           const char *file, CodePlace *place, CodesrcError *error);

/* A tensor that the engine derives itself, or a trainer's state. */
bool code_checkpoint_spare(CodeRole role, const char *name);

/* Fails with CODESRC_MISMATCH for a required tensor, and lists the tensors found instead. */
bool code_checkpoint_missing(const CodeTensors *tensors, const CodePlace *place, const char *name,
                             const char *expected, const char *file, CodesrcError *error);

#endif
