/* classes.c - computes everything that depends only on a class, or on a blend of two, once for
 * each: all modulations of a transformer (a third of its parameters), and the whole of
 * scale 0, whose only input is the class. A table keeps recent classes and blends. */
#include "draft/classes.h"

#include "formulas.h"

#include <math.h>
#include <string.h>

void code_classes_layout(CodeClasses *classes, const CodeVar *var, CodeRoom *room)
{
    /* A run needs a slot for each image's class or blend, and one for "no class". */
    unsigned known = room->model->shape.classes + 1, least = room->batch + 1;
    unsigned count = (unsigned)code_larger(least, known < least + 15 ? known : least + 15);

    code_slots_layout(&classes->slots, var, count, room);
    classes->lane_slots = code_arena_take(&room->device, 2 * (size_t)room->batch, sizeof(int32_t));
    classes->no_slots = code_arena_take(&room->device, 1, sizeof(int32_t));
    classes->key = code_arena_take(&room->host, count, sizeof(CodeClassKey));
    classes->used = code_arena_take(&room->host, count, sizeof(uint64_t));
    classes->pending = code_arena_take(&room->host, least, sizeof(uint32_t));
    classes->vector = code_arena_take(&room->host, 2 * (size_t)var->shape.width, sizeof(float));
    classes->host_slots = code_arena_take(&room->host, 2 * (size_t)room->batch, sizeof(int32_t));
}

