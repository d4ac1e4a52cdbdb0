/* zip.c - the archives that torch.save writes: every entry stored uncompressed, one folder at the
 * root.
 *
 * It reads the layout of PyTorch's writer: local records one after another from byte 0, each
 * followed by a data descriptor; the central directory; from PyTorch, a zip64 end record and its
 * locator; and the end record, without a comment, as the last 22 bytes. It refuses anything before,
 * between or after these, and any contradiction: nothing can hide in such a file, and no two
 * programs can see different contents. */
#include "model/zip.h"

#include "checked.h"
#include "error.h"
#include "model/bytes.h"
#include "model/text.h"
#include "model/zip_parts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_RECORDS   16384
#define MAX_DIRECTORY ((uint64_t)4 << 20)
enum { END_SIZE = 22, LOCATOR_SIZE = 20, END64_SIZE = 56 };

/* ---- CRC-32, eight bytes a step -------------------------------------------------------------- */

static void make_crc_table(uint32_t table[8][256])
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;

        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
        table[0][i] = crc;
    }
    for (int t = 1; t < 8; t++) {
        for (int i = 0; i < 256; i++)
            table[t][i] = table[t - 1][i] >> 8 ^ table[0][table[t - 1][i] & 0xFF];
    }
}

uint32_t code_zip_crc(const CodeZip *zip, uint32_t crc, const uint8_t *bytes, size_t count)
{
    const uint32_t(*t)[256] = zip->crc_table;

    crc = ~crc;
    for (; count >= 8; bytes += 8, count -= 8) {
        uint32_t low = code_le32(bytes) ^ crc, high = code_le32(bytes + 4);

        crc = t[7][low & 0xFF] ^ t[6][low >> 8 & 0xFF] ^ t[5][low >> 16 & 0xFF] ^ t[4][low >> 24] ^
              t[3][high & 0xFF] ^ t[2][high >> 8 & 0xFF] ^ t[1][high >> 16 & 0xFF] ^
              t[0][high >> 24];
    }
    for (; count; bytes++, count--)
        crc = crc >> 8 ^ t[0][(crc ^ *bytes) & 0xFF];
    return ~crc;
}

/* ---- the end of the file --------------------------------------------------------------------- */

/* The central directory, as the end records give it. */
typedef struct Directory {
    uint64_t offset, size, count;
} Directory;

/* The zip64 end record whose locator ends where the end record begins. */
static bool read_end64(const CodeFile *file, const uint8_t *locator, uint64_t locator_at,
                       Directory *directory, uint64_t *end_at, CodesrcError *error)
{
    uint64_t at = code_le64(locator + 8);
    uint8_t record[END64_SIZE];

    if (code_le32(locator + 4) || code_le32(locator + 16) != 1)
        return code_fail(error, CODESRC_MALFORMED,
                         "%s: found a zip in several parts, expected one file", file->name);
    if (locator_at < END64_SIZE || at != locator_at - END64_SIZE)
        return code_fail(
            error, CODESRC_MALFORMED,
            "%s: found a zip64 locator that points to byte %llu, expected the %d bytes "
            "before it at byte %llu",
            file->name, (unsigned long long)at, END64_SIZE, (unsigned long long)locator_at);
    if (!code_file_read(file, at, record, sizeof record, error))
        return false;
    if (memcmp(record, "PK\6\6", 4) || code_le64(record + 4) != END64_SIZE - 12)
        return code_fail(error, CODESRC_MALFORMED,
                         "%s: found no zip64 end record at byte %llu, where its locator points",
                         file->name, (unsigned long long)at);
    if (code_le32(record + 16) || code_le32(record + 20) ||
        code_le64(record + 24) != code_le64(record + 32))
        return code_fail(error, CODESRC_MALFORMED,
                         "%s: found a zip in several parts, expected one file", file->name);
    directory->count = code_le64(record + 32);
    directory->size = code_le64(record + 40);
    directory->offset = code_le64(record + 48);
    *end_at = at;
    return true;
}

