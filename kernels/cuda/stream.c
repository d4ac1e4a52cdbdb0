/* stream.c - streams of work: errors, waiting, scratch memory, copies. Pictures: pictures.c. */
#include "cuda.h"

#include "error.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef CODE_HAVE_NVTX
#include <nvtx3/nvToolsExt.h>
#endif

/* ---- errors ---------------------------------------------------------------------------------- */

CodesrcStatus cuda_status(cudaError_t error)
{
    return error == cudaErrorMemoryAllocation ? CODESRC_NO_MEMORY : CODESRC_FAILED;
}

/* After any error except a refused allocation, launch or capture, the context is beyond repair:
 * CUDA then returns the same error for ever. */
static bool recovers(cudaError_t error)
{
    return error == cudaErrorMemoryAllocation || error == cudaErrorInvalidValue ||
           error == cudaErrorInvalidConfiguration ||
           (error >= cudaErrorStreamCaptureUnsupported &&
            error <= cudaErrorStreamCaptureWrongThread);
}

bool cuda_ok(CudaStream *stream, cudaError_t error, const char *what)
{
    if (error == cudaSuccess)
        return true;
    cudaGetLastError(); /* or the next call would report it again */
    if (!recovers(error))
        atomic_store(&stream->head.device->lost, true);
    return code_fail(&stream->head.error, cuda_status(error), "%s: %s: %s",
                     stream->head.device->label, what, cudaGetErrorString(error));
}

bool cuda_blas_ok(CudaStream *stream, cublasStatus_t status, const char *what)
{
    cudaError_t error;

    if (status == CUBLAS_STATUS_SUCCESS)
        return true;
    error = cudaGetLastError();
    if (error != cudaSuccess)
        return cuda_ok(stream, error, what);
    return code_fail(&stream->head.error, CODESRC_FAILED, "%s: cuBLAS: %s: %s",
                     stream->head.device->label, what, cublasGetStatusString(status));
}

bool cuda_goes_on(CudaStream *stream)
{
    if (atomic_load_explicit(stream->head.cancelled, memory_order_relaxed))
        return code_fail(&stream->head.error, CODESRC_CANCELLED, "cancelled");
    if (atomic_load_explicit(&stream->head.device->lost, memory_order_relaxed))
        return code_fail(&stream->head.error, CODESRC_FAILED,
                         "%s failed before: nothing more can be computed on it",
                         stream->head.device->label);
    return cuda_ok(stream, cudaSetDevice(stream->head.device->index), "choosing the device");
}

bool cuda_begin(CodeStream *base, CudaLaunch *launch)
{
    CudaStream *stream = cuda_stream(base);

    *launch = (CudaLaunch){stream->stream, base->device->type};
    return cuda_goes_on(stream);
}

bool cuda_end(CodeStream *base, cudaError_t error, const char *operation)
{
    return cuda_ok(cuda_stream(base), error, operation);
}

bool cuda_wait(CudaStream *stream)
{
    static const struct timespec moment = {.tv_nsec = 50000};
    cudaError_t error;

    while ((error = cudaStreamQuery(stream->stream)) == cudaErrorNotReady) {
        if (!cuda_goes_on(stream))
            return false;
        nanosleep(&moment, NULL);
        cudaGetLastError(); /* "not ready" counts as an error, which the next launch would report */
    }
    return cuda_ok(stream, error, "waiting");
}

/* ---- memory ---------------------------------------------------------------------------------- */

bool cuda_reserve(CudaStream *stream, size_t bytes)
{
    void *memory = NULL;

    if (bytes <= stream->scratch_size)
        return true;
    if (stream->recording)
        return code_fail(&stream->head.error, CODESRC_FAILED,
                         "%s: a series needs %zu bytes that no rehearsal asked for",
                         stream->head.device->label, bytes);
    /* Recordings and the old memory may still be in use. */
    cudaStreamSynchronize(stream->stream);
    cuda_series_forget(stream);
    cudaFree(stream->scratch);
    cudaGetLastError(); /* else the next launch would report it */
    stream->scratch = NULL;
    stream->scratch_size = 0;
    if (cudaMalloc(&memory, bytes) != cudaSuccess) {
        cudaGetLastError();
        return code_fail(&stream->head.error, CODESRC_NO_MEMORY,
                         "no memory on %s: %zu bytes were asked for", stream->head.device->label,
                         bytes);
    }
    stream->scratch = memory;
    stream->scratch_size = bytes;
    return true;
}

/* ---- copies ---------------------------------------------------------------------------------- */

/* Small uploads do not wait: they are copied into a ring of pinned memory first. */
static bool upload_small(CudaStream *stream, void *to, const void *from, size_t bytes)
{
    size_t room = (bytes + 63) / 64 * 64;

    if (stream->ring_at + room > CUDA_RING) {
        if (!cuda_wait(stream))
            return false;
        stream->ring_at = 0;
    }
    memcpy(stream->ring + stream->ring_at, from, bytes);
    from = stream->ring + stream->ring_at;
    stream->ring_at += room;
    return cuda_ok(stream, cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream->stream),
                   "an upload");
}

