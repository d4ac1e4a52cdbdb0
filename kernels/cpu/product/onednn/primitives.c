/* primitives.c - a worker's oneDNN primitives: made once for each shape, found by a hash of it. */
#include "onednn.h"

#include "error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 64 };

struct CpuPrimitives {
    dnnl_stream_t stream;
    OnednnProduct *bucket[BUCKETS];
};

bool onednn_works(dnnl_status_t status, const char *what, CodesrcError *error)
{
    if (status == dnnl_success)
        return true;
    if (status == dnnl_out_of_memory)
        return code_fail(error, CODESRC_NO_MEMORY, "oneDNN: no memory for %s", what);
    return code_fail(error, CODESRC_FAILED, "oneDNN: %s: status %d", what, (int)status);
}

void *onednn_engine_new(CodesrcError *error)
{
    dnnl_engine_t engine = NULL;

    return onednn_works(dnnl_engine_create(&engine, dnnl_cpu, 0), "an engine", error) ? engine
                                                                                      : NULL;
}

void onednn_engine_free(void *engine)
{
    dnnl_engine_destroy(engine);
}

bool onednn_primitives_open(CpuWorker *worker, CodesrcError *error)
{
    worker->primitives = calloc(1, sizeof *worker->primitives);
    if (!worker->primitives)
        return code_fail(error, CODESRC_NO_MEMORY, "no memory for a table of products");
    return onednn_works(dnnl_stream_create(&worker->primitives->stream, worker->device->engine,
                                           dnnl_stream_default_flags),
                        "a stream", error) &&
           onednn_warm_up(worker, error);
}

static void free_product(OnednnProduct *product)
{
    dnnl_memory_t memory[] = {product->x, product->weight, product->bias, product->y,
                              product->scratch};

    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
        if (memory[i])
            dnnl_memory_destroy(memory[i]);
    if (product->primitive)
        dnnl_primitive_destroy(product->primitive);
    free(product);
}

void onednn_primitives_close(CpuWorker *worker)
{
    if (!worker->primitives)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        for (OnednnProduct *product = worker->primitives->bucket[i]; product;) {
            OnednnProduct *next = product->next;

            free_product(product);
            product = next;
        }
    if (worker->primitives->stream)
        dnnl_stream_destroy(worker->primitives->stream);
    free(worker->primitives);
}

static OnednnProduct **bucket_of(const CpuWorker *worker, const OnednnShape *shape)
{
    uint32_t words[sizeof *shape / sizeof(uint32_t)], hash = 2166136261u;

    memcpy(words, shape, sizeof words);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        hash = (hash ^ words[i]) * 16777619u;
    return &worker->primitives->bucket[(hash >> 16) % BUCKETS];
}

OnednnProduct *onednn_product_find(const CpuWorker *worker, const OnednnShape *shape)
{
    OnednnProduct *product = *bucket_of(worker, shape);

    while (product && memcmp(&product->shape, shape, sizeof *shape))
        product = product->next;
    return product;
}

OnednnProduct *onednn_product_of(CpuWorker *worker, size_t in, size_t columns, size_t rows,
                                 CodesrcError *error)
{
    OnednnShape shape = {
        .kind = CODE_WEIGHT_LINEAR,
        .in = (uint32_t)in,
        .out = (uint32_t)columns,
        .height = (uint32_t)rows,
        .width = 1,
        .out_height = (uint32_t)rows,
        .out_width = 1,
    };
    OnednnProduct *product = onednn_product_find(worker, &shape);

    return product ? product : onednn_product_make(worker, &shape, NULL, error);
}

/* ---- making ---------------------------------------------------------------------------------- */

typedef union Description {
    dnnl_matmul_desc_t product;
    dnnl_convolution_desc_t convolution;
} Description;

