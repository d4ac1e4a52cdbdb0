/* packed.c - weights as bfloat16 or bytes, in the order in which the tile kernels read them. */
#include "packed.h"

#include "error.h"

#include <stdlib.h>
#include <string.h>

enum { VECTOR = 16 };

bool cpu_packs(const CodeDevice *device, const CodeWeightSpec *spec)
{
    return device->half && !(spec->x_f32 && spec->y_f32);
}

void cpu_packed_free(CpuPacked *packed)
{
    if (!packed)
        return;
    free(packed->bias);
    free(packed->scale);
    free(packed->column_sum);
    free(packed->zeros);
    free(packed->data);
    free(packed);
}

/* The weights of a panel as (taps, rows, in), its rows being outputs, or, folded, (3, out). */
static void spread_taps(const CpuPacked *packed, const CpuPanel *panel, size_t rows,
                        const float *weight, float *to)
{
    size_t in = packed->in, kernel = code_kernel_side(packed->spec.kind), all = kernel * kernel;

    for (size_t o = 0; o < rows; o++) {
        const float *from = weight + (panel->first + o % panel->width) * in * all;
        size_t columns = packed->folded ? 3 : 1, column = o / panel->width;

        for (size_t i = 0; i < in; i++, from += all) {
            float *at = to + o * in + i;

            if (packed->winograd)
                cpu_tile_weights(from, at, rows * in, packed->spec.kind == CODE_WEIGHT_CONV3_X2);
            else
                for (size_t tap = 0; tap < packed->taps; tap++)
                    at[tap * rows * in] = from[tap * columns + column];
        }
    }
}

static bool pack_half(CpuPacked *packed, const CpuBody *body, const float *weight, CodeError *error)
{
    size_t in = packed->in, most = GEMM_COLUMNS * in;
    uint16_t *halves = cpu_allocate(most * sizeof *halves, error);
    float *spread = NULL;

    if (halves && packed->taps > 1)
        spread = cpu_allocate(packed->taps * most * sizeof *spread, error);
    if (!halves || (packed->taps > 1 && !spread)) {
        free(halves);
        return false;
    }
    for (size_t i = 0; i < cpu_panels(packed); i++) {
        CpuPanel panel = cpu_panel(packed, i);
        size_t rows = packed->folded ? 3 * packed->out : panel.width;
        uint32_t *to = (uint32_t *)(void *)panel.data;

        if (spread)
            spread_taps(packed, &panel, rows, weight, spread);
        for (size_t tap = 0; tap < packed->taps; tap++) {
            const float *from = spread ? spread + tap * rows * in : weight + panel.first * in;

            body->convert(halves, from, rows * in);
            gemm_pack_panel(to + tap * packed->steps * panel.vectors * VECTOR, halves, rows, in);
        }
    }
    free(halves);
    free(spread);
    return true;
}

static bool pack_bytes(CpuPacked *packed, const float *weight, CodeError *error)
{
    size_t in = packed->in, row = (size_t)packed->steps * 4;
    int8_t *bytes = cpu_allocate(GEMM_COLUMNS * row, error);

    if (!bytes)
        return false;
    memset(bytes, 0, GEMM_COLUMNS * row);
    for (size_t i = 0; i < cpu_panels(packed); i++) {
        CpuPanel panel = cpu_panel(packed, i);

        for (size_t o = 0; o < panel.width; o++)
            gemm_weights_to_bytes(bytes + o * row, weight + (panel.first + o) * in, in,
                                  &packed->scale[panel.first + o],
                                  &packed->column_sum[panel.first + o]);
        gemm_pack_panel((uint32_t *)(void *)panel.data, (const uint16_t *)(const void *)bytes,
                        panel.width, row / sizeof(uint16_t));
    }
    free(bytes);
    return true;
}

void cpu_move_inputs(const CpuBody *body, const CpuPacked *packed, void *to, const void *x,
                     size_t rows)
{
    size_t in = packed->in, bytes = in * (packed->spec.x_f32 ? sizeof(float) : sizeof(uint16_t));
    const char *from = x;
    char *row = to;

    for (size_t i = 0; i < rows; i++, from += bytes, row += (size_t)packed->steps * 4) {
        if (packed->spec.x_f32)
            body->convert(row, (const float *)(const void *)from, in);
        else
            memcpy(row, from, bytes);
        memset(row + in * sizeof(uint16_t), 0, in % 2 * sizeof(uint16_t));
    }
}

static void *zeroed(size_t bytes, CodeError *error)
{
    void *memory = cpu_allocate(bytes, error);

    if (memory)
        memset(memory, 0, bytes);
    return memory;
}

CpuPacked *cpu_packed_new(const CpuBody *body, bool bytes, const CodeWeightSpec *spec,
                          const float *weight, const float *bias, CodeError *error)
{
    unsigned kernel = code_kernel_side(spec->kind);
    CpuPacked *packed = calloc(1, sizeof *packed);
    size_t padded = pieces(spec->out, VECTOR) * VECTOR;

    if (!packed) {
        code_fail(error, CODE_NO_MEMORY, "no memory for weights");
        return NULL;
    }
    *packed = (CpuPacked){
        .bytes = bytes, .spec = *spec, .taps = kernel * kernel, .in = spec->in, .out = spec->out};
    packed->winograd = cpu_tile_points(spec);
    packed->folded =
        !bytes && !packed->winograd && spec->kind == CODE_WEIGHT_CONV3 && spec->out <= VECTOR / 3;
    if (packed->folded)
        packed->taps = 3;
    else if (packed->winograd)
        packed->taps = cpu_tile_points(spec);
    packed->steps = (unsigned)pieces(spec->in, bytes ? 4 : 2);
    packed->bias = zeroed(padded * sizeof(float), error);
    packed->zeros = packed->bias ? zeroed((size_t)packed->steps * 4, error) : NULL;
    packed->data =
        packed->zeros ? cpu_allocate(padded * packed->taps * packed->steps * 4, error) : NULL;
    if (bytes && packed->data) {
        packed->scale = zeroed(padded * sizeof(float), error);
        packed->column_sum = packed->scale ? zeroed(padded * sizeof(int32_t), error) : NULL;
    }
    if (!packed->data || (bytes && !packed->column_sum)) {
        cpu_packed_free(packed);
        return NULL;
    }
    if (bias)
        memcpy(packed->bias, bias, spec->out * sizeof(float));
    if (bytes ? !pack_bytes(packed, weight, error) : !pack_half(packed, body, weight, error)) {
        cpu_packed_free(packed);
        return NULL;
    }
    return packed;
}
