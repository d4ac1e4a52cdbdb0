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

#define REFERENCE_PROTOTYPE(name, Arguments)                                                       \
    bool reference_##name(CodeStream *stream, const Arguments *args);

CODE_ALL_OPERATIONS(REFERENCE_PROTOTYPE)

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
