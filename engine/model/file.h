/* file.h - reading a file that somebody else named or made. One descriptor serves the size check
 * and every read; nothing is mapped, so a file that is cut short meanwhile is an error and not a
 * signal. */
#ifndef CODE_MODEL_FILE_H
#define CODE_MODEL_FILE_H

#include "codesrc.h"

#include <time.h>

typedef struct CodeFile {
    int descriptor; /* -1: none */
    char *name; /* what errors call it: the path, escaped and cut to a length that can be shown */
    uint64_t size;
    struct timespec modified;
} CodeFile;

/* Opens a file that the user named: anything that leads to a regular file which is not empty. */
bool code_file_open(CodeFile *file, const char *path, CodesrcError *error);

/* Opens a file that a manifest named, in or under `folder`; see code_file_name_flaw. Folders on the
 * way must not be symbolic links; the file itself may be one. */
bool code_file_open_at(CodeFile *file, int folder, const char *folder_name, const char *name,
                       CodesrcError *error);

/* What is wrong with a file's name in a manifest ("is absolute", ...), or NULL. */
const char *code_file_name_flaw(const char *name, size_t length);

/* Exactly `bytes` bytes at `offset`, or CODESRC_TRUNCATED. */
bool code_file_read(const CodeFile *file, uint64_t offset, void *to, size_t bytes,
                    CodesrcError *error);

/* Fails with CODESRC_TRUNCATED if size or time of the file is not what it was when opened. */
bool code_file_unchanged(const CodeFile *file, CodesrcError *error);

void code_file_close(CodeFile *file); /* a file that failed to open is closed already */

/* The text of an errno, without a buffer that threads share. */
typedef struct CodeReason {
    char text[80];
} CodeReason;

const char *code_reason(CodeReason *out, int number);

#endif
