/* product.c - who computes a product: tiles/ if the device has instructions for products of
 * bfloat16, else floats/. Products from float32 to float32 are those of floats/ on every device. */
#include "product.h"

#include "winograd/winograd.h"

#include "error.h"

#include <stdlib.h>
#include <string.h>

static const CpuProducts *products_for(const CodeDevice *device, const CodeWeightSpec *spec)
{
    return device->gemm && spec->types != F32_TO_F32 ? &cpu_tiles : &cpu_floats;
}

/* With fewer inputs or outputs, a convolution's tiles do not gain what converting them costs. */
enum { BYTE_CHANNELS = 128 };

bool cpu_takes_bytes(const CodeDevice *device, const CodeWeightSpec *spec)
{
    if (!device->bytes)
        return false;
    if (cpu_tile_points(spec))
        return spec->coarse && spec->in >= BYTE_CHANNELS && spec->out >= BYTE_CHANNELS;
    return spec->kind == CODE_WEIGHT_LINEAR && !code_reads_f32(spec);
}

/* ---- weights --------------------------------------------------------------------------------- */

static void *zeroed(size_t bytes, CodesrcError *error)
{
    void *memory = cpu_allocate(bytes, error);

    if (memory)
        memset(memory, 0, bytes);
    return memory;
}

bool cpu_weight_begin(CodeWeight *weight, const CpuProducts *products, const CodeWeightSpec *spec,
                      const float *bias, CodesrcError *error)
{
    *weight = (CodeWeight){.spec = *spec, .products = products};
    weight->bias = zeroed(pieces(spec->out, 16) * 16 * sizeof(float), error);
    if (!weight->bias)
        return false;
    if (bias)
        memcpy(weight->bias, bias, spec->out * sizeof(float));
    if (spec->kind != CODE_WEIGHT_LINEAR)
        weight->zeros = zeroed((spec->in + (size_t)1) * sizeof(float), error);
    return spec->kind == CODE_WEIGHT_LINEAR || weight->zeros;
}

void cpu_weight_end(CodeWeight *weight)
{
    free(weight->bias);
    free(weight->zeros);
    free(weight);
}

CodeWeight *cpu_weight_pack(CodeDevice *device, const CodeWeightSpec *spec, const float *weight,
                            const float *bias, CodesrcError *error)
{
    return products_for(device, spec)->pack(device, spec, weight, bias, error);
}

void cpu_weight_free(CodeDevice *device, CodeWeight *weight)
{
    (void)device;
    if (weight)
        weight->products->free(weight);
}

uint64_t cpu_weight_bytes(CodeDevice *device, const CodeWeightSpec *spec)
{
    uint64_t side = code_kernel_side(spec->kind), points = cpu_tile_points(spec);

    return (points ? points : side * side) * spec->in * spec->out *
           products_for(device, spec)->number_size(device, spec);
}

/* ---- operations ------------------------------------------------------------------------------ */

bool cpu_linear(CodeStream *stream, const CodeLinear *args)
{
    return args->weight->products->linear(stream, args);
}

bool cpu_conv(CodeStream *stream, const CodeConv *args)
{
    if (cpu_tile_points(&args->weight->spec))
        return cpu_winograd(stream, args);
    return args->weight->products->conv(stream, args);
}

bool cpu_attention(CodeStream *stream, const CodeAttention *args)
{
    return (stream->device->gemm ? &cpu_tiles : &cpu_floats)->attention(stream, args);
}
