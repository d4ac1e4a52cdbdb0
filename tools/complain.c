/* complain.c - messages on stderr, each in one line of UTF-8 after the program's name. */
#include "complain.h"

#include "line.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void complain(const char *format, ...)
{
    char *text = NULL, *line = NULL;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length >= 0)
        line = malloc(CODE_LINE_GROWTH * (size_t)length + 1);
    if (line)
        code_line(line, CODE_LINE_GROWTH * (size_t)length + 1, text);
    fprintf(stderr, "%s: %s\n", program_invocation_short_name,
            line ? line : "no memory for a message");
    free(line);
    if (length >= 0)
        free(text);
}

bool complain_unwritten(void)
{
    int error;

    errno = 0;
    if (!fflush(stdout) && !ferror(stdout))
        return false;
    error = errno;
    complain("standard output: cannot be written: %s",
             error ? strerror(error) : "an earlier write failed");
    return true;
}
