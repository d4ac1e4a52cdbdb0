/* cases_transformer.c - the transformer's operations: linear, modulate, heads, recall, attention,
 * embed, guide. Two lanes an image. */
#include "cases.h"

#include "../test.h"
#include "attention.h"

/* A vector for each of `lanes` lanes, in a table of another order. */
static CodePerLane per_lane_of(Side *side, const Shape *shape, unsigned lanes, size_t width,
                               unsigned salt)
{
    size_t stride = width + 3;
    float *images = images_of(shape, lanes / shape->images * stride, 0.5f, salt);
    float *table = malloc((lanes + 1) * stride * sizeof *table);
    int32_t *slot = malloc((lanes + 1) * sizeof *slot);
    CodePerLane vectors = {.stride = stride};

    if (!table || !slot)
        abort();
    for (unsigned lane = 0; lane < lanes; lane++) {
        slot[lane] = (int32_t)(lanes - 1 - lane);
        memcpy(table + slot[lane] * stride, images + lane * stride, stride * sizeof *table);
    }
    vectors.base = side_array(side, table, lanes * stride * sizeof *table);
    vectors.slot = side_array(side, slot, lanes * sizeof *slot);
    free(images);
    free(table);
    free(slot);
    return vectors;
}

/* Makes every third row of inputs a special one, as Shape.linear.inputs says. */

static void make_special(float *x, size_t rows, size_t in, unsigned kind)
{
    for (size_t row = 0; row < rows && kind != NORMAL; row += 3)
        for (size_t i = row * in; i < (row + 1) * in; i++) {
            if (kind == CONSTANT)
                x[i] = 0.7f;
            else if (kind == ZERO)
                x[i] = 0;
            else if (kind == HUGE)
                x[i] *= 1e30f;
            else /* as GELU gives them */
                x[i] = x[i] > 0 ? 4 * x[i] : 0.1f * x[i];
        }
}

void run_linear(Side *side, const Shape *shape, Output *output)
{
    unsigned rows = 2 * shape->linear.rows, in = shape->linear.in, out = shape->linear.out;
    size_t x_group = (size_t)rows * in + 5, size = (size_t)rows * out;
    Random random = random_shared(shape);
    float *weight = random_floats(&random, (size_t)in * out, 1),
          *bias = random_floats(&random, out, 1), *x = images_of(shape, x_group, 1, 1);
    CodeWeightSpec spec = spec_of(CODE_WEIGHT_LINEAR, in, out, shape->linear.types);
    CodeLinear args = {
        .weight =
            side_weight(side, spec, weight, shape->linear.epilogue == CODE_GELU ? NULL : bias),
        .x_group = x_group,
        .y = upload_outputs(side, shape, &spec, size, 2),
        .groups = shape->images,
        .rows = rows,
        .epilogue = (CodeEpilogue)shape->linear.epilogue,
        .gate = per_lane_of(side, shape, 2 * shape->images, out, 3),
        .lane_rows = rows / 2,
    };

    for (unsigned image = 0; image < shape->images; image++)
        make_special(x + image * x_group, rows, in, shape->linear.inputs);
    args.x = side_inputs(side, &spec, x, shape->images * x_group);
    free(weight);
    free(bias);
    free(x);
    RUN(side, linear, &args);
    download_outputs(side, shape, &spec, args.y, size, output);
}

void run_modulate(Side *side, const Shape *shape, Output *output)
{
    unsigned lanes = 2 * shape->images, rows = shape->modulate.rows, width = shape->modulate.width;
    size_t size = 2 * (size_t)rows * width;
    CodeModulate args = {
        .x = upload_images(side, shape, size, 3, 1),
        .y = side_activations(side, NULL, shape->images * size),
        .lanes = lanes,
        .rows = rows,
        .width = width,
        .scale = per_lane_of(side, shape, lanes, width, 2),
        .shift = per_lane_of(side, shape, lanes, width, 3),
    };

    RUN(side, modulate, &args);
    download_activations(side, shape, args.y, size, output);
}

void run_heads(Side *side, const Shape *shape, Output *output)
{
    unsigned rows = shape->heads.rows, heads = shape->heads.heads, capacity = shape->heads.capacity;
    size_t qkv = 2 * (size_t)rows * 3 * heads * CODE_HEAD_SIZE;
    size_t cache = 2 * (size_t)heads * capacity * CODE_HEAD_SIZE;
    float scale = shape->heads.size == 1   ? 0
                  : shape->heads.size == 2 ? 1e-20f
                  : shape->heads.size == 3 ? 1e25f
                                           : 1;
    CodeHeads args = {
        .qkv = upload_activations(side, shape, qkv, scale, 1),
        .q_scale = shape->heads.plain ? NULL : upload_shared(side, shape, heads, 10, 2),
        .k_cache = upload_activations(side, shape, cache, 1, 3),
        .v_cache = upload_activations(side, shape, cache, 1, 4),
        .lanes = 2 * shape->images,
        .rows = rows,
        .heads = heads,
        .first = shape->heads.first,
        .capacity = capacity,
    };
    const void *part[] = {args.qkv, args.k_cache, args.v_cache};
    size_t size[] = {qkv, cache, cache}, at = 0;

    RUN(side, heads, &args);
    output->size = qkv + 2 * cache;
    output->values = malloc(shape->images * output->size * sizeof(float));
    for (unsigned image = 0; image < shape->images; image++)
        for (int i = 0; i < 3; at += size[i++])
            side_download_activations(side, output->values + at,
                                      side_activation(side, part[i], image * size[i]), size[i]);
}

