/* classes.c - what depends on the class alone, or on the blend of two classes, computed once for
 * each: all modulations of a transformer (a third of its parameters), and the whole of scale 0,
 * whose only input is the class. Recent classes and blends are kept in a table. */
#include "generate.h"

#include <math.h>
#include <string.h>

CodeSlotLayout code_slot_layout(const CodeShape *shape, const CodeVarShape *var,
                                size_t activation_size, bool with_logits)
{
    size_t c = var->width, n = shape->first[1];
    CodeSlotLayout layout = {0};

    layout.cond = 0;
    layout.silu = layout.cond + c;
    layout.shared = layout.silu + c;
    layout.blocks = layout.shared + (var->shared_aln ? 6 * c : 0);
    layout.head = layout.blocks + 6 * c * var->depth;
    layout.keys = layout.head + 2 * c;
    layout.logits = layout.keys + 2 * c * n * var->depth * activation_size / sizeof(float);
    layout.stride = layout.logits + (with_logits ? n * shape->vae.codes : 0);
    layout.stride = (layout.stride + 15) / 16 * 16; /* slots begin on cache lines */
    return layout;
}

/* ---- computing one class --------------------------------------------------------------------- */

/* The class vector (C). */
static void class_vector(const CodeVar *var, const CodeClassKey *key, float *out)
{
    size_t width = var->shape.width;
    const float *first = var->class_emb + (size_t)key->class_id * width;
    const float *second;

    if (key->class_id_2 == CODESRC_CLASS_NONE) {
        memcpy(out, first, width * sizeof *out);
        return;
    }
    second = var->class_emb + (size_t)key->class_id_2 * width;
    for (size_t i = 0; i < width; i++)
        out[i] = (float)(1 - key->mix) * first[i] + (float)key->mix * second[i];
}

/* The vector of a pending class and its SiLU go into its slot; for adaln.c, the latter also stays
 * on the host. */
static bool upload_class(CodesrcGenerator *generator, const CodeClassTable *table, unsigned pending)
{
    unsigned index = table->pending[pending];
    size_t width = table->var->shape.width;
    float *vectors = generator->buffers.host_vector;

    class_vector(table->var, &table->key[index], vectors);
    for (size_t i = 0; i < width; i++)
        vectors[width + i] = vectors[i] / (1 + expf(-vectors[i]));
    if (table->var->adaln)
        memcpy(generator->adaln.silu + pending * width, vectors + width, width * sizeof(float));
    return generator->model->backend->copy(
        generator->stream, table->memory + index * table->layout.stride + table->layout.cond,
        vectors, 2 * width * sizeof(float), CODE_UPLOAD);
}

/* One row through a linear layer. */
static bool project(CodesrcGenerator *generator, const CodeWeight *weight, const float *in,
                    float *out)
{
    return generator->model->backend->linear(
        generator->stream,
        &(CodeLinear){.weight = weight, .x = in, .y = out, .groups = 1, .rows = 1});
}

/* With shared_aln: what all blocks share, and each block's own part. */
static bool shared_modulations(CodesrcGenerator *generator, const CodeClassTable *table,
                               float *slot)
{
    const CodeVar *var = table->var;
    const CodeSlotLayout *layout = &table->layout;

    for (unsigned i = 0; i < var->shape.depth; i++) {
        CodeEmbed sum = {.source = {slot + layout->shared, 0, NULL},
                         .lanes_per_source = 1,
                         .place = var->blocks[i].gss,
                         .x = slot + layout->blocks + i * 6 * (size_t)var->shape.width,
                         .lanes = 1,
                         .rows = 6,
                         .width = var->shape.width};

        if (!generator->model->backend->embed(generator->stream, &sum))
            return false;
    }
    return true;
}

/* Of one class, from weights that are in memory. */
static bool project_all(CodesrcGenerator *generator, const CodeClassTable *table, float *slot)
{
    const CodeVar *var = table->var;
    const CodeSlotLayout *layout = &table->layout;
    const float *silu = slot + layout->silu;

    if (var->shape.shared_aln && !project(generator, var->shared_ada, silu, slot + layout->shared))
        return false;
    for (unsigned i = 0; i < var->shape.depth && !var->shape.shared_aln; i++)
        if (!project(generator, var->blocks[i].ada, silu,
                     slot + layout->blocks + i * 6 * (size_t)var->shape.width))
            return false;
    return project(generator, var->head_ada, silu, slot + layout->head);
}

/* All modulations of the pending classes. */
static bool modulations(CodesrcGenerator *generator, const CodeClassTable *table)
{
    bool good =
        !table->var->adaln || generator->stream->rehearsing || code_adaln_read(generator, table);

    for (unsigned i = 0; good && i < table->pending_count; i++) {
        float *slot = table->memory + table->pending[i] * table->layout.stride;

        good = (table->var->adaln || project_all(generator, table, slot)) &&
               (!table->var->shape.shared_aln || shared_modulations(generator, table, slot));
    }
    return good;
}

/* Keys and values of scale 0 go into the slot, and so do its logits, where anybody draws from them.
 */
