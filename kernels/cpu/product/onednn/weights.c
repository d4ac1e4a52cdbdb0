/* weights.c - weights for oneDNN: packed as products, as tiles, or in its own layouts. */
#include "onednn.h"
#include "product/winograd/winograd.h"

#include "error.h"

#include <stdlib.h>
#include <string.h>

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

static bool fill(OnednnWeight *weight, const float *data, CodesrcError *error)
{
    const CodeWeightSpec *spec = &weight->head.spec;
    OnednnLayouts *layouts = calloc(1, sizeof *layouts);
    size_t side = code_kernel_side(spec->kind), points = cpu_tile_points(spec);
    size_t in = spec->in, out = spec->out, taps = points ? points : side * side, bytes;
    dnnl_dims_t dims = {spec->out, spec->in, (dnnl_dim_t)side, (dnnl_dim_t)side};

    weight->layouts = layouts;
    if (!layouts)
        return code_fail(error, CODESRC_NO_MEMORY, "no memory for weights");
    if (__builtin_mul_overflow(in * sizeof(float), taps * out, &bytes))
        return code_fail(error, CODESRC_NO_MEMORY, "weights of %zu x %zu are too large", out, in);
    layouts->layout[0].data = cpu_allocate(bytes, error);
    if (!layouts->layout[0].data)
        return false;
    layouts->count = 1;
    if (points) {
        pack_tiles(layouts->layout[0].data, data, spec);
        return true;
    }
    if (spec->kind == CODE_WEIGHT_LINEAR) {
        pack_product(layouts->layout[0].data, data, in, out);
        return true;
    }
    memcpy(layouts->layout[0].data, data, bytes);
    return onednn_works(
        dnnl_memory_desc_init_by_tag(&layouts->layout[0].desc, 4, dims, dnnl_f32, dnnl_oihw),
        "weights", error);
}

CodeWeight *onednn_pack(CodeDevice *device, const CodeWeightSpec *spec, const float *data,
                        const float *bias, CodesrcError *error)
{
    OnednnWeight *weight = calloc(1, sizeof *weight);

    (void)device;
    if (!weight) {
        code_fail(error, CODESRC_NO_MEMORY, "no memory for weights");
        return NULL;
    }
    if (cpu_weight_begin(&weight->head, &cpu_onednn, spec, bias, error) &&
        fill(weight, data, error))
        return &weight->head;
    onednn_free(&weight->head);
    return NULL;
}

void onednn_free(CodeWeight *head)
{
    OnednnLayouts *layouts = ((OnednnWeight *)head)->layouts;

    for (unsigned i = 0; layouts && i < layouts->count; i++)
        free(layouts->layout[i].data);
    free(layouts);
    cpu_weight_end(head);
}

/* ---- layouts of convolutions ----------------------------------------------------------------- */

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
    if (onednn_works(status, "a layout of weights", error))
        done = onednn_execute(
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

/* oneDNN initialises itself at the first call of each kind, and exit() destroys what that made. All
 * of it happens here, while the device opens, so that an exit handler can be registered after
 * it. */
bool onednn_warm_up(CpuWorker *worker, CodesrcError *error)
{
    enum { IN = 16, HEIGHT = 5, WIDTH = 7, TAPS = 9 }; /* which no layer has: pictures are square */
    static const OnednnShape shape = {.kind = CODE_WEIGHT_CONV3,
                                      .in = IN,
                                      .out = IN,
                                      .height = HEIGHT,
                                      .width = WIDTH,
                                      .out_height = HEIGHT,
                                      .out_width = WIDTH,
                                      .top = 1,
                                      .bottom = 1,
                                      .left = 1,
                                      .right = 1};
    float x[IN * HEIGHT * WIDTH] = {0}, y[IN * HEIGHT * WIDTH], plain[IN * IN * TAPS] = {0};
    dnnl_dims_t dims = {IN, IN, 3, 3};
    dnnl_memory_desc_t desc;
    OnednnProduct *linear = onednn_product_of(worker, IN, IN, IN, error);
    OnednnProduct *conv = linear ? onednn_product_make(worker, &shape, NULL, error) : NULL;
    size_t layout = conv ? dnnl_memory_desc_get_size(&conv->weights) : 0;
    size_t scratch = conv ? conv->scratch_bytes + linear->scratch_bytes : 0;
    char *memory = conv ? cpu_scratch(worker, pieces(layout, 64) * 64 + scratch, error) : NULL;

    return memory &&
           onednn_works(dnnl_memory_desc_init_by_tag(&desc, 4, dims, dnnl_f32, dnnl_oihw),
                        "a layout of weights", error) &&
           reorder(worker, &desc, plain, &conv->weights, (float *)memory, error) &&
           onednn_product_run(worker, conv, x, (float *)memory, plain, y,
                              memory + pieces(layout, 64) * 64, error) &&
           onednn_product_run(worker, linear, x, plain, NULL, y, memory, error) &&
           onednn_works(dnnl_sgemm('N', 'T', IN, IN, IN, 1, x, IN, plain, IN, 0, y, IN),
                        "a product", error) &&
           onednn_works(dnnl_sgemm('N', 'N', IN, IN, IN, 1, x, IN, plain, IN, 0, y, IN),
                        "a product", error);
}

/* The first layout asked for replaces the plain one, which no primitive takes. */
static float *add_layout(CpuWorker *worker, OnednnLayouts *layouts, const dnnl_memory_desc_t *desc,
                         CodesrcError *error)
{
    bool plain =
        layouts->count == 1 && layouts->layout[0].desc.format_desc.blocking.inner_nblks == 0;
    unsigned at = plain ? 0 : layouts->count;
    float *data;

    if (at == ONEDNN_LAYOUTS) {
        code_fail(error, CODESRC_FAILED, "weights are wanted in more than %d layouts",
                  ONEDNN_LAYOUTS);
        return NULL;
    }
    data = cpu_allocate(dnnl_memory_desc_get_size(desc), error);
    if (!data)
        return NULL;
    if (!reorder(worker, &layouts->layout[0].desc, layouts->layout[0].data, desc, data, error)) {
        free(data);
        return NULL;
    }
    if (plain)
        free(layouts->layout[0].data);
    layouts->layout[at].data = data;
    layouts->layout[at].desc = *desc;
    layouts->count = at + 1;
    return data;
}

const float *onednn_weight_in(CpuWorker *worker, const OnednnWeight *weight,
                              const dnnl_memory_desc_t *desc, CodesrcError *error)
{
    OnednnLayouts *layouts = weight->layouts;
    float *data = NULL;

    pthread_mutex_lock(&worker->device->pack_lock);
    for (unsigned i = 0; i < layouts->count && !data; i++)
        if (dnnl_memory_desc_equal(&layouts->layout[i].desc, desc))
            data = layouts->layout[i].data;
    if (!data)
        data = add_layout(worker, layouts, desc, error);
    pthread_mutex_unlock(&worker->device->pack_lock);
    return data;
}

/* ---- the table ------------------------------------------------------------------------------- */

static size_t number_size(const CodeDevice *device, const CodeWeightSpec *spec)
{
    (void)device;
    (void)spec;
    return sizeof(float);
}

const CpuProducts cpu_onednn = {
    .pack = onednn_pack,
    .free = onednn_free,
    .number_size = number_size,
    .linear = onednn_linear,
    .conv = onednn_conv,
    .attention = onednn_attention,
};
