/* host.c - what backends that compute in the host's memory have in common. */
#include "host.h"

#include "error.h"

#include <stdlib.h>
#include <string.h>

void *code_host_stream_new(size_t size, const CodeBackend *backend, CodeDevice *device,
                           const atomic_bool *cancelled, CodesrcError *error)
{
    CodeStream *stream = calloc(1, size);

    if (!stream) {
        code_fail(error, CODESRC_NO_MEMORY, "no memory for a stream");
        return NULL;
    }
    stream->backend = backend;
    stream->device = device;
    stream->cancelled = cancelled;
    return stream;
}

bool code_host_copy(CodeStream *stream, void *to, const void *from, size_t bytes,
                    CodeCopy direction)
{
    if (stream->rehearsing || !bytes)
        return true;
    if (direction == CODE_CLEAR)
        memset(to, 0, bytes);
    else
        memcpy(to, from, bytes);
    return true;
}

bool code_host_goes_on(CodeStream *stream)
{
    if (!atomic_load_explicit(stream->cancelled, memory_order_relaxed))
        return true;
    return code_fail(&stream->error, CODESRC_CANCELLED, "cancelled");
}
