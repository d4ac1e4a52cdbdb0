/* sample.h - from the logits of a scale to its token maps. */
#ifndef CODE_DRAFT_SAMPLE_H
#define CODE_DRAFT_SAMPLE_H

#include "room.h"
#include "run.h"

typedef struct CodeSampler {
    /* device */
    float *logits;   /* (B, p^2, V) of the scale being decoded */
    CodeDraw *draws; /* (K, B) how to sample each image's tokens at each scale */
    int32_t *drawn;  /* (B, L) tokens as sampled */
    int32_t *fed;    /* (B, L) tokens as fed, if the run is feeding: sampled, or given */
    CodeDraw *host_draws;
} CodeSampler;

void code_sampler_layout(CodeSampler *sampler, CodeRoom *room);

/* Uploads the settings for sampling the run's tokens. */
bool code_sampler_begin(const CodeSampler *sampler, const CodeRun *run);

/* (count) how to sample the run's tokens of scale k, in device memory. */
const CodeDraw *code_sampler_draws(const CodeSampler *sampler, const CodeRun *run, unsigned scale);

/* Samples the token maps of scale k from the logits. Returns the tokens to feed, (count, L) in
 * device memory: those sampled, or those that requests give. NULL on failure. */
const int32_t *code_sample_scale(const CodeSampler *sampler, const CodeRun *run, unsigned scale);

/* Whether all tokens (count, L) of scales from..last, in host memory, were sampled. If not, the
 * error names the picture, counted from `first`, and the scale. */
bool code_sampler_sound(const CodesrcModel *model, const int32_t *tokens, unsigned first,
                        unsigned count, unsigned from, unsigned last, CodesrcError *error);

#endif
