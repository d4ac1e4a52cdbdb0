/* file.h - reads files whose names and contents are not trusted. One descriptor serves the size
 * check and every read. Nothing is mapped, so a file truncated meanwhile causes an error, not a
 * signal. */
#ifndef CODE_MODEL_FILE_H
#define CODE_MODEL_FILE_H

#include "codesrc.h"

#include <time.h>

typedef struct CodeFile {
    int descriptor; /* -1: none */
    char *name;     /* for errors: the path, escaped and shortened */
    uint64_t size;
    struct timespec modified;
} CodeFile;

/* Opens a file that the user named: any path to a regular file that is not empty. */
bool code_file_open(CodeFile *file, const char *path, CodesrcError *error);

/* Opens a file that a manifest names, in or below `folder`; see code_file_name_flaw. Folders on the
 * way must not be symbolic links; the file itself may be one. */
bool code_file_open_at(CodeFile *file, int folder, const char *folder_name, const char *name,
                       CodesrcError *error);

/* The fault of a file's name in a manifest ("is absolute", ...), or NULL. */
const char *code_file_name_flaw(const char *name, size_t length);

/* Reads exactly `bytes` bytes at `offset`, or fails with CODESRC_TRUNCATED. */
bool code_file_read(const CodeFile *file, uint64_t offset, void *to, size_t bytes,
                    CodesrcError *error);

/* Fails with CODESRC_TRUNCATED if the file's size or time has changed since it was opened. */
bool code_file_unchanged(const CodeFile *file, CodesrcError *error);

void code_file_close(CodeFile *file); /* a file that failed to open is closed already */

/* The text of an errno, in a buffer that threads do not share. */
typedef struct CodeReason {
    char text[80];
} CodeReason;

const char *code_reason(CodeReason *out, int number);

#endif
