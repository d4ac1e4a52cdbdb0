/* backend.c - the reference backend: host memory, one thread, one obvious loop an operation. It is
 * the specification that other backends are tested against, and the fallback on any processor. */
#include "reference.h"

#include "error.h"
#include "host.h"
#include "line/line.h"

#include <stdlib.h>
#include <string.h>

struct CodeDevice {
    char unused; /* the reference needs no state; a device is an address */
};

static CodeDevice *device_open(const CodeDeviceOptions *options, CodeDeviceInfo *info,
                               CodesrcError *error)
{
    const char *precision = options->precision;
    CodeDevice *device;

    if (precision && strcmp(precision, "auto") && strcmp(precision, "f32")) {
        code_fail(error, CODESRC_SETTINGS, "precision \"%.*s\": device \"reference\" has f32",
                  CODE_CUT(precision, 40));
        return NULL;
    }
    device = calloc(1, sizeof *device);
    if (!device)
        code_fail(error, CODESRC_NO_MEMORY, "no memory for a device");
    *info = (CodeDeviceInfo){
        .threads = 1, .precision = "f32", .host_memory = true, .activation_size = sizeof(float)};
    return device;
}

static void device_close(CodeDevice *device)
{
    free(device);
}

static void *allocate(CodeDevice *device, size_t bytes, CodesrcError *error)
{
    void *memory = NULL;

    (void)device;
    if (bytes > SIZE_MAX - 64 || posix_memalign(&memory, 64, bytes ? bytes : 64)) {
        code_fail(error, CODESRC_NO_MEMORY, "no memory: %zu bytes were asked for", bytes);
        return NULL;
    }
    return memory;
}

static void release(CodeDevice *device, void *memory)
{
    (void)device;
    free(memory);
}

static void weight_free(CodeDevice *device, CodeWeight *weight)
{
    (void)device;
    if (!weight)
        return;
    free(weight->data);
    free(weight->bias);
    free(weight);
}

static CodeWeight *weight_pack(CodeDevice *device, const CodeWeightSpec *spec, const float *data,
                               const float *bias, CodesrcError *error)
{
    CodeWeight *weight = calloc(1, sizeof *weight);
    unsigned side = code_kernel_side(spec->kind);
    size_t in = spec->in, out = spec->out, taps = (size_t)side * side;

    if (weight) {
        weight->spec = *spec;
        weight->kernel = side;
        weight->data = malloc(taps * in * out * sizeof(float));
        weight->bias = calloc(out, sizeof(float));
    }
    if (!weight || !weight->data || !weight->bias) {
        weight_free(device, weight);
        code_fail(error, CODESRC_NO_MEMORY, "no memory for weights of %zu x %zu", out, taps * in);
        return NULL;
    }
    for (size_t o = 0; o < out; o++)
        for (size_t i = 0; i < in; i++)
            for (size_t t = 0; t < taps; t++)
                weight->data[(t * in + i) * out + o] = data[(o * in + i) * taps + t];
    if (bias)
        memcpy(weight->bias, bias, out * sizeof(float));
    return weight;
}

static uint64_t weight_bytes(CodeDevice *device, const CodeWeightSpec *spec)
{
    uint64_t side = code_kernel_side(spec->kind);

    (void)device;
    return side * side * spec->in * spec->out * sizeof(float);
}

static CodeStream *stream_open(CodeDevice *device, const atomic_bool *cancelled,
                               CodesrcError *error)
{
    return code_host_stream_new(sizeof(CodeStream), &code_backend_reference, device, cancelled,
                                error);
}

static void stream_close(CodeStream *stream)
{
    free(stream);
}

#define ENTRY(name, Arguments) .name = reference_##name,

const CodeBackend code_backend_reference = {.name = "reference",
                                            .device_open = device_open,
                                            .device_close = device_close,
                                            .alloc = allocate,
                                            .release = release,
                                            .weight_pack = weight_pack,
                                            .weight_free = weight_free,
                                            .weight_bytes = weight_bytes,
                                            .stream_open = stream_open,
                                            .stream_close = stream_close,
                                            .copy = code_host_copy,
                                            CODE_ALL_OPERATIONS(ENTRY)};
