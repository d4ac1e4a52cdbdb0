/* gstcodepixels.h - the memory that one picture is drawn into: the host's, as RGB, or the device's,
 * as the format that was negotiated. */
#ifndef GST_CODE_PIXELS_H
#define GST_CODE_PIXELS_H

#include <gst/gst.h>
#include <gst/video/video.h>

#include "codesrc.h"

typedef struct GstCodePixels {
    CodesrcPicture picture; /* data NULL: none yet */
    CodesrcOutput output;
    CodesrcModel *model; /* that owns the device memory; NULL: the host's */
} GstCodePixels;

/* How the device makes video of `info`. FALSE: it cannot. */
gboolean gst_code_output_from_info(CodesrcOutput *output, const GstVideoInfo *info);
gboolean gst_code_output_equal(const CodesrcOutput *a, const CodesrcOutput *b);

/* Allocates memory for a picture of the model as `output` says, if it is not there. */
gboolean gst_code_pixels_prepare(GstCodePixels *pixels, const CodesrcOutput *output,
                                 CodesrcModel *model, CodesrcError *error);
void gst_code_pixels_clear(GstCodePixels *pixels);

#endif
