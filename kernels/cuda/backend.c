/* backend.c - the CUDA backend's table: devices, weights, and operations that are one kernel. The
 * backend is a separate module, so that the engine loads on machines without CUDA. */
#include "cuda.h"

#include "error.h"
#include "line/line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef CUDA_ON_CPU
#define NAME "cuda-emulated"
#else
#define NAME "cuda"
#endif

/* ---- devices --------------------------------------------------------------------------------- */

const CudaNumber cuda_numbers[CUDA_TYPES] = {
    [CUDA_F32] = {"f32", CUDA_R_32F},
    [CUDA_F16] = {"f16", CUDA_R_16F},
    [CUDA_BF16] = {"bf16", CUDA_R_16BF},
};

static bool type_of(const char *precision, CudaType *type, CodesrcError *error)
{
    /* f16 has eight times the resolution of bf16, and VAR's numbers stay far from its limits. */
    *type = CUDA_F16;
    if (!precision || !strcmp(precision, "auto"))
        return true;
    for (unsigned i = 0; i < CUDA_TYPES; i++)
        if (!strcmp(precision, cuda_numbers[i].precision)) {
            *type = (CudaType)i;
            return true;
        }
    return code_fail(error, CODESRC_SETTINGS,
                     "precision \"%.*s\": device \"cuda\" has f16, bf16, f32",
                     CODE_CUT(precision, 40));
}

/* A device's name in errors; a machine may have several. */
static void label_of(int index, char *label, size_t size)
{
    struct cudaDeviceProp properties;

    if (cudaGetDeviceProperties(&properties, index) == cudaSuccess) {
        snprintf(label, size, "CUDA device %d (%.90s)", index, properties.name);
    } else {
        cudaGetLastError();
        snprintf(label, size, "CUDA device %d", index);
    }
}

/* Tensor cores with bfloat16 came with compute capability 8.0. */
static bool will_do(int index, CodesrcError *error)
{
    int major = 0, minor = 0;
    cudaError_t result = cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, index);

    if (result == cudaSuccess)
        result = cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, index);
    if (result != cudaSuccess)
        return code_fail(error, CODESRC_NO_DEVICE, "device \"cuda\": cuda-device-id %d: %s", index,
                         cudaGetErrorString(result));
    if (major < 8) {
        char label[sizeof((CodeDevice *)NULL)->label];

        label_of(index, label, sizeof label);
        return code_fail(error, CODESRC_NO_DEVICE,
                         "device \"cuda\": compute capability %d.%d of cuda-device-id %d, expected "
                         "at least 8.0: %s",
                         major, minor, index, label);
    }
    return true;
}

/* To ask makes the device's context, as the first allocation would. */
static bool has_code(int index, CodesrcError *error)
{
    char label[sizeof((CodeDevice *)NULL)->label];
    cudaError_t result = cudaSetDevice(index);

    if (result == cudaSuccess)
        result = cuda_find_code();
    if (result == cudaSuccess)
        return true;
    cudaGetLastError();
    label_of(index, label, sizeof label);
    if (result == cudaErrorNoKernelImageForDevice)
        return code_fail(error, CODESRC_NO_DEVICE,
                         "device \"cuda\": this build has no code for %s: %s", label,
                         cudaGetErrorString(result));
    return code_fail(error,
                     result == cudaErrorMemoryAllocation ? CODESRC_NO_MEMORY : CODESRC_NO_DEVICE,
                     "device \"cuda\": %s: %s", label, cudaGetErrorString(result));
}

static bool suits(int index, bool opens, CodesrcError *error)
{
    return will_do(index, error) && (!opens || has_code(index, error));
}

/* Device `wanted` or, if that is negative, the first suitable one. Unless it is about to be opened,
 * no context is made on it: another may be wanted. */
static bool find_device(int wanted, bool opens, int *index, CodesrcError *error)
{
    int count = 0;
    cudaError_t result = cudaGetDeviceCount(&count);
    CodesrcError passed_over;

    if (result != cudaSuccess || count < 1) {
        cudaGetLastError();
        return code_fail(error, CODESRC_NO_DEVICE, "device \"cuda\": %s",
                         result == cudaSuccess ? "there is none" : cudaGetErrorString(result));
    }
    if (wanted >= count)
        return code_fail(error, CODESRC_SETTINGS,
                         "cuda-device-id %d, expected 0..%d: %d CUDA %s here", wanted, count - 1,
                         count, count == 1 ? "device is" : "devices are");
    *index = wanted < 0 ? 0 : wanted;
    while (wanted < 0 && *index < count - 1 && !suits(*index, opens, &passed_over))
        ++*index;
    return suits(*index, opens, error);
}

