/* classes.c - what depends on the class alone, computed once for each: all modulations of a
 * transformer (a third of its parameters), and the whole of scale 0, whose only input is the class.
 * Recent classes are kept in a table. */
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

static bool upload_class(CodeGenerator *generator, const CodeClassTable *table, int32_t class_id,
                         float *slot)
{
    size_t width = table->var->shape.width;
    const float *cond = table->var->class_emb + (size_t)class_id * width;
    float *vectors = generator->buffers.host_vector;

    for (size_t i = 0; i < width; i++) {
        vectors[i] = cond[i];
        vectors[width + i] = cond[i] / (1 + expf(-cond[i]));
    }
    return generator->model->backend->copy(generator->stream, slot + table->layout.cond, vectors,
                                           2 * width * sizeof(float), CODE_UPLOAD);
}

/* One row through a linear layer. */
static bool project(CodeGenerator *generator, const CodeWeight *weight, const float *in, float *out)
{
    return generator->model->backend->linear(
        generator->stream,
        &(CodeLinear){.weight = weight, .x = in, .y = out, .groups = 1, .rows = 1});
}

static bool modulations(CodeGenerator *generator, const CodeClassTable *table, float *slot)
{
    const CodeBackend *backend = generator->model->backend;
    const CodeVar *var = table->var;
    const CodeSlotLayout *layout = &table->layout;
    size_t parts = 6 * (size_t)var->shape.width;

    if (var->shared_ada &&
        !project(generator, var->shared_ada, slot + layout->silu, slot + layout->shared))
        return false;
    for (unsigned i = 0; i < var->shape.depth; i++) {
        float *out = slot + layout->blocks + i * parts;
        CodeEmbed sum = {.source = {slot + layout->shared, 0, NULL},
                         .lanes_per_source = 1,
                         .place = var->blocks[i].gss,
                         .x = out,
                         .lanes = 1,
                         .rows = 6,
                         .width = var->shape.width};

        if (var->shared_ada ? !backend->embed(generator->stream, &sum)
                            : !project(generator, var->blocks[i].ada, slot + layout->silu, out))
            return false;
    }
    return project(generator, var->head_ada, slot + layout->silu, slot + layout->head);
}

/* Keys and values of scale 0 go into the slot, and so do its logits, where anybody draws from them.
 */
static bool first_scale(CodeGenerator *generator, const CodeClassTable *table, unsigned index)
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
                     .capacity = shape->first[1]};
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

/* The slot of a class: where it is already, or the one not used for longest. */
static unsigned slot_for(const CodeClassTable *table, int32_t class_id)
{
    unsigned oldest = 0;

    for (unsigned i = 0; i < table->slots; i++) {
        if (table->class_of[i] == class_id)
            return i;
        if (table->used[i] < table->used[oldest])
            oldest = i;
    }
    return oldest;
}

static bool want(CodeGenerator *generator, CodeClassTable *table, int32_t class_id, int32_t *slot)
{
    unsigned index = slot_for(table, class_id);
    float *memory = table->memory + index * table->layout.stride;
    bool rehearsing = generator->stream->rehearsing;

    *slot = (int32_t)index;
    table->used[index] = generator->tick;
    if (table->class_of[index] == class_id)
        return true;
    table->class_of[index] = -1; /* until it is complete */
    if (!upload_class(generator, table, class_id, memory) ||
        !modulations(generator, table, memory) || !first_scale(generator, table, index))
        return false;
    table->class_of[index] = rehearsing ? -1 : class_id;
    return true;
}

bool code_classes_prepare(CodeGenerator *generator, CodeClassTable *table)
{
    CodeModel *model = generator->model;
    unsigned branches = generator->branches;
    int32_t *slots = generator->buffers.host_slots;

    generator->tick++;
    for (unsigned i = 0; i < generator->count; i++) {
        const CodeRequest *request = &generator->requests[generator->first + i];
        int32_t class_id = request->class_id == CODE_CLASS_RANDOM
                               ? code_random_class(model, request->seed, request->frame)
                               : request->class_id;

        if (!want(generator, table, class_id, &slots[i * branches]))
            return false;
        if (branches == 2 &&
            !want(generator, table, (int32_t)model->shape.classes, &slots[i * branches + 1]))
            return false;
    }
    return model->backend->copy(generator->stream, table->lane_slots, slots,
                                generator->count * branches * sizeof(int32_t), CODE_UPLOAD);
}

bool code_classes_recall(CodeGenerator *generator, const CodeClassTable *table, unsigned capacity)
{
    const CodeShape *shape = &generator->model->shape;
    CodeRecall recall = {
        .from = {table->memory + table->layout.keys, table->layout.stride, table->lane_slots},
        .cache = generator->buffers.cache,
        .layers = table->var->shape.depth,
        .lanes = generator->count * generator->branches,
        .heads = table->var->shape.heads,
        .rows = shape->first[1],
        .capacity = capacity};

    return generator->model->backend->recall(generator->stream, &recall);
}

bool code_classes_logits(CodeGenerator *generator, const CodeClassTable *table)
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