bool code_classes_clear(CodeClasses *classes, const CodesrcModel *model, CodeStream *stream)
{
    int32_t zero = 0;

    if (!classes->slots.count)
        return true;
    for (unsigned i = 0; i < classes->slots.count; i++) {
        classes->key[i].class_id = -1;
        classes->used[i] = 0;
    }
    return model->backend->copy(stream, classes->no_slots, &zero, sizeof zero, CODE_UPLOAD);
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

/* Uploads the vector of a pending class and its SiLU to its slot. */
static bool upload_class(const CodeClasses *classes, const CodeRun *run, unsigned pending)
{
    const CodeSlots *slots = &classes->slots;
    unsigned index = classes->pending[pending];
    size_t width = slots->var->shape.width;
    float *vectors = classes->vector;

    class_vector(slots->var, &classes->key[index], vectors);
    for (size_t i = 0; i < width; i++)
        vectors[width + i] = vectors[i] / (1 + code_exponential(-vectors[i]));
    return run->model->backend->copy(run->stream, code_slot(slots, index, slots->layout.cond),
                                     vectors, 2 * width * sizeof(float), CODE_UPLOAD);
}

/* One row through a linear layer. */
static bool project(const CodeRun *run, const CodeWeight *weight, const float *in, float *out)
{
    CodeLinear args = {.weight = weight, .x = in, .y = out, .groups = 1, .rows = 1};

    return run->model->backend->linear(run->stream, &args);
}

/* With shared_aln: the sum of the part that all blocks share and of each block's own. */
static bool shared_modulations(const CodeSlots *slots, const CodeRun *run, unsigned index)
{
    const CodeVar *var = slots->var;

    for (unsigned i = 0; i < var->shape.depth; i++) {
        CodeEmbed sum = {.source = {code_slot(slots, index, slots->layout.shared), 0, NULL},
                         .lanes_per_source = 1,
                         .place = var->blocks[i].gss,
                         .x = code_slot(slots, index, code_slot_block(slots, i)),
                         .lanes = 1,
                         .rows = 6,
                         .width = var->shape.width};

        if (!run->model->backend->embed(run->stream, &sum))
            return false;
    }
    return true;
}

/* All modulations of one class, from weights that are in memory. */
static bool project_all(const CodeSlots *slots, const CodeRun *run, unsigned index)
{
    const CodeVar *var = slots->var;
    const CodeSlotLayout *layout = &slots->layout;
    const float *silu = code_slot(slots, index, layout->silu);

    if (var->shape.shared_aln &&
        !project(run, var->shared_ada, silu, code_slot(slots, index, layout->shared)))
        return false;
    for (unsigned i = 0; i < var->shape.depth && !var->shape.shared_aln; i++)
        if (!project(run, var->blocks[i].ada, silu,
                     code_slot(slots, index, code_slot_block(slots, i))))
            return false;
    return project(run, var->head_ada, silu, code_slot(slots, index, layout->head));
}

/* All modulations of the pending classes. */
static bool modulations(const CodeClasses *classes, const CodeRun *run, CodeAdaln *adaln)
{
    const CodeVar *var = classes->slots.var;

    if (var->adaln && !run->stream->rehearsing &&
        !code_adaln_read(adaln, run, &classes->slots, classes->pending, classes->pending_count))
        return false;
    for (unsigned i = 0; i < classes->pending_count; i++) {
        unsigned index = classes->pending[i];

        if (!var->adaln && !project_all(&classes->slots, run, index))
            return false;
        if (var->shape.shared_aln && !shared_modulations(&classes->slots, run, index))
            return false;
    }
    return true;
}

/* Computes keys and values of scale 0 in slot `index`, and its logits if tokens are drawn. */
static bool first_scale(const CodeClasses *classes, const CodeRun *run,
                        const CodeTransformer *transformer, unsigned index)
{
    const CodeSlots *slots = &classes->slots;
    const CodeVar *var = slots->var;
    unsigned rows = run->model->shape.first[1];
    CodeSlots only = *slots; /* a table whose slot 0 is this one */
    CodePass pass = {.slots = &only,
                     .lane_slots = classes->no_slots,
                     .lanes = 1,
                     .lanes_per_image = 1,
                     .cache = code_slot(slots, index, slots->layout.keys),
                     .rows = {rows, rows * var->shape.depth}};
    CodeEmbed embed = {.source = {code_slot(slots, index, slots->layout.cond), 0, NULL},
                       .broadcast = true,
                       .lanes_per_source = 1,
                       .place = var->start,
                       .x = transformer->x,
                       .lanes = 1,
                       .rows = rows,
                       .width = var->shape.width};

    only.memory = code_slot(slots, index, 0);
    if (!run->model->backend->embed(run->stream, &embed) ||
        !code_transformer_blocks(transformer, run, &pass))
        return false;
    return !slots->draws || code_transformer_head(transformer, run, &pass, NULL,
                                                  code_slot(slots, index, slots->layout.logits));
}

/* ---- the table ------------------------------------------------------------------------------- */

/* The key of the class that a request draws. */
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

/* The slot that holds the key already, or the one unused for longest. */
static unsigned slot_for(const CodeClasses *classes, const CodeClassKey *key)
{
    unsigned oldest = 0;

    for (unsigned i = 0; i < classes->slots.count; i++) {
        if (same_key(&classes->key[i], key))
            return i;
        if (classes->used[i] < classes->used[oldest])
            oldest = i;
    }
    return oldest;
}

/* Gives the key a slot, which is pending if it does not hold the class already. */
static int32_t assign(CodeClasses *classes, CodeClassKey key)
{
    unsigned index = slot_for(classes, &key);

    classes->used[index] = classes->runs;
    if (!same_key(&classes->key[index], &key)) {
        classes->key[index] = key;
        classes->pending[classes->pending_count++] = index;
    }
    return (int32_t)index;
}

/* Everything that depends on the pending classes alone. */
static bool compute_pending(const CodeClasses *classes, const CodeRun *run, CodeAdaln *adaln,
                            const CodeTransformer *transformer)
{
    size_t width = classes->slots.var->shape.width;

    if (!classes->pending_count)
        return true; /* do not touch the weight file */
    for (unsigned i = 0; i < classes->pending_count; i++) {
        if (!upload_class(classes, run, i))
            return false;
        if (classes->slots.var->adaln)
            memcpy(adaln->silu + i * width, classes->vector + width, width * sizeof(float));
    }
    if (!modulations(classes, run, adaln))
        return false;
    for (unsigned i = 0; i < classes->pending_count; i++)
        if (!first_scale(classes, run, transformer, classes->pending[i]))
            return false;
    return true;
}

bool code_classes_prepare(CodeClasses *classes, const CodeRun *run, CodeAdaln *adaln,
                          const CodeTransformer *transformer)
{
    CodeClassKey none = {(int32_t)run->model->shape.classes, CODESRC_CLASS_NONE, 0};
    int32_t *slots = classes->host_slots;
    bool good;

    classes->runs++;
    classes->pending_count = 0;
    for (unsigned i = 0; i < run->count; i++) {
        slots[i * run->branches] = assign(classes, key_of(run->model, &run->requests[i]));
        if (run->branches == 2)
            slots[i * run->branches + 1] = assign(classes, none);
    }
    good = compute_pending(classes, run, adaln, transformer);
    for (unsigned i = 0; i < classes->pending_count && (!good || run->stream->rehearsing); i++)
        classes->key[classes->pending[i]].class_id = -1; /* its contents are unusable */
    return good && run->model->backend->copy(run->stream, classes->lane_slots, slots,
                                             code_run_lanes(run) * sizeof(int32_t), CODE_UPLOAD);
}

bool code_classes_recall(const CodeClasses *classes, const CodeRun *run, void *cache,
                         CodeCacheRows rows)
{
    const CodeSlots *slots = &classes->slots;
    CodeRecall recall = {
        .from = {slots->memory + slots->layout.keys, slots->layout.stride, classes->lane_slots},
        .cache = cache,
        .layers = slots->var->shape.depth,
        .lanes = code_run_lanes(run),
        .heads = slots->var->shape.heads,
        .rows = run->model->shape.first[1],
        .kept = rows.kept,
        .capacity = rows.room};

    return run->model->backend->recall(run->stream, &recall);
}

bool code_classes_logits(const CodeClasses *classes, const CodeRun *run, float *logits)
{
    const CodeShape *shape = &run->model->shape;
    const CodeSlots *slots = &classes->slots;
    size_t size = (size_t)shape->first[1] * shape->vae.codes;

    for (unsigned i = 0; i < run->count; i++) {
        size_t index = (size_t)classes->host_slots[i * run->branches];

        if (!run->model->backend->copy(run->stream, logits + i * size,
                                       code_slot(slots, index, slots->layout.logits),
                                       size * sizeof(float), CODE_INSIDE))
            return false;
    }
    return true;
}
