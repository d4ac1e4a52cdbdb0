/* zip_local.c - the local headers of a zip archive: each must agree with the directory, and
 * together they must account for every byte of the file. */
#include "model/zip_parts.h"

#include "error.h"
#include "model/bytes.h"
#include "model/text.h"

#include <stdlib.h>
#include <string.h>

enum { LOCAL_SIZE = 30, DESCRIPTOR_SIZE = 16, DESCRIPTOR64_SIZE = 24 };

bool code_zip_repeats(uint64_t field, uint64_t value, uint64_t largest)
{
    return field == (value < largest ? value : largest);
}

bool code_zip_find_zip64(const char *extra, size_t length, const char **found, size_t *size)
{
    *size = SIZE_MAX;
    while (length) {
        size_t field;

        if (length < 4)
            return false;
        field = code_le16(extra + 2);
        if (field > length - 4)
            return false;
        if (code_le16(extra) == 1) {
            if (*size != SIZE_MAX)
                return false;
            *found = extra + 4;
            *size = field;
        }
        extra += 4 + field;
        length -= 4 + field;
    }
    return true;
}

static bool ends(const char *name, size_t length, const char *tail)
{
    size_t size = strlen(tail);

    return length >= size && !memcmp(name + length - size, tail, size);
}

const char *code_zip_foreign(const char *directory, size_t size)
{
    bool arrays = true;
    size_t at = 0;

    while (size - at >= CENTRAL_SIZE && !memcmp(directory + at, "PK\1\2", 4)) {
        const char *name = directory + at + CENTRAL_SIZE;
        size_t length = code_le16(directory + at + 28);
        size_t rest = length + code_le16(directory + at + 30) + code_le16(directory + at + 32);

        if (rest > size - at - CENTRAL_SIZE)
            break;
        if (ends(name, length, "/constants.pkl") || memmem(name, length, "/code/", 6))
            return "found a TorchScript program, expected the weights alone: write them with "
                   "torch.save(torch.jit.load(FILE, 'cpu').state_dict(), NEW)";
        arrays = arrays && ends(name, length, ".npy");
        at += CENTRAL_SIZE + rest;
    }
    return at && arrays
               ? "found a NumPy archive, expected .safetensors or .pth: write its arrays with "
                 "safetensors.numpy.save_file(dict(numpy.load(FILE)), NEW)"
               : NULL;
}

/* The central entry that a record was read from. */
static const char *entry_of(const CodeZip *zip, const CodeZipRecord *record)
{
    const char *root = zip->directory + CENTRAL_SIZE;
    size_t root_length = (size_t)(zip->records[0].name - root);

    return record->name - root_length - CENTRAL_SIZE;
}

/* Checks a local header against its central entry. *tail receives the number of bytes after the
 * record's. */
static bool check_local(const CodeZip *zip, const CodeFile *file, CodeZipRecord *record,
                        const char *local, const char *shown, size_t *tail, CodesrcError *error)
{
    const char *entry = entry_of(zip, record), *zip64;
    bool later = code_le16(local + 6) & FLAG_DESCRIPTOR;
    size_t name_length = code_le16(local + 26), zip64_length;

    if (memcmp(local + 6, entry + 8, 8)) /* flags, method, time, date */
        return code_fail(error, CODESRC_MALFORMED,
                         ENTRY
                         "its local header has other flags, method or time than the directory",
                         file->name, shown);
    if (memcmp(local + LOCAL_SIZE, entry + CENTRAL_SIZE, name_length))
        return code_fail(error, CODESRC_MALFORMED,
                         ENTRY "its local header has another name than the directory", file->name,
                         shown);
    if (!code_zip_find_zip64(local + LOCAL_SIZE + name_length, code_le16(local + 28), &zip64,
                             &zip64_length) ||
        (zip64_length != SIZE_MAX && (zip64_length > 24 || zip64_length % 8)))
        return code_fail(error, CODESRC_MALFORMED,
                         ENTRY "the extra fields of its local header do not fit", file->name,
                         shown);
    *tail = !later ? 0 : zip64_length == SIZE_MAX ? DESCRIPTOR_SIZE : DESCRIPTOR64_SIZE;
    if (later && !code_le32(local + 14) && !code_le32(local + 18) && !code_le32(local + 22))
        return true;
    if (code_le32(local + 14) != record->crc ||
        !code_zip_repeats(code_le32(local + 18), record->size, 0xFFFFFFFF) ||
        !code_zip_repeats(code_le32(local + 22), record->size, 0xFFFFFFFF) ||
        (zip64_length != SIZE_MAX && zip64_length >= 16 && /* a shorter one has no sizes */
         (code_le64(zip64) != record->size || code_le64(zip64 + 8) != record->size)))
        return code_fail(error, CODESRC_MALFORMED,
                         ENTRY "its local header has another size or CRC than the directory",
                         file->name, shown);
    return true;
}

