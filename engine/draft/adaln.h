/* adaln.h - modulations of classes from AdaLN weights that stay in their file. */
#ifndef CODE_DRAFT_ADALN_H
#define CODE_DRAFT_ADALN_H

#include "draft/slots.h"
#include "run.h"

/* Host buffers; all NULL if the model keeps its AdaLN weights in memory. */
typedef struct CodeAdaln {
    uint8_t *staging; /* for reading */
    float *weights;   /* some rows of a layer */
    float *silu;      /* (B + 1, C) SiLU of the class vectors to compute modulations for */
    float *out;       /* (B + 1, 6C) */
} CodeAdaln;

void code_adaln_layout(CodeAdaln *adaln, CodeRoom *room);

/* Writes the modulations of `count` (at most B + 1) classes, whose SiLU vectors are in
 * adaln->silu, to the slots `pending`. Fails if the file has changed since the model was opened. */
bool code_adaln_read(CodeAdaln *adaln, const CodeRun *run, const CodeSlots *slots,
                     const uint32_t *pending, unsigned count);

#endif
