/* arguments.c - numbers from the command line. */
#include "arguments.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

uint64_t argument_integer(const char *option, const char *text, uint64_t least, uint64_t most)
{
    char *end;
    unsigned long long value;

    errno = 0;
    value = strtoull(text, &end, 10);
    if (errno || *text < '0' || *text > '9' || *end || value < least || value > most) {
        fprintf(stderr, "--%s %s: expected a whole number in %" PRIu64 "..%" PRIu64 "\n", option,
                text, least, most);
        exit(2);
    }
    return value;
}

double argument_real(const char *option, const char *text, double least, double most)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end || !(value >= least && value <= most)) {
        fprintf(stderr, "--%s %s: expected a number in %g..%g\n", option, text, least, most);
        exit(2);
    }
    return value;
}
