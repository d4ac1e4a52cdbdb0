/* safetensors.c - the .safetensors format: 8 bytes of length, a header in JSON, the values.
 *
 * The header is scanned before it is parsed. It may hold so little (objects of objects, lists of
 * whole numbers, strings) that the scan can bound its depth and its number of values, and with
 * them the memory for parsing. Afterwards every byte of the file must belong to one tensor. */
#include "model/formats.h"

#include "checked.h"
#include "error.h"
#include "model/text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define MAX_HEADER ((uint64_t)2 << 20)
#define MAX_PAIRS  (4 * CODE_MAX_TENSORS + 1024) /* of key and value, in all */

/* State of scanning the header. */
typedef struct Scan {
    const char *text;
    size_t length, at;
    unsigned depth; /* 1: the header, 2: one tensor or the metadata, 3: a list */
    unsigned commas;
    size_t pairs;
} Scan;

static bool fail_scan(const Scan *scan, const char *found, const char *expected, const char *file,
                      CodesrcError *error)
{
    return code_fail(error, CODESRC_MALFORMED, "%s: header, byte %zu: found %s, expected %s", file,
                     scan->at, found, expected);
}

/* Leaves `at` on the closing quote. */
static bool skip_string(Scan *scan, const char *file, CodesrcError *error)
{
    while (++scan->at < scan->length && scan->text[scan->at] != '"') {
        if (scan->text[scan->at] == '\\')
            scan->at++;
    }
    return scan->at < scan->length ||
           fail_scan(scan, "its end", "the end of a string", file, error);
}

static bool open_bracket(Scan *scan, char bracket, const char *file, CodesrcError *error)
{
    if (scan->depth == 3 || (bracket == '[') != (scan->depth == 2))
        return fail_scan(scan, bracket == '[' ? "a list" : "an object",
                         scan->depth == 3   ? "whole numbers"
                         : scan->depth == 2 ? "a list or a string"
                                            : "an object",
                         file, error);
    scan->depth++;
    scan->commas = 0;
    return true;
}

static bool scan_character(Scan *scan, const char *file, CodesrcError *error)
{
    char c = scan->text[scan->at];
    CodeQuoted quoted;

    switch (c) {
    case '"':
        return skip_string(scan, file, error);
    case '{':
    case '[':
        return open_bracket(scan, c, file, error);
    case '}':
    case ']':
        scan->depth--;
        return true;
    case ':':
        return ++scan->pairs <= MAX_PAIRS ||
               code_fail(error, CODESRC_MALFORMED,
                         "%s: header: found more than %d keys, expected %d tensors at most", file,
                         MAX_PAIRS, CODE_MAX_TENSORS);
    case ',':
        return scan->depth != 3 || ++scan->commas < CODE_MAX_RANK ||
               fail_scan(scan, "a list of more than 8 numbers", "8 dimensions at most", file,
                         error);
    case ' ':
    case '\t':
    case '\n':
    case '\r':
        return true;
    default:
        return (c >= '0' && c <= '9') ||
               fail_scan(scan, code_quote(&quoted, &c, 1),
                         "whole numbers, strings, lists and objects", file, error);
    }
}

static bool scan_header(const char *text, size_t length, const char *file, CodesrcError *error)
{
    Scan scan = {.text = text, .length = length};

    if (text[0] != '{')
        return code_fail(error, CODESRC_MALFORMED,
                         "%s: found byte 0x%02x where the header of a .safetensors file begins, "
                         "expected '{' (and no .pth file, which begins with PK)",
                         file, (unsigned char)text[0]);
    do {
        if (!scan_character(&scan, file, error))
            return false;
        scan.at++;
    } while (scan.depth && scan.at < length);
    if (scan.depth)
        return fail_scan(&scan, "its end", "closing brackets", file, error);
    for (; scan.at < length; scan.at++) {
        if (text[scan.at] != ' ')
            return fail_scan(&scan, "more after the header's object", "spaces only", file, error);
    }
    return true;
}

/* ---- one tensor ------------------------------------------------------------------------------ */

