/* weights.c - packing the weights of products and convolutions. */
#include "packed.h"
#include "products.h"
#include "winograd.h"

#include "error.h"

#include <stdlib.h>
#include <string.h>

void cpu_weight_free(CodeDevice *device, CodeWeight *weight)
{
    (void)device;
    if (!weight)
        return;
    cpu_packed_free(weight->packed);
    free(weight->zeros);
    for (unsigned i = 0; i < weight->layouts; i++)
        free(weight->layout[i].data);
    free(weight->bias);
    free(weight);
}

/* ---- points of tiles, winograd.h ------------------------------------------------------------- */

unsigned cpu_tile_points(const CodeWeightSpec *spec)
{
    if (spec->kind == CODE_WEIGHT_CONV3_X2)
        return DOUBLED_POINTS;
    return spec->kind == CODE_WEIGHT_CONV3 && spec->coarse && spec->types == ACT_TO_ACT
               ? WINOGRAD_POINTS
               : 0;
}

/* G of one row or column of the kernel, to 4 or 3 points. */
static void weight_points(const float w[3], float points[WINOGRAD_SIDE], bool doubled)
{
    points[0] = w[0];
    if (doubled) {
        points[1] = w[0] + w[1] + w[2];
        points[2] = w[2];
        return;
    }
    points[1] = 0.5f * (w[0] + w[1] + w[2]);
    points[2] = 0.5f * (w[0] - w[1] + w[2]);
    points[3] = w[2];
}

void cpu_tile_weights(const float w[9], float *points, size_t step, bool doubled)
{
    unsigned side = doubled ? DOUBLED_SIDE : WINOGRAD_SIDE;
    float rows[3][WINOGRAD_SIDE], column[WINOGRAD_SIDE];

    for (unsigned i = 0; i < 3; i++)
        weight_points(w + 3 * i, rows[i], doubled);
    for (unsigned j = 0; j < side; j++) {
        const float from[3] = {rows[0][j], rows[1][j], rows[2][j]};

        weight_points(from, column, doubled);
        for (unsigned i = 0; i < side; i++)
            points[(i * side + j) * step] = column[i];
    }
}

/* ---- for oneDNN ------------------------------------------------------------------------------ */

/* (out, in) to chunks of (in, columns). Blocks of 16 inputs keep both sides in cache lines. */
static void pack_product(float *to, const float *from, size_t in, size_t out)
{
    for (size_t begin = 0; begin < out; begin += CPU_COLUMNS) {
        size_t columns = least(CPU_COLUMNS, out - begin);

        for (size_t block = 0; block < in; block += 16)
            for (size_t o = 0; o < columns; o++)
                for (size_t i = block; i < least(block + 16, in); i++)
                    to[begin * in + i * columns + o] = from[(begin + o) * in + i];
    }
}

/* (out, in, 9) to chunks of (points, in, columns). */
static void pack_tiles(float *to, const float *from, const CodeWeightSpec *spec)
{
    size_t in = spec->in, points = cpu_tile_points(spec);
    bool doubled = spec->kind == CODE_WEIGHT_CONV3_X2;

    for (size_t begin = 0; begin < spec->out; begin += CPU_COLUMNS) {
        size_t columns = least(CPU_COLUMNS, spec->out - begin);

        for (size_t i = 0; i < in; i++)
            for (size_t o = 0; o < columns; o++)
                cpu_tile_weights(from + ((begin + o) * in + i) * 9,
                                 to + begin * points * in + i * columns + o, in * columns, doubled);
    }
}

static bool fill(CodeWeight *weight, const float *data, const float *bias, CodesrcError *error)
{
    const CodeWeightSpec *spec = &weight->spec;
    size_t side = code_kernel_side(spec->kind);
    size_t points = cpu_tile_points(spec);
    size_t in = spec->in, out = spec->out, taps = points ? points : side * side, bytes;
    dnnl_dims_t dims = {spec->out, spec->in, (dnnl_dim_t)side, (dnnl_dim_t)side};

    if (__builtin_mul_overflow(in * sizeof(float), taps * out, &bytes))
        return code_fail(error, CODESRC_NO_MEMORY, "weights of %zu x %zu are too large", out, in);
    weight->layout[0].data = cpu_allocate(bytes, error);
    weight->bias =
        weight->layout[0].data ? cpu_allocate(pieces(out, 16) * 16 * sizeof(float), error) : NULL;
    weight->layouts = 1;
    if (!weight->bias)
        return false;
    if (bias)
        memcpy(weight->bias, bias, out * sizeof(float));
    else
        memset(weight->bias, 0, out * sizeof(float));
    if (points) {
        pack_tiles(weight->layout[0].data, data, spec);
        return true;
    }
    if (spec->kind == CODE_WEIGHT_LINEAR) {
        pack_product(weight->layout[0].data, data, in, out);
        return true;
    }
    memcpy(weight->layout[0].data, data, bytes);
    return cpu_works(
        dnnl_memory_desc_init_by_tag(&weight->layout[0].desc, 4, dims, dnnl_f32, dnnl_oihw),
        "weights", error);
}

