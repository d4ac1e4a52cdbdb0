/* picture-file.h - writes RGB pixels to a .png or .ppm file. */
#ifndef CODE_TOOLS_PICTURE_FILE_H
#define CODE_TOOLS_PICTURE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True if the name ends in a format that can be written. */
bool picture_file_known(const char *path);

/* Writes `height` rows of `width` RGB pixels; the format follows from the name. The file appears
 * whole or not at all. False with a message on stderr. */
bool picture_file_write(const char *path, const uint8_t *pixels, size_t width, size_t height);

#endif
