/* output.h - the destination of pictures: RGB in host memory, or other formats in device memory. */
#ifndef CODE_PICTURE_OUTPUT_H
#define CODE_PICTURE_OUTPUT_H

#include "model/model.h"

/* Whether the model's device supports this output; NULL: RGB in host memory. */
bool code_output_check(const CodesrcModel *model, const CodesrcOutput *output, CodesrcError *error);

/* Writes the VQ-VAE's image x (S, S, 3), in device memory, to the picture's destination. */
bool code_output_put(const CodesrcModel *model, CodeStream *stream, const CodesrcOutput *output,
                     const float *x, const CodesrcPicture *picture);

#endif
