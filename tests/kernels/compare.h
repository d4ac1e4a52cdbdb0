/* compare.h - how far one output is from another, and how far it may be. */
#ifndef CODE_TESTS_KERNELS_COMPARE_H
#define CODE_TESTS_KERNELS_COMPARE_H

#include "cases.h"

/* The tolerance of docs/numerics.md, or -1 if it has none. */
double tolerance_of(const char *numerics, const char *operation, const char *type,
                    const char *backend);

/* The largest difference, relative to the largest value of the 64 around it. Infinite if one is
 * infinite or NaN and the other is not the same. */
double distance(const Output *expected, const Output *found, unsigned images);

/* Rows of `sample` that differ although no decision was closer than 1e-6 of the mass. */
unsigned wrong_rows(const Shape *shape, const Output *expected, const Output *found);

/* True if images `first` and on of `all` are, to the bit, those of `part`. */
bool same_bits(const Output *all, unsigned first, const Output *part, unsigned images);

#endif
