/* fuzz.h - shared by the fuzz targets. A target is a function of libFuzzer's name that feeds one
 * input to the code under test, and ends the process by abort() if a promise is broken. */
#ifndef CODE_TESTS_FUZZ_H
#define CODE_TESTS_FUZZ_H

#include "codesrc.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Optional: changes an input in place, knowing its format. Returns the new size. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

/* libFuzzer's own mutation, for use in a custom one; replay.c has none. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

/* Aborts, with a message, unless the promise is kept. */
void fuzz_promise(bool kept, const char *promise);

/* A failure has a status and one plain line of text. */
void fuzz_check_error(const CodesrcError *error);

/* ---- fields of an input ---------------------------------------------------------------------- */

/* The bytes not used yet; zeros follow the last one. */
typedef struct FuzzInput {
    const uint8_t *data;
    size_t left;
} FuzzInput;

void fuzz_take(FuzzInput *input, void *to, size_t size);

/* Mostly a number of the range, which takes one byte, but any number at all now and then. */
int64_t fuzz_integer(FuzzInput *input, int64_t least, int64_t most);
double fuzz_real(FuzzInput *input, double low, double high);

#endif
