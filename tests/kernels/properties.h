/* properties.h - checks of a backend beyond the values that it computes. */
#ifndef CODE_TESTS_KERNELS_PROPERTIES_H
#define CODE_TESTS_KERNELS_PROPERTIES_H

#include "side.h"

/* Errors of opening and allocating, cancelling, copying, two streams at once. */
void check_properties(const CodeBackend *backend, const char *precision);

/* The effect of a wrong or special CODESRC_CPU. */
void check_levels(void);

/* Largest error of the inner loops' exponential, in units in the last place; prints and checks it.
 */
void check_exponential(void);

/* Products in bytes against the same integers in plain C. */
void check_bytes(const CodeBackend *backend);

/* Prints a table of times on the shapes of real models. */
int benchmark(const CodeBackend *backend, const char *precision, unsigned threads,
              const char *filter);

#endif
