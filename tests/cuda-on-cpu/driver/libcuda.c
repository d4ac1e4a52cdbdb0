/* libcuda.c - a libcuda.so.1 for tests: contexts, memory and copies of the CUDA driver on the host,
 * so that the GstCudaContext and the GstCudaBufferPool of libgstcuda run without a GPU.
 *
 * It is stricter than the real driver: memory is accessible only through its own context, and
 * every mistake of a call is an error. Stream copies complete only on a wait. Memory that it does
 * not know belongs to the CUDA runtime's device 0, which tests/cuda-on-cpu emulates, also in host
 * memory. */
#include "cuda.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define API __attribute__((visibility("default")))
#define STUB(name)                                                                                 \
    API CUresult name(void);                                                                       \
    API CUresult name(void)                                                                        \
    {                                                                                              \
        return CUDA_ERROR_NOT_SUPPORTED;                                                           \
    }

enum { MOST_DEVICES = 4, MOST_CURRENT = 16, PITCH = 512 };

struct CUctx_st {
    CUdevice device;
};

/* A copy of rows that is still to be done. */
typedef struct Copy {
    struct Copy *next;
    char *to;
    const char *from;
    size_t to_pitch, from_pitch, width, height;
} Copy;

struct CUstream_st {
    CUcontext context;
    Copy *first, **end;
};

typedef struct Memory {
    struct Memory *next;
    char *base;
    size_t bytes;
    CUcontext context;
} Memory;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* of what follows */
static struct CUctx_st primary[MOST_DEVICES] = {{0}, {1}, {2}, {3}};
static Memory *memories;
static size_t used, downloaded, uploaded;
static unsigned contexts;
static int devices = 1, until_failure = -1;

static __thread CUcontext stack[MOST_CURRENT]; /* the calling thread's current contexts */
static __thread unsigned depth;

static CUcontext current(void)
{
    return depth ? stack[depth - 1] : NULL;
}

/* ---- for tests ------------------------------------------------------------------------------- */

API void driver_on_cpu_set_devices(int count)
{
    devices = count;
}

API void driver_on_cpu_fail_copy(int copies)
{
    until_failure = copies;
}

static size_t locked(const size_t *value)
{
    size_t now;

    pthread_mutex_lock(&mutex);
    now = *value;
    pthread_mutex_unlock(&mutex);
    return now;
}

API size_t driver_on_cpu_memory_used(void)
{
    return locked(&used);
}

API size_t driver_on_cpu_downloaded(void)
{
    return locked(&downloaded);
}

API size_t driver_on_cpu_uploaded(void)
{
    return locked(&uploaded);
}

API unsigned driver_on_cpu_contexts(void)
{
    return __atomic_load_n(&contexts, __ATOMIC_RELAXED);
}

/* ---- devices and contexts -------------------------------------------------------------------- */

