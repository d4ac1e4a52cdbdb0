/* transformer.h - one VAR transformer over one or more scales. */
#ifndef CODE_DRAFT_TRANSFORMER_H
#define CODE_DRAFT_TRANSFORMER_H

#include "draft/passes.h"
#include "draft/slots.h"
#include "room.h"
#include "run.h"

/* Drafter and refiner take turns with these buffers; void: activations. */
typedef struct CodeTransformer {
    void *cache;     /* device: (2, lanes, heads, room, 64) of the drafter, then of the refiner */
    float *guidance; /* device: (K, count) t of each scale and image */
    float *host_guidance;
    /* device, scratch of a pass */
    float *x;   /* (lanes, rows, C) residual stream */
    void *h;    /* (lanes, rows, C) */
    void *wide; /* (lanes, rows, 4C): q, k, v, then the hidden layer; or (lanes, rows, C) floats */
} CodeTransformer;

/* A pass over scales first_scale..last_scale of all lanes. */
typedef struct CodePass {
    const CodeSlots *slots;
    const int32_t *lane_slots; /* device: (lanes) the slot of each lane */
    unsigned lanes, lanes_per_image;
    unsigned first_scale, last_scale;
    void *cache; /* holds the scales before first_scale */
    CodeCacheRows rows;
} CodePass;

/* Takes buffers that live through a run, and scratch that lives through a pass. */
void code_transformer_layout(CodeTransformer *transformer, CodeRoom *room);
void code_transformer_scratch(CodeTransformer *transformer, CodeRoom *room);

/* Bytes of the cache. */
size_t code_transformer_cache_bytes(const CodeRoom *room);

/* Uploads the guidance of the run's images. */
bool code_transformer_begin(const CodeTransformer *transformer, const CodeRun *run);

/* Takes transformer->x (lanes, rows, C) through all blocks. Leaves the rows of the last scale in
 * x, (lanes, rows of it, C), and adds the pass's keys and values to the cache. */
bool code_transformer_blocks(const CodeTransformer *transformer, const CodeRun *run,
                             const CodePass *pass);

/* Logits (images, rows, V) of the rows that code_transformer_blocks left in x; with two lanes per
 * image, they are guided by t (images). */
bool code_transformer_head(const CodeTransformer *transformer, const CodeRun *run,
                           const CodePass *pass, const float *t, float *logits);

/* From areas (count, L - p_0^2, Z), the inputs of scales 1, 2, ..., to logits of the pass's last
 * scale. Uses the transformer's own cache and all lanes of the run, so the pass only needs slots,
 * scales and rows. */
bool code_transformer_scale(const CodeTransformer *transformer, const CodeRun *run, CodePass pass,
                            const float *areas, float *logits);

#endif
