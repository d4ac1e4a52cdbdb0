/* host.h - what backends that compute in the host's memory, each operation before it returns, have
 * in common. */
#ifndef CODE_COMMON_HOST_H
#define CODE_COMMON_HOST_H

#include "backend.h"

/* Allocates a stream of `size` bytes, all zero except its head, which is its first member. Free
 * it with free(). NULL on failure. */
void *code_host_stream_new(size_t size, const CodeBackend *backend, CodeDevice *device,
                           const atomic_bool *cancelled, CodesrcError *error);

/* CodeBackend.copy */
bool code_host_copy(CodeStream *stream, void *to, const void *from, size_t bytes,
                    CodeCopy direction);

/* True, or false with CODESRC_CANCELLED in the stream once it is cancelled. */
bool code_host_goes_on(CodeStream *stream);

#endif
