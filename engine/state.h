/* state.h - the state of a generator. Stages never see it: they get their own buffers and the
 * run. */
#ifndef CODE_ENGINE_STATE_H
#define CODE_ENGINE_STATE_H

#include "plan/layout.h"
#include "run.h"
#include "trace.h"

struct CodesrcGenerator {
    CodesrcModel *model;
    unsigned batch;
    uint32_t steps; /* bit N: there is room for N drafting steps */
    atomic_bool cancelled;
    CodeStream *stream; /* of everything up to the feature maps */
    CodeStages stages;
    void *device_memory, *host_memory; /* the arenas of the stages' buffers */
    unsigned begun;                    /* calls of codesrc_generate_begin without their end */
    unsigned oldest;                   /* 0 or 1: the number of the first of them */
    unsigned asked[2];                 /* pictures of each, the oldest first */
    CodeTrace trace;
    bool recording; /* scales are recorded or replayed as a whole: their stages are not traced */
    CodesrcScaleDone scale_done; /* the observer, or NULL */
    void *scale_done_user;
    bool observed;     /* the observer is looking: nothing may be computed over what it sees */
    float *raw_logits; /* host: (B, p^2, V) as the filters found them, for the observer; or NULL */
    CodesrcFeatures **features; /* of the call, one for each picture, to be kept; or NULL */
    CodeRun run;                /* the run going on, or the last one */
    unsigned scale;             /* its scale that is decoded */
};

#endif
