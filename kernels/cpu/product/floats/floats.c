/* floats.c - weights in the order in which the tiles read them, and the table of products. */
#include "floats.h"
#include "product/winograd/winograd.h"

#include "error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static CpuNumbers numbers_of(const CodeDevice *device, const CodeWeightSpec *spec)
{
    if (!device->halves || spec->types == F32_TO_F32)
        return CPU_FLOATS;
    return cpu_takes_bytes(device, spec) ? CPU_BYTES : CPU_HALVES;
}

/* Outputs of a panel of weights (out, in) or (out, in, taps) to (runs, run, 16). */
static void spread_taps(const CodeDevice *device, const CpuFloats *floats, size_t panel,
                        const float *from, float *to)
{
    const CodeWeightSpec *spec = &floats->head.spec;
    size_t in = spec->in, first = panel * FLOAT_PANEL, kernel = code_kernel_side(spec->kind);
    size_t columns = least(FLOAT_PANEL, spec->out - first), run = floats->run * FLOAT_PANEL;
    bool points = cpu_tile_points(spec), doubled = spec->kind == CODE_WEIGHT_CONV3_X2;

    if (columns < FLOAT_PANEL || floats->numbers != CPU_FLOATS)
        memset(to, 0, floats->steps * FLOAT_PANEL * sizeof *to);
    if (kernel == 1) {
        device->multiplier->pack_keys(to, from + first * in, in, columns, in, false);
        return;
    }
    for (size_t i = 0; i < in; i++)
        for (size_t o = 0; o < columns; o++) {
            const float *weight = from + ((first + o) * in + i) * kernel * kernel;
            float *at = to + i * FLOAT_PANEL + o;

            if (points) {
                cpu_tile_weights(weight, at, run, doubled);
                continue;
            }
            for (size_t row = 0; row < kernel; row++)
                for (size_t tap = 0; tap < kernel; tap++)
                    at[row * run + tap * in * FLOAT_PANEL] = weight[row * kernel + tap];
        }
}

/* Where a panel has a word of an output. */
static size_t place_of(bool zipped, size_t word, size_t output)
{
    return zipped ? (word / 2 * FLOAT_PANEL + output) * 2 + word % 2 : word * FLOAT_PANEL + output;
}

/* A panel's weights to words of two halves, by way of `halves` of the same size. */
static void pack_halves(const CodeDevice *device, const CpuFloats *floats, const float *from,
                        uint16_t *halves, uint32_t *to)
{
    bool zipped = device->multiplier->zipped[CPU_HALVES];

    device->body->convert(halves, from, floats->steps * FLOAT_PANEL);
    for (size_t word = 0; word < floats->steps / 2; word++, halves += 2 * FLOAT_PANEL)
        for (size_t o = 0; o < FLOAT_PANEL; o++)
            to[place_of(zipped, word, o)] = halves[o] | (uint32_t)halves[FLOAT_PANEL + o] << 16;
}

/* The weights of an output in a run, 16 apart, to bytes of words: weight = scale * byte, in
 * -127..127. If all are below 1e-30, they are 0: 127 / largest must be a number. */
static int32_t pack_column(const CpuMultiplier *multiplier, const float *from, size_t run,
                           size_t output, float *scale, int8_t *to)
{
    static const unsigned char order[2][4] = {{0, 2, 1, 3}, {0, 1, 2, 3}};
    const unsigned char *place = order[multiplier->step_bytes == 4];
    const float magic = 0x1.8p23f; /* adding it rounds to an integer */
    bool zipped = multiplier->zipped[CPU_BYTES];
    float most = 0, inverse;
    int32_t sum = 0;

    for (size_t i = 0; i < run; i++)
        most = fmaxf(most, fabsf(from[i * FLOAT_PANEL]));
    *scale = most / 127;
    inverse = most > 1e-30f ? 127 / most : 0;
    for (size_t i = 0; i < run; i++) {
        float whole = from[i * FLOAT_PANEL] * inverse + magic;
        int8_t byte = (int8_t)(whole - magic);

        sum += byte;
        to[place_of(zipped, i / 4, output) * 4 + place[i % 4]] = byte;
    }
    return sum;
}

static void pack_bytes(const CodeDevice *device, const CpuFloats *floats, size_t panel,
                       const float *from, int8_t *to)
{
    size_t run = floats->run, row = floats->panels * FLOAT_PANEL;

    for (size_t i = 0; i < floats->steps / run; i++)
        for (size_t o = 0; o < FLOAT_PANEL; o++) {
            size_t at = i * row + panel * FLOAT_PANEL + o, first = i * run * FLOAT_PANEL;

            floats->column_sum[at] = pack_column(device->multiplier, from + first + o, run, o,
                                                 &floats->scale[at], to + first);
        }
}