static CodeDevice *device_open(const CodeDeviceOptions *options, CodeDeviceInfo *info,
                               CodesrcError *error)
{
    CodeDevice *device;
    CudaType type;
    int index;

    if (!type_of(options->precision, &type, error) ||
        !find_device(options->index, true, &index, error))
        return NULL;
    device = calloc(1, sizeof *device);
    if (!device) {
        code_fail(error, CODESRC_NO_MEMORY, "no memory for a device");
        return NULL;
    }
    device->index = index;
    label_of(index, device->label, sizeof device->label);
    device->type = type;
    atomic_init(&device->lost, false);
    *info = (CodeDeviceInfo){.threads = 1,
                             .precision = cuda_numbers[type].precision,
                             .activation_size = (unsigned)cuda_size(type),
                             .stream_bytes = CUDA_WORKSPACE + CUDA_SCRATCH,
                             .index = index};
    return device;
}

static void device_close(CodeDevice *device)
{
    free(device);
}

static void *allocate(CodeDevice *device, size_t bytes, CodesrcError *error)
{
    size_t available = 0, total = 0;
    void *memory = NULL;
    cudaError_t result = cudaSetDevice(device->index);

    if (result == cudaSuccess)
        result = cudaMalloc(&memory, bytes ? bytes : 1);
    if (result == cudaSuccess)
        return memory;
    cudaGetLastError();
    if (result == cudaErrorMemoryAllocation && cudaMemGetInfo(&available, &total) == cudaSuccess)
        code_fail(error, CODESRC_NO_MEMORY,
                  "no memory on %s: %zu bytes were asked for, %zu of %zu are free", device->label,
                  bytes, available, total);
    else
        code_fail(error, cuda_status(result), "%s: allocating %zu bytes: %s", device->label, bytes,
                  cudaGetErrorString(result));
    return NULL;
}

static void release(CodeDevice *device, void *memory)
{
    cudaSetDevice(device->index);
    cudaFree(memory);
    cudaGetLastError(); /* else the next launch would report it */
}

/* ---- weights --------------------------------------------------------------------------------- */

enum { COLUMN_ROUND = 8 }; /* columns of convolutions: 16 bytes of 16-bit numbers */

static void weight_free(CodeDevice *device, CodeWeight *weight)
{
    if (!weight)
        return;
    release(device, weight->data);
    release(device, weight->bias);
    free(weight);
}

/* Uploads float32 numbers (out, in, taps) and converts them on the device. Without `values` it
 * makes them there, by the pack's rule. */
static bool convert(CodeDevice *device, CudaPack pack, const float *values, CodesrcError *error)
{
    size_t bytes = (size_t)pack.out * pack.in * pack.taps * sizeof(float);
    void *staging = values ? allocate(device, bytes, error) : NULL;
    cudaError_t result = cudaSetDevice(device->index);

    if (values && !staging)
        return false;
    pack.from = staging;
    if (values && result == cudaSuccess)
        result = cudaMemcpyAsync(staging, values, bytes, cudaMemcpyHostToDevice, NULL);
    if (result == cudaSuccess)
        result = cuda_pack(&pack, NULL);
    if (result == cudaSuccess)
        result = cudaStreamSynchronize(NULL);
    release(device, staging);
    if (result == cudaSuccess)
        return true;
    cudaGetLastError();
    return code_fail(error, cuda_status(result), "%s: packing weights: %s", device->label,
                     cudaGetErrorString(result));
}

/* Either `values` or `rule` is NULL. */
static bool fill(CodeDevice *device, CodeWeight *weight, const float *values,
                 const CodeSynthetic *rule, const float *bias, CodesrcError *error)
{
    const CodeWeightSpec *spec = &weight->spec;
    unsigned taps = weight->kernel * weight->kernel;
    float *zeros = bias ? NULL : calloc(spec->out, sizeof *zeros);
    CudaPack pack = {.type = weight->type,
                     .out = spec->out,
                     .in = spec->in,
                     .taps = taps,
                     .columns = weight->columns,
                     .rule = rule ? *rule : (CodeSynthetic){0}};
    CudaPack pack_bias = {
        .type = weight->y_type, .out = 1, .in = spec->out, .taps = 1, .columns = spec->out};
    bool good = false;

    if (!bias && !zeros)
        return code_fail(error, CODESRC_NO_MEMORY, "no memory for a bias of %u", spec->out);
    weight->data = pack.to =
        allocate(device, (size_t)spec->out * weight->columns * cuda_size(weight->type), error);
    if (weight->data)
        weight->bias = pack_bias.to =
            allocate(device, spec->out * cuda_size(weight->y_type), error);
    if (weight->bias)
        good = convert(device, pack, values, error) &&
               convert(device, pack_bias, bias ? bias : zeros, error);
    free(zeros);
    return good;
}

