/* error.c - filling in a CodesrcError. */
#include "error.h"

#include "line/line.h"

#include <stdarg.h>
#include <stdio.h>

bool code_fail(CodesrcError *error, CodesrcStatus status, const char *format, ...)
{
    char text[4 * sizeof error->text];
    va_list args;

    error->status = status;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    code_line(error->text, sizeof error->text, text);
    return false;
}
