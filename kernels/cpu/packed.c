/* packed.c - weights as bfloat16 or bytes, in the order in which the tile kernels read them. */
#include "packed.h"

#include "error.h"

#include <stdlib.h>
#include <string.h>

enum { VECTOR = 16 };

bool cpu_packs(const CodeDevice *device, const CodeWeightSpec *spec)
{
    return device->half && spec->types != F32_TO_F32;
}

bool cpu_takes_bytes(const CodeWeightSpec *spec)
{
    if (cpu_tile_points(spec))
        return spec->coarse && spec->in >= BYTE_CHANNELS && spec->out >= BYTE_CHANNELS;
    return spec->kind == CODE_WEIGHT_LINEAR && !code_reads_f32(spec);
}

uint64_t cpu_weight_bytes(CodeDevice *device, const CodeWeightSpec *spec)
{
    uint64_t side = code_kernel_side(spec->kind), points = cpu_tile_points(spec);
    uint64_t count = (points ? points : side * side) * spec->in * spec->out;

    if (!cpu_packs(device, spec))
        return count * sizeof(float);
    return device->bytes && cpu_takes_bytes(spec) ? count : count * sizeof(uint16_t);
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

/* Rows of a panel's weights at one tap, (rows, in), through `rounded`, which has room for 64 rows
 * of whole steps. */
static void pack_tap(CpuPacked *packed, const CpuBody *body, const CpuPanel *panel, size_t tap,
                     size_t rows, const float *from, void *rounded)
{
    uint32_t *to = (uint32_t *)(void *)panel->data + tap * packed->steps * panel->vectors * VECTOR;
    size_t in = packed->in, row = (size_t)packed->steps * 4, column = tap * cpu_padded(packed);

    if (!packed->bytes) {
        body->convert(rounded, from, rows * in);
        gemm_pack_panel(to, rounded, rows, in);
        return;
    }
    memset(rounded, 0, rows * row);
    column += panel->first;
    for (size_t o = 0; o < rows; o++)
        gemm_weights_to_bytes((int8_t *)rounded + o * row, from + o * in, in,
                              &packed->scale[column + o], &packed->column_sum[column + o]);
    gemm_pack_panel(to, rounded, rows, row / sizeof(uint16_t));
}

static bool pack(CpuPacked *packed, const CpuBody *body, const float *weight, CodesrcError *error)
{
    size_t in = packed->in, most = GEMM_COLUMNS * in;
    void *rounded = cpu_allocate(GEMM_COLUMNS * (size_t)packed->steps * 4, error);
    float *spread = NULL;

    if (rounded && packed->taps > 1)
        spread = cpu_allocate(packed->taps * most * sizeof *spread, error);
    if (!rounded || (packed->taps > 1 && !spread)) {
        free(rounded);
        return false;
    }
    for (size_t i = 0; i < cpu_panels(packed); i++) {
        CpuPanel panel = cpu_panel(packed, i);
        size_t rows = packed->folded ? 3 * packed->out : panel.width;

        if (spread)
            spread_taps(packed, &panel, rows, weight, spread);
        for (size_t tap = 0; tap < packed->taps; tap++)
            pack_tap(packed, body, &panel, tap, rows,
                     spread ? spread + tap * rows * in : weight + panel.first * in, rounded);
    }
    free(rounded);
    free(spread);
    return true;
}

void cpu_move_inputs(const CpuBody *body, const CpuPacked *packed, void *to, const void *x,
                     size_t rows)
{
    size_t in = packed->in,
           bytes = in * (code_reads_f32(&packed->spec) ? sizeof(float) : sizeof(uint16_t));
    const char *from = x;
    char *row = to;

    for (size_t i = 0; i < rows; i++, from += bytes, row += (size_t)packed->steps * 4) {
        if (code_reads_f32(&packed->spec))
            body->convert(row, (const float *)(const void *)from, in);
        else
            memcpy(row, from, bytes);
        memset(row + in * sizeof(uint16_t), 0, in % 2 * sizeof(uint16_t));
    }
}

static void *zeroed(size_t bytes, CodesrcError *error)
{
    void *memory = cpu_allocate(bytes, error);

    if (memory)
        memset(memory, 0, bytes);
    return memory;
}

CpuPacked *cpu_packed_new(const CpuBody *body, bool bytes, const CodeWeightSpec *spec,
                          const float *weight, const float *bias, CodesrcError *error)
{
    unsigned kernel = code_kernel_side(spec->kind);
    CpuPacked *packed = calloc(1, sizeof *packed);
    size_t padded;

    if (!packed) {
        code_fail(error, CODESRC_NO_MEMORY, "no memory for weights");
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
    padded = cpu_padded(packed);
    packed->bias = zeroed(padded * sizeof(float), error);
    packed->zeros = packed->bias ? zeroed((size_t)packed->steps * 4, error) : NULL;
    packed->data =
        packed->zeros ? cpu_allocate(padded * packed->taps * packed->steps * 4, error) : NULL;
    if (bytes && packed->data) {
        packed->scale = zeroed(packed->taps * padded * sizeof(float), error);
        packed->column_sum =
            packed->scale ? zeroed(packed->taps * padded * sizeof(int32_t), error) : NULL;
    }
    if (!packed->data || (bytes && !packed->column_sum)) {
        cpu_packed_free(packed);
        return NULL;
    }
    if (bias)
        memcpy(packed->bias, bias, spec->out * sizeof(float));
    if (!pack(packed, body, weight, error)) {
        cpu_packed_free(packed);
        return NULL;
    }
    return packed;
}
