/* slots.h - device memory for everything that depends only on a class: one slot for each class
 * that a transformer has used recently. */
#ifndef CODE_DRAFT_SLOTS_H
#define CODE_DRAFT_SLOTS_H

#include "room.h"

/* A slot in floats: the offset of each part. */
typedef struct CodeSlotLayout {
    size_t cond;   /* (C) class vector */
    size_t silu;   /* (C) SiLU of it */
    size_t shared; /* (6C) with shared_aln */
    size_t blocks; /* (depth, 6C): gamma1 gamma2 scale1 scale2 shift1 shift2 */
    size_t head;   /* (2C): scale, shift */
    size_t keys;   /* (2, heads, depth, n, 64) activations: keys, values of scale 0, n = p_0^2 */
    size_t logits; /* (n, V) of scale 0, if `draws` */
    size_t stride; /* of a slot */
} CodeSlotLayout;

typedef struct CodeSlots {
    const CodeVar *var;
    bool draws; /* this transformer decodes scale 0: slots hold its logits */
    CodeSlotLayout layout;
    unsigned count;
    float *memory; /* device: (count, stride) */
} CodeSlots;

/* Takes `count` slots of `var`, one of the room's model's two transformers. */
void code_slots_layout(CodeSlots *slots, const CodeVar *var, unsigned count, CodeRoom *room);

/* The part at `offset` of slot `index`. */
static inline float *code_slot(const CodeSlots *slots, size_t index, size_t offset)
{
    return slots->memory + index * slots->layout.stride + offset;
}

/* Vectors that modulate block i begin here; there are six of C. */
static inline size_t code_slot_block(const CodeSlots *slots, unsigned i)
{
    return slots->layout.blocks + 6 * (size_t)slots->var->shape.width * i;
}

#endif
