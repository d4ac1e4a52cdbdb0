/* error.h - filling in a CodesrcError. */
#ifndef CODE_COMMON_ERROR_H
#define CODE_COMMON_ERROR_H

#include "codesrc.h"

/* Writes status and text: one line of UTF-8, cut between characters if too long. Always returns
 * false, so that a failing function can end with `return code_fail(...)`. */
bool code_fail(CodesrcError *error, CodesrcStatus status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
