/* series.c - series of operations as CUDA graphs. A series is captured on first use and from then
 * on launched as a whole: a few microseconds in all instead of for each of its thousands of
 * kernels. Everything that differs between uses is in device memory. */
#include "cuda.h"

#include "error.h"

#include <pthread.h>

/* Closing cuBLAS synchronises the device, which spoils every capture on it, of any thread. */
static pthread_rwlock_t captures = PTHREAD_RWLOCK_INITIALIZER;

static CudaSeries *find(CudaStream *stream, unsigned key)
{
    for (unsigned i = 0; i < stream->series_count; i++)
        if (stream->series[i].key == key)
            return &stream->series[i];
    return NULL;
}

static CodeSeries launch(CudaStream *stream, cudaGraphExec_t graph)
{
    return cuda_ok(stream, cudaGraphLaunch(graph, stream->stream), "a graph") ? CODE_SERIES_DONE
                                                                              : CODE_SERIES_FAILED;
}

CodeSeries cuda_series_begin(CodeStream *base, unsigned key)
{
    CudaStream *stream = cuda_stream(base);
    CudaSeries *series = find(stream, key);

    if (!cuda_goes_on(stream))
        return CODE_SERIES_FAILED;
    if (series && series->graph)
        return launch(stream, series->graph);
    if (series ? series->final : stream->series_count == CUDA_MOST_SERIES)
        return CODE_SERIES_PLAIN;
    /* Other threads may allocate meanwhile, for streams of their own. */
    pthread_rwlock_rdlock(&captures);
    if (cudaStreamBeginCapture(stream->stream, cudaStreamCaptureModeThreadLocal) != cudaSuccess) {
        pthread_rwlock_unlock(&captures);
        cudaGetLastError();
        return CODE_SERIES_PLAIN;
    }
    stream->recording = true;
    stream->series_key = key;
    return CODE_SERIES_RECORDS;
}

/* The graph of the captured operations; NULL on failure. */
static cudaGraphExec_t end_capture(CudaStream *stream, bool complete)
{
    cudaGraph_t graph = NULL;
    cudaGraphExec_t ready = NULL;
    cudaError_t ended = cudaStreamEndCapture(stream->stream, &graph);

    pthread_rwlock_unlock(&captures);
    if (ended == cudaSuccess && complete && cudaGraphInstantiate(&ready, graph, 0) != cudaSuccess)
        ready = NULL;
    if (graph)
        cudaGraphDestroy(graph);
    cudaGetLastError();
    return ready;
}

CodeSeries cuda_series_end(CodeStream *base, bool complete)
{
    CudaStream *stream = cuda_stream(base);
    CudaSeries *tried = find(stream, stream->series_key);
    cudaGraphExec_t graph = end_capture(stream, complete);

    stream->recording = false;
    if (!cuda_goes_on(stream)) {
        if (graph)
            cudaGraphExecDestroy(graph);
        return CODE_SERIES_FAILED;
    }
    /* A series that was not recorded is tried once more, because the operations that follow load
     * kernels and set up libraries, which some drivers refuse during a capture. */
    if (tried)
        *tried = (CudaSeries){stream->series_key, graph, true};
    else
        stream->series[stream->series_count++] = (CudaSeries){stream->series_key, graph, false};
    return graph ? launch(stream, graph) : CODE_SERIES_PLAIN;
}

void cuda_series_forget(CudaStream *stream)
{
    for (unsigned i = 0; i < stream->series_count; i++)
        if (stream->series[i].graph)
            cudaGraphExecDestroy(stream->series[i].graph);
    stream->series_count = 0;
}

void cuda_series_wait(void)
{
    pthread_rwlock_wrlock(&captures);
}

void cuda_series_go_on(void)
{
    pthread_rwlock_unlock(&captures);
}
