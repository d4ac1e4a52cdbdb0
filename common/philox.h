/* philox.h - random numbers as a pure function of a counter: Philox 4x32-10 (Salmon et al., SC
 * 2011).
 *
 * Counter = (position in the pyramid, stream, frame low word, frame high word), key = seed. Stream
 * 0 samples tokens; stream 1, position 0, chooses a random class; streams 2 and up are Gumbel
 * noise, with code c in word c % 4 of stream 2 + c / 4. */
#ifndef CODE_COMMON_PHILOX_H
#define CODE_COMMON_PHILOX_H

#include "formulas.h"

#include <stdint.h>

enum { CODE_STREAM_TOKEN = 0, CODE_STREAM_CLASS = 1, CODE_STREAM_GUMBEL = 2 };

CODE_DEVICE static inline void code_philox(const uint32_t counter[4], const uint32_t key[2],
                                           uint32_t out[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];

    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;

        c0 = n0, c1 = (uint32_t)p1, c2 = n2, c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

/* The four words at one counter of the convention above. */
CODE_DEVICE static inline void code_random_words(uint64_t seed, uint64_t frame, uint32_t position,
                                                 uint32_t stream, uint32_t words[4])
{
    uint32_t counter[4] = {position, stream, (uint32_t)frame, (uint32_t)(frame >> 32)};
    uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};

    code_philox(counter, key, words);
}

/* Uniform in [0, 1), a multiple of 2^-32. */
CODE_DEVICE static inline double code_uniform(uint64_t seed, uint64_t frame, uint32_t position,
                                              uint32_t stream)
{
    uint32_t words[4];

    code_random_words(seed, frame, position, stream, words);
    return words[0] * 0x1p-32;
}

#endif