/* The type of a weight in memory and of its inputs in products. Coarse products in bfloat16 would
 * show in the logits. */
static CudaType weight_type(const CodeDevice *device, const CodeWeightSpec *spec)
{
    bool rounds = spec->coarse && spec->kind == CODE_WEIGHT_LINEAR && device->type == CUDA_F16;

    return spec->types == F32_TO_F32 && !rounds ? CUDA_F32 : device->type;
}

static uint64_t weight_bytes(CodeDevice *device, const CodeWeightSpec *spec)
{
    uint64_t side = code_kernel_side(spec->kind);

    return side * side * spec->in * spec->out * cuda_size(weight_type(device, spec));
}

static CodeWeight *make(CodeDevice *device, const CodeWeightSpec *spec, const float *values,
                        const CodeSynthetic *rule, const float *bias, CodesrcError *error)
{
    unsigned side = code_kernel_side(spec->kind), columns = side * side * spec->in;
    bool gathered;
    CodeWeight *weight = calloc(1, sizeof *weight);

    if (!weight) {
        code_fail(error, CODESRC_NO_MEMORY, "no memory for a weight");
        return NULL;
    }
    weight->spec = *spec;
    weight->kernel = side;
    weight->type = weight_type(device, spec);
    weight->y_type = code_writes_f32(spec) ? CUDA_F32 : device->type;
    gathered = side > 1 || (code_reads_f32(spec) ? CUDA_F32 : device->type) != weight->type;
    /* Rows that are ready are used as they are; gathered rows are padded with zeros. */
    weight->columns =
        gathered ? (columns + COLUMN_ROUND - 1) / COLUMN_ROUND * COLUMN_ROUND : columns;
    if (fill(device, weight, values, rule, bias, error))
        return weight;
    weight_free(device, weight);
    return NULL;
}

static CodeWeight *weight_pack(CodeDevice *device, const CodeWeightSpec *spec, const float *values,
                               const float *bias, CodesrcError *error)
{
    return make(device, spec, values, NULL, bias, error);
}

static CodeWeight *weight_synthetic(CodeDevice *device, const CodeWeightSpec *spec,
                                    const CodeSynthetic *rule, const float *bias,
                                    CodesrcError *error)
{
    return make(device, spec, NULL, rule, bias, error);
}

/* ---- the table ------------------------------------------------------------------------------- */

static CodeStream *stream_open(CodeDevice *device, const atomic_bool *cancelled,
                               CodesrcError *error);

#define ENTRY(name, Arguments) .name = cuda_##name,

static const CodeBackend code_backend_cuda = {
    .name = NAME,
    .device_open = device_open,
    .device_close = device_close,
    .alloc = allocate,
    .release = release,
    .weight_pack = weight_pack,
    .weight_free = weight_free,
    .weight_synthetic = weight_synthetic,
    .weight_bytes = weight_bytes,
    .stream_open = stream_open,
    .stream_close = cuda_stream_close,
    .copy = cuda_copy,
    CODE_ALL_OPERATIONS(ENTRY).wait = cuda_wait_for_pictures,
    .after = cuda_after,
    .time_begin = cuda_time_begin,
    .time_end = cuda_time_end,
    .mark = cuda_mark,
    .series_begin = cuda_series_begin,
    .series_end = cuda_series_end,
};

static CodeStream *stream_open(CodeDevice *device, const atomic_bool *cancelled,
                               CodesrcError *error)
{
    CodeStream *stream = cuda_stream_open(device, cancelled, error);

    if (stream)
        stream->backend = &code_backend_cuda;
    return stream;
}

CODESRC_API const CodeBackend *code_module_backend(const char *version, CodesrcError *error)
{
    int index;

    if (strcmp(version, CODE_VERSION)) {
        code_fail(error, CODESRC_NO_DEVICE, "device \"cuda\": the module is of version %s, not %s",
                  CODE_VERSION, version);
        return NULL;
    }
    return find_device(-1, false, &index, error) ? &code_backend_cuda : NULL;
}
