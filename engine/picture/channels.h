/* channels.h - converts between PyTorch's order, channels first, and the engine's, channels
 * last. */
#ifndef CODE_PICTURE_CHANNELS_H
#define CODE_PICTURE_CHANNELS_H

#include <stddef.h>

/* (positions, channels) -> (channels, positions) */
static inline void code_channels_first(float *out, const float *in, size_t positions,
                                       size_t channels)
{
    for (size_t i = 0; i < positions; i++)
        for (size_t c = 0; c < channels; c++)
            out[c * positions + i] = in[i * channels + c];
}

/* (channels, positions) -> (positions, channels) */
static inline void code_channels_last(float *out, const float *in, size_t positions,
                                      size_t channels)
{
    for (size_t i = 0; i < positions; i++)
        for (size_t c = 0; c < channels; c++)
            out[i * channels + c] = in[c * positions + i];
}

#endif
