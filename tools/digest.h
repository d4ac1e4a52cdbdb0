/* digest.h - SHA-256 as sha256sum prints it. */
#ifndef CODE_TOOLS_DIGEST_H
#define CODE_TOOLS_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

enum { DIGEST_TEXT = 65 };

/* 64 lower-case hexadecimal digits and a zero. */
void digest_text(char text[DIGEST_TEXT], const void *bytes, size_t count);

/* The same for a whole file. False: it cannot be read; errno says why. */
bool digest_file(char text[DIGEST_TEXT], const char *path);

#endif
