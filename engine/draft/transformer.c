/* transformer.c - one VAR transformer over one or more scales (VAR, section 4; models/var.py and
 * models/basic_var.py of its release). Keys and values of earlier scales come from the cache. */
#include "draft/transformer.h"

/* ---- memory ---------------------------------------------------------------------------------- */

static size_t cache_elements(const CodeVarShape *var, size_t lanes, CodeCacheRows rows)
{
    return 2 * lanes * var->width * rows.room;
}

/* Drafter and refiner never need their caches at the same time: CoDe's memory saving. */
static size_t largest_cache(const CodeRoom *room)
{
    const CodeShape *shape = &room->model->shape;
    size_t lanes = 2 * (size_t)room->batch, largest = 0;

    for (unsigned n = 1; n <= shape->scales; n++) {
        CodeCacheRows drafter = code_drafter_rows(shape, n), refiner = code_refiner_rows(shape, n);

        if (!(room->steps >> n & 1))
            continue;
        largest = code_larger(largest, cache_elements(&shape->drafter, lanes, drafter));
        largest = code_larger(largest, cache_elements(&shape->refiner, lanes, refiner));
    }
    return largest;
}

size_t code_transformer_cache_bytes(const CodeRoom *room)
{
    return largest_cache(room) * room->model->device_info.activation_size;
}

void code_transformer_layout(CodeTransformer *transformer, CodeRoom *room)
{
    size_t guidance = (size_t)room->model->shape.scales * room->batch;

    transformer->guidance = code_arena_take(&room->device, guidance, sizeof(float));
    transformer->host_guidance = code_arena_take(&room->host, guidance, sizeof(float));
    transformer->cache = code_arena_take(&room->device, largest_cache(room),
                                         room->model->device_info.activation_size);
}

/* Both transformers use the same buffers, sized by the larger product of rows and width. */
void code_transformer_scratch(CodeTransformer *transformer, CodeRoom *room)
{
    const CodeShape *shape = &room->model->shape;
    size_t lanes = 2 * (size_t)room->batch, drafter = 0, refiner = 0, size;
    size_t activation_size = room->model->device_info.activation_size;

    for (unsigned n = 1; n <= shape->scales; n++)
        if (room->steps >> n & 1) {
            drafter = code_larger(drafter, code_drafter_largest(shape, n));
            refiner = code_larger(refiner, code_refiner_largest(shape, n));
        }
    size = lanes * code_larger(drafter * shape->drafter.width, refiner * shape->refiner.width);
    transformer->x = code_arena_take(&room->device, size, sizeof(float));
    transformer->h = code_arena_take(&room->device, size, activation_size);
    transformer->wide = code_arena_take(&room->device, 4 * size, activation_size);
}

/* ---- a pass ---------------------------------------------------------------------------------- */

static unsigned pass_rows(const CodeShape *shape, const CodePass *pass)
{
    return shape->first[pass->last_scale + 1] - shape->first[pass->first_scale];
}

/* Rows of its last scale, the only ones after the last block. */
static unsigned last_rows(const CodeShape *shape, const CodePass *pass)
{
    return code_scale_rows(shape, pass->last_scale);
}

/* The vectors that modulate a block, in the order of a slot (CodeSlotLayout.blocks). */
enum { GAMMA1, GAMMA2, SCALE1, SCALE2, SHIFT1, SHIFT2 };

/* One of them (C), of block i, for every lane. */
static CodePerLane modulation(const CodePass *pass, unsigned i, unsigned part)
{
    const CodeSlots *slots = pass->slots;
    size_t offset = code_slot_block(slots, i) + part * (size_t)slots->var->shape.width;

    return (CodePerLane){slots->memory + offset, slots->layout.stride, pass->lane_slots};
}

/* h = LN(x) * (1 + scale) + shift */
static bool modulate(const CodeTransformer *transformer, const CodeRun *run, const CodePass *pass,
                     unsigned rows, CodePerLane scale, CodePerLane shift)
{
    CodeModulate args = {.x = transformer->x,
                         .y = transformer->h,
                         .lanes = pass->lanes,
                         .rows = rows,
                         .width = pass->slots->var->shape.width,
                         .scale = scale,
                         .shift = shift};

    return run->model->backend->modulate(run->stream, &args);
}

/* A product over `rows` rows of each lane, `width` inputs each. The caller sets weight, x, y and
 * the epilogue. A group is an image, so that its rows share the weights they stream. */
static bool product(const CodeRun *run, const CodePass *pass, unsigned rows, size_t width,
                    CodeLinear args)
{
    args.groups = pass->lanes / pass->lanes_per_image;
    args.rows = pass->lanes_per_image * rows;
    args.lane_rows = rows;
    args.x_group = args.rows * width;
    return run->model->backend->linear(run->stream, &args);
}