static dnnl_status_t describe_product(const OnednnShape *shape, Description *description)
{
    dnnl_dims_t x_dims = {shape->height, shape->in}, y_dims = {shape->height, shape->out};
    dnnl_dims_t w_dims = {shape->in, shape->out};
    dnnl_memory_desc_t x, w, y;
    dnnl_status_t status = dnnl_memory_desc_init_by_tag(&x, 2, x_dims, dnnl_f32, dnnl_ab);

    if (status == dnnl_success)
        status = dnnl_memory_desc_init_by_tag(&w, 2, w_dims, dnnl_f32, dnnl_ab);
    if (status == dnnl_success)
        status = dnnl_memory_desc_init_by_tag(&y, 2, y_dims, dnnl_f32, dnnl_ab);
    if (status == dnnl_success)
        status = dnnl_matmul_desc_init(&description->product, &x, &w, NULL, &y);
    return status;
}

static dnnl_status_t describe_convolution(const OnednnShape *shape,
                                          const dnnl_memory_desc_t *weights,
                                          Description *description)
{
    dnnl_dim_t kernel = code_kernel_side((CodeWeightKind)shape->kind),
               step = shape->kind == CODE_WEIGHT_CONV3_S2 ? 2 : 1;
    dnnl_dims_t x_dims = {1, shape->in, shape->height, shape->width};
    dnnl_dims_t y_dims = {1, shape->out, shape->out_height, shape->out_width};
    dnnl_dims_t w_dims = {shape->out, shape->in, kernel, kernel}, b_dims = {shape->out};
    dnnl_dims_t steps = {step, step}, before = {shape->top, shape->left};
    dnnl_dims_t after = {shape->bottom, shape->right};
    dnnl_memory_desc_t x, w, b, y;
    dnnl_status_t status = dnnl_memory_desc_init_by_tag(&x, 4, x_dims, dnnl_f32, dnnl_nhwc);

    if (status == dnnl_success)
        status = dnnl_memory_desc_init_by_tag(&w, 4, w_dims, dnnl_f32, dnnl_format_tag_any);
    if (status == dnnl_success)
        status = dnnl_memory_desc_init_by_tag(&b, 1, b_dims, dnnl_f32, dnnl_x);
    if (status == dnnl_success)
        status = dnnl_memory_desc_init_by_tag(&y, 4, y_dims, dnnl_f32, dnnl_nhwc);
    if (status == dnnl_success)
        status = dnnl_convolution_forward_desc_init(
            &description->convolution, dnnl_forward_inference, dnnl_convolution_direct, &x,
            weights ? weights : &w, &b, &y, steps, before, after);
    return status;
}

/* Chooses an implementation. With `weights` given, one that is made for that layout or none. */
static dnnl_status_t choose(CpuWorker *worker, const OnednnShape *shape,
                            const dnnl_memory_desc_t *weights, dnnl_primitive_desc_t *chosen)
{
    Description description;
    dnnl_primitive_attr_t attributes = NULL;
    const char *name = "";
    dnnl_status_t status = shape->kind == CODE_WEIGHT_LINEAR
                               ? describe_product(shape, &description)
                               : describe_convolution(shape, weights, &description);

    *chosen = NULL;
    if (status == dnnl_success)
        status = dnnl_primitive_attr_create(&attributes);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
    if (status == dnnl_success)
        status = dnnl_primitive_desc_create(chosen, &description, attributes,
                                            worker->device->engine, NULL);
    if (attributes)
        dnnl_primitive_attr_destroy(attributes);
    if (status == dnnl_success && weights)
        status = dnnl_primitive_desc_query(*chosen, dnnl_query_impl_info_str, 0, &name);
    if (status == dnnl_success && (strstr(name, "ref") || strstr(name, "gemm")) && weights)
        status = dnnl_unimplemented;
    return status;
}

static dnnl_status_t make_memory(CpuWorker *worker, const_dnnl_primitive_desc_t chosen,
                                 dnnl_query_t which, int index, dnnl_memory_t *memory)
{
    const dnnl_memory_desc_t *desc = dnnl_primitive_desc_query_md(chosen, which, index);

    return dnnl_memory_create(memory, desc, worker->device->engine, DNNL_MEMORY_NONE);
}

