/* zip_parts.h - what zip.c (the directory) and zip_local.c (the local headers) share. */
#ifndef CODE_MODEL_ZIP_PARTS_H
#define CODE_MODEL_ZIP_PARTS_H

#include "model/zip.h"

#define ZIP_MAX_NAME 300
#define ENTRY        "%s: zip entry '%s': " /* an entry in errors: file and name */

enum { CENTRAL_SIZE = 46 };
enum { FLAG_DESCRIPTOR = 1 << 3, FLAG_UTF8 = 1 << 11 };

/* Whether a field of the first zip format repeats a value, or is all ones if the value is too
 * large. / */
bool code_zip_repeats(uint64_t field, uint64_t value, uint64_t largest);

/* The data of extra field 1 (zip64) in extra[0..length); false if the fields do not tile it. *size
 * is SIZE_MAX without such a field. */
bool code_zip_find_zip64(const char *extra, size_t length, const char **found, size_t *size);

/* zip_local.c: checks the local headers against the directory, which begins at byte `limit`, and
 * finds where each record's bytes are. */
bool code_zip_read_locals(const CodeZip *zip, const CodeFile *file, uint64_t limit,
                          CodesrcError *error);

/* zip_local.c: what an archive is that torch.save did not write, by the names in
 * directory[0..size), or NULL: it says what to do, and goes before what is wrong with an entry. */
const char *code_zip_foreign(const char *directory, size_t size);

#endif
