/* whole-file.h - files that appear whole or not at all, even if several processes write them. */
#ifndef CODE_TOOLS_WHOLE_FILE_H
#define CODE_TOOLS_WHOLE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WHOLE_FILE_NAME = 4200 };

/* The temporary name for writing `path`: hidden, in the same folder, ending in .part, and unique
 * to this process on this machine. */
void whole_file_part(char part[WHOLE_FILE_NAME], const char *path);

/* Removes the parts of `path` that processes of this machine left when they were killed. */
void whole_file_clean(const char *path);

/* Renames the part to `path`, replacing any file there; with `durable`, after it has reached the
 * disk, where its name then follows. Otherwise removes the part: false with a message on stderr. */
bool whole_file_keep(const char *part, const char *path, bool durable);

/* The bytes of a file of at most `most` bytes, followed by a zero that `size` does not count. The
 * caller frees them. NULL, with errno set, if the file cannot be read. */
uint8_t *whole_file_read(const char *path, size_t most, size_t *size);

#endif
