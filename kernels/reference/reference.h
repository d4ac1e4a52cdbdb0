/* reference.h - what the files of the reference backend share. */
#ifndef CODE_KERNELS_REFERENCE_H
#define CODE_KERNELS_REFERENCE_H

#include "backend.h"

#include <math.h>

/* Weights are kept as (taps, in, out), so that the innermost loop runs over outputs. */
struct CodeWeight {
    CodeWeightSpec spec;
    unsigned kernel; /* 1 or 3; taps = kernel * kernel */
    float *data;     /* (taps, in, out) */
    float *bias;     /* (out), zeros where there is none */
};

/* False, with CODESRC_CANCELLED in the stream, once the stream is cancelled. */
bool reference_goes_on(CodeStream *stream);

bool reference_linear(CodeStream *stream, const CodeLinear *args);
bool reference_modulate(CodeStream *stream, const CodeModulate *args);
bool reference_heads(CodeStream *stream, const CodeHeads *args);
bool reference_recall(CodeStream *stream, const CodeRecall *args);
bool reference_attention(CodeStream *stream, const CodeAttention *args);
bool reference_embed(CodeStream *stream, const CodeEmbed *args);
bool reference_guide(CodeStream *stream, const CodeGuide *args);
bool reference_sample(CodeStream *stream, const CodeSample *args);
bool reference_look_up(CodeStream *stream, const CodeLookUp *args);
bool reference_resize(CodeStream *stream, const CodeResize *args);
bool reference_conv(CodeStream *stream, const CodeConv *args);
bool reference_accumulate(CodeStream *stream, const CodeAccumulate *args);
bool reference_group_norm(CodeStream *stream, const CodeGroupNorm *args);
bool reference_pixels(CodeStream *stream, const CodePixels *args);
bool reference_frame(CodeStream *stream, const CodeFrame *args);

/* One component, as CodePixels says. */
static inline uint8_t reference_pixel(float x)
{
    float value = (x + 1) / 2 * 255;

    return value >= 255 ? 255 : value > 0 ? (uint8_t)nearbyintf(value) : 0;
}

static inline const float *per_lane(const CodePerLane *vectors, unsigned lane)
{
    size_t slot = vectors->slot ? (size_t)vectors->slot[lane] : lane;

    return vectors->base + slot * vectors->stride;
}

#endif
