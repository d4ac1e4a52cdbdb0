/* error.c - filling in a CodesrcError. */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>

bool code_fail(CodesrcError *error, CodesrcStatus status, const char *format, ...)
{
    va_list args;

    error->status = status;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    return false;
}