static bool read_end(const CodeFile *file, Directory *directory, CodesrcError *error)
{
    uint8_t bytes[LOCATOR_SIZE + END_SIZE], *end = bytes + LOCATOR_SIZE;
    uint64_t end_at = file->size - END_SIZE, directory_end;

    if (file->size < LOCATOR_SIZE + END_SIZE)
        return code_fail(error, CODESRC_TRUNCATED,
                         "%s: found %llu bytes, expected a zip: cut short", file->name,
                         (unsigned long long)file->size);
    if (!code_file_read(file, file->size - sizeof bytes, bytes, sizeof bytes, error))
        return false;
    if (memcmp(end, "PK\5\6", 4) || code_le16(end + 20))
        return code_fail(error, CODESRC_TRUNCATED,
                         "%s: found no zip end record in the last %d bytes, expected one without a "
                         "comment: cut short, or something was added",
                         file->name, END_SIZE);
    if (code_le16(end + 4) || code_le16(end + 6) || code_le16(end + 8) != code_le16(end + 10))
        return code_fail(error, CODESRC_MALFORMED,
                         "%s: found a zip in several parts, expected one file", file->name);
    *directory = (Directory){code_le32(end + 16), code_le32(end + 12), code_le16(end + 10)};
    directory_end = end_at;
    if (!memcmp(bytes, "PK\6\7", 4)) {
        if (!read_end64(file, bytes, end_at - LOCATOR_SIZE, directory, &directory_end, error))
            return false;
        if (!code_zip_repeats(code_le16(end + 10), directory->count, 0xFFFF) ||
            !code_zip_repeats(code_le32(end + 12), directory->size, 0xFFFFFFFF) ||
            !code_zip_repeats(code_le32(end + 16), directory->offset, 0xFFFFFFFF))
            return code_fail(error, CODESRC_MALFORMED,
                             "%s: found zip end records that disagree about the directory",
                             file->name);
    }
    if (directory->offset > directory_end || directory->size != directory_end - directory->offset)
        return code_fail(
            error, CODESRC_MALFORMED,
            "%s: found a zip directory of %llu bytes at byte %llu, expected it to end at "
            "byte %llu",
            file->name, (unsigned long long)directory->size, (unsigned long long)directory->offset,
            (unsigned long long)directory_end);
    if (!directory->count || directory->count > MAX_RECORDS || directory->size > MAX_DIRECTORY ||
        directory->count > directory->size / CENTRAL_SIZE)
        return code_fail(
            error, CODESRC_MALFORMED,
            "%s: found %llu zip entries in a directory of %llu bytes, expected 1 to %d in "
            "%d to %llu bytes",
            file->name, (unsigned long long)directory->count, (unsigned long long)directory->size,
            MAX_RECORDS, CENTRAL_SIZE, (unsigned long long)MAX_DIRECTORY);
    return true;
}

/* ---- the central directory ------------------------------------------------------------------- */

/* Why an entry's name is refused, or NULL. The root folder is checked elsewhere. */
static const char *name_flaw(const char *name, size_t length)
{
    const char *flaw;

    if (length > ZIP_MAX_NAME)
        return "is too long";
    if (length && name[length - 1] == '/')
        return "is a folder";
    for (size_t at = 0; at < length;) {
        const char *slash = memchr(name + at, '/', length - at);
        size_t part = slash ? (size_t)(slash - name) - at : length - at;

        flaw = code_file_name_flaw(name + at, part);
        if (flaw)
            return flaw;
        at += part + (slash ? 1 : 0);
    }
    if (!length)
        return "is empty";
    return memchr(name, '/', length) ? NULL : "is in no folder";
}

