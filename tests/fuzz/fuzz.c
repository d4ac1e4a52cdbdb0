/* fuzz.c - shared by the fuzz targets: see fuzz.h. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IN_RANGE = 240 }; /* first bytes from here on announce any number at all */

void fuzz_promise(bool kept, const char *promise)
{
    if (kept)
        return;
    fprintf(stderr, "broken promise: %s\n", promise);
    abort();
}

void fuzz_check_error(const CodesrcError *error)
{
    bool plain = true;

    for (const char *c = error->text; *c; c++)
        plain = plain && (unsigned char)*c >= ' ' && *c != 127;
    if (!plain)
        fprintf(stderr, "'%s'\n", error->text);
    fuzz_promise(error->status != CODESRC_OK, "an error has a status");
    fuzz_promise(*error->text, "an error has a text");
    fuzz_promise(plain, "an error is one line without control characters");
}

void fuzz_take(FuzzInput *input, void *to, size_t size)
{
    size_t there = size < input->left ? size : input->left;

    memset(to, 0, size);
    if (there)
        memcpy(to, input->data, there);
    input->data += there;
    input->left -= there;
}

int64_t fuzz_integer(FuzzInput *input, int64_t least, int64_t most)
{
    uint8_t first;
    int64_t any;

    fuzz_take(input, &first, 1);
    if (first < IN_RANGE)
        return least + first % (most - least + 1);
    fuzz_take(input, &any, sizeof any);
    return any;
}

double fuzz_real(FuzzInput *input, double low, double high)
{
    uint8_t first;
    double any;

    fuzz_take(input, &first, 1);
    if (first < IN_RANGE)
        return low + (high - low) * first / (IN_RANGE - 1);
    fuzz_take(input, &any, sizeof any);
    return any;
}
