/* digest.c - SHA-256 as sha256sum prints it. */
#include "digest.h"

#include <nettle/sha2.h>

#include <stdint.h>
#include <stdio.h>

void digest_text(char text[DIGEST_TEXT], const void *bytes, size_t count)
{
    struct sha256_ctx context;
    uint8_t digest[SHA256_DIGEST_SIZE];

    sha256_init(&context);
    sha256_update(&context, count, bytes);
    sha256_digest(&context, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
}
