/* runtime.cc - memory, copies and errors of the emulated device. */
#include "device.h"

#include <map>
#include <mutex>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unordered_map>
#include <vector>

namespace
{

struct Device {
    std::mutex mutex;
    std::unordered_map<void *, size_t> allocations;
    std::map<const char *, size_t> pinned; /* host memory */
    size_t downloaded = 0;
    size_t used = 0, memory = static_cast<size_t>(64) << 30;
    unsigned order = 0;
    int devices = 1, old = 0, foreign = 0;
    int until_broken = -1; /* launches; negative: never */
    bool broken = false;
    cudaError_t last = cudaSuccess;

    Device()
    {
        const char *wanted = getenv("CUDA_ON_CPU_ORDER");

        order = wanted ? static_cast<unsigned>(atoi(wanted)) % 3 : 0;
    }
};

Device device;
thread_local int current;

cudaError_t state()
{
    return cuda_on_cpu::device_state();
}

bool is_pinned(const void *memory)
{
    std::lock_guard<std::mutex> lock(device.mutex);
    const char *at = static_cast<const char *>(memory);
    auto behind = device.pinned.upper_bound(at);

    return behind != device.pinned.begin() &&
           at - std::prev(behind)->first < (ptrdiff_t)std::prev(behind)->second;
}

} // namespace

cudaError_t cuda_on_cpu::device_state()
{
    return device.broken ? cudaErrorIllegalAddress : cudaSuccess;
}

unsigned cuda_on_cpu::device_order()
{
    return device.order;
}

cudaError_t cuda_on_cpu::device_fail(cudaError_t error)
{
    return device.last = error;
}

cudaError_t cuda_on_cpu::device_launch()
{
    std::lock_guard<std::mutex> lock(device.mutex);

    if (current < device.foreign)
        return device.last = cudaErrorNoKernelImageForDevice;
    if (device.until_broken >= 0 && device.until_broken-- == 0)
        device.broken = true;
    return device.last = device.broken ? cudaErrorIllegalAddress : device.last;
}

