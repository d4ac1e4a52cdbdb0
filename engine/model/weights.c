/* weights.c - the source of weights: a .safetensors file, a .pth file, or a synthetic rule. */
#include "model/weights.h"

#include "error.h"
#include "model/checkpoint.h"
#include "model/formats.h"
#include "model/shards.h"
#include "model/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct CodeWeights {
    CodeFile file; /* none if synthetic */
    char name[24]; /* if synthetic */
    bool synthetic;
    uint32_t seed;
    CodeRole role;
    CodePlace place; /* of the model in the file */
    CodeTensors tensors;
    CodeShards shards;   /* none but for an index */
    CodeZip *zip;        /* NULL but for .pth */
    CodeTensor **sorted; /* by name */
    uint8_t *staging;    /* from the first read on */
};

/* ---- opening --------------------------------------------------------------------------------- */

/* Recognises the format by the file's first bytes. Each format has one reader, and a file that its
 * reader refuses is shown to no other. */
static bool read_header(CodeWeights *weights, const CodeShardFolder *where, CodesrcError *error)
{
    const CodeFile *file = &weights->file;
    uint8_t begin[CODE_FORM_BYTES];
    size_t size;

    if (!code_form_begin(file, begin, &size, error))
        return false;
    if (code_form_is_zip(begin, size)) {
        weights->zip = code_pth_read(file, &weights->tensors, error);
        if (!weights->zip)
            return false;
    } else if (code_form_is_json(begin, size)) {
        if (!code_shards_open(file, where, &weights->shards, &weights->tensors, error))
            return false;
    } else if (!code_safetensors_read(file, &weights->tensors, error)) {
        return false;
    }
    return code_tensors_check(&weights->tensors, file->name, error);
}

static int compare_tensors(const void *a, const void *b)
{
    const CodeTensor *const *x = a, *const *y = b;

    return strcmp((*x)->info.name, (*y)->info.name);
}

static bool sort_tensors(CodeWeights *weights, CodesrcError *error)
{
    const CodeTensors *tensors = &weights->tensors;

    weights->sorted = malloc(tensors->count * sizeof *weights->sorted);
    if (!weights->sorted)
        return code_fail(error, CODESRC_NO_MEMORY, "%s: no memory for %zu tensors",
                         weights->file.name, tensors->count);
    for (size_t i = 0; i < tensors->count; i++)
        weights->sorted[i] = &tensors->all[i];
    qsort(weights->sorted, tensors->count, sizeof *weights->sorted, compare_tensors);
    return true;
}

/* How a file is opened. */
typedef struct Opening {
    const CodeRole *role;         /* NULL: list it as it is */
    const CodeWeightsFile *given; /* what the manifest says, or NULL */
    CodeShardFolder where;
} Opening;

/* Takes over an open file. */
static CodeWeights *open_file(CodeFile *file, const Opening *opening, CodesrcError *error)
{
    CodeWeights *weights = calloc(1, sizeof *weights);

    if (!weights) {
        code_fail(error, CODESRC_NO_MEMORY, "%s: no memory to open it", file->name);
        code_file_close(file);
        return NULL;
    }
    weights->file = *file;
    weights->role = opening->role ? *opening->role : CODE_ROLE_VAR;
    if (read_header(weights, &opening->where, error) &&
        (!opening->role || code_checkpoint_enter(&weights->tensors, weights->role, opening->given,
                                                 file->name, &weights->place, error)) &&
        sort_tensors(weights, error))
        return weights;
    code_weights_close(weights);
    return NULL;
}

/* A file that a path leads to, in whose folder its shards lie. */
static CodeWeights *open_path(const char *path, const CodeRole *role, CodesrcError *error)
{
    const char *slash = strrchr(path, '/');
    Opening opening = {.role = role, .where = {.before = ""}};
    CodeWeights *weights = NULL;
    CodeFile file;
    char *folder;

    if (!code_file_open(&file, path, error))
        return NULL;
    folder = !slash ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (!folder) {
        code_fail(error, CODESRC_NO_MEMORY, "%s: no memory for a path", file.name);
        code_file_close(&file);
        return NULL;
    }
    opening.where.name = folder;
    opening.where.folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    weights = open_file(&file, &opening, error);
    if (opening.where.folder >= 0)
        close(opening.where.folder);
    free(folder);
    return weights;
}

CodeWeights *code_weights_open(const char *path, CodeRole role, CodesrcError *error)
{
    return open_path(path, &role, error);
}

CodeWeights *code_weights_open_at(int folder, const char *folder_name, const CodeWeightsFile *given,
                                  CodeRole role, CodesrcError *error)
{
    const char *slash = strrchr(given->name, '/');
    char before[256] = "";
    Opening opening = {.role = &role, .given = given, .where = {folder, folder_name, before}};
    CodeFile file;

    if (!code_file_open_at(&file, folder, folder_name, given->name, error))
        return NULL;
    if (slash)
        snprintf(before, sizeof before, "%.*s", (int)(slash + 1 - given->name), given->name);
    return open_file(&file, &opening, error);
}

