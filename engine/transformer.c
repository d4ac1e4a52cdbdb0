/* transformer.c - one VAR transformer over one or more scales (VAR, section 4; models/var.py and
 * models/basic_var.py of its release). Keys and values of earlier scales come from the cache. */
#include "generate.h"

static unsigned pass_rows(const CodeShape *shape, const CodePass *pass)
{
    return shape->first[pass->last_scale + 1] - shape->first[pass->first_scale];
}

/* Rows of its last scale: those that are left after the last block. */
static unsigned last_rows(const CodeShape *shape, const CodePass *pass)
{
    return shape->first[pass->last_scale + 1] - shape->first[pass->last_scale];
}

/* One of the six vectors (C) that modulate block i, for every lane. */
enum { GAMMA1, GAMMA2, SCALE1, SCALE2, SHIFT1, SHIFT2 };

static CodePerLane modulation(const CodePass *pass, unsigned i, unsigned part)
{
    const CodeClassTable *table = pass->table;
    size_t offset = table->layout.blocks + (6 * (size_t)i + part) * table->var->shape.width;

    return (CodePerLane){table->memory + offset, table->layout.stride, pass->slots};
}

/* h = LN(x) * (1 + scale) + shift */
static bool modulate(CodesrcGenerator *generator, const CodePass *pass, unsigned rows,
                     CodePerLane scale, CodePerLane shift)
{
    CodeModulate args = {.x = generator->buffers.x,
                         .y = generator->buffers.h,
                         .lanes = pass->lanes,
                         .rows = rows,
                         .width = pass->table->var->shape.width,
                         .scale = scale,
                         .shift = shift};

    return generator->model->backend->modulate(generator->stream, &args);
}

/* A product over all rows; one group an image, so that its rows share the weights they stream. */
static bool product(CodesrcGenerator *generator, const CodePass *pass, unsigned rows,
                    const CodeWeight *weight, const void *x, unsigned width, void *y,
                    CodeEpilogue epilogue, CodePerLane gate)
{
    CodeLinear args = {.weight = weight,
                       .x = x,
                       .x_group = (size_t)pass->lanes_per_image * rows * width,
                       .y = y,
                       .groups = pass->lanes / pass->lanes_per_image,
                       .rows = pass->lanes_per_image * rows,
                       .epilogue = epilogue,
                       .gate = gate,
                       .lane_rows = rows};

    return generator->model->backend->linear(generator->stream, &args);
}

/* h = attention over `wide` = q, k, v, of the rows from scale `from` on. Every scale of the pass
 * sees itself and all earlier ones, which is VAR's block-causal mask without a mask. */
static bool attend(CodesrcGenerator *generator, const CodePass *pass, unsigned from, const void *k,
                   const void *v)
{
    const CodeShape *shape = &generator->model->shape;
    const CodeVarShape *var = &pass->table->var->shape;
    size_t rows = pass_rows(shape, pass), c = var->width, start = shape->first[pass->first_scale];

    for (unsigned scale = from; scale <= pass->last_scale; scale++) {
        size_t row = shape->first[scale] - start;
        CodeAttention args = {.q = code_activation(generator, generator->buffers.wide, row * 3 * c),
                              .k = k,
                              .v = v,
                              .out = code_activation(generator, generator->buffers.h, row * c),
                              .q_lane = rows * 3 * c,
                              .q_head = CODE_HEAD_SIZE,
                              .q_row = 3 * c,
                              .kv_lane = c * pass->rows.room,
                              .kv_head = (size_t)CODE_HEAD_SIZE * pass->rows.room,
                              .kv_row = CODE_HEAD_SIZE,
                              .out_lane = rows * c,
                              .out_head = CODE_HEAD_SIZE,
                              .out_row = c,
                              .lanes = pass->lanes,
                              .heads = var->heads,
                              .dim = CODE_HEAD_SIZE,
                              .queries = shape->first[scale + 1] - shape->first[scale],
                              .keys = shape->first[scale + 1],
                              .scale = 1}; /* the head's own scale is in q */

        if (!generator->model->backend->attention(generator->stream, &args))
            return false;
    }
    return true;
}

