/* reference.h - shared by the files of the reference backend. */
#ifndef CODE_KERNELS_REFERENCE_H
#define CODE_KERNELS_REFERENCE_H

#include "formulas.h"
#include "host.h"

#include <math.h>

/* Weights are kept as (taps, in, out), so that the innermost loop runs over outputs. */
struct CodeWeight {
    CodeWeightSpec spec;
    unsigned kernel; /* 1 or 3; taps = kernel * kernel */
    float *data;     /* (taps, in, out) */
    float *bias;     /* (out), zeros if there is none */
};

#define REFERENCE_PROTOTYPE(name, Arguments)                                                       \
    bool reference_##name(CodeStream *stream, const Arguments *args);

CODE_ALL_OPERATIONS(REFERENCE_PROTOTYPE)

/* One component, as CodePixels says. */
static inline uint8_t reference_pixel(float x)
{
    float value = (x + 1) / 2 * 255;

    return value >= 255 ? 255 : value > 0 ? (uint8_t)nearbyintf(value) : 0;
}

#endif
