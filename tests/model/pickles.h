/* pickles.h - what the tests of pickles share: pickles made opcode by opcode, in archives that are
 * right. */
#ifndef CODE_TESTS_PICKLES_H
#define CODE_TESTS_PICKLES_H

#include "archive.h"

#define FILE_NAME "case.pth"

static const View six = {"FloatStorage", "0", 6, 0, 1, {6}, {1}};

/* Packs a pickle, which is freed, into an archive. */
static inline void refuse_pickle(const char *label, Bytes *pickle, const char *text)
{
    Archive archive = archive_of(pickle);

    clear(pickle);
    refuse(CASE_WEIGHTS, label, FILE_NAME, &archive.bytes, CODESRC_MALFORMED, text);
}

static inline void accept_pickle(const char *label, Bytes *pickle)
{
    Archive archive = archive_of(pickle);

    clear(pickle);
    allow(CASE_WEIGHTS, label, FILE_NAME, &archive.bytes);
}

/* A pickle of protocol 2 that begins with these opcodes. */
static inline Bytes begun(const char *opcodes, size_t size)
{
    Bytes pickle = {0};

    put(&pickle, "\x80\2", 2);
    put(&pickle, opcodes, size);
    return pickle;
}

#define REFUSE(label, opcodes, text)                                                               \
    do {                                                                                           \
        Bytes pickle_ = begun(opcodes, sizeof(opcodes) - 1);                                       \
        refuse_pickle(label, &pickle_, text);                                                      \
    } while (0)

#endif