/* Checks the fields that every stored entry of PyTorch's has. */
static bool check_entry(const CodeFile *file, const char *entry, const char *shown,
                        CodesrcError *error)
{
    unsigned flags = code_le16(entry + 8), method = code_le16(entry + 10),
             mode = code_le16(entry + 40);

    if (flags & (1 | 1 << 6 | 1 << 13))
        return code_fail(error, CODESRC_MALFORMED, ENTRY "is encrypted", file->name, shown);
    if (flags & ~(unsigned)(FLAG_DESCRIPTOR | FLAG_UTF8))
        return code_fail(error, CODESRC_MALFORMED, ENTRY "found flags 0x%x, expected at most 0x%x",
                         file->name, shown, flags, FLAG_DESCRIPTOR | FLAG_UTF8);
    if (method)
        return code_fail(error, CODESRC_MALFORMED,
                         ENTRY "is compressed (method %u), expected it stored as torch.save does",
                         file->name, shown, method);
    if (code_le16(entry + 6) > 45)
        return code_fail(error, CODESRC_MALFORMED,
                         ENTRY "found zip version %u, expected at most 45", file->name, shown,
                         code_le16(entry + 6));
    if (code_le16(entry + 32))
        return code_fail(error, CODESRC_MALFORMED, ENTRY "has a comment", file->name, shown);
    if (code_le16(entry + 34))
        return code_fail(error, CODESRC_MALFORMED, ENTRY "is on disk %u, expected one file",
                         file->name, shown, code_le16(entry + 34));
    if ((mode & S_IFMT) && !S_ISREG(mode))
        return code_fail(error, CODESRC_MALFORMED, ENTRY "is no plain file (mode %06o)", file->name,
                         shown, mode);
    return true;
}

/* Size and offset, which may be in the zip64 field. */
static bool read_sizes(const CodeFile *file, const char *entry, size_t extra_length,
                       const char *shown, CodeZipRecord *record, CodesrcError *error)
{
    const char *zip64 = NULL;
    size_t left, used = 0;
    uint64_t values[3] = {code_le32(entry + 24), code_le32(entry + 20), code_le32(entry + 42)};

    if (!code_zip_find_zip64(entry + CENTRAL_SIZE + code_le16(entry + 28), extra_length, &zip64,
                             &left))
        return code_fail(error, CODESRC_MALFORMED, ENTRY "its extra fields do not fit", file->name,
                         shown);
    for (int i = 0; i < 3; i++) {
        if (values[i] != 0xFFFFFFFF)
            continue;
        if (left == SIZE_MAX || left < used + 8)
            return code_fail(error, CODESRC_MALFORMED, ENTRY "its zip64 field is missing or short",
                             file->name, shown);
        values[i] = code_le64(zip64 + used);
        used += 8;
    }
    if (left != SIZE_MAX && left != used)
        return code_fail(error, CODESRC_MALFORMED,
                         ENTRY "found a zip64 field of %zu bytes, expected %zu", file->name, shown,
                         left, used);
    if (values[0] != values[1])
        return code_fail(error, CODESRC_MALFORMED,
                         ENTRY "found %llu bytes stored as %llu, expected the same", file->name,
                         shown, (unsigned long long)values[0], (unsigned long long)values[1]);
    record->size = values[0];
    record->header = values[2];
    return true;
}