/* After the last block only the last scale's rows are looked at: of those before them it needs the
 * keys and values, and no more. Brings the last rows of each lane together at the start of x, and
 * those of `wide`'s attention at the start of h, by way of `wide`, which is free by then. */
static bool drop_prefix(CodesrcGenerator *generator, const CodePass *pass, unsigned rows,
                        unsigned last)
{
    const CodeBackend *backend = generator->model->backend;
    CodeStream *stream = generator->stream;
    CodeBuffers *b = &generator->buffers;
    size_t c = pass->table->var->shape.width, size = last * c * sizeof(float);
    size_t act = generator->model->device_info.activation_size;
    float *wide = b->wide;

    for (size_t lane = 0; lane < pass->lanes; lane++) {
        size_t from = (lane * rows + rows - last) * c;

        if (!backend->copy(stream, wide + lane * last * c, b->x + from, size, CODE_INSIDE))
            return false;
    }
    if (!backend->copy(stream, b->x, wide, pass->lanes * size, CODE_INSIDE))
        return false;
    for (size_t lane = 0; lane < pass->lanes; lane++) {
        size_t from = (lane * rows + rows - last) * c;

        if (!backend->copy(stream, code_activation(generator, wide, lane * last * c),
                           code_activation(generator, b->h, from), last * c * act, CODE_INSIDE))
            return false;
    }
    return backend->copy(stream, b->h, wide, pass->lanes * last * c * act, CODE_INSIDE);
}

/* h = attention of block i over the modulated x; keys and values go to the cache. */
static bool attention(CodesrcGenerator *generator, const CodePass *pass, unsigned i)
{
    const CodeShape *shape = &generator->model->shape;
    const CodeVar *var = pass->table->var;
    CodeBuffers *b = &generator->buffers;
    CodePerLane none = {0};
    unsigned rows = pass_rows(shape, pass), c = var->shape.width;
    size_t place = (size_t)(var->shape.depth - 1 - i) * pass->rows.kept * CODE_HEAD_SIZE;
    void *k = code_activation(generator, pass->cache, place);
    void *v = code_activation(generator, k, (size_t)pass->lanes * c * pass->rows.room);
    CodeHeads heads = {.qkv = b->wide,
                       .q_scale = var->blocks[i].q_scale,
                       .k_cache = k,
                       .v_cache = v,
                       .lanes = pass->lanes,
                       .rows = rows,
                       .heads = var->shape.heads,
                       .first = shape->first[pass->first_scale],
                       .capacity = pass->rows.room};
    unsigned from = i + 1 == var->shape.depth ? pass->last_scale : pass->first_scale;

    return modulate(generator, pass, rows, modulation(pass, i, SCALE1),
                    modulation(pass, i, SHIFT1)) &&
           product(generator, pass, rows, var->blocks[i].qkv, b->h, c, b->wide, CODE_PLAIN, none) &&
           generator->model->backend->heads(generator->stream, &heads) &&
           attend(generator, pass, from, k, v);
}

/* x after block i; after the last one of a pass over several scales, of the last one's rows only.
 */
static bool block(CodesrcGenerator *generator, const CodePass *pass, unsigned i)
{
    const CodeShape *shape = &generator->model->shape;
    const CodeVar *var = pass->table->var;
    const CodeBlock *weights = &var->blocks[i];
    CodeBuffers *b = &generator->buffers;
    CodePerLane none = {0};
    unsigned rows = pass_rows(shape, pass), c = var->shape.width;

    if (!attention(generator, pass, i))
        return false;
    if (i + 1 == var->shape.depth && pass->first_scale < pass->last_scale) {
        unsigned last = last_rows(shape, pass);

        if (!drop_prefix(generator, pass, rows, last))
            return false;
        rows = last;
    }
    return product(generator, pass, rows, weights->proj, b->h, c, b->x, CODE_GATED,
                   modulation(pass, i, GAMMA1)) &&
           modulate(generator, pass, rows, modulation(pass, i, SCALE2),
                    modulation(pass, i, SHIFT2)) &&
           product(generator, pass, rows, weights->fc1, b->h, c, b->wide, CODE_GELU, none) &&
           product(generator, pass, rows, weights->fc2, b->wide, 4 * c, b->x, CODE_GATED,
                   modulation(pass, i, GAMMA2));
}