/* A list of up to CODE_MAX_RANK whole numbers. */
static bool read_list(const json_t *list, unsigned *count, uint64_t *numbers)
{
    if (!json_is_array(list) || json_array_size(list) > CODE_MAX_RANK)
        return false;
    *count = (unsigned)json_array_size(list);
    for (unsigned i = 0; i < *count; i++) {
        const json_t *item = json_array_get(list, i);

        if (!json_is_integer(item) || json_integer_value(item) < 0)
            return false;
        numbers[i] = (uint64_t)json_integer_value(item);
    }
    return true;
}

/* Type, shape and place of a tensor within the data_size bytes of data that begin at data_at. */
static bool read_tensor(const json_t *entry, const char *shown, uint64_t data_at,
                        uint64_t data_size, CodeTensor *tensor, const char *file,
                        CodesrcError *error)
{
    const json_t *type = json_object_get(entry, "dtype");
    uint64_t offsets[CODE_MAX_RANK], bytes;
    unsigned count;
    CodeQuoted quoted;

    if (!json_is_object(entry) || !json_is_string(type) || json_object_size(entry) != 3 ||
        !read_list(json_object_get(entry, "shape"), &tensor->info.rank, tensor->info.dims) ||
        !read_list(json_object_get(entry, "data_offsets"), &count, offsets) || count != 2)
        return code_fail(
            error, CODESRC_MALFORMED,
            "%s: tensor '%s': expected the keys dtype (a string), shape (up to %d whole "
            "numbers), data_offsets (two) and no other",
            file, shown, CODE_MAX_RANK);
    tensor->type = code_type_find(json_string_value(type), json_string_length(type));
    if (!tensor->type || !tensor->type->bytes)
        return code_fail(
            error, CODESRC_MALFORMED,
            "%s: tensor '%s': found type '%s', expected F32, F16, BF16, F64 or another "
            "type of whole bytes",
            file, shown, code_quote_string(&quoted, json_string_value(type)));
    if (!code_elements(tensor->info.rank, tensor->info.dims, &tensor->info.elements) ||
        !code_mul_u64(tensor->info.elements, tensor->type->bytes, &bytes))
        return code_fail(error, CODESRC_MALFORMED, "%s: tensor '%s': found a shape that overflows",
                         file, shown);
    if (offsets[0] > offsets[1] || offsets[1] - offsets[0] != bytes)
        return code_fail(
            error, CODESRC_MALFORMED,
            "%s: tensor '%s': found data_offsets %llu to %llu, expected %llu bytes for "
            "its shape and type",
            file, shown, (unsigned long long)offsets[0], (unsigned long long)offsets[1],
            (unsigned long long)bytes);
    if (offsets[1] > data_size)
        return code_fail(
            error, CODESRC_TRUNCATED,
            "%s: tensor '%s': found %llu bytes of values in the file, expected %llu: cut "
            "short",
            file, shown, (unsigned long long)data_size, (unsigned long long)offsets[1]);
    tensor->offset = data_at + offsets[0];
    tensor->record = CODE_NO_RECORD;
    code_dense_strides(tensor->info.rank, tensor->info.dims, tensor->strides);
    return true;
}

static bool check_metadata(const json_t *metadata, const char *file, CodesrcError *error)
{
    bool ok = json_is_object(metadata);
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)metadata, key, value) ok = ok && json_is_string(value);
    return ok ||
           code_fail(error, CODESRC_MALFORMED,
                     "%s: __metadata__: expected an object of strings, and nothing else", file);
}

/* ---- all ------------------------------------------------------------------------------------- */

static int compare_places(const void *a, const void *b)
{
    const CodeTensor *x = *(const CodeTensor *const *)a, *y = *(const CodeTensor *const *)b;

    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return (x->info.elements > y->info.elements) - (x->info.elements < y->info.elements);
}

