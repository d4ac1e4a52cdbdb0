/* picture-name.c - names of files with the number of a picture. */
#include "picture-name.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The length of %d or %0Nd, and the width of the number; 0 if something else begins there. */
static size_t field_at(const char *at, int *width)
{
    const char *end = at + 1;

    *width = 0;
    if (*end == '0')
        while (*end >= '0' && *end <= '9' && *width < 100)
            *width = *width * 10 + (*end++ - '0');
    return *end == 'd' ? (size_t)(end + 1 - at) : 0;
}

/* Finds the only %d or %0Nd in a name: its place, its length, and the width of the number; 0 if
 * there is none or more than one. */
static size_t number_field(const char *name, const char **at, int *width)
{
    size_t length = 0;

    for (const char *next = name; (next = strchr(next, '%')); next++) {
        int digits;
        size_t found = field_at(next, &digits);

        if (found && length)
            return 0;
        if (found) {
            length = found;
            *at = next;
            *width = digits;
        }
    }
    return length;
}

void picture_name(char *out, size_t size, const char *pattern, uint64_t number)
{
    const char *at;
    int width = 0;
    size_t field = number_field(pattern, &at, &width);

    if (field)
        snprintf(out, size, "%.*s%0*" PRIu64 "%s", (int)(at - pattern), pattern, width, number,
                 at + field);
    else
        snprintf(out, size, "%s", pattern);
}

bool picture_name_is_numbered(const char *pattern)
{
    const char *at;
    int width;

    return number_field(pattern, &at, &width) > 0;
}
