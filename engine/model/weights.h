/* weights.h - the source of weights: a .safetensors file, a .pth file, or a synthetic rule. One
 * interface serves all three, so that building a model does not depend on which it is. */
#ifndef CODE_MODEL_WEIGHTS_H
#define CODE_MODEL_WEIGHTS_H

#include "backend.h"
#include "codesrc.h"
#include "model/checkpoint.h"

typedef struct CodeWeights CodeWeights;

/* Opens a weight file and recognises its format by its content. Reads and checks the whole header:
 * every name, type, shape and extent, but no values yet. Only tensors of the model of that role are
 * listed, under their names in the model (see checkpoint.h). NULL on failure. */
CodeWeights *code_weights_open(const char *path, CodeRole role, CodesrcError *error);

/* As code_weights_open, for a file that a manifest names: `file->name` is relative, stays under the
 * folder of descriptor `folder`, and is refused otherwise (absolute, "..", control characters,
 * ...). A symbolic link is followed only to a regular file (a Hugging Face cache is made of such
 * links). */
CodeWeights *code_weights_open_at(int folder, const char *folder_name, const CodeWeightsFile *file,
                                  CodeRole role, CodesrcError *error);

/* Weights that are a pure function of (tensor name, shape, seed): models of any size without a
 * file. */
CodeWeights *code_weights_synthetic(uint32_t seed, CodesrcError *error);

void code_weights_close(CodeWeights *weights); /* NULL is allowed */

/* Its name in errors: the file's path, or "synthetic:SEED". */
const char *code_weights_name(const CodeWeights *weights);
bool code_weights_is_synthetic(const CodeWeights *weights);

/* The rule of a tensor; false if weights are not synthetic. */
bool code_weights_rule(const CodeWeights *weights, const char *name, unsigned rank,
                       const uint64_t *dims, CodeSynthetic *rule);

/* The tensor of that name, or NULL. Synthetic weights list none. */
const CodesrcTensorInfo *code_weights_find(const CodeWeights *weights, const char *name);
size_t code_weights_count(const CodeWeights *weights);
const CodesrcTensorInfo *code_weights_at(const CodeWeights *weights, size_t index);

/* True if the tensor exists with exactly that shape and a floating-point type; else fails with
 * CODESRC_MISMATCH, naming file and tensor, found and expected. Synthetic weights have every
 * tensor. / */
bool code_weights_check(const CodeWeights *weights, const char *name, unsigned rank,
                        const uint64_t *dims, CodesrcError *error);

/* Fails for a missing tensor, as check does. */
bool code_weights_missing(const CodeWeights *weights, const char *name, const char *expected,
                          CodesrcError *error);

/* Notes that the model has a tensor of that name. */
void code_weights_take(CodeWeights *weights, const char *name);

/* True if every tensor was taken, or is known not to be a weight: a model's pictures may depend
 * on a tensor that would be left unused. `part` is its key in the manifest: "drafter", ... */
bool code_weights_all_taken(const CodeWeights *weights, const char *part, CodesrcError *error);

/* As check, then reads the values, row-major, as float32 into `out`; F16, BF16 and F64 are
 * converted. Refuses values that are not finite (CODESRC_MISMATCH, naming the tensor and the
 * element). */
bool code_weights_read(CodeWeights *weights, const char *name, unsigned rank, const uint64_t *dims,
                       float *out, CodesrcError *error);

/* Rows first..first + count - 1 of the outermost dimension of a tensor. */
typedef struct CodeRows {
    const char *name;
    unsigned rank;
    const uint64_t *dims; /* of the whole tensor */
    uint64_t first, count;
} CodeRows;

/* As read, for some rows. May be called on several threads at once, each with its own `staging` of
 * CODE_WEIGHTS_STAGING bytes; allocates nothing. */
bool code_weights_read_rows(const CodeWeights *weights, const CodeRows *rows, uint8_t *staging,
                            float *out, CodesrcError *error);

/* Reads `count` integers of 64 bits from a dense tensor of type I64 with as many elements. */
bool code_weights_integers(const CodeWeights *weights, const char *name, uint64_t count,
                           int64_t *out, CodesrcError *error);

/* Fails with CODESRC_TRUNCATED if the file changed (size or time) since it was opened. */
bool code_weights_unchanged(const CodeWeights *weights, CodesrcError *error);

#endif
