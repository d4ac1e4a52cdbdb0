/* pth.c - what torch.save writes since PyTorch 1.6: a zip archive of a pickle and of storages. */
#include "model/formats.h"

#include "checked.h"
#include "error.h"
#include "model/pickle.h"
#include "model/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PICKLE  ((size_t)4 << 20)
#define MAX_VERSION 10 /* of the archive; the newest that PyTorch reads */
#define MAX_SHARING 16 /* how often views may read their storages, averaged over the file */

/* ---- small records --------------------------------------------------------------------------- */

/* Text of a small record, less one newline at its end, in text[0..16). "" if there is none. */
static bool read_note(const CodeZip *zip, const CodeFile *file, const char *name, char text[17],
                      CodesrcError *error)
{
    CodeZipRecord *record = code_zip_find(zip, name, strlen(name));
    uint8_t *bytes;
    size_t length;

    text[0] = '\0';
    if (!record)
        return true;
    bytes = code_zip_read(zip, file, record, 16, error);
    if (!bytes)
        return false;
    length = (size_t)record->size;
    if (bytes[length - 1] == '\n')
        length--;
    memcpy(text, bytes, length);
    text[length] = '\0';
    free(bytes);
    return true;
}

static bool check_notes(const CodeZip *zip, const CodeFile *file, CodesrcError *error)
{
    char order[17], version[17];
    unsigned number = 0;
    CodeQuoted quoted;

    if (!read_note(zip, file, "byteorder", order, error) ||
        !read_note(zip, file, "version", version, error))
        return false;
    if (!strcmp(order, "big"))
        return code_fail(error, CODESRC_MALFORMED,
                         "%s: found weights of a big-endian machine, expected little-endian",
                         file->name);
    if (*order && strcmp(order, "little"))
        return code_fail(error, CODESRC_MALFORMED, "%s: found byte order '%s', expected 'little'",
                         file->name, code_quote_string(&quoted, order));
    for (const char *c = version; *c >= '0' && *c <= '9' && number <= MAX_VERSION; c++)
        number = 10 * number + (unsigned)(*c - '0');
    if (!number || number > MAX_VERSION || strlen(version) > (number < 10 ? 1 : 2))
        return code_fail(error, CODESRC_MALFORMED,
                         "%s: found archive version '%s', expected 1 to %d", file->name,
                         code_quote_string(&quoted, version), MAX_VERSION);
    return true;
}

/* ---- tensors --------------------------------------------------------------------------------- */

/* Connects the pickle's tensors to their records. */
typedef struct Binder {
    const CodeFile *file;
    const CodeZip *zip;
    CodeTensors *tensors;
    const CodeType **types; /* of each record, from its first tensor */
    uint64_t bytes;         /* of all tensors */
} Binder;

static bool fail_tensor(const Binder *binder, const CodePickled *tensor, const char *what,
                        CodesrcError *error)
{
    CodeQuoted quoted;

    return code_fail(error, CODESRC_MALFORMED, "%s: tensor '%s': %s", binder->file->name,
                     code_quote(&quoted, tensor->name, tensor->name_length), what);
}

/* Every element must be inside the storage, and no two in the same place. */
static bool check_view(const Binder *binder, const CodePickled *tensor, uint64_t elements,
                       CodesrcError *error)
{
    unsigned order[CODE_MAX_RANK], rank = 0;
    uint64_t last = tensor->offset, span = 1;

    if (!elements)
        return tensor->offset <= tensor->numel ||
               fail_tensor(binder, tensor, "begins after the end of its storage", error);
    for (unsigned i = 0; i < tensor->rank; i++) {
        uint64_t reach;
        unsigned at = rank;

        if (!code_mul_u64(tensor->dims[i] - 1, tensor->strides[i], &reach) ||
            !code_add_u64(last, reach, &last))
            return fail_tensor(binder, tensor, "found strides that overflow", error);
        if (tensor->dims[i] == 1)
            continue;
        for (; at && tensor->strides[order[at - 1]] > tensor->strides[i]; at--)
            order[at] = order[at - 1];
        order[at] = i;
        rank++;
    }
    if (last >= tensor->numel)
        return fail_tensor(binder, tensor, "reaches over the end of its storage", error);
    for (unsigned i = 0; i < rank; i++) {
        uint64_t stride = tensor->strides[order[i]];

        if (stride < span)
            return fail_tensor(
                binder, tensor,
                "its elements share memory, expected one place for each: save it with "
                ".clone()",
                error);
        span += (tensor->dims[order[i]] - 1) * stride;
    }
    return true;
}

