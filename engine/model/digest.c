/* digest.c - XXH64 as its specification has it, in four lanes of 64 bits. */
#include "model/digest.h"

#include "model/bytes.h"

#define PRIME_1 0x9E3779B185EBCA87u
#define PRIME_2 0xC2B2AE3D27D4EB4Fu
#define PRIME_3 0x165667B19E3779F9u
#define PRIME_4 0x85EBCA77C2B2AE63u
#define PRIME_5 0x27D4EB2F165667C5u

static uint64_t rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

static uint64_t mix(uint64_t lane, uint64_t word)
{
    return rotate(lane + word * PRIME_2, 31) * PRIME_1;
}

static uint64_t merge(uint64_t hash, uint64_t lane)
{
    return (hash ^ mix(0, lane)) * PRIME_1 + PRIME_4;
}

/* The bytes after the last whole 32, and the avalanche. */
static uint64_t finish(uint64_t hash, const uint8_t *at, size_t left)
{
    for (; left >= 8; at += 8, left -= 8)
        hash = rotate(hash ^ mix(0, code_le64(at)), 27) * PRIME_1 + PRIME_4;
    if (left >= 4) {
        hash = rotate(hash ^ code_le32(at) * PRIME_1, 23) * PRIME_2 + PRIME_3;
        at += 4;
        left -= 4;
    }
    for (; left; at++, left--)
        hash = rotate(hash ^ *at * PRIME_5, 11) * PRIME_1;
    hash = (hash ^ hash >> 33) * PRIME_2;
    hash = (hash ^ hash >> 29) * PRIME_3;
    return hash ^ hash >> 32;
}

uint64_t code_digest(uint64_t seed, const void *data, size_t bytes)
{
    uint64_t lane[4] = {seed + PRIME_1 + PRIME_2, seed + PRIME_2, seed, seed - PRIME_1};
    uint64_t hash = seed + PRIME_5;
    const uint8_t *at = data;
    size_t left = bytes;

    for (; left >= 32; at += 32, left -= 32)
        for (unsigned i = 0; i < 4; i++)
            lane[i] = mix(lane[i], code_le64(at + 8 * i));
    if (bytes >= 32) {
        hash = rotate(lane[0], 1) + rotate(lane[1], 7) + rotate(lane[2], 12) + rotate(lane[3], 18);
        for (unsigned i = 0; i < 4; i++)
            hash = merge(hash, lane[i]);
    }
    return finish(hash + bytes, at, left);
}
