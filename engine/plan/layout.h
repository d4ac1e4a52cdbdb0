/* layout.h - the stages of decoding with their buffers, and which of them share bytes. */
#ifndef CODE_PLAN_LAYOUT_H
#define CODE_PLAN_LAYOUT_H

#include "draft/adaln.h"
#include "draft/classes.h"
#include "draft/pyramid.h"
#include "draft/sample.h"
#include "draft/transformer.h"
#include "picture/canvas.h"
#include "picture/render.h"
#include "room.h"

typedef struct CodeStages {
    CodeClasses drafter, refiner; /* refiner: no slots if the model has none */
    CodeAdaln adaln;
    CodeTransformer transformer;
    CodeSampler sampler;
    CodePyramid pyramid;
    CodeCanvasMaps canvas;
    CodeRenderer renderer;
    float *host_map; /* for transposing: the larger of (P, P, Z) and (S, S, 3) */
} CodeStages;

/* Gives every stage its buffers in the room's arenas. */
void code_layout(CodeStages *stages, CodeRoom *room);

#endif