/* The storage of a tensor, if the archive has it in the size that the pickle states. */
static CodeZipRecord *find_storage(Binder *binder, const CodePickled *tensor, CodesrcError *error)
{
    char name[24] = "data/", what[160];
    CodeZipRecord *record;
    uint64_t bytes;

    memcpy(name + 5, tensor->key, tensor->key_length);
    record = code_zip_find(binder->zip, name, 5 + tensor->key_length);
    if (!record) {
        snprintf(what, sizeof what, "found no zip entry '%.*s', expected one",
                 (int)(5 + tensor->key_length), name);
        fail_tensor(binder, tensor, what, error);
        return NULL;
    }
    if (!code_mul_u64(tensor->numel, tensor->type->bytes, &bytes) || bytes != record->size) {
        snprintf(what, sizeof what, "found a storage of %llu bytes, expected %llu elements of %s",
                 (unsigned long long)record->size, (unsigned long long)tensor->numel,
                 tensor->type->name);
        fail_tensor(binder, tensor, what, error);
        return NULL;
    }
    if (binder->types[record - binder->zip->records] &&
        binder->types[record - binder->zip->records] != tensor->type) {
        fail_tensor(binder, tensor, "found its storage used with two types, expected one", error);
        return NULL;
    }
    binder->types[record - binder->zip->records] = tensor->type;
    return record;
}

static bool bind_tensor(void *user, const CodePickled *tensor, CodesrcError *error)
{
    Binder *binder = user;
    CodeZipRecord *record = find_storage(binder, tensor, error);
    CodeTensor bound = {.type = tensor->type};
    uint64_t bytes;

    if (!record)
        return false;
    if (!code_elements(tensor->rank, tensor->dims, &bound.info.elements) ||
        !code_mul_u64(bound.info.elements, tensor->type->bytes, &bytes))
        return fail_tensor(binder, tensor, "found a shape that overflows", error);
    if (!check_view(binder, tensor, bound.info.elements, error))
        return false;
    if (!code_add_u64(binder->bytes, bytes, &binder->bytes) ||
        binder->bytes / MAX_SHARING > binder->file->size)
        return fail_tensor(binder, tensor, "too many tensors share the same storages", error);
    bound.info.rank = tensor->rank;
    memcpy(bound.info.dims, tensor->dims, sizeof bound.info.dims);
    memcpy(bound.strides, tensor->strides, sizeof bound.strides);
    bound.offset = record->offset + tensor->offset * tensor->type->bytes;
    bound.record = (uint32_t)(record - binder->zip->records);
    return code_tensors_add(binder->tensors, &bound, tensor->name, tensor->name_length,
                            binder->file->name, error);
}

static bool read_tensors(CodeZip *zip, const CodeFile *file, CodeTensors *tensors,
                         CodesrcError *error)
{
    CodeZipRecord *record = code_zip_find(zip, "data.pkl", 8);
    Binder binder = {.file = file, .zip = zip, .tensors = tensors};
    uint8_t *pickle;
    bool ok;

    if (!record)
        return code_fail(
            error, CODESRC_MALFORMED,
            "%s: found a zip without data.pkl, expected one that torch.save wrote: unpack it "
            "if it only packs weight files",
            file->name);
    pickle = code_zip_read(zip, file, record, MAX_PICKLE, error);
    if (!pickle)
        return false;
    binder.types = calloc(zip->count, sizeof *binder.types);
    ok = binder.types
             ? code_pickle_read(pickle, (size_t)record->size, file->name, bind_tensor, &binder,
                                error)
             : code_fail(error, CODESRC_NO_MEMORY, "%s: no memory for its storages", file->name);
    free(binder.types);
    free(pickle);
    return ok;
}

CodeZip *code_pth_read(const CodeFile *file, CodeTensors *tensors, CodesrcError *error)
{
    CodeZip *zip = code_zip_open(file, error);

    if (!zip)
        return NULL;
    if (check_notes(zip, file, error) && read_tensors(zip, file, tensors, error))
        return zip;
    code_zip_free(zip);
    return NULL;
}
