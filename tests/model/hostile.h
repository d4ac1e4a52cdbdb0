/* hostile.h - shared by the tests of the readers: files made byte by byte in a temporary folder,
 * and cases that must be refused, in bounded time and memory, with an error that says why. */
#ifndef CODE_TESTS_HOSTILE_H
#define CODE_TESTS_HOSTILE_H

#include "codesrc.h"

/* ---- bytes ----------------------------------------------------------------------------------- */

typedef struct Bytes {
    uint8_t *data;
    size_t size, room;
} Bytes;

void put(Bytes *bytes, const void *data, size_t size);
void put_text(Bytes *bytes, const char *text);
void put_fill(Bytes *bytes, char c, size_t count);
void put_number(Bytes *bytes, uint64_t value, unsigned size); /* little-endian */
void put_repeated(Bytes *bytes, const char *text, size_t count);
void set_number(Bytes *bytes, size_t at, uint64_t value, unsigned size);
uint64_t get_number(const Bytes *bytes, size_t at, unsigned size);
void clear(Bytes *bytes); /* frees it */

/* ---- files ----------------------------------------------------------------------------------- */

/* A path in the temporary folder, which is made by the first call and removed at the end. The last
 * eight results stay valid. */
const char *scratch(const char *name);
void write_file(const char *name, const void *data, size_t size);

/* ---- cases ----------------------------------------------------------------------------------- */

typedef enum CaseKind {
    CASE_WEIGHTS,  /* listed, and every value read */
    CASE_MANIFEST, /* read */
    CASE_MODEL,    /* a manifest, whose weight files are opened too */
} CaseKind;

/* What came of reading a file. */
typedef struct Outcome {
    bool accepted;
    CodesrcError error;
    uint64_t digest; /* of an accepted file: names, types, shapes and values; a manifest's result */
    uint64_t values; /* the same without names */
    double seconds;  /* of processor time */
    size_t bytes;    /* of memory at the peak, if the system reports it */
} Outcome;

Outcome read_case(CaseKind kind, const char *path); /* reads the file at `path` */

/* The same. Checks time, memory and the form of the error. */
Outcome try_file(CaseKind kind, const char *path);
Outcome try_bytes(CaseKind kind, const char *name, const void *data, size_t size);

/* A case: `name` is a file that write_file() wrote, or a path. Prints one line. */
void expect_refused(CaseKind kind, const char *label, const char *name, CodesrcStatus status,
                    const char *text);
void expect_accepted(CaseKind kind, const char *label, const char *name);

/* The same of bytes, which are then freed. `name` is the file that they are put into. */
void refuse(CaseKind kind, const char *label, const char *name, Bytes *bytes, CodesrcStatus status,
            const char *text);
void allow(CaseKind kind, const char *label, const char *name, Bytes *bytes);

/* Every shorter file must be refused. */
void cut_everywhere(CaseKind kind, const char *label, const char *name, const Bytes *whole);

/* Inverts every bit of data[from..to), one at a time. Each file must be refused, or mean the
 * same, or, if `renamed`, hold the same values under another name. */
void flip_everywhere(CaseKind kind, const char *label, const char *name, const Bytes *whole,
                     size_t from, size_t to, bool renamed);

/* Prints the figures. Not 0 if a case failed: a program ends with `return cases_end() |
 * test_end()`, or without the latter if it makes no checks of its own. */
int cases_end(void);

#endif
