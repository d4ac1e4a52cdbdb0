/* passes.h - which transformer decodes each scale: the passes of both transformers for N drafting
 * steps, and the rows that each pass computes and keeps. */
#ifndef CODE_DRAFT_PASSES_H
#define CODE_DRAFT_PASSES_H

#include "model/model.h"

/* The layout of a transformer's keys and values: (2, lanes, heads, room, 64). Each head stores
 * its layers in reverse order, with the `kept` rows of each that a later pass reads. The last
 * pass writes the rows of layer i over layers it has already finished, so its own rows take room
 * once, not once per layer. */
typedef struct CodeCacheRows {
    unsigned kept, room;
} CodeCacheRows;

/* For the drafter or the refiner, with N drafting steps; room 0: it needs no cache. */
CodeCacheRows code_drafter_rows(const CodeShape *shape, unsigned n);
CodeCacheRows code_refiner_rows(const CodeShape *shape, unsigned n);

/* Rows of scale k, p_k^2. */
unsigned code_scale_rows(const CodeShape *shape, unsigned k);

/* Rows of a lane in the largest pass of the drafter, or of the refiner: 0 if it decodes nothing. */
unsigned code_drafter_largest(const CodeShape *shape, unsigned n);
unsigned code_refiner_largest(const CodeShape *shape, unsigned n);

#endif