static bool read_directory(CodeZip *zip, const CodeFile *file, const Directory *directory,
                           CodesrcError *error)
{
    size_t at = 0, size = (size_t)directory->size, root_length = 0;
    CodeQuoted quoted;

    zip->unchecked = true;
    for (uint64_t i = 0; i < directory->count; i++) {
        const char *entry = zip->directory + at, *name = entry + CENTRAL_SIZE, *flaw, *shown;
        CodeZipRecord *record = &zip->records[i];
        size_t name_length, extra_length;

        if (size - at < CENTRAL_SIZE || memcmp(entry, "PK\1\2", 4))
            return code_fail(error, CODESRC_MALFORMED,
                             "%s: found no entry %llu in the zip directory, expected %llu",
                             file->name, (unsigned long long)i,
                             (unsigned long long)directory->count);
        name_length = code_le16(entry + 28);
        extra_length = code_le16(entry + 30);
        if (name_length + extra_length > size - at - CENTRAL_SIZE)
            return code_fail(error, CODESRC_MALFORMED,
                             "%s: found entry %llu to reach over the end of the zip directory",
                             file->name, (unsigned long long)i);
        shown = code_quote(&quoted, name, name_length);
        flaw = name_flaw(name, name_length);
        if (flaw)
            return code_fail(error, CODESRC_MALFORMED, ENTRY "its name %s, expected FOLDER/NAME",
                             file->name, shown, flaw);
        if (!i)
            root_length = (size_t)((const char *)memchr(name, '/', name_length) - name) + 1;
        if (name_length <= root_length || memcmp(name, zip->directory + CENTRAL_SIZE, root_length))
            return code_fail(error, CODESRC_MALFORMED,
                             ENTRY "is in another folder than the first, expected one for all",
                             file->name, shown);
        if (!check_entry(file, entry, shown, error) ||
            !read_sizes(file, entry, extra_length, shown, record, error))
            return false;
        record->name = name + root_length;
        record->name_length = (uint32_t)(name_length - root_length);
        record->crc = code_le32(entry + 16);
        zip->unchecked &= !record->crc;
        at += CENTRAL_SIZE + name_length + extra_length;
    }
    for (uint64_t i = 0; i < directory->count; i++)
        zip->records[i].checked = zip->unchecked;
    if (at != size)
        return code_fail(
            error, CODESRC_MALFORMED,
            "%s: found %zu bytes after the last entry of the zip directory, expected none",
            file->name, size - at);
    return true;
}

/* ---- names ----------------------------------------------------------------------------------- */

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* Compares names without regard to case, as PyTorch does. */
static int compare_text(const char *a, size_t a_length, const char *b, size_t b_length)
{
    for (size_t i = 0; i < a_length && i < b_length; i++) {
        if (lower(a[i]) != lower(b[i]))
            return lower(a[i]) < lower(b[i]) ? -1 : 1;
    }
    return (a_length > b_length) - (a_length < b_length);
}

static int compare_records(const void *a, const void *b)
{
    const CodeZipRecord *const *x = a, *const *y = b;

    return compare_text((*x)->name, (*x)->name_length, (*y)->name, (*y)->name_length);
}

static bool sort_names(CodeZip *zip, const CodeFile *file, CodesrcError *error)
{
    const CodeZipRecord **order = malloc(zip->count * sizeof *order);
    bool ok = order != NULL;
    CodeQuoted quoted;

    if (!ok)
        return code_fail(error, CODESRC_NO_MEMORY, "%s: no memory for %zu zip entries", file->name,
                         zip->count);
    for (size_t i = 0; i < zip->count; i++)
        order[i] = &zip->records[i];
    qsort(order, zip->count, sizeof *order, compare_records);
    for (size_t i = 0; i < zip->count && ok; i++) {
        zip->by_name[i] = (uint32_t)(order[i] - zip->records);
        if (i && !compare_records(&order[i - 1], &order[i]))
            ok =
                code_fail(error, CODESRC_MALFORMED,
                          ENTRY "is there twice, expected once (upper and lower case are the same)",
                          file->name, code_quote(&quoted, order[i]->name, order[i]->name_length));
    }
    free(order);
    return ok;
}

