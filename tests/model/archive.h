/* archive.h - .pth files made byte by byte, as torch.save writes them: the zip, and its pickle. */
#ifndef CODE_TESTS_ARCHIVE_H
#define CODE_TESTS_ARCHIVE_H

#include "hostile.h"

enum { ARCHIVE_ENTRIES = 16 };

/* Offsets of everything that a test may want to spoil. */
typedef struct Archive {
    bool no_zip64;       /* set before archive_end: no zip64 end record and locator */
    bool no_descriptors; /* set before archive_add: sizes and CRC stand in the local header */
    bool unaligned;      /* set before archive_add: no padding before the values */
    size_t zip64_size;   /* set before archive_add: not 0: a zip64 field with this size instead */
    Bytes bytes;
    unsigned count;
    struct {
        char name[64];
        uint32_t crc;
        size_t size;
        size_t local, data, descriptor, central;
    } entry[ARCHIVE_ENTRIES];
    size_t directory, end64, locator, end;
} Archive;

uint32_t archive_crc(const uint8_t *bytes, size_t size);

void archive_add(Archive *archive, const char *name, const void *data, size_t size);
void archive_end(Archive *archive);

/* A whole file: the pickle, "little", data/0 of six floats 1..6, data/1 of four halves, version 3.
 */
Archive archive_of(const Bytes *pickle);

/* A new CRC, wherever it stands, after data of an entry was changed. */
void archive_seal(Archive *archive, unsigned entry);

/* ---- pickles --------------------------------------------------------------------------------- */

/* A tensor in a storage. */
typedef struct View {
    const char *type, *key; /* FloatStorage, 0 */
    int64_t numel, offset;
    unsigned rank;
    int64_t dims[10], strides[10];
} View;

void put_pickle_string(Bytes *pickle, const char *text);
void put_pickle_integer(Bytes *pickle, int64_t integer);
void put_pickle_global(Bytes *pickle, const char *module, const char *name);
void put_pickle_storage(Bytes *pickle, const View *view);
void put_pickle_tensor(Bytes *pickle, const View *view);

/* A whole pickle of one tensor by that name. */
Bytes pickle_of(const char *name, const View *view);

/* A good one: "pos_1LC" (1, 2, 3) of data/0, "blocks.h" (4) of data/1, and metadata. */
Bytes pickle_good(void);

#endif
