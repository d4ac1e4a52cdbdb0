/* bytes.h - little-endian numbers in files, at any alignment and on any machine. */
#ifndef CODE_MODEL_BYTES_H
#define CODE_MODEL_BYTES_H

#include <stdint.h>

static inline uint16_t code_le16(const void *bytes)
{
    const uint8_t *b = bytes;

    return (uint16_t)(b[0] | b[1] << 8);
}

static inline uint32_t code_le32(const void *bytes)
{
    const uint8_t *b = bytes;

    return (uint32_t)code_le16(b) | (uint32_t)code_le16(b + 2) << 16;
}

static inline uint64_t code_le64(const void *bytes)
{
    const uint8_t *b = bytes;

    return (uint64_t)code_le32(b) | (uint64_t)code_le32(b + 4) << 32;
}

#endif
