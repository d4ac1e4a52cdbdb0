/* picture-name.h - names of files with the number of a picture. */
#ifndef CODE_TOOLS_PICTURE_NAME_H
#define CODE_TOOLS_PICTURE_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether a pattern has one %d or %0Nd; any other % is part of the name. */
bool picture_name_is_numbered(const char *pattern);

/* The pattern with the number in place of that, or as it is. */
void picture_name(char *out, size_t size, const char *pattern, uint64_t number);

#endif