CodeWeights *code_weights_synthetic(uint32_t seed, CodesrcError *error)
{
    CodeWeights *weights = calloc(1, sizeof *weights);

    if (!weights) {
        code_fail(error, CODESRC_NO_MEMORY, "no memory for synthetic weights");
        return NULL;
    }
    weights->file.descriptor = -1;
    weights->synthetic = true;
    weights->seed = seed;
    snprintf(weights->name, sizeof weights->name, "synthetic:%u", (unsigned)seed);
    return weights;
}

void code_weights_close(CodeWeights *weights)
{
    if (!weights)
        return;
    code_file_close(&weights->file);
    code_tensors_free(&weights->tensors);
    code_zip_free(weights->zip);
    code_shards_close(&weights->shards);
    free(weights->sorted);
    free(weights->staging);
    free(weights);
}

/* ---- looking --------------------------------------------------------------------------------- */

const char *code_weights_name(const CodeWeights *weights)
{
    return weights->synthetic ? weights->name : weights->file.name;
}

bool code_weights_is_synthetic(const CodeWeights *weights)
{
    return weights->synthetic;
}

bool code_weights_rule(const CodeWeights *weights, const char *name, unsigned rank,
                       const uint64_t *dims, CodeSynthetic *rule)
{
    if (weights->synthetic)
        *rule = code_synthetic_rule(weights->seed, name, rank, dims);
    return weights->synthetic;
}

