/* sample-picture.h - one sampled picture as a PNG file with a mark: its number and the digest of
 * its recipe. */
#ifndef CODE_TOOLS_SAMPLE_PICTURE_H
#define CODE_TOOLS_SAMPLE_PICTURE_H

#include "digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum SampleState {
    SAMPLE_MISSING,
    SAMPLE_WHOLE,
    SAMPLE_DAMAGED, /* truncated, or with bytes other than those written */
    SAMPLE_FOREIGN, /* a file of another recipe, or of another number */
    SAMPLE_UNKNOWN, /* cannot be read, or there is no memory for it */
} SampleState;

/* Writes side * side RGB pixels. The file appears whole or not at all; a worker that draws the same
 * picture does no harm. False with a message on stderr. */
bool sample_write(const char *path, const uint8_t *pixels, unsigned side, const char *mark);

/* Reads a picture into side * side RGB pixels, and checks every byte of it. `digest`, which may be
 * NULL, becomes the SHA-256 of the file. `reason` says why a file is damaged, foreign or
 * unknown. */
SampleState sample_read(const char *path, uint8_t *pixels, unsigned side, const char *mark,
                        char digest[DIGEST_TEXT], char reason[200]);

#endif
