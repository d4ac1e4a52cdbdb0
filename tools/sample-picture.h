/* sample-picture.h - one sampled picture as a PNG file that carries a mark: which picture it is, of
 * which recipe. */
#ifndef CODE_TOOLS_SAMPLE_PICTURE_H
#define CODE_TOOLS_SAMPLE_PICTURE_H

#include "digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum SampleState {
    SAMPLE_MISSING,
    SAMPLE_WHOLE,
    SAMPLE_DAMAGED, /* cut short, or bytes that are not what was written */
    SAMPLE_FOREIGN, /* a file that this recipe did not make, or not for this place */
} SampleState;

/* Writes side * side RGB pixels. The file appears whole or not at all; a worker that draws the same
 * picture does no harm. False with a message on stderr. */
bool sample_write(const char *path, const uint8_t *pixels, unsigned side, const char *mark);

/* Reads a picture into side * side RGB pixels, and checks every byte of it. `digest`, which may be
 * NULL, becomes the SHA-256 of the file. `reason` says why a file is damaged or foreign. */
SampleState sample_read(const char *path, uint8_t *pixels, unsigned side, const char *mark,
                        char digest[DIGEST_TEXT], char reason[200]);

#endif