static CodeTensor *find(const CodeWeights *weights, const char *name)
{
    size_t low = 0, high = weights->tensors.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, weights->sorted[middle]->info.name);

        if (!order)
            return weights->sorted[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const CodesrcTensorInfo *code_weights_find(const CodeWeights *weights, const char *name)
{
    const CodeTensor *tensor = find(weights, name);

    return tensor ? &tensor->info : NULL;
}

size_t code_weights_count(const CodeWeights *weights)
{
    return weights->tensors.count;
}

const CodesrcTensorInfo *code_weights_at(const CodeWeights *weights, size_t index)
{
    return &weights->tensors.all[index].info;
}

/* "(64, 3)", for errors. */
typedef struct ShapeText {
    char text[8 * 22 + 3];
} ShapeText;

static const char *shape_text(ShapeText *out, unsigned rank, const uint64_t *dims)
{
    size_t at = 0;

    at += (size_t)snprintf(out->text, sizeof out->text, "(");
    for (unsigned i = 0; i < rank && i < CODE_MAX_RANK; i++)
        at += (size_t)snprintf(out->text + at, sizeof out->text - at, "%s%llu", i ? ", " : "",
                               (unsigned long long)dims[i]);
    snprintf(out->text + at, sizeof out->text - at, ")");
    return out->text;
}

bool code_weights_check(const CodeWeights *weights, const char *name, unsigned rank,
                        const uint64_t *dims, CodesrcError *error)
{
    const CodeTensor *tensor;
    ShapeText found, expected;
    CodeQuoted quoted;

    if (weights->synthetic)
        return true;
    tensor = find(weights, name);
    if (!tensor) {
        char one[sizeof expected.text + 16];

        snprintf(one, sizeof one, "one of shape %s", shape_text(&expected, rank, dims));
        return code_weights_missing(weights, name, one, error);
    }
    if (tensor->info.rank != rank || (rank && memcmp(tensor->info.dims, dims, rank * sizeof *dims)))
        return code_fail(error, CODESRC_MISMATCH, "%s: tensor '%s': found shape %s, expected %s",
                         code_weights_name(weights), code_quote_string(&quoted, name),
                         shape_text(&found, tensor->info.rank, tensor->info.dims),
                         shape_text(&expected, rank, dims));
    if (tensor->type->element == CODE_OPAQUE)
        return code_fail(error, CODESRC_MISMATCH,
                         "%s: tensor '%s': found type %s, expected F32, F16, BF16, F64, F8_E4M3 or "
                         "F8_E5M2",
                         code_weights_name(weights), code_quote_string(&quoted, name),
                         tensor->type->name);
    return true;
}

bool code_weights_missing(const CodeWeights *weights, const char *name, const char *expected,
                          CodesrcError *error)
{
    return code_checkpoint_missing(&weights->tensors, &weights->place, name, expected,
                                   code_weights_name(weights), error);
}

void code_weights_take(CodeWeights *weights, const char *name)
{
    CodeTensor *tensor = weights->synthetic ? NULL : find(weights, name);

    if (tensor)
        tensor->taken = true;
}

bool code_weights_all_taken(const CodeWeights *weights, const char *part, CodesrcError *error)
{
    for (size_t i = 0; i < weights->tensors.count; i++) {
        const CodeTensor *tensor = &weights->tensors.all[i];
        CodeQuoted quoted;

        if (tensor->taken || code_checkpoint_spare(weights->role, tensor->info.name))
            continue;
        code_quote_string(&quoted, tensor->info.name);
        return code_fail(error, CODESRC_MISMATCH,
                         "%s: found tensor '%s%s' and no use for it: to draw without it, add "
                         "`ignore: ['%s%s']` to `%s` in the manifest",
                         code_weights_name(weights), weights->place.prefix, quoted.text,
                         weights->place.prefix, quoted.text, part);
    }
    return true;
}

/* ---- reading --------------------------------------------------------------------------------- */

static const CodeFile *file_of(const CodeWeights *weights, const CodeTensor *tensor)
{
    return tensor->shard ? &weights->shards.files[tensor->shard - 1] : &weights->file;
}

static bool read_tensor(CodeWeights *weights, const CodeTensor *tensor, float *out,
                        CodesrcError *error)
{
    if (!weights->staging)
        weights->staging = malloc(CODE_STAGING);
    if (!weights->staging)
        return code_fail(error, CODESRC_NO_MEMORY, "%s: no memory to read", weights->file.name);
    return code_tensor_read(&(CodeTensorSource){.file = file_of(weights, tensor),
                                                .zip = weights->zip,
                                                .staging = weights->staging},
                            tensor, out, error);
}

bool code_weights_read(CodeWeights *weights, const char *name, unsigned rank, const uint64_t *dims,
                       float *out, CodesrcError *error)
{
    if (!code_weights_check(weights, name, rank, dims, error))
        return false;
    if (weights->synthetic) {
        code_synthetic_fill(weights->seed, name, rank, dims, 0, dims[0], out);
        return true;
    }
    return read_tensor(weights, find(weights, name), out, error);
}

bool code_weights_read_rows(const CodeWeights *weights, const CodeRows *rows, uint8_t *staging,
                            float *out, CodesrcError *error)
{
    CodeTensorSource source = {.zip = weights->zip, .staging = staging};
    CodeTensor part;
    uint64_t row;

    if (!code_weights_check(weights, rows->name, rows->rank, rows->dims, error))
        return false;
    if (weights->synthetic) {
        code_synthetic_fill(weights->seed, rows->name, rows->rank, rows->dims, rows->first,
                            rows->count, out);
        return true;
    }
    part = *find(weights, rows->name);
    source.file = file_of(weights, &part);
    row = part.info.elements / rows->dims[0];
    part.offset += rows->first * part.strides[0] * part.type->bytes;
    part.info.dims[0] = rows->count;
    part.info.elements = rows->count * row;
    source.first = rows->first * row;
    return code_tensor_read(&source, &part, out, error);
}

/* As they lie on little-endian machines. */
bool code_weights_integers(const CodeWeights *weights, const char *name, uint64_t count,
                           int64_t *out, CodesrcError *error)
{
    const CodeTensor *tensor = weights->synthetic ? NULL : find(weights, name);
    uint64_t strides[CODE_MAX_RANK];

    if (!tensor || strcmp(tensor->type->name, "I64") || tensor->info.elements != count)
        return code_weights_missing(weights, name, "one of integers", error);
    code_dense_strides(tensor->info.rank, tensor->info.dims, strides);
    if (memcmp(strides, tensor->strides, tensor->info.rank * sizeof *strides))
        return code_weights_missing(weights, name, "a dense one", error);
    return code_file_read(file_of(weights, tensor), tensor->offset, out,
                          (size_t)count * sizeof *out, error);
}

bool code_weights_unchanged(const CodeWeights *weights, CodesrcError *error)
{
    for (unsigned i = 0; i < weights->shards.count; i++)
        if (!code_file_unchanged(&weights->shards.files[i], error))
            return false;
    return weights->synthetic || code_file_unchanged(&weights->file, error);
}

bool codesrc_weights_recognised(const char *path)
{
    uint8_t begin[CODE_FORM_BYTES];
    CodesrcError error;
    CodeFile file;
    size_t size;
    bool recognised;

    if (!code_file_open(&file, path, &error))
        return false;
    size = file.size < sizeof begin ? (size_t)file.size : sizeof begin;
    recognised = code_file_read(&file, 0, begin, size, &error) && code_form_is_weights(begin, size);
    code_file_close(&file);
    return recognised;
}

/* A mask in VAR checkpoints, minus infinity at positions that a token must not see. Not a
 * weight. */
static bool is_mask(const char *name)
{
    const char *dot = strrchr(name, '.');

    return !strcmp(dot ? dot + 1 : name, "attn_bias_for_masking");
}

bool codesrc_weights_inspect(const char *path, bool verify,
                             void (*each)(void *user, const CodesrcTensorInfo *tensor), void *user,
                             CodesrcError *error)
{
    CodeWeights *weights = open_path(path, NULL, error);
    bool ok = true;

    if (!weights)
        return false;
    for (size_t i = 0; ok && i < weights->tensors.count; i++) {
        const CodeTensor *tensor = &weights->tensors.all[i];

        if (each)
            each(user, &tensor->info);
        if (verify && tensor->type->element != CODE_OPAQUE && !is_mask(tensor->info.name))
            ok = read_tensor(weights, tensor, NULL, error);
    }
    ok = ok && code_weights_unchanged(weights, error);
    code_weights_close(weights);
    return ok;
}