static void pack(const CodeDevice *device, const CpuFloats *floats, const float *from,
                 float *spread)
{
    size_t count = floats->steps * FLOAT_PANEL;

    for (size_t panel = 0; panel < floats->panels; panel++) {
        uint32_t *to = (uint32_t *)floats->data + panel * count / cpu_word_inputs(floats->numbers);

        spread_taps(device, floats, panel, from, spread ? spread : (float *)(void *)to);
        if (floats->numbers == CPU_HALVES)
            pack_halves(device, floats, spread, (uint16_t *)(spread + count), to);
        if (floats->numbers == CPU_BYTES)
            pack_bytes(device, floats, panel, spread, (int8_t *)to);
    }
}

static void floats_free(CodeWeight *weight)
{
    CpuFloats *floats = (CpuFloats *)weight;

    free(floats->data);
    free(floats->scale);
    free(floats->column_sum);
    cpu_weight_end(weight);
}

/* Room for weights that would have `bytes` as float32, and for scales and sums of bytes. */
static bool take_memory(CpuFloats *floats, size_t bytes, CodesrcError *error)
{
    size_t columns = floats->panels * FLOAT_PANEL * (floats->steps / (floats->run + !floats->run));

    floats->data = cpu_allocate(bytes / cpu_word_inputs(floats->numbers), error);
    if (!floats->data || floats->numbers != CPU_BYTES)
        return floats->data;
    floats->scale = cpu_allocate(columns * sizeof *floats->scale, error);
    floats->column_sum = cpu_allocate(columns * sizeof *floats->column_sum, error);
    return floats->scale && floats->column_sum;
}

static bool fill(const CodeDevice *device, CpuFloats *floats, const float *weight,
                 CodesrcError *error)
{
    const CodeWeightSpec *spec = &floats->head.spec;
    size_t side = code_kernel_side(spec->kind), points = cpu_tile_points(spec), words, bytes;
    float *spread = NULL;

    floats->numbers = numbers_of(device, spec);
    words = cpu_word_inputs(floats->numbers) << device->multiplier->zipped[floats->numbers];
    floats->run = pieces((points ? 1 : side) * spec->in, words) * words;
    floats->steps = (points ? points : side) * floats->run;
    floats->panels = pieces(spec->out, FLOAT_PANEL);
    if (__builtin_mul_overflow(floats->steps * sizeof(float), floats->panels * FLOAT_PANEL, &bytes))
        return code_fail(error, CODESRC_NO_MEMORY, "weights of %u x %u are too large", spec->out,
                         spec->in);
    if (!take_memory(floats, bytes, error))
        return false;
    if (words > 1)
        spread = cpu_allocate(2 * floats->steps * FLOAT_PANEL * sizeof *spread, error);
    if (words > 1 && !spread)
        return false;
    pack(device, floats, weight, spread);
    free(spread);
    return true;
}

static CodeWeight *floats_pack(CodeDevice *device, const CodeWeightSpec *spec, const float *weight,
                               const float *bias, CodesrcError *error)
{
    CpuFloats *floats = calloc(1, sizeof *floats);

    if (!floats) {
        code_fail(error, CODESRC_NO_MEMORY, "no memory for weights");
        return NULL;
    }
    if (cpu_weight_begin(&floats->head, &cpu_floats, spec, bias, error) &&
        fill(device, floats, weight, error))
        return &floats->head;
    floats_free(&floats->head);
    return NULL;
}

/* ---- products -------------------------------------------------------------------------------- */

CpuProduct cpu_product_with(const CpuFloats *floats, size_t panel, size_t input)
{
    unsigned words = cpu_word_inputs(floats->numbers);
    size_t all = floats->steps / words * FLOAT_PANEL;

    return (CpuProduct){.numbers = floats->numbers,
                        .b = (const uint32_t *)floats->data + panel * all +
                             input / words * FLOAT_PANEL,
                        .b_panel = all};
}

void cpu_float_inputs(const CodeDevice *device, const CpuFloats *floats, float *to, const void *x,
                      size_t index, size_t count)
{
    if (floats->numbers == CPU_FLOATS)
        memcpy(to, (const float *)x + index, count * sizeof *to);
    else if (code_reads_f32(&floats->head.spec))
        device->multiplier->round(to, (const float *)x + index, count);
    else
        device->multiplier->widen(to, (const uint16_t *)x + index, count);
}

/* ---- the table ------------------------------------------------------------------------------- */

static size_t number_size(const CodeDevice *device, const CodeWeightSpec *spec)
{
    return sizeof(float) / cpu_word_inputs(numbers_of(device, spec));
}

const CpuProducts cpu_floats = {
    .pack = floats_pack,
    .free = floats_free,
    .number_size = number_size,
    .linear = cpu_float_linear,
    .conv = cpu_float_conv,
    .attention = cpu_float_attention,
};
