/* run.h - a run: images decoded together, because they share the numbers of drafting steps and
 * branches. Stages take it as an argument and never change it. */
#ifndef CODE_ENGINE_RUN_H
#define CODE_ENGINE_RUN_H

#include "model/model.h"

typedef struct CodeRun {
    const CodesrcModel *model;
    CodeStream *stream;             /* computes everything up to the feature maps */
    const CodesrcRequest *requests; /* (count), one for each image */
    unsigned first;                 /* place of the first of them in the call */
    unsigned count;                 /* images: 1..B */
    unsigned branches;              /* lanes of an image: 2 with guidance, else 1 */
    unsigned n;                     /* N, drafting steps */
    bool feeding;                   /* some request gives the tokens to feed */
    bool editing;                   /* some request has a canvas */
} CodeRun;

static inline unsigned code_run_lanes(const CodeRun *run)
{
    return run->count * run->branches;
}

/* Element `index` of an array of activations. */
static inline void *code_activation(const CodesrcModel *model, void *array, size_t index)
{
    return (char *)array + index * model->device_info.activation_size;
}

#endif