API CUresult cuInit(unsigned flags);
API CUresult cuInit(unsigned flags)
{
    return flags ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

API CUresult cuGetErrorName(CUresult error, const char **text);
API CUresult cuGetErrorName(CUresult error, const char **text)
{
    *text = error == CUDA_SUCCESS                 ? "CUDA_SUCCESS"
            : error == CUDA_ERROR_OUT_OF_MEMORY   ? "CUDA_ERROR_OUT_OF_MEMORY"
            : error == CUDA_ERROR_INVALID_CONTEXT ? "CUDA_ERROR_INVALID_CONTEXT"
            : error == CUDA_ERROR_NOT_SUPPORTED   ? "CUDA_ERROR_NOT_SUPPORTED"
                                                  : "CUDA_ERROR_INVALID_VALUE";
    return CUDA_SUCCESS;
}

API CUresult cuGetErrorString(CUresult error, const char **text);
API CUresult cuGetErrorString(CUresult error, const char **text)
{
    *text = error == CUDA_ERROR_INVALID_CONTEXT ? "invalid device context" : "invalid argument";
    return CUDA_SUCCESS;
}

API CUresult cuDriverGetVersion(int *version);
API CUresult cuDriverGetVersion(int *version)
{
    *version = 12000;
    return CUDA_SUCCESS;
}

API CUresult cuDeviceGetCount(int *count);
API CUresult cuDeviceGetCount(int *count)
{
    *count = devices;
    return CUDA_SUCCESS;
}

API CUresult cuDeviceGet(CUdevice *device, int number);
API CUresult cuDeviceGet(CUdevice *device, int number)
{
    *device = number;
    return number >= 0 && number < devices ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

API CUresult cuDeviceGetName(char *name, int length, CUdevice device);
API CUresult cuDeviceGetName(char *name, int length, CUdevice device)
{
    (void)device;
    strncpy(name, "the host", (size_t)length);
    return CUDA_SUCCESS;
}

API CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device);
API CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device)
{
    *value = attribute == CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT          ? PITCH
             : attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR ? 8
                                                                         : 0;
    return device >= 0 && device < devices ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

/* As the driver has it: a device is no peer of itself. */
API CUresult cuDeviceCanAccessPeer(int *can, CUdevice device, CUdevice peer);
API CUresult cuDeviceCanAccessPeer(int *can, CUdevice device, CUdevice peer)
{
    (void)device;
    (void)peer;
    *can = 0;
    return CUDA_SUCCESS;
}

API CUresult cuCtxPushCurrent_v2(CUcontext context);
API CUresult cuCtxPushCurrent_v2(CUcontext context)
{
    if (!context || depth == MOST_CURRENT)
        return CUDA_ERROR_INVALID_CONTEXT;
    stack[depth++] = context;
    return CUDA_SUCCESS;
}

API CUresult cuCtxPopCurrent_v2(CUcontext *context);
API CUresult cuCtxPopCurrent_v2(CUcontext *context)
{
    if (!depth)
        return CUDA_ERROR_INVALID_CONTEXT;
    depth--;
    if (context)
        *context = stack[depth];
    return CUDA_SUCCESS;
}

API CUresult cuCtxCreate_v2(CUcontext *context, unsigned flags, CUdevice device);
API CUresult cuCtxCreate_v2(CUcontext *context, unsigned flags, CUdevice device)
{
    (void)flags;
    if (device < 0 || device >= devices)
        return CUDA_ERROR_INVALID_VALUE;
    *context = calloc(1, sizeof **context);
    (*context)->device = device;
    __atomic_fetch_add(&contexts, 1, __ATOMIC_RELAXED);
    return cuCtxPushCurrent_v2(*context);
}

/* Memory still allocated is the test's mistake or a leak. */
API CUresult cuCtxDestroy_v2(CUcontext context);
API CUresult cuCtxDestroy_v2(CUcontext context)
{
    __atomic_fetch_sub(&contexts, 1, __ATOMIC_RELAXED);
    free(context);
    return CUDA_SUCCESS;
}

/* ---- memory ---------------------------------------------------------------------------------- */

API CUresult cuMemAlloc_v2(CUdeviceptr *pointer, size_t bytes);
API CUresult cuMemAlloc_v2(CUdeviceptr *pointer, size_t bytes)
{
    Memory *memory;

    if (!current())
        return CUDA_ERROR_INVALID_CONTEXT;
    memory = calloc(1, sizeof *memory);
    memory->base = malloc(bytes);
    memory->bytes = bytes;
    memory->context = current();
    memset(memory->base, 0xA5, bytes);
    *pointer = (uintptr_t)memory->base;
    pthread_mutex_lock(&mutex);
    memory->next = memories;
    memories = memory;
    used += bytes;
    pthread_mutex_unlock(&mutex);
    return CUDA_SUCCESS;
}

API CUresult cuMemAllocPitch_v2(CUdeviceptr *pointer, size_t *pitch, size_t width, size_t height,
                                unsigned element);
API CUresult cuMemAllocPitch_v2(CUdeviceptr *pointer, size_t *pitch, size_t width, size_t height,
                                unsigned element)
{
    (void)element;
    *pitch = (width + PITCH - 1) / PITCH * PITCH;
    return cuMemAlloc_v2(pointer, *pitch * height);
}

API CUresult cuMemFree_v2(CUdeviceptr pointer);
API CUresult cuMemFree_v2(CUdeviceptr pointer)
{
    CUresult result = CUDA_ERROR_INVALID_VALUE;

    pthread_mutex_lock(&mutex);
    for (Memory **at = &memories; *at; at = &(*at)->next) {
        Memory *memory = *at;

        if ((uintptr_t)memory->base != pointer)
            continue;
        result = memory->context == current() ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT;
        *at = memory->next;
        used -= memory->bytes;
        free(memory->base);
        free(memory);
        break;
    }
    pthread_mutex_unlock(&mutex);
    return result;
}

API CUresult cuMemAllocHost_v2(void **pointer, size_t bytes);
API CUresult cuMemAllocHost_v2(void **pointer, size_t bytes)
{
    *pointer = malloc(bytes);
    return *pointer ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

API CUresult cuMemFreeHost(void *pointer);
API CUresult cuMemFreeHost(void *pointer)
{
    free(pointer);
    return CUDA_SUCCESS;
}

/* With the lock held. */
static const Memory *memory_of(CUdeviceptr pointer)
{
    const Memory *memory = memories;

    while (memory && (pointer < (uintptr_t)memory->base ||
                      pointer >= (uintptr_t)memory->base + memory->bytes))
        memory = memory->next;
    return memory;
}

API CUresult cuPointerGetAttribute(void *value, CUpointer_attribute attribute, CUdeviceptr pointer);
API CUresult cuPointerGetAttribute(void *value, CUpointer_attribute attribute, CUdeviceptr pointer)
{
    const Memory *memory;

    if (attribute != CU_POINTER_ATTRIBUTE_CONTEXT || !pointer || !current())
        return CUDA_ERROR_INVALID_VALUE;
    pthread_mutex_lock(&mutex);
    memory = memory_of(pointer);
    *(CUcontext *)value = memory ? memory->context : &primary[0];
    pthread_mutex_unlock(&mutex);
    return CUDA_SUCCESS;
}

/* ---- copies ---------------------------------------------------------------------------------- */

/* Whether `height` rows at `pointer` are in memory of the context. */
static bool lies_in(CUcontext context, CUdeviceptr pointer, size_t pitch, size_t width,
                    size_t height)
{
    const Memory *memory;
    bool inside;

    pthread_mutex_lock(&mutex);
    memory = memory_of(pointer);
    inside = memory ? memory->context == context && pointer + pitch * (height - 1) + width <=
                                                        (uintptr_t)memory->base + memory->bytes
                    : context == &primary[0];
    pthread_mutex_unlock(&mutex);
    return inside && width <= pitch;
}

static CUresult copy_state(void)
{
    return until_failure >= 0 && until_failure-- == 0 ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

static void copy_rows(const Copy *copy)
{
    for (size_t row = 0; row < copy->height; row++)
        memcpy(copy->to + row * copy->to_pitch, copy->from + row * copy->from_pitch, copy->width);
}

API CUresult cuMemcpy2D_v2(const CUDA_MEMCPY2D *args);
API CUresult cuMemcpy2D_v2(const CUDA_MEMCPY2D *args)
{
    bool from_device = args->srcMemoryType == CU_MEMORYTYPE_DEVICE;
    bool to_device = args->dstMemoryType == CU_MEMORYTYPE_DEVICE;
    size_t width = args->WidthInBytes, height = args->Height;
    Copy copy = {.to = to_device ? (char *)(uintptr_t)args->dstDevice : args->dstHost,
                 .from = from_device ? (const char *)(uintptr_t)args->srcDevice : args->srcHost,
                 .to_pitch = args->dstPitch,
                 .from_pitch = args->srcPitch,
                 .width = width,
                 .height = height};

    if ((from_device && !lies_in(current(), args->srcDevice, args->srcPitch, width, height)) ||
        (to_device && !lies_in(current(), args->dstDevice, args->dstPitch, width, height)))
        return CUDA_ERROR_INVALID_CONTEXT;
    pthread_mutex_lock(&mutex);
    downloaded += from_device && !to_device ? width * height : 0;
    uploaded += to_device && !from_device ? width * height : 0;
    pthread_mutex_unlock(&mutex);
    copy_rows(&copy);
    return copy_state();
}

API CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D *args, CUstream stream);
API CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D *args, CUstream stream)
{
    (void)stream;
    return cuMemcpy2D_v2(args);
}

API CUresult cuMemcpy3DPeerAsync(const CUDA_MEMCPY3D_PEER *args, CUstream stream);
API CUresult cuMemcpy3DPeerAsync(const CUDA_MEMCPY3D_PEER *args, CUstream stream)
{
    size_t width = args->WidthInBytes, height = args->Height;
    Copy *copy;

    if (args->srcMemoryType != CU_MEMORYTYPE_DEVICE ||
        args->dstMemoryType != CU_MEMORYTYPE_DEVICE || args->Depth != 1 || !height)
        return CUDA_ERROR_INVALID_VALUE;
    if (!stream || stream->context != current() || !args->srcContext || !args->dstContext ||
        args->srcContext->device != args->dstContext->device ||
        !lies_in(args->srcContext, args->srcDevice, args->srcPitch, width, height) ||
        !lies_in(args->dstContext, args->dstDevice, args->dstPitch, width, height))
        return CUDA_ERROR_INVALID_CONTEXT;
    copy = calloc(1, sizeof *copy);
    *copy = (Copy){.to = (char *)(uintptr_t)args->dstDevice,
                   .from = (const char *)(uintptr_t)args->srcDevice,
                   .to_pitch = args->dstPitch,
                   .from_pitch = args->srcPitch,
                   .width = width,
                   .height = height};
    *stream->end = copy;
    stream->end = &copy->next;
    return copy_state();
}

/* ---- streams --------------------------------------------------------------------------------- */

API CUresult cuStreamCreate(CUstream *stream, unsigned flags);
API CUresult cuStreamCreate(CUstream *stream, unsigned flags)
{
    (void)flags;
    if (!current())
        return CUDA_ERROR_INVALID_CONTEXT;
    *stream = calloc(1, sizeof **stream);
    (*stream)->context = current();
    (*stream)->end = &(*stream)->first;
    return CUDA_SUCCESS;
}

API CUresult cuStreamSynchronize(CUstream stream);
API CUresult cuStreamSynchronize(CUstream stream)
{
    if (!stream)
        return CUDA_SUCCESS;
    if (stream->context != current())
        return CUDA_ERROR_INVALID_CONTEXT;
    while (stream->first) {
        Copy *copy = stream->first;

        copy_rows(copy);
        stream->first = copy->next;
        free(copy);
    }
    stream->end = &stream->first;
    return CUDA_SUCCESS;
}

API CUresult cuStreamDestroy(CUstream stream);
API CUresult cuStreamDestroy(CUstream stream)
{
    CUresult result = cuStreamSynchronize(stream);

    free(stream);
    return result;
}

/* ---- what libgstcuda looks up, and no test uses ---------------------------------------------- */

STUB(cuCtxEnablePeerAccess)
STUB(cuCtxDisablePeerAccess)
STUB(cuGraphicsMapResources)
STUB(cuGraphicsUnmapResources)
STUB(cuGraphicsResourceSetMapFlags_v2)
STUB(cuGraphicsSubResourceGetMappedArray)
STUB(cuGraphicsResourceGetMappedPointer_v2)
STUB(cuGraphicsUnregisterResource)
STUB(cuModuleLoadData)
STUB(cuModuleUnload)
STUB(cuModuleGetFunction)
STUB(cuTexObjectCreate)
STUB(cuTexObjectDestroy)
STUB(cuLaunchKernel)
STUB(cuGraphicsGLRegisterImage)
STUB(cuGraphicsGLRegisterBuffer)
STUB(cuGLGetDevices_v2)
