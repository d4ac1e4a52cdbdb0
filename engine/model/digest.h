/* digest.h - a number that identifies content: XXH64, chained by its seed.
 *
 * It is fast enough (about 10 GB/s) to cover every weight as it is read. It protects against
 * mix-ups, not against forgery. */
#ifndef CODE_MODEL_DIGEST_H
#define CODE_MODEL_DIGEST_H

#include <stddef.h>
#include <stdint.h>

/* XXH64 of `bytes` bytes (github.com/Cyan4973/xxHash, doc/xxhash_spec.md). Passing the digest so
 * far as the next part's seed gives a digest of all parts and their order. */
uint64_t code_digest(uint64_t seed, const void *data, size_t bytes);

#endif
