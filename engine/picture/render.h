/* render.h - from feature maps to pictures. */
#ifndef CODE_PICTURE_RENDER_H
#define CODE_PICTURE_RENDER_H

#include "picture/vae.h"
#include "room.h"

typedef struct CodeRenderer {
    const CodesrcModel *model;
    CodeStream *drafting; /* of the feature maps; also receives the errors of `stream` */
    CodeStream *stream;   /* of the VQ-VAE: `drafting` or a separate one */
    CodesrcOutput output;
    CodeVaeMaps maps;
    /* device, if its stream is separate */
    float *rendered;      /* (B, P, P, Z) f_hat of the run that is rendered */
    float *features;      /* (P, P, Z) of the image being rendered, at a fixed address */
    int32_t *tokens;      /* (2, B, L) as sampled, of the calls under way */
    int32_t *host_tokens; /* (B, L) */
    unsigned batch;       /* B */
    /* pictures to render after those of the previous call */
    CodesrcPicture owed[CODESRC_MAX_BATCH];
    unsigned owed_count, owed_first, owed_call;
} CodeRenderer;

/* What drafting makes of a run, in device memory until the next run begins. */
typedef struct CodeDrafted {
    const float *f_hat;    /* (count, P, P, Z) */
    const int32_t *tokens; /* (count, L), as sampled */
    unsigned first;        /* place of the run's first image in its call */
    unsigned call;         /* 0 or 1: which of the calls under way */
} CodeDrafted;

/* Whether pictures are rendered on a separate stream, while the next ones are drafted. */
static inline bool code_renders_beside(const CodesrcModel *model)
{
    return model->backend->after != NULL;
}

/* Takes buffers that live through a rendering, and the maps of the VQ-VAE, which are scratch
 * unless the stream is separate. */
void code_render_layout(CodeRenderer *renderer, CodeRoom *room);
void code_render_scratch(CodeRenderer *renderer, CodeRoom *room);

bool code_render_open(CodeRenderer *renderer, const CodesrcModel *model, CodeStream *drafting,
                      const atomic_bool *cancelled, CodesrcError *error);
void code_render_close(CodeRenderer *renderer);

/* Starts rendering `count` pictures, except those without data. */
bool code_render(CodeRenderer *renderer, const CodeDrafted *drafted, const CodesrcPicture *pictures,
                 unsigned count);

/* _later notes the pictures of a run whose f_hat is the next one passed to _owed; _owed starts
 * rendering the noted pictures, if there are any. */
void code_render_later(CodeRenderer *renderer, const CodeDrafted *drafted,
                       const CodesrcPicture *pictures, unsigned count);
bool code_render_owed(CodeRenderer *renderer, const float *f_hat, const int32_t *tokens);

/* After waiting: whether all tokens of a call of `count` images were sampled, on a device that
 * computes by itself. Others have found that while they drafted. */
bool code_render_sound(CodeRenderer *renderer, unsigned call, unsigned count);

/* Waits until all started pictures are in memory. */
bool code_render_wait(CodeRenderer *renderer);

/* Waits until all started pictures are in memory, and forgets the noted ones. */
void code_render_give_up(CodeRenderer *renderer);

/* Renders image `image` of f_hat (count, P, P, Z) at once. */
bool code_render_now(CodeRenderer *renderer, const float *f_hat, unsigned count, unsigned image,
                     const CodesrcPicture *picture);

#endif
