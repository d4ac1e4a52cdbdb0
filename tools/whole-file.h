/* whole-file.h - files that appear whole or not at all, whoever else writes them. */
#ifndef CODE_TOOLS_WHOLE_FILE_H
#define CODE_TOOLS_WHOLE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WHOLE_FILE_NAME = 4200 };

/* Where to write what shall become `path`: a hidden name beside it which ends in .part and is of
 * this process on this machine alone. */
void whole_file_part(char part[WHOLE_FILE_NAME], const char *path);

/* Gives the part its name, replacing what had it; with `durable`, after it has reached the disk.
 * Otherwise removes the part: false with a message on stderr. */
bool whole_file_keep(const char *part, const char *path, bool durable);

/* The bytes of a file of at most `most` bytes, which the caller frees, with a zero behind them that
 * `size` does not count. NULL where it cannot be read, and then errno says why. */
uint8_t *whole_file_read(const char *path, size_t most, size_t *size);

#endif
