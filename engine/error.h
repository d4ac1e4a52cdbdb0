/* error.h - filling in a CodeError. */
#ifndef CODE_ENGINE_ERROR_H
#define CODE_ENGINE_ERROR_H

#include "code.h"

/* Writes status and text; over-long text is cut. Always returns false, so that a failing function
 * can end with `return code_fail(...)`. */
bool code_fail(CodeError *error, CodeStatus status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
