/* npz-file.h - writes arrays to a .npz file, as numpy.savez does, a piece at a time: the whole is
 * never in memory, and may exceed 4 GiB. */
#ifndef CODE_TOOLS_NPZ_FILE_H
#define CODE_TOOLS_NPZ_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct NpzFile NpzFile;

/* Creates a file. NULL on failure. */
NpzFile *npz_file_create(const char *path);

/* Begins an array; write all of its elements with npz_file_write, in C order. `name` is its
 * key, "arr_0"; `type` its element as numpy writes it, "|u1" or "<i8"; `rank` 1 to 4. */
bool npz_file_array(NpzFile *npz, const char *name, const char *type, const uint64_t *shape,
                    unsigned rank);
bool npz_file_write(NpzFile *npz, const void *bytes, size_t count);

/* Ends the last array and the file, and frees `npz`. False if any part could not be written; the
 * file is then useless. */
bool npz_file_close(NpzFile *npz);

/* Reads a finished file as any reader would, and compares checksums and the number of arrays. False
 * if the file does not hold what was written. */
bool npz_file_verify(const char *path, unsigned arrays);

#endif
