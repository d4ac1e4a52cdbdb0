/* output.h - where pictures go: RGB in the host's memory, or other formats in the device's. */
#ifndef CODE_PICTURE_OUTPUT_H
#define CODE_PICTURE_OUTPUT_H

#include "model/model.h"

/* Whether the model's device can put pictures there; NULL: RGB in the host's memory. */
bool code_output_check(const CodesrcModel *model, const CodesrcOutput *output, CodesrcError *error);

/* Puts the VQ-VAE's image x (S, S, 3), in device memory, where the picture goes. */
bool code_output_put(const CodesrcModel *model, CodeStream *stream, const CodesrcOutput *output,
                     const float *x, const CodesrcPicture *picture);

#endif
