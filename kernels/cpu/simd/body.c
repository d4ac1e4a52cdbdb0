/* body.c - all inner loops, compiled once for each instruction set. The build defines CPU_BODY as
 * the name of the table, and CPU_HALF if activations are bfloat16. */
#include "body.h"

#include "body_maps.h"
#include "body_products.h"
#include "body_sample.h"
#include "body_transformer.h"
#include "body_winograd.h"

extern const CpuBody CPU_BODY;

const CpuBody CPU_BODY = {
    .add_bias = add_bias,
    .gelu = gelu,
    .add_gated = add_gated,
    .add_residual = add_residual,
    .add = add,
    .convert = convert,
    .modulate = modulate,
    .guide = guide,
    .head = head,
    .dequantise = dequantise,
    .softmax = softmax,
    .divide = divide,
    .sample = sample,
    .blend = blend,
    .cubic = cubic,
    .mean = mean,
    .accumulate = accumulate,
    .between = between,
    .moments = moments,
    .normalise = normalise,
    .tile_inputs = tile_inputs,
    .tile_outputs = tile_outputs,
    .pixels = pixels,
};
