/* cases_transformer.c - the transformer's operations: linear, modulate, heads, recall, attention,
 * embed, guide. Two lanes an image. */
#include "cases.h"

#include "../test.h"

Random random_shared(const Shape *shape)
{
    Random random = {12345};

    for (int i = 0; i < 6; i++)
        random.state = random.state * 1000003u + shape->n[i];
    return random;
}

Random random_of(const Shape *shape, unsigned image)
{
    Random random = random_shared(shape);

    random.state += (uint64_t)(shape->first + image + 1) << 32;
    return random;
}

float *images_of(const Shape *shape, size_t size, float scale, unsigned salt)
{
    float *values = malloc((shape->images * size + 1) * sizeof *values);

    if (!values)
        abort();
    for (unsigned image = 0; image < shape->images; image++) {
        Random random = random_of(shape, image);

        random.state += salt * 77777u;
        for (size_t i = 0; i < size; i++)
            values[image * size + i] = random_normal(&random) * scale;
    }
    return values;
}

/* An array of random numbers on the device. */
static float *upload_images(Side *side, const Shape *shape, size_t size, float scale, unsigned salt)
{
    float *values = images_of(shape, size, scale, salt);
    float *array = side_array(side, values, shape->images * size * sizeof(float));

    free(values);
    return array;
}

static float *upload_shared(Side *side, const Shape *shape, size_t count, float scale,
                            unsigned salt)
{
    Random random = random_shared(shape);
    float *values, *array;

    random.state += salt * 99999u;
    values = random_floats(&random, count, scale);
    array = side_array(side, values, count * sizeof(float));
    free(values);
    return array;
}

static void download(Side *side, const Shape *shape, const void *array, size_t size, Output *output)
{
    output->size = size;
    output->values = malloc((shape->images * size + 1) * sizeof(float));
    if (!output->values)
        abort();
    side_download(side, output->values, array, shape->images * size * sizeof(float));
}

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

/* n: rows of a lane, in, out, epilogue */
void run_linear(Side *side, const Shape *shape, Output *output)
{
    unsigned rows = 2 * shape->n[0], in = shape->n[1], out = shape->n[2];
    size_t x_group = (size_t)rows * in + 5;
    Random random = random_shared(shape);
    float *weight = random_floats(&random, (size_t)in * out, 1),
          *bias = random_floats(&random, out, 1);
    CodeWeightSpec spec = {
        .kind = CODE_WEIGHT_LINEAR, .in = in, .out = out, .x_f32 = true, .y_f32 = true};
    CodeLinear args = {
        .weight = side_weight(side, spec, weight, shape->n[3] == CODE_GELU ? NULL : bias),
        .x = upload_images(side, shape, x_group, 1, 1),
        .x_group = x_group,
        .y = upload_images(side, shape, (size_t)rows * out, 1, 2),
        .groups = shape->images,
        .rows = rows,
        .epilogue = (CodeEpilogue)shape->n[3],
        .gate = per_lane_of(side, shape, 2 * shape->images, out, 3),
        .lane_rows = rows / 2,
    };

    free(weight);
    free(bias);
    RUN(side, linear, &args);
    download(side, shape, args.y, (size_t)rows * out, output);
}

/* n: rows, width */
void run_modulate(Side *side, const Shape *shape, Output *output)
{
    unsigned lanes = 2 * shape->images, rows = shape->n[0], width = shape->n[1];
    size_t size = 2 * (size_t)rows * width;
    CodeModulate args = {
        .x = upload_images(side, shape, size, 3, 1),
        .y = side_array(side, NULL, shape->images * size * sizeof(float)),
        .lanes = lanes,
        .rows = rows,
        .width = width,
        .scale = per_lane_of(side, shape, lanes, width, 2),
        .shift = per_lane_of(side, shape, lanes, width, 3),
    };

    RUN(side, modulate, &args);
    download(side, shape, args.y, size, output);
}