static bool first_scale(CodesrcGenerator *generator, const CodeClassTable *table, unsigned index)
{
    const CodeShape *shape = &generator->model->shape;
    const CodeVar *var = table->var;
    float *slot = table->memory + index * table->layout.stride;
    CodeClassTable only = *table; /* a table whose slot 0 is this one */
    CodePass pass = {.table = &only,
                     .slots = table->no_slots,
                     .lanes = 1,
                     .lanes_per_image = 1,
                     .cache = slot + table->layout.keys,
                     .rows = {shape->first[1], shape->first[1] * var->shape.depth}};
    CodeEmbed embed = {.source = {slot + table->layout.cond, 0, NULL},
                       .broadcast = true,
                       .lanes_per_source = 1,
                       .place = var->start,
                       .x = generator->buffers.x,
                       .lanes = 1,
                       .rows = shape->first[1],
                       .width = var->shape.width};

    only.memory = slot;
    return generator->model->backend->embed(generator->stream, &embed) &&
           code_transformer_blocks(generator, &pass) &&
           (table != &generator->drafter ||
            code_transformer_head(generator, &pass, NULL, slot + table->layout.logits));
}

/* ---- the table ------------------------------------------------------------------------------- */

/* The key of what a request draws. */
static CodeClassKey key_of(const CodesrcModel *model, const CodesrcRequest *request)
{
    CodeClassKey key = {request->class_id, request->class_id_2, request->class_mix};

    if (key.class_id == CODESRC_CLASS_RANDOM)
        key.class_id = codesrc_random_class(model, request->seed, request->frame);
    if (key.class_id_2 != CODESRC_CLASS_NONE && key.mix == 1)
        key.class_id = key.class_id_2;
    if (key.class_id_2 == CODESRC_CLASS_NONE || key.class_id_2 == key.class_id || key.mix == 0)
        return (CodeClassKey){key.class_id, CODESRC_CLASS_NONE, 0};
    return key;
}

static bool same_key(const CodeClassKey *a, const CodeClassKey *b)
{
    return a->class_id == b->class_id && a->class_id_2 == b->class_id_2 && a->mix == b->mix;
}

/* The slot of a key: where it is already, or the one not used for longest. */
static unsigned slot_for(const CodeClassTable *table, const CodeClassKey *key)
{
    unsigned oldest = 0;

    for (unsigned i = 0; i < table->slots; i++) {
        if (same_key(&table->key[i], key))
            return i;
        if (table->used[i] < table->used[oldest])
            oldest = i;
    }
    return oldest;
}

/* Gives the key a slot, which is pending if it does not hold the class already. */
static int32_t want(CodesrcGenerator *generator, CodeClassTable *table, CodeClassKey key)
{
    unsigned index = slot_for(table, &key);

    table->used[index] = generator->tick;
    if (!same_key(&table->key[index], &key)) {
        table->key[index] = key;
        table->pending[table->pending_count++] = index;
    }
    return (int32_t)index;
}

/* All that depends on the pending classes alone. */
static bool compute_pending(CodesrcGenerator *generator, const CodeClassTable *table)
{
    if (!table->pending_count)
        return true; /* no file is read for nobody */
    for (unsigned i = 0; i < table->pending_count; i++)
        if (!upload_class(generator, table, i))
            return false;
    if (!modulations(generator, table))
        return false;
    for (unsigned i = 0; i < table->pending_count; i++)
        if (!first_scale(generator, table, table->pending[i]))
            return false;
    return true;
}

bool code_classes_prepare(CodesrcGenerator *generator, CodeClassTable *table)
{
    CodesrcModel *model = generator->model;
    CodeClassKey none = {(int32_t)model->shape.classes, CODESRC_CLASS_NONE, 0};
    unsigned branches = generator->branches;
    int32_t *slots = generator->buffers.host_slots;
    bool good;

    generator->tick++;
    table->pending_count = 0;
    for (unsigned i = 0; i < generator->count; i++) {
        const CodesrcRequest *request = &generator->requests[generator->first + i];

        slots[i * branches] = want(generator, table, key_of(model, request));
        if (branches == 2)
            slots[i * branches + 1] = want(generator, table, none);
    }
    good = compute_pending(generator, table);
    for (unsigned i = 0; i < table->pending_count && (!good || generator->stream->rehearsing); i++)
        table->key[table->pending[i]].class_id = -1; /* it holds nothing that can be used */
    return good && model->backend->copy(generator->stream, table->lane_slots, slots,
                                        generator->count * branches * sizeof(int32_t), CODE_UPLOAD);
}

bool code_classes_recall(CodesrcGenerator *generator, const CodeClassTable *table,
                         CodeCacheRows rows)
{
    const CodeShape *shape = &generator->model->shape;
    CodeRecall recall = {
        .from = {table->memory + table->layout.keys, table->layout.stride, table->lane_slots},
        .cache = generator->buffers.cache,
        .layers = table->var->shape.depth,
        .lanes = generator->count * generator->branches,
        .heads = table->var->shape.heads,
        .rows = shape->first[1],
        .kept = rows.kept,
        .capacity = rows.room};

    return generator->model->backend->recall(generator->stream, &recall);
}

bool code_classes_logits(CodesrcGenerator *generator, const CodeClassTable *table)
{
    const CodeShape *shape = &generator->model->shape;
    size_t size = (size_t)shape->first[1] * shape->vae.codes;

    for (unsigned i = 0; i < generator->count; i++) {
        size_t slot = (size_t)generator->buffers.host_slots[i * generator->branches];

        if (!generator->model->backend->copy(
                generator->stream, generator->buffers.logits + i * size,
                table->memory + slot * table->layout.stride + table->layout.logits,
                size * sizeof(float), CODE_INSIDE))
            return false;
    }
    return true;
}
