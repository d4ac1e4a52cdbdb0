/* steps.c - the one error about drafting steps that are not served. */
#include "model/steps.h"

#include "error.h"

#include <stdio.h>

bool code_steps_check(const char *name, uint32_t served, unsigned n, CodesrcError *error)
{
    char list[CODESRC_MAX_SCALES * 4] = "";
    size_t length = 0;

    if (n < 32 && served >> n & 1)
        return true;
    for (unsigned i = 1; i <= CODESRC_MAX_SCALES; i++)
        if (served >> i & 1)
            length += (size_t)snprintf(list + length, sizeof list - length, " %u", i);
    return code_fail(error, CODESRC_SETTINGS, "%s: drafting-steps %u, expected one of%s", name, n,
                     list);
}