/* n: rows, heads, first, capacity, zeros */
void run_heads(Side *side, const Shape *shape, Output *output)
{
    unsigned rows = shape->n[0], heads = shape->n[1], capacity = shape->n[3];
    size_t qkv = 2 * (size_t)rows * 3 * heads * CODE_HEAD_SIZE;
    size_t cache = 2 * (size_t)heads * capacity * CODE_HEAD_SIZE;
    float scale = shape->n[4] == 1 ? 0 : shape->n[4] == 2 ? 1e-20f : shape->n[4] == 3 ? 1e25f : 1;
    CodeHeads args = {
        .qkv = upload_images(side, shape, qkv, scale, 1),
        .q_scale = upload_shared(side, shape, heads, 10, 2),
        .k_cache = upload_images(side, shape, cache, 1, 3),
        .v_cache = upload_images(side, shape, cache, 1, 4),
        .lanes = 2 * shape->images,
        .rows = rows,
        .heads = heads,
        .first = shape->n[2],
        .capacity = capacity,
    };
    const void *part[] = {args.qkv, args.k_cache, args.v_cache};
    size_t size[] = {qkv, cache, cache}, at = 0;

    RUN(side, heads, &args);
    output->size = qkv + 2 * cache;
    output->values = malloc(shape->images * output->size * sizeof(float));
    for (unsigned image = 0; image < shape->images; image++)
        for (int i = 0; i < 3; at += size[i++])
            side_download(side, output->values + at, (const float *)part[i] + image * size[i],
                          size[i] * sizeof(float));
}

/* n: rows, heads, capacity, layers. The caches are (layers, 2, lanes, heads, capacity, 64). */
void run_recall(Side *side, const Shape *shape, Output *output)
{
    unsigned rows = shape->n[0], heads = shape->n[1], capacity = shape->n[2], layers = shape->n[3];
    unsigned lanes = 2 * shape->images;
    size_t lane_size = (size_t)heads * capacity * CODE_HEAD_SIZE, at = 0;
    float *zeros = calloc(2 * layers * lanes * lane_size + 1, sizeof *zeros);
    CodeRecall args = {
        .from =
            per_lane_of(side, shape, lanes, 2 * (size_t)layers * heads * rows * CODE_HEAD_SIZE, 1),
        .cache = side_array(side, zeros, 2 * layers * lanes * lane_size * sizeof *zeros),
        .layers = layers,
        .lanes = lanes,
        .heads = heads,
        .rows = rows,
        .capacity = capacity,
    };

    free(zeros);
    RUN(side, recall, &args);
    output->size = 2 * layers * 2 * lane_size;
    output->values = malloc(shape->images * output->size * sizeof(float));
    for (unsigned image = 0; image < shape->images; image++)
        for (size_t part = 0; part < 2 * (size_t)layers; part++, at += 2 * lane_size)
            side_download(side, output->values + at,
                          (const float *)args.cache + (part * lanes + 2 * image) * lane_size,
                          2 * lane_size * sizeof(float));
}

/* n: queries, keys, heads, dim, size of the scores. Keys and values lie in caches with some room;
 * the queries inside of rows of 3 * heads * dim. */
void run_attention(Side *side, const Shape *shape, Output *output)
{
    size_t queries = shape->n[0], keys = shape->n[1], heads = shape->n[2], dim = shape->n[3];
    size_t room = (keys + 3) * dim, width = heads * dim;
    float scale = shape->n[4] ? (float)shape->n[4] : 1;
    CodeAttention args = {
        .q = upload_images(side, shape, 2 * queries * 3 * width, 1, 1),
        .k = upload_images(side, shape, 2 * heads * room, 1, 2),
        .v = upload_images(side, shape, 2 * heads * room, 1, 3),
        .out = side_array(side, NULL, shape->images * 2 * queries * width * sizeof(float)),
        .q_lane = queries * 3 * width,
        .q_head = dim,
        .q_row = 3 * width,
        .kv_lane = heads * room,
        .kv_head = room,
        .kv_row = dim,
        .out_lane = queries * width,
        .out_head = dim,
        .out_row = width,
        .lanes = 2 * shape->images,
        .heads = (unsigned)heads,
        .dim = (unsigned)dim,
        .queries = (unsigned)queries,
        .keys = (unsigned)keys,
        .scale = scale * 0.2f,
    };

    RUN(side, attention, &args);
    download(side, shape, args.out, 2 * queries * width, output);
}

/* n: rows, width, broadcast */
void run_embed(Side *side, const Shape *shape, Output *output)
{
    unsigned rows = shape->n[0], width = shape->n[1];
    bool broadcast = shape->n[2];
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

/* n: rows, width, branches */
void run_guide(Side *side, const Shape *shape, Output *output)
{
    unsigned rows = shape->n[0], width = shape->n[1], branches = shape->n[2];
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