CodeZipRecord *code_zip_find(const CodeZip *zip, const char *name, size_t length)
{
    size_t low = 0, high = zip->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        CodeZipRecord *record = &zip->records[zip->by_name[middle]];
        int order = compare_text(name, length, record->name, record->name_length);

        if (!order)
            return length == record->name_length && !memcmp(name, record->name, length) ? record
                                                                                        : NULL;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* ---- the face -------------------------------------------------------------------------------- */

static bool known_archive(const CodeZip *zip, const CodeFile *file, size_t size,
                          CodesrcError *error)
{
    const char *foreign = code_zip_foreign(zip->directory, size);

    return !foreign || code_fail(error, CODESRC_MALFORMED, "%s: %s", file->name, foreign);
}

CodeZip *code_zip_open(const CodeFile *file, CodesrcError *error)
{
    Directory directory = {0};
    CodeZip *zip;

    if (!read_end(file, &directory, error))
        return NULL;
    zip = calloc(1, sizeof *zip);
    if (zip) {
        zip->count = (size_t)directory.count;
        zip->directory = malloc((size_t)directory.size);
        zip->records = calloc(zip->count, sizeof *zip->records);
        zip->by_name = calloc(zip->count, sizeof *zip->by_name);
    }
    if (!zip || !zip->directory || !zip->records || !zip->by_name) {
        code_fail(error, CODESRC_NO_MEMORY, "%s: no memory for %llu zip entries", file->name,
                  (unsigned long long)directory.count);
        code_zip_free(zip);
        return NULL;
    }
    make_crc_table(zip->crc_table);
    if (code_file_read(file, directory.offset, zip->directory, (size_t)directory.size, error) &&
        known_archive(zip, file, (size_t)directory.size, error) &&
        read_directory(zip, file, &directory, error) && sort_names(zip, file, error) &&
        code_zip_read_locals(zip, file, directory.offset, error))
        return zip;
    code_zip_free(zip);
    return NULL;
}

void code_zip_free(CodeZip *zip)
{
    if (!zip)
        return;
    free(zip->directory);
    free(zip->records);
    free(zip->by_name);
    free(zip);
}

bool code_zip_compare(CodeZipRecord *record, uint32_t crc, const char *file, CodesrcError *error)
{
    CodeQuoted quoted;

    if (crc != record->crc)
        return code_fail(error, CODESRC_MALFORMED, ENTRY "found CRC %08x, expected %08x: damaged",
                         file, code_quote(&quoted, record->name, record->name_length), crc,
                         record->crc);
    record->checked = true;
    return true;
}

uint8_t *code_zip_read(const CodeZip *zip, const CodeFile *file, CodeZipRecord *record,
                       size_t limit, CodesrcError *error)
{
    CodeQuoted quoted;
    uint8_t *bytes;

    if (!record->size || record->size > limit) {
        code_fail(error, CODESRC_MALFORMED, ENTRY "found %llu bytes, expected 1 to %zu", file->name,
                  code_quote(&quoted, record->name, record->name_length),
                  (unsigned long long)record->size, limit);
        return NULL;
    }
    bytes = malloc((size_t)record->size);
    if (!bytes) {
        code_fail(error, CODESRC_NO_MEMORY, "%s: no memory for %llu bytes", file->name,
                  (unsigned long long)record->size);
        return NULL;
    }
    if (code_file_read(file, record->offset, bytes, (size_t)record->size, error) &&
        (zip->unchecked ||
         code_zip_compare(record, code_zip_crc(zip, 0, bytes, (size_t)record->size), file->name,
                          error)))
        return bytes;
    free(bytes);
    return NULL;
}

bool code_zip_check(const CodeZip *zip, const CodeFile *file, CodeZipRecord *record, uint8_t *piece,
                    size_t room, CodesrcError *error)
{
    uint32_t crc = 0;

    if (record->checked)
        return true;
    for (uint64_t done = 0; done < record->size;) {
        size_t count = record->size - done < room ? (size_t)(record->size - done) : room;

        if (!code_file_read(file, record->offset + done, piece, count, error))
            return false;
        crc = code_zip_crc(zip, crc, piece, count);
        done += count;
    }
    return code_zip_compare(record, crc, file->name, error);
}
