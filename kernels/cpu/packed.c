/* packed.c - weights as bfloat16 or bytes, in the order in which the tile kernels read them. */
#include "packed.h"

#include "error.h"

#include <math.h>
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
    free(packed->tap_sum);
    free(packed->zeros);
    free(packed->data);
    free(packed);
}

static uint16_t half_of(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16); /* weights are finite */
}

/* Where an output's 32 bits of step 0 lie; those of the next step are *step bytes further on. */
static char *place(const CpuPacked *packed, size_t output, size_t *step)
{
    CpuPanel panel = cpu_panel(packed, output / GEMM_COLUMNS);

    *step = (size_t)panel.vectors * VECTOR * 4;
    return (char *)panel.data + output % GEMM_COLUMNS * 4;
}

/* Outputs from `first` on, value by value. */
static void pack_rest(CpuPacked *packed, const float *weight, size_t first)
{
    size_t taps = packed->taps, in = packed->in, columns = packed->folded ? 3 : 1;

    for (size_t o = first; o < columns * packed->out; o++) {
        size_t step, column = o / packed->out;
        const float *from = weight + o % packed->out * in * taps * columns + column;
        char *to = place(packed, o, &step);

        for (size_t tap = 0; tap < taps; tap++, to += packed->steps * step)
            for (size_t i = 0; i < in; i++) {
                uint16_t half = half_of(from[(i * taps + tap) * columns]);

                memcpy(to + i / 2 * step + i % 2 * 2, &half, sizeof half);
            }
    }
}

/* Whole panels of products go through registers, which is what most of loading a model comes to. */
static bool pack_half(CpuPacked *packed, const CpuBody *body, const float *weight, CodeError *error)
{
    size_t in = packed->in, whole = packed->taps == 1 ? packed->out / GEMM_COLUMNS : 0;
    uint16_t *rows = whole ? cpu_allocate(GEMM_COLUMNS * in * sizeof *rows, error) : NULL;

    if (whole && !rows)
        return false;
    for (size_t i = 0; i < whole; i++) {
        CpuPanel panel = cpu_panel(packed, i);

        body->convert(rows, weight + panel.first * in, GEMM_COLUMNS * in);
        gemm_pack_columns((uint32_t *)(void *)panel.data, rows, in, GEMM_COLUMNS, in);
    }
    free(rows);
    pack_rest(packed, weight, whole * GEMM_COLUMNS);
    return true;
}

/* Symmetric, one scale an output: weight = scale * byte, byte in -127..127. Weights below 1e-30 of
 * an output without larger ones are 0: 127 / largest must be a number. */
static void pack_bytes(CpuPacked *packed, const float *weight)
{
    size_t in = packed->in, taps = packed->taps;

    for (size_t o = 0; o < packed->out; o++) {
        const float *row = weight + o * in * taps;
        CpuPanel panel = cpu_panel(packed, o / GEMM_COLUMNS);
        float *tap_sum = packed->tap_sum + panel.first * taps + o % GEMM_COLUMNS;
        float largest = 0, inverse;
        size_t step;
        char *to = place(packed, o, &step);

        for (size_t i = 0; i < in * taps; i++)
            largest = fmaxf(largest, fabsf(row[i]));
        packed->scale[o] = largest / 127;
        inverse = largest > 1e-30f ? 127 / largest : 0;
        for (size_t tap = 0; tap < taps; tap++, to += packed->steps * step) {
            int32_t sum = 0;

            for (size_t i = 0; i < in; i++) {
                int8_t byte = (int8_t)lrintf(row[i * taps + tap] * inverse);

                sum += byte;
                to[i / 4 * step + i % 4] = (char)byte;
            }
            packed->column_sum[o] += sum;
            tap_sum[tap * panel.vectors * VECTOR] = (float)sum;
        }
    }
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
    bool wide = spec->kind == CODE_WEIGHT_CONV3 || spec->kind == CODE_WEIGHT_CONV3_S2;
    CpuPacked *packed = calloc(1, sizeof *packed);
    size_t padded = pieces(spec->out, VECTOR) * VECTOR;

    if (!packed) {
        code_fail(error, CODE_NO_MEMORY, "no memory for weights");
        return NULL;
    }
    *packed = (CpuPacked){
        .bytes = bytes, .spec = *spec, .taps = wide ? 9 : 1, .in = spec->in, .out = spec->out};
    packed->folded = !bytes && spec->kind == CODE_WEIGHT_CONV3 && spec->out <= VECTOR / 3;
    if (packed->folded)
        packed->taps = 3;
    packed->steps = (unsigned)pieces(spec->in, bytes ? 4 : 2);
    packed->bias = zeroed(padded * sizeof(float), error);
    packed->zeros = packed->bias ? zeroed((size_t)packed->steps * 4 + CPU_ROW_EXTRA, error) : NULL;
    packed->data = packed->zeros ? zeroed(padded * packed->taps * packed->steps * 4, error) : NULL;
    if (bytes && packed->data) {
        packed->scale = zeroed(padded * sizeof(float), error);
        packed->column_sum = packed->scale ? zeroed(padded * sizeof(int32_t), error) : NULL;
        packed->tap_sum =
            packed->column_sum ? zeroed(padded * packed->taps * sizeof(float), error) : NULL;
    }
    if (!packed->data || (bytes && !packed->tap_sum)) {
        cpu_packed_free(packed);
        return NULL;
    }
    if (bias)
        memcpy(packed->bias, bias, spec->out * sizeof(float));
    if (bytes) {
        pack_bytes(packed, weight);
    } else if (!pack_half(packed, body, weight, error)) {
        cpu_packed_free(packed);
        return NULL;
    }
    return packed;
}