bool code_transformer_blocks(CodesrcGenerator *generator, const CodePass *pass)
{
    for (unsigned i = 0; i < pass->table->var->shape.depth; i++)
        if (!block(generator, pass, i))
            return false;
    return true;
}

bool code_transformer_head(CodesrcGenerator *generator, const CodePass *pass, const float *t,
                           float *logits)
{
    const CodeBackend *backend = generator->model->backend;
    const CodeShape *shape = &generator->model->shape;
    const CodeClassTable *table = pass->table;
    CodeBuffers *b = &generator->buffers;
    size_t c = table->var->shape.width;
    unsigned last = last_rows(shape, pass);
    unsigned images = pass->lanes / pass->lanes_per_image;
    const float *modulations = table->memory + table->layout.head;
    CodeGuide guide = {.x = b->x,
                       .x_lane = last * c,
                       .y = b->wide,
                       .t = t,
                       .scale = {modulations, table->layout.stride, pass->slots},
                       .shift = {modulations + c, table->layout.stride, pass->slots},
                       .images = images,
                       .branches = pass->lanes_per_image,
                       .rows = last,
                       .width = (unsigned)c};
    CodeLinear head = {.weight = table->var->head,
                       .x = b->wide,
                       .x_group = last * c,
                       .y = logits,
                       .groups = images,
                       .rows = last};

    return backend->guide(generator->stream, &guide) && backend->linear(generator->stream, &head);
}

/* x = word_embed(areas) + place, the same for all branches of an image. */
static bool embed_areas(CodesrcGenerator *generator, const CodePass *pass)
{
    const CodeBackend *backend = generator->model->backend;
    const CodeShape *shape = &generator->model->shape;
    const CodeVar *var = pass->table->var;
    CodeBuffers *b = &generator->buffers;
    unsigned rows = pass_rows(shape, pass), c = var->shape.width;
    size_t start = shape->first[pass->first_scale], z = shape->vae.channels;
    CodeLinear words = {.weight = var->word_embed,
                        .x = b->areas + (start - shape->first[1]) * z,
                        .x_group = (shape->first[shape->scales] - shape->first[1]) * z,
                        .y = b->wide,
                        .groups = generator->count,
                        .rows = rows};
    CodeEmbed embed = {.source = {b->wide, (size_t)rows * c, NULL},
                       .lanes_per_source = generator->branches,
                       .place = var->place + start * c,
                       .x = b->x,
                       .lanes = pass->lanes,
                       .rows = rows,
                       .width = c};

    return backend->linear(generator->stream, &words) && backend->embed(generator->stream, &embed);
}

bool code_transformer_scale(CodesrcGenerator *generator, const CodeClassTable *table,
                            unsigned first_scale, unsigned last_scale, CodeCacheRows rows)
{
    CodePass pass = {.table = table,
                     .slots = table->lane_slots,
                     .lanes = generator->count * generator->branches,
                     .lanes_per_image = generator->branches,
                     .first_scale = first_scale,
                     .last_scale = last_scale,
                     .cache = generator->buffers.cache,
                     .rows = rows};
    const float *t = generator->buffers.t + (size_t)last_scale * generator->batch;

    return embed_areas(generator, &pass) && code_transformer_blocks(generator, &pass) &&
           code_transformer_head(generator, &pass, t, generator->buffers.logits);
}
