/* render.h - from feature maps to pictures. */
#ifndef CODE_PICTURE_RENDER_H
#define CODE_PICTURE_RENDER_H

#include "picture/vae.h"
#include "room.h"

typedef struct CodeRenderer {
    const CodesrcModel *model;
    CodeStream *drafting; /* of the feature maps; it takes the errors of `stream` too */
    CodeStream *stream;   /* of the VQ-VAE: `drafting`, or one of its own */
    CodesrcOutput output;
    CodeVaeMaps maps;
    /* device, if it has a stream of its own */
    float *rendered; /* (B, P, P, Z) f_hat of the run that is rendered */
    float *features; /* (P, P, Z) of the image that is rendered: a place that never changes */
    /* pictures that are rendered after those of the call before theirs */
    CodesrcPicture owed[CODESRC_MAX_BATCH];
    unsigned owed_count;
} CodeRenderer;

/* Whether pictures are rendered on a stream of their own, while the next ones are drafted. */
static inline bool code_renders_beside(const CodesrcModel *model)
{
    return model->backend->after != NULL;
}

/* Takes what lives through a rendering, and the maps of the VQ-VAE, which are scratch if there is
 * no stream of its own. */
void code_render_layout(CodeRenderer *renderer, CodeRoom *room);
void code_render_scratch(CodeRenderer *renderer, CodeRoom *room);

bool code_render_open(CodeRenderer *renderer, const CodesrcModel *model, CodeStream *drafting,
                      const atomic_bool *cancelled, CodesrcError *error);
void code_render_close(CodeRenderer *renderer);

/* Asks for `count` pictures of f_hat (count, P, P, Z); those without data are left out. */
bool code_render(CodeRenderer *renderer, const float *f_hat, const CodesrcPicture *pictures,
                 unsigned count);

/* Keeps the pictures, of the run whose f_hat is the next that code_render_owed gets; and asks for
 * those kept, if there are any. */
void code_render_later(CodeRenderer *renderer, const CodesrcPicture *pictures, unsigned count);
bool code_render_owed(CodeRenderer *renderer, const float *f_hat);

/* Waits until the pictures that were asked for are in memory. */
bool code_render_wait(CodeRenderer *renderer);

/* Waits until pictures asked for are in memory, and forgets those owed. */
void code_render_give_up(CodeRenderer *renderer);

/* The picture of image `image` of f_hat (count, P, P, Z), at once. */
bool code_render_now(CodeRenderer *renderer, const float *f_hat, unsigned count, unsigned image,
                     const CodesrcPicture *picture);

#endif