/* h = attention over `wide` = q, k, v, for the rows of scales `from` and up. Every scale of the
 * pass sees itself and all earlier ones: VAR's block-causal mask, without a mask. */
static bool attend(const CodeTransformer *transformer, const CodeRun *run, const CodePass *pass,
                   unsigned from, const void *k, const void *v)
{
    const CodeShape *shape = &run->model->shape;
    const CodeVarShape *var = &pass->slots->var->shape;
    size_t rows = pass_rows(shape, pass), c = var->width, start = shape->first[pass->first_scale];

    for (unsigned scale = from; scale <= pass->last_scale; scale++) {
        size_t row = shape->first[scale] - start;
        CodeAttention args = {.q = code_activation(run->model, transformer->wide, row * 3 * c),
                              .k = k,
                              .v = v,
                              .out = code_activation(run->model, transformer->h, row * c),
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
                              .queries = code_scale_rows(shape, scale),
                              .keys = shape->first[scale + 1],
                              .scale = 1}; /* the head's own scale is in q */

        if (!run->model->backend->attention(run->stream, &args))
            return false;
    }
    return true;
}

/* Before the last block's products: the keys and values of earlier scales' rows are in the cache,
 * and nothing reads these rows again. Moves the last `last` rows of each lane of x, and those of h,
 * to the start, by way of `wide`, which is free by then. */
static bool drop_prefix(const CodeTransformer *transformer, const CodeRun *run,
                        const CodePass *pass, unsigned rows, unsigned last)
{
    const CodeBackend *backend = run->model->backend;
    size_t c = pass->slots->var->shape.width, size = last * c * sizeof(float);
    size_t half = last * c * run->model->device_info.activation_size;
    float *wide = transformer->wide;

    for (size_t lane = 0; lane < pass->lanes; lane++) {
        size_t from = (lane * rows + rows - last) * c;

        if (!backend->copy(run->stream, wide + lane * last * c, transformer->x + from, size,
                           CODE_INSIDE))
            return false;
    }
    if (!backend->copy(run->stream, transformer->x, wide, pass->lanes * size, CODE_INSIDE))
        return false;
    for (size_t lane = 0; lane < pass->lanes; lane++) {
        size_t from = (lane * rows + rows - last) * c;

        if (!backend->copy(run->stream, code_activation(run->model, wide, lane * last * c),
                           code_activation(run->model, transformer->h, from), half, CODE_INSIDE))
            return false;
    }
    return backend->copy(run->stream, transformer->h, wide, pass->lanes * half, CODE_INSIDE);
}

/* h = attention of block i over the modulated x; keys and values go to the cache. */
static bool attention(const CodeTransformer *transformer, const CodeRun *run, const CodePass *pass,
                      unsigned i)
{
    const CodeShape *shape = &run->model->shape;
    const CodeVar *var = pass->slots->var;
    unsigned rows = pass_rows(shape, pass), c = var->shape.width;
    size_t place = (size_t)(var->shape.depth - 1 - i) * pass->rows.kept * CODE_HEAD_SIZE;
    void *k = code_activation(run->model, pass->cache, place);
    void *v = code_activation(run->model, k, (size_t)pass->lanes * c * pass->rows.room);
    CodeHeads heads = {.qkv = transformer->wide,
                       .q_scale = var->blocks[i].q_scale,
                       .k_cache = k,
                       .v_cache = v,
                       .lanes = pass->lanes,
                       .rows = rows,
                       .heads = var->shape.heads,
                       .first = shape->first[pass->first_scale],
                       .capacity = pass->rows.room};
    unsigned from = i + 1 == var->shape.depth ? pass->last_scale : pass->first_scale;

    return modulate(transformer, run, pass, rows, modulation(pass, i, SCALE1),
                    modulation(pass, i, SHIFT1)) &&
           product(run, pass, rows, c,
                   (CodeLinear){.weight = var->blocks[i].qkv,
                                .x = transformer->h,
                                .y = transformer->wide}) &&
           run->model->backend->heads(run->stream, &heads) &&
           attend(transformer, run, pass, from, k, v);
}

