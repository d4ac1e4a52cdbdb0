/* pickle.h - the pickle inside a .pth file: a fixed interpreter for the opcodes that torch.save
 * writes for a state dict. It looks up and calls nothing: a pickle can only describe dictionaries
 * and tensors. */
#ifndef CODE_MODEL_PICKLE_H
#define CODE_MODEL_PICKLE_H

#include "model/tensors.h"

/* A tensor as the pickle describes it, before its storage is checked. Valid during the call. */
typedef struct CodePickled {
    const char *name; /* keys of nested dictionaries, joined by dots */
    size_t name_length;
    const char *key; /* of its storage; digits */
    size_t key_length;
    const CodeType *type;
    uint64_t numel;  /* of its storage */
    uint64_t offset; /* in its storage, elements */
    unsigned rank;
    uint64_t dims[CODE_MAX_RANK], strides[CODE_MAX_RANK];
} CodePickled;

/* Called for each tensor. Returning false, with error filled in, stops reading. */
typedef bool (*CodePickleEach)(void *user, const CodePickled *tensor, CodesrcError *error);

/* Runs the pickle, then calls `each` for the tensors of the resulting dictionary, in order.
 * Errors call the file `file`. */
bool code_pickle_read(const uint8_t *bytes, size_t length, const char *file, CodePickleEach each,
                      void *user, CodesrcError *error);

#endif