static dnnl_status_t finish(CpuWorker *worker, OnednnProduct *product,
                            const_dnnl_primitive_desc_t chosen)
{
    const dnnl_memory_desc_t *scratch =
        dnnl_primitive_desc_query_md(chosen, dnnl_query_scratchpad_md, 0);
    dnnl_status_t status = dnnl_primitive_create(&product->primitive, chosen);

    product->scratch_bytes = dnnl_memory_desc_get_size(scratch);
    product->weights = *dnnl_primitive_desc_query_md(chosen, dnnl_query_weights_md, 0);
    if (status == dnnl_success)
        status = make_memory(worker, chosen, dnnl_query_src_md, 0, &product->x);
    if (status == dnnl_success)
        status = make_memory(worker, chosen, dnnl_query_weights_md, 0, &product->weight);
    if (status == dnnl_success && product->shape.kind != CODE_WEIGHT_LINEAR)
        status = make_memory(worker, chosen, dnnl_query_weights_md, 1, &product->bias);
    if (status == dnnl_success)
        status = make_memory(worker, chosen, dnnl_query_dst_md, 0, &product->y);
    if (status == dnnl_success)
        status = make_memory(worker, chosen, dnnl_query_scratchpad_md, 0, &product->scratch);
    return status;
}

OnednnProduct *onednn_product_make(CpuWorker *worker, const OnednnShape *shape,
                                   const dnnl_memory_desc_t *weights, CodesrcError *error)
{
    OnednnProduct *product = calloc(1, sizeof *product), **bucket = bucket_of(worker, shape);
    dnnl_primitive_desc_t chosen = NULL;
    dnnl_status_t status = dnnl_out_of_memory;
    char what[100];

    if (product) {
        product->shape = *shape;
        status = choose(worker, shape, weights, &chosen);
        if (status != dnnl_success && weights) {
            if (chosen)
                dnnl_primitive_desc_destroy(chosen);
            status = choose(worker, shape, NULL, &chosen);
        }
        if (status == dnnl_success)
            status = finish(worker, product, chosen);
    }
    if (chosen)
        dnnl_primitive_desc_destroy(chosen);
    if (status != dnnl_success) {
        snprintf(what, sizeof what, "a product of kind %u, (%u, %u, %u) to (%u, %u, %u)",
                 shape->kind, shape->height, shape->width, shape->in, shape->out_height,
                 shape->out_width, shape->out);
        onednn_works(status, what, error);
        if (product)
            free_product(product);
        return NULL;
    }
    product->next = *bucket;
    *bucket = product;
    return product;
}

/* ---- running --------------------------------------------------------------------------------- */

bool onednn_execute(CpuWorker *worker, dnnl_primitive_t primitive, int count,
                    const dnnl_exec_arg_t *arguments, CodesrcError *error)
{
    return onednn_works(
        dnnl_primitive_execute(primitive, worker->primitives->stream, count, arguments),
        "computing", error);
}

static dnnl_status_t point(CpuWorker *worker, dnnl_memory_t memory, const void *at)
{
    return dnnl_memory_set_data_handle_v2(memory, (void *)at, worker->primitives->stream);
}

bool onednn_product_run(CpuWorker *worker, OnednnProduct *product, const float *x,
                        const float *weight, const float *bias, float *y, void *scratch,
                        CodesrcError *error)
{
    dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, product->x},
                                   {DNNL_ARG_WEIGHTS, product->weight},
                                   {DNNL_ARG_DST, product->y},
                                   {DNNL_ARG_SCRATCHPAD, product->scratch},
                                   {DNNL_ARG_BIAS, product->bias}};
    dnnl_status_t status = point(worker, product->x, x);

    if (status == dnnl_success)
        status = point(worker, product->weight, weight);
    if (status == dnnl_success)
        status = point(worker, product->y, y);
    if (status == dnnl_success)
        status = point(worker, product->scratch, scratch);
    if (status == dnnl_success && product->bias)
        status = point(worker, product->bias, bias);
    return onednn_works(status, "arguments", error) &&
           onednn_execute(worker, product->primitive, product->bias ? 5 : 4, arguments, error);
}
