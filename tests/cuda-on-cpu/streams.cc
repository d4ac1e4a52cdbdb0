/* streams.cc - streams, events and graphs of the emulated device: work is a list of closures,
 * which run at once, on a wait, or whenever a graph of them is launched. */
#include "device.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

using Work = std::function<cudaError_t()>;
using Nodes = std::vector<Work>;

struct CUstream_st {
    std::deque<Work> queue;
    size_t asked = 0, done = 0; /* works so far; asked - done wait in the queue */
    std::shared_ptr<Nodes> captured;
    bool spoilt = false;
};

struct CUevent_st {
    CUstream_st *stream = nullptr;
    size_t behind = 0; /* works of the stream */
    std::chrono::steady_clock::time_point reached;
};

struct CUgraph_st {
    std::shared_ptr<Nodes> nodes;
};

struct CUgraphExec_st {
    std::shared_ptr<Nodes> nodes;
};

namespace
{

std::mutex mutex; /* of the list */
std::vector<CUstream_st *> streams;
bool late, refusing;
unsigned launched;
thread_local CUstream_st *capturing;

cudaError_t drain(CUstream_st *stream, size_t until)
{
    cudaError_t first = cudaSuccess;

    while (stream->done < until) {
        Work work = std::move(stream->queue.front());

        stream->queue.pop_front();
        stream->done++;
        if (cudaError_t error = work(); first == cudaSuccess)
            first = error;
    }
    return first;
}

cudaError_t spoil(CUstream_st *stream)
{
    stream->spoilt = true;
    return cudaErrorStreamCaptureUnsupported;
}

} // namespace

namespace cuda_on_cpu
{

cudaError_t submit(cudaStream_t stream, Work work)
{
    if (stream && stream->captured) {
        stream->captured->push_back(std::move(work));
        return cudaSuccess;
    }
    if (!late || !stream)
        return work();
    stream->queue.push_back(std::move(work));
    stream->asked++;
    return device_state();
}

bool streams_are_late()
{
    return late;
}

cudaError_t may_allocate()
{
    return capturing ? spoil(capturing) : cudaSuccess;
}

cudaError_t wait_for_all()
{
    cudaError_t error = may_allocate();

    if (late && error == cudaSuccess)
        for (CUstream_st *stream : streams)
            drain(stream, stream->asked);
    return error;
}

} // namespace cuda_on_cpu

using namespace cuda_on_cpu;

extern "C" {

void cuda_on_cpu_set_late(bool to)
{
    wait_for_all();
    late = to;
}

void cuda_on_cpu_refuse_captures(bool refuse)
{
    refusing = refuse;
}

unsigned cuda_on_cpu_graphs_launched(void)
{
    return launched;
}

/* ---- streams --------------------------------------------------------------------------------- */

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned)
{
    std::lock_guard<std::mutex> lock(mutex);

    *stream = new CUstream_st;
    streams.push_back(*stream);
    return device_state();
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    drain(stream, stream->asked);
    {
        std::lock_guard<std::mutex> lock(mutex);

        streams.erase(std::find(streams.begin(), streams.end(), stream));
    }
    delete stream;
    return device_state();
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    cudaError_t error = cudaSuccess;

    if (stream && stream->captured)
        return spoil(stream);
    if (stream)
        error = drain(stream, stream->asked);
    return device_state() != cudaSuccess ? device_state() : error;
}

cudaError_t cudaStreamQuery(cudaStream_t stream)
{
    return cudaStreamSynchronize(stream);
}

/* ---- events ---------------------------------------------------------------------------------- */

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned)
{
    *event = new CUevent_st;
    return device_state();
}

cudaError_t cudaEventCreate(cudaEvent_t *event)
{
    return cudaEventCreateWithFlags(event, 0);
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t first, cudaEvent_t last)
{
    if (!first->stream || !last->stream)
        return cudaErrorInvalidValue;
    *milliseconds =
        std::chrono::duration<float, std::milli>(last->reached - first->reached).count();
    return device_state();
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    delete event;
    return device_state();
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    if (stream->captured)
        return spoil(stream); /* it can be done, but is not what we do */
    submit(stream, [event] {
        event->reached = std::chrono::steady_clock::now();
        return cudaSuccess;
    });
    event->stream = stream;
    event->behind = stream->asked;
    return device_state();
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned)
{
    CUevent_st now = *event; /* a later record does not count */

    if (stream->captured)
        return spoil(stream);
    if (now.stream)
        return submit(stream, [now] { return drain(now.stream, now.behind); });
    return device_state();
}

/* ---- graphs ---------------------------------------------------------------------------------- */

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode)
{
    if (!stream || stream->captured)
        return cudaErrorInvalidValue;
    stream->captured = std::make_shared<Nodes>();
    stream->spoilt = refusing;
    capturing = stream;
    return device_state();
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
    *graph = nullptr;
    if (!stream->captured)
        return cudaErrorInvalidValue;
    if (capturing != stream)
        return cudaErrorStreamCaptureWrongThread;
    capturing = nullptr;
    if (!stream->spoilt)
        *graph = new CUgraph_st{stream->captured};
    stream->captured = nullptr;
    return stream->spoilt ? cudaErrorStreamCaptureInvalidated : device_state();
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    delete graph;
    return device_state();
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long)
{
    if (capturing)
        return spoil(capturing);
    *exec = new CUgraphExec_st{graph->nodes};
    return device_state();
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec)
{
    delete exec;
    return device_state();
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream)
{
    std::shared_ptr<Nodes> nodes = exec->nodes;

    launched++;
    return submit(stream, [nodes] {
        cudaError_t error = cudaSuccess;

        for (const Work &work : *nodes)
            if (error == cudaSuccess)
                error = work();
        return error;
    });
}

} // extern "C"