/* A table of activations for the lanes, in another order, each set beginning at a whole float. */
static CodePerLane activations_per_lane(Side *side, const Shape *shape, unsigned lanes, size_t size)
{
    size_t per_float = sizeof(float) / side->info.activation_size;
    size_t stride = size / per_float + 3; /* size is a multiple of 64 */
    float *images = images_of(shape, lanes / shape->images * size, 0.5f, 1);
    float *table = calloc(lanes * stride * per_float, sizeof *table);
    int32_t *slot = malloc(lanes * sizeof *slot);
    CodePerLane vectors = {.stride = stride};

    if (!table || !slot)
        abort();
    for (unsigned lane = 0; lane < lanes; lane++) {
        slot[lane] = (int32_t)(lanes - 1 - lane);
        memcpy(table + slot[lane] * stride * per_float, images + lane * size, size * sizeof *table);
    }
    vectors.base = side_activations(side, table, lanes * stride * per_float);
    vectors.slot = side_array(side, slot, lanes * sizeof *slot);
    free(images);
    free(table);
    free(slot);
    return vectors;
}

void run_recall(Side *side, const Shape *shape, Output *output)
{
    unsigned rows = shape->recall.rows, heads = shape->recall.heads,
             capacity = shape->recall.capacity, layers = shape->recall.layers;
    unsigned lanes = 2 * shape->images;
    size_t lane_size = (size_t)heads * capacity * CODE_HEAD_SIZE, at = 0;
    float *zeros = calloc(2 * lanes * lane_size + 1, sizeof *zeros);
    CodeRecall args = {
        .from = activations_per_lane(side, shape, lanes,
                                     2 * (size_t)layers * heads * rows * CODE_HEAD_SIZE),
        .cache = side_activations(side, zeros, 2 * lanes * lane_size),
        .layers = layers,
        .lanes = lanes,
        .heads = heads,
        .rows = rows,
        .kept = shape->recall.kept,
        .capacity = capacity,
    };

    free(zeros);
    RUN(side, recall, &args);
    output->size = 2 * 2 * lane_size;
    output->values = malloc(shape->images * output->size * sizeof(float));
    for (unsigned image = 0; image < shape->images; image++)
        for (size_t part = 0; part < 2; part++, at += 2 * lane_size)
            side_download_activations(
                side, output->values + at,
                side_activation(side, args.cache, (part * lanes + 2 * image) * lane_size),
                2 * lane_size);
}

/* n: queries, keys, heads, dim, size of the scores. Keys and values are in caches with some room,
 * the queries inside rows of 3 * heads * dim. */
void run_attention(Side *side, const Shape *shape, Output *output)
{
    unsigned queries = shape->attention.queries, keys = shape->attention.keys;
    unsigned heads = shape->attention.heads, dim = shape->attention.dim;
    CodeAttention args = attention_shape(2 * shape->images, heads, dim, queries, keys, keys + 3);

    args.q = upload_activations(side, shape, 2 * args.q_lane, 1, 1);
    args.k = upload_activations(side, shape, 2 * args.kv_lane, 1, 2);
    args.v = upload_activations(side, shape, 2 * args.kv_lane, 1, 3);
    args.out = side_activations(side, NULL, args.lanes * args.out_lane);
    args.scale = 0.2f * (shape->attention.size ? (float)shape->attention.size : 1);
    RUN(side, attention, &args);
    download_activations(side, shape, args.out, 2 * args.out_lane, output);
}

void run_embed(Side *side, const Shape *shape, Output *output)
{
    unsigned rows = shape->embed.rows, width = shape->embed.width;
    bool broadcast = shape->embed.broadcast;
    size_t size = 2 * (size_t)rows * width, source = (size_t)(broadcast ? 1 : rows) * width;
    CodeEmbed args = {
        .source = per_lane_of(side, shape, shape->images, source, 1),
        .broadcast = broadcast,
        .lanes_per_source = 2,
        .place = upload_shared(side, shape, (size_t)rows * width, 1, 2),
        .x = side_array(side, NULL, shape->images * size * sizeof(float)),
        .lanes = 2 * shape->images,
        .rows = rows,
        .width = width,
    };

    RUN(side, embed, &args);
    download(side, shape, args.x, size, output);
}

void run_guide(Side *side, const Shape *shape, Output *output)
{
    unsigned rows = shape->guide.rows, width = shape->guide.width, branches = shape->guide.branches;
    size_t x_lane = (size_t)rows * width + 7, size = (size_t)rows * width;
    CodeGuide args = {
        .x = upload_images(side, shape, branches * x_lane, 3, 1),
        .x_lane = x_lane,
        .y = side_array(side, NULL, shape->images * size * sizeof(float)),
        .t = upload_images(side, shape, 1, 3, 2),
        .scale = per_lane_of(side, shape, branches * shape->images, width, 3),
        .shift = per_lane_of(side, shape, branches * shape->images, width, 4),
        .images = shape->images,
        .branches = branches,
        .rows = rows,
        .width = width,
    };

    RUN(side, guide, &args);
    download(side, shape, args.y, size, output);
}
