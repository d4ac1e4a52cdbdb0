/* digest.h - a number that tells one content from another: XXH64, chained by its seed.
 *
 * It is fast enough (some 10 GB/s) to take in every weight while it is read. It is a fingerprint
 * against mix-ups, not against forgers. */
#ifndef CODE_MODEL_DIGEST_H
#define CODE_MODEL_DIGEST_H

#include <stddef.h>
#include <stdint.h>

/* XXH64 of `bytes` bytes (github.com/Cyan4973/xxHash, doc/xxhash_spec.md). The digest so far as the
 * seed of the next part makes a digest of all parts and of their order. */
uint64_t code_digest(uint64_t seed, const void *data, size_t bytes);

#endif