static bool check_descriptor(const CodeFile *file, const CodeZipRecord *record, const char *shown,
                             size_t size, CodesrcError *error)
{
    uint8_t bytes[DESCRIPTOR64_SIZE];
    bool wide = size == DESCRIPTOR64_SIZE;

    if (!code_file_read(file, record->offset + record->size, bytes, size, error))
        return false;
    if (memcmp(bytes, "PK\7\10", 4) || code_le32(bytes + 4) != record->crc ||
        (wide ? code_le64(bytes + 8) : code_le32(bytes + 8)) != record->size ||
        (wide ? code_le64(bytes + 16) : code_le32(bytes + 12)) != record->size)
        return code_fail(error, CODESRC_MALFORMED,
                         ENTRY "the descriptor after it disagrees with the directory", file->name,
                         shown);
    return true;
}

/* Reads the local header of a record that must begin at `at`; *end receives the place where the
 * next must begin. */
static bool read_local(const CodeZip *zip, const CodeFile *file, CodeZipRecord *record, uint64_t at,
                       uint64_t limit, char *local, uint64_t *end, CodesrcError *error)
{
    const char *entry = entry_of(zip, record), *shown;
    size_t name_length = code_le16(entry + 28), head, tail = 0;
    CodeQuoted quoted;

    shown = code_quote(&quoted, entry + CENTRAL_SIZE, name_length);
    if (record->header != at)
        return code_fail(
            error, CODESRC_MALFORMED,
            ENTRY "begins at byte %llu, expected it at byte %llu, without gap or overlap",
            file->name, shown, (unsigned long long)record->header, (unsigned long long)at);
    if (limit - at < LOCAL_SIZE + name_length)
        return code_fail(error, CODESRC_MALFORMED, ENTRY "reaches into the directory", file->name,
                         shown);
    if (!code_file_read(file, at, local, LOCAL_SIZE, error))
        return false;
    if (memcmp(local, "PK\3\4", 4) || code_le16(local + 26) != name_length ||
        code_le16(local + 4) > 45)
        return code_fail(error, CODESRC_MALFORMED, ENTRY "found no local header of it at byte %llu",
                         file->name, shown, (unsigned long long)at);
    head = LOCAL_SIZE + name_length + code_le16(local + 28);
    if (head > limit - at || record->size > limit - at - head)
        return code_fail(error, CODESRC_MALFORMED, ENTRY "reaches into the directory", file->name,
                         shown);
    if (!code_file_read(file, at + LOCAL_SIZE, local + LOCAL_SIZE, head - LOCAL_SIZE, error) ||
        !check_local(zip, file, record, local, shown, &tail, error))
        return false;
    record->offset = at + head;
    if (tail > limit - record->offset - record->size)
        return code_fail(error, CODESRC_MALFORMED, ENTRY "reaches into the directory", file->name,
                         shown);
    if (tail && !check_descriptor(file, record, shown, tail, error))
        return false;
    *end = record->offset + record->size + tail;
    return true;
}

static int compare_places(const void *a, const void *b)
{
    const CodeZipRecord *const *x = a, *const *y = b;

    return ((*x)->header > (*y)->header) - ((*x)->header < (*y)->header);
}

bool code_zip_read_locals(const CodeZip *zip, const CodeFile *file, uint64_t limit,
                          CodesrcError *error)
{
    CodeZipRecord **order = malloc(zip->count * sizeof *order);
    char *local = malloc(LOCAL_SIZE + ZIP_MAX_NAME + 0xFFFF);
    uint64_t at = 0;
    bool ok = true;

    if (!order || !local)
        ok = code_fail(error, CODESRC_NO_MEMORY, "%s: no memory for %zu zip entries", file->name,
                       zip->count);
    for (size_t i = 0; ok && i < zip->count; i++)
        order[i] = &zip->records[i];
    if (ok)
        qsort(order, zip->count, sizeof *order, compare_places);
    for (size_t i = 0; ok && i < zip->count; i++)
        ok = read_local(zip, file, order[i], at, limit, local, &at, error);
    if (ok && at != limit)
        ok =
            code_fail(error, CODESRC_MALFORMED,
                      "%s: found %llu bytes between the last zip entry and the directory, expected "
                      "none",
                      file->name, (unsigned long long)(limit - at));
    free(order);
    free(local);
    return ok;
}
