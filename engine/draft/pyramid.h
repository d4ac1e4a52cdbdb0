/* pyramid.h - the token pyramid: token maps add up to a feature map, which is the input of later
 * scales. */
#ifndef CODE_DRAFT_PYRAMID_H
#define CODE_DRAFT_PYRAMID_H

#include "room.h"
#include "run.h"

typedef struct CodePyramid {
    /* device */
    float *f_hat; /* (B, P, P, Z) feature map so far */
    float *areas; /* (B, L - p_0^2, Z): f_hat reduced to the sides of scales 1, 2, ... */
    /* device, scratch */
    float *small; /* (B, p, p, Z) codes */
    float *up;    /* (B, P, P, Z) codes enlarged */
    float *phi;   /* (B, P, P, Z) */
} CodePyramid;

/* The token maps of a scale, and the feature maps to keep instead of them, in device memory. */
typedef struct CodeTokenMaps {
    const int32_t *tokens; /* (count, L) */
    const float *logits;   /* (count, p^2, V), for images with more_smooth */
    const CodeDraw *draws; /* (count) */
    const float *kept;     /* (count, P, P, Z) feature maps of canvases, or NULL */
    const float *mask;     /* (count, P, P), 1 to use tokens and 0 to use `kept`, or NULL */
} CodeTokenMaps;

/* Takes buffers that live through a run, and scratch that lives through one call below. */
void code_pyramid_layout(CodePyramid *pyramid, CodeRoom *room);
void code_pyramid_scratch(CodePyramid *pyramid, CodeRoom *room);

/* f_hat = 0 */
bool code_pyramid_begin(const CodePyramid *pyramid, const CodeRun *run);

/* Adds the token maps of scale k to f_hat. */
bool code_pyramid_add(const CodePyramid *pyramid, const CodeRun *run, unsigned scale,
                      const CodeTokenMaps *maps);

/* Reduces f_hat to the areas of scale k > 0, its input. */
bool code_pyramid_next(const CodePyramid *pyramid, const CodeRun *run, unsigned scale);

/* Reduces one feature map (P, P, Z) to the side of scale k, (p, p, Z); both on the host. */
bool code_pyramid_shrink(const CodePyramid *pyramid, const CodeRun *run, unsigned scale,
                         const float *map, float *out);

#endif