/* The tensors must cover data_at..size, each byte once. */
static bool check_cover(const CodeTensors *tensors, uint64_t data_at, const CodeFile *file,
                        CodesrcError *error)
{
    const CodeTensor **order = malloc((tensors->count + 1) * sizeof *order);
    uint64_t at = data_at;
    bool ok = order != NULL;
    CodeQuoted quoted;

    if (!ok)
        return code_fail(error, CODESRC_NO_MEMORY, "%s: no memory for %zu tensors", file->name,
                         tensors->count);
    for (size_t i = 0; i < tensors->count; i++)
        order[i] = &tensors->all[i];
    qsort(order, tensors->count, sizeof *order, compare_places);
    for (size_t i = 0; ok && i < tensors->count; i++) {
        if (order[i]->offset != at)
            ok = code_fail(error, CODESRC_MALFORMED,
                           "%s: tensor '%s': found its values at byte %llu, expected them at byte "
                           "%llu, without gap or overlap",
                           file->name, code_quote_string(&quoted, order[i]->info.name),
                           (unsigned long long)(order[i]->offset - data_at),
                           (unsigned long long)(at - data_at));
        at += order[i]->info.elements * order[i]->type->bytes;
    }
    free(order);
    if (ok && at != file->size)
        ok = code_fail(error, CODESRC_MALFORMED,
                       "%s: found %llu bytes after the last tensor, expected none", file->name,
                       (unsigned long long)(file->size - at));
    return ok;
}

static bool read_entries(const json_t *header, const CodeFile *file, uint64_t data_at,
                         CodeTensors *tensors, CodesrcError *error)
{
    const char *name;
    json_t *entry;

    json_object_foreach((json_t *)header, name, entry)
    {
        CodeTensor tensor = {.offset = 0};
        CodeQuoted quoted;

        if (!strcmp(name, "__metadata__")) {
            if (!check_metadata(entry, file->name, error))
                return false;
        } else if (!read_tensor(entry, code_quote_string(&quoted, name), data_at,
                                file->size - data_at, &tensor, file->name, error) ||
                   !code_tensors_add(tensors, &tensor, name, strlen(name), file->name, error)) {
            return false;
        }
    }
    return check_cover(tensors, data_at, file, error);
}

/* Parses a header that scan_header() has accepted. */
static bool parse_header(const char *text, size_t length, const CodeFile *file,
                         CodeTensors *tensors, CodesrcError *error)
{
    json_error_t what;
    json_t *header;
    CodeQuoted quoted;
    bool ok;

    header = json_loadb(text, length, JSON_REJECT_DUPLICATES, &what);
    if (!header && json_error_code(&what) == json_error_out_of_memory)
        return code_fail(error, CODESRC_NO_MEMORY, "%s: no memory for its header", file->name);
    if (!header)
        return code_fail(error, CODESRC_MALFORMED, "%s: header, byte %d: %s", file->name,
                         what.position, code_quote_string(&quoted, what.text));
    ok = read_entries(header, file, 8 + length, tensors, error);
    json_decref(header);
    return ok;
}

bool code_safetensors_read(const CodeFile *file, CodeTensors *tensors, CodesrcError *error)
{
    uint8_t bytes[8];
    uint64_t length = 0;
    char *text;
    bool ok;

    if (file->size < 10)
        return code_fail(error, CODESRC_TRUNCATED,
                         "%s: found %llu bytes, expected a .safetensors or .pth file", file->name,
                         (unsigned long long)file->size);
    if (!code_file_read(file, 0, bytes, sizeof bytes, error))
        return false;
    for (int i = 8; i-- > 0;)
        length = length << 8 | bytes[i];
    if (length < 2 || length > MAX_HEADER || length > file->size - 8)
        return code_fail(
            error,
            length > file->size - 8 && length <= MAX_HEADER ? CODESRC_TRUNCATED : CODESRC_MALFORMED,
            "%s: found a header length of %llu, expected 2 to %llu: cut short, or no "
            ".safetensors or .pth file",
            file->name, (unsigned long long)length,
            (unsigned long long)(file->size - 8 < MAX_HEADER ? file->size - 8 : MAX_HEADER));
    text = malloc((size_t)length);
    if (!text)
        return code_fail(error, CODESRC_NO_MEMORY, "%s: no memory for a header of %llu bytes",
                         file->name, (unsigned long long)length);
    ok = code_file_read(file, 8, text, (size_t)length, error) &&
         scan_header(text, (size_t)length, file->name, error) &&
         parse_header(text, (size_t)length, file, tensors, error);
    free(text);
    return ok;
}
