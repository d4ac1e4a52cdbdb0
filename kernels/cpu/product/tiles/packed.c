/* packed.c - weights as bfloat16 or bytes, in the order in which the tile kernels read them, and
 * the table of products by tiles. */
#include "packed.h"
#include "product/winograd/winograd.h"

#include "error.h"

#include <stdlib.h>
#include <string.h>

enum { VECTOR = 16 };

static void packed_free(CodeWeight *weight)
{
    CpuPacked *packed = (CpuPacked *)weight;

    free(packed->scale);
    free(packed->column_sum);
    free(packed->data);
    cpu_weight_end(weight);
}

/* The weights of a panel as (taps, rows, in), its rows being outputs, or, folded, (3, out). */
static void spread_taps(const CpuPacked *packed, const CpuPanel *panel, size_t rows,
                        const float *weight, float *to)
{
    size_t in = packed->in, kernel = code_kernel_side(packed->head.spec.kind),
           all = kernel * kernel;

    for (size_t o = 0; o < rows; o++) {
        const float *from = weight + (panel->first + o % panel->width) * in * all;
        size_t columns = packed->folded ? 3 : 1, column = o / panel->width;

        for (size_t i = 0; i < in; i++, from += all) {
            float *at = to + o * in + i;

            if (packed->winograd)
                cpu_tile_weights(from, at, rows * in,
                                 packed->head.spec.kind == CODE_WEIGHT_CONV3_X2);
            else
                for (size_t tap = 0; tap < packed->taps; tap++)
                    at[tap * rows * in] = from[tap * columns + column];
        }
    }
}

/* Rows of a panel's weights at one tap, (rows, in), through `rounded`, which has room for 64 rows
 * of whole steps. */
static void pack_tap(const CodeDevice *device, CpuPacked *packed, const CpuPanel *panel, size_t tap,
                     size_t rows, const float *from, void *rounded)
{
    char *begin = packed->data + panel->first * packed->taps * packed->steps * 4;
    uint32_t *to = (uint32_t *)(void *)begin + tap * packed->steps * panel->vectors * VECTOR;
    size_t in = packed->in, row = (size_t)packed->steps * 4, column = tap * cpu_padded(packed);

    if (!packed->bytes) {
        device->body->convert(rounded, from, rows * in);
        device->gemm->pack_panel(to, rounded, rows, in);
        return;
    }
    memset(rounded, 0, rows * row);
    column += panel->first;
    for (size_t o = 0; o < rows; o++)
        device->gemm->weights_to_bytes((int8_t *)rounded + o * row, from + o * in, in,
                                       &packed->scale[column + o], &packed->column_sum[column + o]);
    device->gemm->pack_panel(to, rounded, rows, row / sizeof(uint16_t));
}

static bool pack(const CodeDevice *device, CpuPacked *packed, const float *weight,
                 CodesrcError *error)
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
            pack_tap(device, packed, &panel, tap, rows,
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
           bytes = in * (code_reads_f32(&packed->head.spec) ? sizeof(float) : sizeof(uint16_t));
    const char *from = x;
    char *row = to;

    for (size_t i = 0; i < rows; i++, from += bytes, row += (size_t)packed->steps * 4) {
        if (code_reads_f32(&packed->head.spec))
            body->convert(row, (const float *)(const void *)from, in);
        else
            memcpy(row, from, bytes);
        memset(row + in * sizeof(uint16_t), 0, in % 2 * sizeof(uint16_t));
    }
}

/* Room for the weights, and for scales and sums of bytes. */
static bool allocate(CpuPacked *packed, CodesrcError *error)
{
    size_t columns = packed->taps * cpu_padded(packed);

    packed->data = cpu_allocate(columns * packed->steps * 4, error);
    if (!packed->data || !packed->bytes)
        return packed->data;
    packed->scale = cpu_allocate(columns * sizeof *packed->scale, error);
    packed->column_sum =
        packed->scale ? cpu_allocate(columns * sizeof *packed->column_sum, error) : NULL;
    if (!packed->column_sum)
        return false;
    memset(packed->scale, 0, columns * sizeof *packed->scale);
    memset(packed->column_sum, 0, columns * sizeof *packed->column_sum);
    return true;
}

static CodeWeight *packed_new(CodeDevice *device, const CodeWeightSpec *spec, const float *weight,
                              const float *bias, CodesrcError *error)
{
    unsigned kernel = code_kernel_side(spec->kind), points = cpu_tile_points(spec);
    CpuPacked *packed = calloc(1, sizeof *packed);

    if (!packed) {
        code_fail(error, CODESRC_NO_MEMORY, "no memory for weights");
        return NULL;
    }
    packed->bytes = cpu_takes_bytes(device, spec);
    packed->in = spec->in;
    packed->out = spec->out;
    packed->winograd = points;
    packed->folded = !packed->bytes && !packed->winograd && spec->kind == CODE_WEIGHT_CONV3 &&
                     spec->out <= VECTOR / 3;
    packed->taps = packed->folded ? 3 : points ? points : kernel * kernel;
    packed->steps = (unsigned)pieces(spec->in, packed->bytes ? 4 : 2);
    if (cpu_weight_begin(&packed->head, &cpu_tiles, spec, bias, error) && allocate(packed, error) &&
        pack(device, packed, weight, error))
        return &packed->head;
    packed_free(&packed->head);
    return NULL;
}

/* ---- the table ------------------------------------------------------------------------------- */

static size_t number_size(const CodeDevice *device, const CodeWeightSpec *spec)
{
    return cpu_takes_bytes(device, spec) ? 1 : sizeof(uint16_t);
}

const CpuProducts cpu_tiles = {
    .pack = packed_new,
    .free = packed_free,
    .number_size = number_size,
    .linear = cpu_packed_linear,
    .conv = cpu_packed_conv,
    .attention = cpu_packed_attention,
};
