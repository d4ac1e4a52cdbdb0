/* canvas.h - pictures as token pyramids, and the parts of them that editing keeps. */
#ifndef CODE_PICTURE_CANVAS_H
#define CODE_PICTURE_CANVAS_H

#include "draft/pyramid.h"
#include "draft/sample.h"
#include "room.h"
#include "run.h"

/* The kept parts of a run's canvases, one scale at a time. */
typedef struct CodeCanvasMaps {
    /* device, scratch together with the pyramid's */
    float *kept; /* (B, P, P, Z) */
    float *mask; /* (B, P, P) */
    /* host */
    float *host_map;  /* at least (P, P, Z), shared with other code that transposes */
    float *host_mask; /* (B, P, P) */
} CodeCanvasMaps;

/* `host_map` has room for a feature map. */
void code_canvas_layout(CodeCanvasMaps *maps, float *host_map, CodeRoom *room);
void code_canvas_scratch(CodeCanvasMaps *maps, CodeRoom *room);

/* Uploads the run's masks, and its canvases' feature maps after scale k. */
bool code_canvas_upload(const CodeCanvasMaps *maps, const CodeRun *run, unsigned scale);

/* An empty canvas; NULL without memory. */
CodesrcCanvas *code_canvas_new(const CodeShape *shape, CodesrcError *error);

/* Whether the canvas has the model's shape: its arrays are read in that. */
bool code_canvas_fits(const CodesrcCanvas *canvas, const CodesrcModel *model, CodesrcError *error);

/* Fills a canvas from features (P, P, Z), the first of the three maps for which `work` (host) has
 * room. The run is of one image without a request. Overwrites the pyramid's feature map, and the
 * sampler's draws and fed tokens. */
bool code_canvas_quantise(CodesrcCanvas *canvas, const CodeRun *run, const CodePyramid *pyramid,
                          const CodeSampler *sampler, float *work);

#endif
