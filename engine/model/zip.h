/* zip.h - the archives that torch.save writes: every entry stored uncompressed, one folder at the
 * root. Stricter than PyTorch on purpose: facts that a zip file states twice must agree. */
#ifndef CODE_MODEL_ZIP_H
#define CODE_MODEL_ZIP_H

#include "model/file.h"

#include <stdatomic.h>

typedef struct CodeZipRecord {
    const char *name; /* after the root folder; not terminated */
    uint32_t name_length;
    uint32_t crc;
    uint64_t header; /* offset of its local header */
    uint64_t offset; /* of its bytes */
    uint64_t size;
    atomic_bool checked; /* its CRC is right; several threads may find this at once */
} CodeZipRecord;

typedef struct CodeZip {
    char *directory; /* the central directory's bytes: names point into it */
    CodeZipRecord *records;
    uint32_t *by_name; /* indices of records, in order of their names */
    size_t count;
    bool unchecked; /* every CRC is 0: PyTorch was told to compute none */
    uint32_t crc_table[8][256];
} CodeZip;

/* Reads and checks directory and local headers. NULL on failure. */
CodeZip *code_zip_open(const CodeFile *file, CodesrcError *error);
void code_zip_free(CodeZip *zip); /* NULL is allowed */

/* The record of that name (without the root folder), or NULL. */
CodeZipRecord *code_zip_find(const CodeZip *zip, const char *name, size_t length);

/* Reads a record of at most `limit` bytes and checks its CRC. The caller frees it. NULL on failure.
 */
uint8_t *code_zip_read(const CodeZip *zip, const CodeFile *file, CodeZipRecord *record,
                       size_t limit, CodesrcError *error);

/* Checks a record's CRC, unless it is already checked, by reading it in pieces of `room` bytes. */
bool code_zip_check(const CodeZip *zip, const CodeFile *file, CodeZipRecord *record, uint8_t *piece,
                    size_t room, CodesrcError *error);

/* CRC-32 of the bytes so far (0: none) followed by these. */
uint32_t code_zip_crc(const CodeZip *zip, uint32_t crc, const uint8_t *bytes, size_t count);

/* Compares a CRC computed over a whole record; sets `checked`. */
bool code_zip_compare(CodeZipRecord *record, uint32_t crc, const char *file, CodesrcError *error);

#endif
