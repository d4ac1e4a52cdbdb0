/* floats.c - weights in float32, in the order in which the tiles read them, and the table of
 * products in float32. */
#include "floats.h"
#include "product/winograd/winograd.h"

#include "error.h"

#include <stdlib.h>
#include <string.h>

/* (out, in) or (out, in, taps) to panels of (taps, in, 16). */
static void pack_taps(const CpuFloats *floats, const float *from, size_t taps)
{
    size_t in = floats->head.spec.in, out = floats->head.spec.out;

    for (size_t panel = 0; panel < floats->panels; panel++) {
        float *to = floats->data + panel * floats->steps * FLOAT_PANEL;
        size_t first = panel * FLOAT_PANEL, columns = least(FLOAT_PANEL, out - first);

        for (size_t i = 0; i < in; i++)
            for (size_t tap = 0; tap < taps; tap++) {
                const float *weight = from + (first * in + i) * taps + tap;
                float *at = to + (tap * in + i) * FLOAT_PANEL;

                for (size_t o = 0; o < columns; o++)
                    at[o] = weight[o * in * taps];
                memset(at + columns, 0, (FLOAT_PANEL - columns) * sizeof *at);
            }
    }
}

/* (out, in, 9) to panels of (points, in, 16). */
static void pack_points(const CpuFloats *floats, const float *from)
{
    const CodeWeightSpec *spec = &floats->head.spec;
    bool doubled = spec->kind == CODE_WEIGHT_CONV3_X2;

    memset(floats->data, 0, floats->panels * floats->steps * FLOAT_PANEL * sizeof(float));
    for (size_t o = 0; o < spec->out; o++)
        for (size_t i = 0; i < spec->in; i++)
            cpu_tile_weights(from + (o * spec->in + i) * 9,
                             floats->data + o / FLOAT_PANEL * floats->steps * FLOAT_PANEL +
                                 i * FLOAT_PANEL + o % FLOAT_PANEL,
                             (size_t)spec->in * FLOAT_PANEL, doubled);
}

static void floats_free(CodeWeight *weight)
{
    free(((CpuFloats *)weight)->data);
    cpu_weight_end(weight);
}

static bool fill(CpuFloats *floats, const float *weight, CodesrcError *error)
{
    const CodeWeightSpec *spec = &floats->head.spec;
    size_t side = code_kernel_side(spec->kind), points = cpu_tile_points(spec), bytes;

    floats->steps = (points ? points : side * side) * spec->in;
    floats->panels = pieces(spec->out, FLOAT_PANEL);
    if (__builtin_mul_overflow(floats->steps * sizeof(float), floats->panels * FLOAT_PANEL, &bytes))
        return code_fail(error, CODESRC_NO_MEMORY, "weights of %u x %u are too large", spec->out,
                         spec->in);
    floats->data = cpu_allocate(bytes, error);
    if (!floats->data)
        return false;
    if (points)
        pack_points(floats, weight);
    else
        pack_taps(floats, weight, side * side);
    return true;
}

static CodeWeight *floats_pack(CodeDevice *device, const CodeWeightSpec *spec, const float *weight,
                               const float *bias, CodesrcError *error)
{
    CpuFloats *floats = calloc(1, sizeof *floats);

    (void)device;
    if (!floats) {
        code_fail(error, CODESRC_NO_MEMORY, "no memory for weights");
        return NULL;
    }
    if (cpu_weight_begin(&floats->head, &cpu_floats, spec, bias, error) &&
        fill(floats, weight, error))
        return &floats->head;
    floats_free(&floats->head);
    return NULL;
}

/* ---- the table ------------------------------------------------------------------------------- */

static size_t number_size(const CodeDevice *device, const CodeWeightSpec *spec)
{
    (void)device;
    (void)spec;
    return sizeof(float);
}

const CpuProducts cpu_floats = {
    .pack = floats_pack,
    .free = floats_free,
    .number_size = number_size,
    .linear = cpu_float_linear,
    .conv = cpu_float_conv,
    .attention = cpu_float_attention,
};
