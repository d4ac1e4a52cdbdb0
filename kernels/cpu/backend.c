/* backend.c - the CPU backend's table: devices, memory, streams.
 *
 * CODESRC_CPU=LEVEL in the environment is the highest instruction set to use, for tests. */
#include "cpu.h"
#include "levels.h"
#include "product/product.h"

#include "error.h"
#include "host.h"

#include <stdlib.h>
#include <string.h>

/* ---- devices and memory ---------------------------------------------------------------------- */

static void device_close(CodeDevice *device)
{
    if (!device)
        return;
    if (device->pool)
        cpu_pool_free(device->pool);
    free(device);
}

static bool open_device(CodeDevice *device, const CodeDeviceOptions *options, CodeDeviceInfo *info,
                        CodesrcError *error)
{
    const char *most = getenv("CODESRC_CPU"), *precision = NULL;
    const CpuLevel *level =
        cpu_level_choose(most && *most ? most : NULL, options->precision, &precision, error);

    if (!level)
        return false;
    device->halves = strcmp(precision, "f32");
    device->body = device->halves ? level->halves : level->floats;
    device->multiplier = level->multiplier;
    device->gemm = level->gemm;
    device->bytes = !strcmp(precision, "int8");
    device->activation_size = device->halves ? sizeof(uint16_t) : sizeof(float);
    if (!cpu_pool_new(device, options->threads, error))
        return false;
    *info = (CodeDeviceInfo){
        .threads = cpu_pool_threads(device->pool),
        .precision = precision,
        .host_memory = true,
        .activation_size = (unsigned)device->activation_size,
    };
    return true;
}

static CodeDevice *device_open(const CodeDeviceOptions *options, CodeDeviceInfo *info,
                               CodesrcError *error)
{
    CodeDevice *device = calloc(1, sizeof *device);

    if (!device) {
        code_fail(error, CODESRC_NO_MEMORY, "no memory for a device");
        return NULL;
    }
    if (open_device(device, options, info, error))
        return device;
    device_close(device);
    return NULL;
}

static void *allocate(CodeDevice *device, size_t bytes, CodesrcError *error)
{
    (void)device;
    return cpu_allocate(bytes, error);
}

static void release(CodeDevice *device, void *memory)
{
    (void)device;
    free(memory);
}

/* ---- streams --------------------------------------------------------------------------------- */

static CodeStream *stream_open(CodeDevice *device, const atomic_bool *cancelled,
                               CodesrcError *error)
{
    return code_host_stream_new(sizeof(CpuStream), &code_backend_cpu, device, cancelled, error);
}

static void stream_close(CodeStream *stream)
{
    if (!stream)
        return;
    free(((CpuStream *)stream)->shared);
    free(stream);
}

/* ---- the table ------------------------------------------------------------------------------- */

#define ENTRY(name, Arguments) .name = cpu_##name,

const CodeBackend code_backend_cpu = {.name = "cpu",
                                      .device_open = device_open,
                                      .device_close = device_close,
                                      .alloc = allocate,
                                      .release = release,
                                      .weight_pack = cpu_weight_pack,
                                      .weight_free = cpu_weight_free,
                                      .weight_bytes = cpu_weight_bytes,
                                      .stream_open = stream_open,
                                      .stream_close = stream_close,
                                      .copy = code_host_copy,
                                      CODE_OPERATIONS(ENTRY)};
