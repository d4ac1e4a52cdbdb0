/* gstcodemask.h - the part of a frame to repaint: a rectangle, or the transparent pixels.
 *
 * A mask has a byte for each pixel of the frame, row by row: 1 where it is repainted, 0 where it is
 * kept. A model keeps or draws whole cells, the P x P positions of its last token map: it draws a
 * cell if any pixel in it is masked. */
#ifndef GST_CODE_MASK_H
#define GST_CODE_MASK_H

#include <gst/video/video.h>

#include "codesrc.h"

/* Reads "x,y,width,height" in pixels, not negative. */
gboolean gst_code_mask_parse(const gchar *text, GstVideoRectangle *rectangle, CodesrcError *error);

/* Whether the rectangle lies inside frames of this size. `text`: as parsed, for the error. */
gboolean gst_code_mask_check(const gchar *text, const GstVideoRectangle *rectangle,
                             const GstVideoInfo *info, CodesrcError *error);

/* These fill in `mask`, for the frame. FALSE: nothing is masked. */
gboolean gst_code_mask_from_rectangle(const GstVideoRectangle *rectangle, const GstVideoInfo *info,
                                      guint8 *mask);
gboolean gst_code_mask_from_alpha(const GstVideoFrame *frame, guint8 *mask);

/* The cells, P in a row, of the frame stretched over the model's picture: 1 or 0 in each. */
void gst_code_mask_to_cells(const guint8 *mask, const GstVideoInfo *info, guint cells,
                            gfloat *result);

/* Copies the masked pixels of a frame into another of the same format and size. A sample of chroma
 * is copied if all its pixels are masked, so kept pixels keep all their bytes. */
void gst_code_mask_copy(const guint8 *mask, const GstVideoFrame *from, GstVideoFrame *to);

#endif