bool cuda_copy(CodeStream *base, void *to, const void *from, size_t bytes, CodeCopy direction)
{
    static const enum cudaMemcpyKind kinds[] = {[CODE_UPLOAD] = cudaMemcpyHostToDevice,
                                                [CODE_DOWNLOAD] = cudaMemcpyDeviceToHost,
                                                [CODE_INSIDE] = cudaMemcpyDeviceToDevice};
    CudaStream *stream = cuda_stream(base);

    if (!cuda_goes_on(stream))
        return false;
    if (base->rehearsing)
        return true;
    if (direction == CODE_CLEAR)
        return cuda_ok(stream, cudaMemsetAsync(to, 0, bytes, stream->stream), "clearing");
    if (stream->recording && direction != CODE_INSIDE)
        return code_fail(&stream->head.error, CODESRC_FAILED,
                         "%s: a series copies to or from the host", stream->head.device->label);
    if (direction == CODE_UPLOAD && bytes <= CUDA_RING_LARGEST)
        return upload_small(stream, to, from, bytes);
    /* Wait first, so that the wait can be cancelled: the copy itself is short. */
    if (direction == CODE_DOWNLOAD && !cuda_wait(stream))
        return false;
    if (!cuda_ok(stream, cudaMemcpyAsync(to, from, bytes, kinds[direction], stream->stream),
                 "a copy"))
        return false;
    return direction == CODE_INSIDE ||
           cuda_ok(stream, cudaStreamSynchronize(stream->stream), "a copy");
}

bool cuda_after(CodeStream *base, CodeStream *other)
{
    CudaStream *stream = cuda_stream(base), *first = cuda_stream(other);

    if (!cuda_goes_on(stream))
        return false;
    if (base->rehearsing)
        return true;
    return cuda_ok(stream, cudaEventRecord(first->event, first->stream), "an event") &&
           cuda_ok(stream, cudaStreamWaitEvent(stream->stream, first->event, 0), "an event");
}

/* ---- times ----------------------------------------------------------------------------------- */

bool cuda_time_begin(CodeStream *base)
{
    CudaStream *stream = cuda_stream(base);

    return cuda_goes_on(stream) &&
           (stream->began || cuda_ok(stream, cudaEventCreate(&stream->began), "making an event")) &&
           (stream->ended || cuda_ok(stream, cudaEventCreate(&stream->ended), "making an event")) &&
           cuda_ok(stream, cudaEventRecord(stream->began, stream->stream), "an event");
}

bool cuda_time_end(CodeStream *base, double *seconds)
{
    CudaStream *stream = cuda_stream(base);
    float milliseconds = 0;

    if (!cuda_ok(stream, cudaEventRecord(stream->ended, stream->stream), "an event") ||
        !cuda_wait(stream) ||
        !cuda_ok(stream, cudaEventElapsedTime(&milliseconds, stream->began, stream->ended),
                 "a time"))
        return false;
    *seconds = 1e-3 * (double)milliseconds;
    return true;
}

/* ---- profilers ------------------------------------------------------------------------------- */

#ifdef CODE_HAVE_NVTX
void cuda_mark(CodeStream *base, const char *stage)
{
    CudaStream *stream = cuda_stream(base);

    if (stream->marked)
        nvtxRangePop();
    stream->marked = stage;
    if (stage)
        nvtxRangePushA(stage);
}
#endif

/* ---- life ------------------------------------------------------------------------------------ */

static bool open_libraries(CudaStream *stream)
{
    void *ring = NULL;

    if (!cuda_goes_on(stream) ||
        !cuda_ok(stream, cudaStreamCreateWithFlags(&stream->stream, cudaStreamNonBlocking),
                 "making a stream") ||
        !cuda_ok(stream, cudaEventCreateWithFlags(&stream->event, cudaEventDisableTiming),
                 "making an event") ||
        !cuda_ok(stream, cudaMallocHost(&ring, CUDA_RING), "pinned memory"))
        return false;
    stream->ring = ring;
    return cuda_blas_ok(stream, cublasCreate(&stream->blas), "starting cuBLAS") &&
           cuda_blas_ok(stream, cublasSetStream(stream->blas, stream->stream), "starting cuBLAS") &&
           /* no partial sums in the type of the output */
           cuda_blas_ok(
               stream,
               cublasSetMathMode(stream->blas,
                                 (cublasMath_t)CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION),
               "starting cuBLAS") &&
           cuda_blas_ok(stream, cublasLtCreate(&stream->lt), "starting cuBLASLt");
}

CodeStream *cuda_stream_open(CodeDevice *device, const atomic_bool *cancelled, CodesrcError *error)
{
    CudaStream *stream = calloc(1, sizeof *stream);

    if (!stream) {
        code_fail(error, CODESRC_NO_MEMORY, "no memory for a stream");
        return NULL;
    }
    stream->head.device = device;
    stream->head.cancelled = cancelled;
    if (open_libraries(stream))
        return &stream->head;
    *error = stream->head.error;
    cuda_stream_close(&stream->head);
    return NULL;
}

void cuda_stream_close(CodeStream *base)
{
    CudaStream *stream = cuda_stream(base);

    cudaSetDevice(base->device->index);
    if (stream->stream)
        cudaStreamSynchronize(stream->stream);
    cuda_series_forget(stream);
    cuda_series_wait();
    if (stream->lt)
        cublasLtDestroy(stream->lt);
    if (stream->blas)
        cublasDestroy(stream->blas);
    cuda_series_go_on();
    cudaFree(stream->workspace);
    cudaFree(stream->scratch);
    if (stream->ring)
        cudaFreeHost(stream->ring);
    if (stream->pinned)
        cudaFreeHost(stream->pinned);
    if (stream->event)
        cudaEventDestroy(stream->event);
    if (stream->began)
        cudaEventDestroy(stream->began);
    if (stream->ended)
        cudaEventDestroy(stream->ended);
    if (stream->stream)
        cudaStreamDestroy(stream->stream);
    cudaGetLastError(); /* else the next launch would report it */
    free(stream->recipes);
    free(stream);
}
