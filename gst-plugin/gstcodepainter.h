/* gstcodepainter.h - draws a picture into a video buffer of any format that the element offers. */
#ifndef GST_CODE_PAINTER_H
#define GST_CODE_PAINTER_H

#include <gst/gst.h>
#include <gst/video/video.h>

#include "code.h"

typedef struct GstCodePainter {
    GstVideoInfo info;            /* of the buffers */
    GstVideoConverter *converter; /* NULL: the engine writes into the buffer itself */
    GstVideoInfo rgb_info;        /* what the converter converts from */
    GstBuffer *rgb;
} GstCodePainter;

/* Prepares for buffers of `info`. FALSE where there is no conversion. */
gboolean gst_code_painter_setup(GstCodePainter *painter, const GstVideoInfo *info);
void gst_code_painter_clear(GstCodePainter *painter);

/* Answers an allocation query with a video pool, downstream's own where it has one, and with metas
 * for its strides where downstream reads them. */
void gst_code_painter_choose_pool(const GstCodePainter *painter, GstQuery *query);

/* Draws one picture into `buffer`. */
gboolean gst_code_painter_draw(GstCodePainter *painter, CodeGenerator *generator,
                               const CodeRequest *request, GstBuffer *buffer, CodeError *error);

#endif