/* x after block i; after the last block it has the rows of the pass's last scale only. */
static bool block(const CodeTransformer *transformer, const CodeRun *run, const CodePass *pass,
                  unsigned i)
{
    const CodeShape *shape = &run->model->shape;
    const CodeBlock *weights = &pass->slots->var->blocks[i];
    unsigned rows = pass_rows(shape, pass), c = pass->slots->var->shape.width;
    CodeLinear proj = {.weight = weights->proj,
                       .x = transformer->h,
                       .y = transformer->x,
                       .epilogue = CODE_GATED,
                       .gate = modulation(pass, i, GAMMA1)};
    CodeLinear fc1 = {
        .weight = weights->fc1, .x = transformer->h, .y = transformer->wide, .epilogue = CODE_GELU};
    CodeLinear fc2 = {.weight = weights->fc2,
                      .x = transformer->wide,
                      .y = transformer->x,
                      .epilogue = CODE_GATED,
                      .gate = modulation(pass, i, GAMMA2)};

    if (!attention(transformer, run, pass, i))
        return false;
    if (i + 1 == pass->slots->var->shape.depth && pass->first_scale < pass->last_scale) {
        unsigned last = last_rows(shape, pass);

        if (!drop_prefix(transformer, run, pass, rows, last))
            return false;
        rows = last;
    }
    return product(run, pass, rows, c, proj) &&
           modulate(transformer, run, pass, rows, modulation(pass, i, SCALE2),
                    modulation(pass, i, SHIFT2)) &&
           product(run, pass, rows, c, fc1) && product(run, pass, rows, 4 * (size_t)c, fc2);
}

bool code_transformer_blocks(const CodeTransformer *transformer, const CodeRun *run,
                             const CodePass *pass)
{
    for (unsigned i = 0; i < pass->slots->var->shape.depth; i++)
        if (!block(transformer, run, pass, i))
            return false;
    return true;
}

bool code_transformer_head(const CodeTransformer *transformer, const CodeRun *run,
                           const CodePass *pass, const float *t, float *logits)
{
    const CodeBackend *backend = run->model->backend;
    const CodeSlots *slots = pass->slots;
    size_t c = slots->var->shape.width, stride = slots->layout.stride;
    unsigned last = last_rows(&run->model->shape, pass);
    unsigned images = pass->lanes / pass->lanes_per_image;
    const float *modulations = slots->memory + slots->layout.head;
    CodeGuide guide = {.x = transformer->x,
                       .x_lane = last * c,
                       .y = transformer->wide,
                       .t = t,
                       .scale = {modulations, stride, pass->lane_slots},
                       .shift = {modulations + c, stride, pass->lane_slots},
                       .images = images,
                       .branches = pass->lanes_per_image,
                       .rows = last,
                       .width = (unsigned)c};
    CodeLinear head = {.weight = slots->var->head,
                       .x = transformer->wide,
                       .x_group = last * c,
                       .y = logits,
                       .groups = images,
                       .rows = last};

    return backend->guide(run->stream, &guide) && backend->linear(run->stream, &head);
}

/* ---- a scale of a run ------------------------------------------------------------------------ */

bool code_transformer_begin(const CodeTransformer *transformer, const CodeRun *run)
{
    unsigned scales = run->model->shape.scales;

    for (unsigned k = 0; k < scales; k++) {
        double ratio = scales > 1 ? (double)k / (scales - 1) : 0;

        for (unsigned i = 0; i < run->count; i++)
            transformer->host_guidance[k * run->count + i] =
                (float)(run->requests[i].settings.guidance * ratio);
    }
    return run->model->backend->copy(run->stream, transformer->guidance, transformer->host_guidance,
                                     (size_t)scales * run->count * sizeof(float), CODE_UPLOAD);
}

/* x = word_embed(areas) + place, the same for all branches of an image. */
static bool embed_areas(const CodeTransformer *transformer, const CodeRun *run,
                        const CodePass *pass, const float *areas)
{
    const CodeBackend *backend = run->model->backend;
    const CodeShape *shape = &run->model->shape;
    const CodeVar *var = pass->slots->var;
    unsigned rows = pass_rows(shape, pass), c = var->shape.width;
    size_t start = shape->first[pass->first_scale], z = shape->vae.channels;
    CodeLinear words = {.weight = var->word_embed,
                        .x = areas + (start - shape->first[1]) * z,
                        .x_group = (shape->first[shape->scales] - shape->first[1]) * z,
                        .y = transformer->wide,
                        .groups = run->count,
                        .rows = rows};
    CodeEmbed embed = {.source = {transformer->wide, (size_t)rows * c, NULL},
                       .lanes_per_source = run->branches,
                       .place = var->place + start * c,
                       .x = transformer->x,
                       .lanes = pass->lanes,
                       .rows = rows,
                       .width = c};

    return backend->linear(run->stream, &words) && backend->embed(run->stream, &embed);
}

bool code_transformer_scale(const CodeTransformer *transformer, const CodeRun *run, CodePass pass,
                            const float *areas, float *logits)
{
    const float *t = transformer->guidance + (size_t)pass.last_scale * run->count;

    pass.lanes = code_run_lanes(run);
    pass.lanes_per_image = run->branches;
    pass.cache = transformer->cache;
    return embed_areas(transformer, run, &pass, areas) &&
           code_transformer_blocks(transformer, run, &pass) &&
           code_transformer_head(transformer, run, &pass, t, logits);
}