extern "C" {

void cuda_on_cpu_set_order(unsigned order)
{
    device.order = order % 3;
}

void cuda_on_cpu_set_memory(size_t bytes)
{
    device.memory = bytes;
}

size_t cuda_on_cpu_memory_used(void)
{
    return device.used;
}

size_t cuda_on_cpu_downloaded(void)
{
    std::lock_guard<std::mutex> lock(device.mutex);

    return device.downloaded;
}

void cuda_on_cpu_break(int launches)
{
    device.until_broken = launches;
    device.broken = false;
    device.last = cudaSuccess;
}

void cuda_on_cpu_set_devices(int count, int old)
{
    device.devices = count;
    device.old = old;
}

void cuda_on_cpu_set_foreign(int count)
{
    device.foreign = count;
}

int cuda_on_cpu_device(void)
{
    return current;
}

cudaError_t cudaGetDeviceCount(int *count)
{
    *count = device.devices;
    return device.devices ? cudaSuccess : cudaErrorNoDevice;
}

cudaError_t cudaSetDevice(int index)
{
    if (index < 0 || index >= device.devices)
        return cudaErrorInvalidValue;
    current = index;
    return state();
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int index)
{
    bool major = attribute == cudaDevAttrComputeCapabilityMajor;

    if (index < 0 || index >= device.devices)
        return cudaErrorInvalidValue;
    *value = index < device.old ? (major ? 7 : 5) : major ? 8 : 0;
    return state();
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int index)
{
    if (index < 0 || index >= device.devices)
        return cudaErrorInvalidValue;
    snprintf(properties->name, sizeof properties->name, "emulated %d", index);
    return state();
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes *attributes, const void *)
{
    if (current < device.foreign)
        return device.last = cudaErrorNoKernelImageForDevice;
    attributes->binaryVersion = 80;
    return state();
}

cudaError_t cudaMemGetInfo(size_t *available, size_t *total)
{
    std::lock_guard<std::mutex> lock(device.mutex);

    *total = device.memory;
    *available = device.memory - device.used;
    return state();
}

cudaError_t cudaMalloc(void **memory, size_t bytes)
{
    if (cudaError_t error = cuda_on_cpu::may_allocate(); error != cudaSuccess)
        return error;
    std::lock_guard<std::mutex> lock(device.mutex);

    if (state() != cudaSuccess)
        return state();
    if (bytes > device.memory - device.used ||
        !(*memory = aligned_alloc(256, (bytes + 255) / 256 * 256)))
        return device.last = cudaErrorMemoryAllocation;
    memset(*memory, 0xFF, bytes); /* not a number, in every type */
    device.allocations[*memory] = bytes;
    device.used += bytes;
    return cudaSuccess;
}

cudaError_t cudaFree(void *memory)
{
    if (cudaError_t error = cuda_on_cpu::wait_for_all(); error != cudaSuccess)
        return error;
    std::lock_guard<std::mutex> lock(device.mutex);
    auto found = device.allocations.find(memory);

    if (!memory)
        return cudaSuccess;
    if (found == device.allocations.end())
        return device.last = cudaErrorInvalidValue;
    device.used -= found->second;
    device.allocations.erase(found);
    free(memory);
    return state();
}

cudaError_t cudaMallocHost(void **memory, size_t bytes)
{
    if (cudaError_t error = cuda_on_cpu::may_allocate(); error != cudaSuccess)
        return error;
    std::lock_guard<std::mutex> lock(device.mutex);

    *memory = malloc(bytes);
    if (!*memory)
        return cudaErrorMemoryAllocation;
    device.pinned[static_cast<char *>(*memory)] = bytes;
    return state();
}

cudaError_t cudaFreeHost(void *memory)
{
    if (cudaError_t error = cuda_on_cpu::wait_for_all(); error != cudaSuccess)
        return error;
    std::lock_guard<std::mutex> lock(device.mutex);

    device.pinned.erase(static_cast<char *>(memory));
    free(memory);
    return state();
}

/* Memory of the host that is not pinned is read before the call returns, and written too. */
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                            cudaStream_t stream)
{
    auto copy = [=] {
        if (state() == cudaSuccess)
            memcpy(to, from, bytes);
        return state();
    };
    cudaError_t error;

    if (kind == cudaMemcpyDeviceToHost) {
        std::lock_guard<std::mutex> lock(device.mutex);

        device.downloaded += bytes;
    }
    if (cuda_on_cpu::streams_are_late() && kind == cudaMemcpyHostToDevice && !is_pinned(from)) {
        const char *begin = static_cast<const char *>(from);
        std::vector<char> kept(begin, begin + bytes);

        return cuda_on_cpu::submit(stream, [=] {
            if (state() == cudaSuccess)
                memcpy(to, kept.data(), bytes);
            return state();
        });
    }
    error = cuda_on_cpu::submit(stream, copy);
    return error == cudaSuccess && kind == cudaMemcpyDeviceToHost && !is_pinned(to)
               ? cudaStreamSynchronize(stream)
               : error;
}

cudaError_t cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch,
                              size_t width, size_t height, enum cudaMemcpyKind kind,
                              cudaStream_t stream)
{
    cudaError_t error = cudaSuccess;

    if (width > to_pitch || width > from_pitch)
        return device.last = cudaErrorInvalidValue;
    for (size_t row = 0; row < height && error == cudaSuccess; row++)
        error = cudaMemcpyAsync(static_cast<char *>(to) + row * to_pitch,
                                static_cast<const char *>(from) + row * from_pitch, width, kind,
                                stream);
    return error;
}

cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t stream)
{
    return cuda_on_cpu::submit(stream, [=] {
        if (state() == cudaSuccess)
            memset(to, value, bytes);
        return state();
    });
}

cudaError_t cudaGetLastError(void)
{
    cudaError_t error = device.last;

    device.last = state();
    return error;
}

const char *cudaGetErrorString(cudaError_t error)
{
    switch (error) {
    case cudaSuccess:
        return "no error";
    case cudaErrorMemoryAllocation:
        return "out of memory";
    case cudaErrorInvalidConfiguration:
        return "invalid configuration argument";
    case cudaErrorNoDevice:
        return "no CUDA-capable device is detected";
    case cudaErrorNoKernelImageForDevice:
        return "no kernel image is available for execution on the device";
    case cudaErrorStreamCaptureUnsupported:
        return "operation not permitted when stream is capturing";
    case cudaErrorStreamCaptureInvalidated:
        return "operation failed due to a previous error during capture";
    case cudaErrorIllegalAddress:
        return "an illegal memory access was encountered";
    default:
        return "invalid argument";
    }
}

} // extern "C"
