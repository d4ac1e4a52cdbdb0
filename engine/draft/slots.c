/* slots.c - lays out the slots of classes. */
#include "draft/slots.h"

static CodeSlotLayout layout_of(const CodeRoom *room, const CodeVarShape *var, bool draws)
{
    const CodeShape *shape = &room->model->shape;
    size_t c = var->width, n = shape->first[1];
    size_t activation_size = room->model->device_info.activation_size;
    CodeSlotLayout layout = {0};

    layout.cond = 0;
    layout.silu = layout.cond + c;
    layout.shared = layout.silu + c;
    layout.blocks = layout.shared + (var->shared_aln ? 6 * c : 0);
    layout.head = layout.blocks + 6 * c * var->depth;
    layout.keys = layout.head + 2 * c;
    layout.logits = layout.keys + 2 * c * n * var->depth * activation_size / sizeof(float);
    layout.stride = layout.logits + (draws ? n * shape->vae.codes : 0);
    layout.stride = (layout.stride + 15) / 16 * 16; /* slots begin on cache lines */
    return layout;
}

void code_slots_layout(CodeSlots *slots, const CodeVar *var, unsigned count, CodeRoom *room)
{
    slots->var = var;
    slots->draws = var == &room->model->drafter;
    slots->layout = layout_of(room, &var->shape, slots->draws);
    slots->count = count;
    slots->memory = code_arena_take(&room->device, slots->layout.stride * count, sizeof(float));
}
