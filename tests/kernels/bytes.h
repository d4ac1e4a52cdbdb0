/* bytes.h - the documented rule of products in bytes in plain C (docs/numerics.md), and rows to try
 * it on. */
#ifndef CODE_TESTS_KERNELS_BYTES_H
#define CODE_TESTS_KERNELS_BYTES_H

#include "cases.h"

/* A row x = scale * (byte - zero). The range holds 0; one that is too small to divide by is 0. */
typedef struct Bytes {
    float scale;
    int zero;
    uint8_t *byte; /* for free() */
} Bytes;

Bytes row_to_bytes(const float *x, unsigned count);

/* weight = scale * byte, byte in -127..127; returns the scale. */
float weights_to_bytes(const float *weight, unsigned count, int8_t *byte);

/* A row of inputs, one of everything that a range can look like: kinds 0 to 7. */
void fill_row(float *x, unsigned count, unsigned kind, Random *random);

/* Convolutions in tiles against the rule. */
void check_tiles_in_bytes(Side *side);

#endif