CodeWeight *cpu_weight_pack(CodeDevice *device, const CodeWeightSpec *spec, const float *data,
                            const float *bias, CodesrcError *error)
{
    CodeWeight *weight = calloc(1, sizeof *weight);

    if (!weight) {
        code_fail(error, CODESRC_NO_MEMORY, "no memory for weights");
        return NULL;
    }
    weight->spec = *spec;
    if (cpu_tile_points(spec)) {
        weight->zeros = cpu_allocate(spec->in * sizeof(float), error);
        if (!weight->zeros) {
            cpu_weight_free(device, weight);
            return NULL;
        }
        memset(weight->zeros, 0, spec->in * sizeof(float));
    }
    if (cpu_packs(device, spec)) {
        bool bytes = device->bytes && cpu_takes_bytes(spec);

        weight->packed = cpu_packed_new(device->body, bytes, spec, data, bias, error);
        if (weight->packed)
            return weight;
    } else if (fill(weight, data, bias, error)) {
        return weight;
    }
    cpu_weight_free(device, weight);
    return NULL;
}

/* Copies weights from one layout to another. */
static bool reorder(CpuWorker *worker, const dnnl_memory_desc_t *from_desc, float *from,
                    const dnnl_memory_desc_t *to_desc, float *to, CodesrcError *error)
{
    dnnl_engine_t engine = worker->device->engine;
    dnnl_memory_t memory[2] = {NULL, NULL};
    dnnl_primitive_desc_t chosen = NULL;
    dnnl_primitive_t primitive = NULL;
    dnnl_status_t status = dnnl_memory_create(&memory[0], from_desc, engine, from);
    bool done = false;

    if (status == dnnl_success)
        status = dnnl_memory_create(&memory[1], to_desc, engine, to);
    if (status == dnnl_success)
        status =
            dnnl_reorder_primitive_desc_create(&chosen, from_desc, engine, to_desc, engine, NULL);
    if (status == dnnl_success)
        status = dnnl_primitive_create(&primitive, chosen);
    if (cpu_works(status, "a layout of weights", error))
        done = cpu_execute(
            worker, primitive, 2,
            (dnnl_exec_arg_t[]){{DNNL_ARG_FROM, memory[0]}, {DNNL_ARG_TO, memory[1]}}, error);
    if (primitive)
        dnnl_primitive_destroy(primitive);
    if (chosen)
        dnnl_primitive_desc_destroy(chosen);
    for (int i = 0; i < 2; i++)
        if (memory[i])
            dnnl_memory_destroy(memory[i]);
    return done;
}

/* The first layout asked for takes the place of the plain one, which nothing computes with. */
static float *add_layout(CpuWorker *worker, CodeWeight *weight, const dnnl_memory_desc_t *desc,
                         CodesrcError *error)
{
    bool plain =
        weight->layouts == 1 && weight->layout[0].desc.format_desc.blocking.inner_nblks == 0;
    unsigned at = plain ? 0 : weight->layouts;
    float *data;

    if (at == CPU_LAYOUTS) {
        code_fail(error, CODESRC_FAILED, "weights are wanted in more than %d layouts", CPU_LAYOUTS);
        return NULL;
    }
    data = cpu_allocate(dnnl_memory_desc_get_size(desc), error);
    if (!data)
        return NULL;
    if (!reorder(worker, &weight->layout[0].desc, weight->layout[0].data, desc, data, error)) {
        free(data);
        return NULL;
    }
    if (plain)
        free(weight->layout[0].data);
    weight->layout[at].data = data;
    weight->layout[at].desc = *desc;
    weight->layouts = at + 1;
    return data;
}

float *cpu_weight_in(CpuWorker *worker, CodeWeight *weight, const dnnl_memory_desc_t *desc,
                     CodesrcError *error)
{
    float *data = NULL;

    pthread_mutex_lock(&worker->device->pack_lock);
    for (unsigned i = 0; i < weight->layouts && !data; i++)
        if (dnnl_memory_desc_equal(&weight->layout[i].desc, desc))
            data = weight->layout[i].data;
    if (!data)
        data = add_layout(worker, weight, desc, error);
    pthread_mutex_unlock(&worker->device->pack_lock);
    return data;
}
