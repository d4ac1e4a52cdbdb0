/* sample-pack.h - the end of sampling: checks that all pictures of a folder are present and
 * intact, and writes the array that tools for FID read. */
#ifndef CODE_TOOLS_SAMPLE_PACK_H
#define CODE_TOOLS_SAMPLE_PACK_H

#include <stdbool.h>

#define PACK_SUMS "SHA256SUMS" /* in the folder, for sha256sum -c */

/* Writes the sums of recipe and pictures, and a .npz file: arr_0, uint8 (pictures, side, side, 3),
 * and arr_1, their classes, int64. Classes alternate in it, because Inception Scores average over
 * splits of consecutive pictures. False with a message on stderr. */
bool sample_pack(const char *folder, const char *npz);

#endif
