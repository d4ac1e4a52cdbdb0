/* digest.c - SHA-256 as sha256sum prints it. */
#include "digest.h"

#include <nettle/sha2.h>

#include <stdint.h>
#include <stdio.h>

static void write_text(char text[DIGEST_TEXT], struct sha256_ctx *context)
{
    uint8_t digest[SHA256_DIGEST_SIZE];

    sha256_digest(context, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
}

bool digest_file(char text[DIGEST_TEXT], const char *path)
{
    FILE *file = fopen(path, "rb");
    struct sha256_ctx context;
    uint8_t bytes[65536];
    size_t count;
    bool good;

    if (!file)
        return false;
    sha256_init(&context);
    while ((count = fread(bytes, 1, sizeof bytes, file)))
        sha256_update(&context, count, bytes);
    good = !ferror(file);
    fclose(file);
    write_text(text, &context);
    return good;
}

void digest_text(char text[DIGEST_TEXT], const void *bytes, size_t count)
{
    struct sha256_ctx context;

    sha256_init(&context);
    sha256_update(&context, count, bytes);
    write_text(text, &context);
}
