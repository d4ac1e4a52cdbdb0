/* pictures.c - brings pictures to the host through pinned memory, so that only a caller that
 * needs them waits for them. */
#include "cuda.h"

#include "error.h"

#include <string.h>

static size_t picture_bytes(unsigned side)
{
    return 3 * (size_t)side * side;
}

/* Makes room for one more picture. Grows while rehearsing; else waits until the others have
 * arrived. */
static bool make_room(CudaStream *stream, unsigned side)
{
    unsigned room = side == stream->owed_side ? stream->owed_room : 0;
    void *pinned = NULL;

    if (stream->owed_count < room)
        return true;
    if (!stream->head.rehearsing && stream->owed_count && !cuda_wait_for_pictures(&stream->head))
        return false;
    if (room && (!stream->head.rehearsing || room == CODESRC_MAX_BATCH))
        return true;
    room = room ? 2 * room : 1;
    if (stream->pinned)
        cudaFreeHost(stream->pinned);
    stream->pinned = NULL;
    stream->owed_room = 0;
    if (!cuda_ok(stream, cudaMallocHost(&pinned, room * picture_bytes(side)), "pinned memory"))
        return false;
    stream->pinned = pinned;
    stream->owed_room = room;
    stream->owed_side = side;
    return true;
}

bool cuda_pixels(CodeStream *base, const CodePixels *args)
{
    CudaStream *stream = cuda_stream(base);
    size_t bytes = picture_bytes(args->side);
    uint8_t *pinned;

    if (!cuda_goes_on(stream) || !cuda_reserve(stream, bytes) || !make_room(stream, args->side))
        return false;
    if (base->rehearsing) {
        stream->owed_count++;
        return true;
    }
    pinned = stream->pinned + stream->owed_count * bytes;
    stream->owed[stream->owed_count++] = (CudaOwed){args->out, args->stride};
    return cuda_ok(stream,
                   cuda_to_bytes(args->x, (uint8_t *)stream->scratch, bytes, stream->stream),
                   "pixels") &&
           cuda_ok(stream,
                   cudaMemcpyAsync(pinned, stream->scratch, bytes, cudaMemcpyDeviceToHost,
                                   stream->stream),
                   "a picture's copy");
}

bool cuda_wait_for_pictures(CodeStream *base)
{
    CudaStream *stream = cuda_stream(base);
    size_t row = 3 * (size_t)stream->owed_side;
    unsigned count = stream->owed_count;
    const uint8_t *from = stream->pinned;

    stream->owed_count = 0;
    if (base->rehearsing)
        return true;
    if (!cuda_goes_on(stream) || !cuda_wait(stream)) {
        /* What is queued would go on writing to a caller's device memory. */
        if (count == 0)
            cudaStreamSynchronize(stream->stream);
        return false;
    }
    for (unsigned i = 0; i < count; i++)
        for (unsigned y = 0; y < stream->owed_side; y++, from += row)
            memcpy(stream->owed[i].out + y * stream->owed[i].stride, from, row);
    return true;
}
