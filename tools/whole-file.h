/* whole-file.h - files that appear whole or not at all, even if several processes write them. */
#ifndef CODE_TOOLS_WHOLE_FILE_H
#define CODE_TOOLS_WHOLE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WHOLE_FILE_NAME = 4200 };

/* The temporary name for writing `path`: hidden, in the same folder, ending in .part, and unique
 * to this process on this machine. Of a long name it has only the beginning. */
void whole_file_part(char part[WHOLE_FILE_NAME], const char *path);

/* Is a file of that name in a folder, given by its descriptor, a part that nobody will complete?
 * Its process is no more, or, of another machine's process, the part is an hour old. */
bool whole_file_is_abandoned(int folder, const char *name);

/* Removes the abandoned parts of `path`. */
void whole_file_clean(const char *path);

/* The path of the file that a link such as /dev/stdout leads to, so that a part takes the place of
 * the file and not of the link; any other path as it is. The caller frees it. NULL: no memory. */
char *whole_file_behind(const char *path);

/* True if a part may take the place of `path`: there is nothing yet, or a regular file. Links,
 * devices, pipes and folders are not replaced. */
bool whole_file_replaces(const char *path);

/* Renames the part to `path`, replacing any file there; with `durable`, after it has reached the
 * disk, where its name then follows. Otherwise removes the part: false with a message on stderr. */
bool whole_file_keep(const char *part, const char *path, bool durable);

/* The bytes of a file of at most `most` bytes, followed by a zero that `size` does not count. The
 * caller frees them. NULL, with errno set, if the file cannot be read. */
uint8_t *whole_file_read(const char *path, size_t most, size_t *size);

#endif
