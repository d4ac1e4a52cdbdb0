/* gstcodemask.h - which part of a picture is drawn anew: a rectangle, or where a frame is
 * transparent.
 *
 * A model keeps or draws whole cells: the P x P positions of its last token map, each of side / P
 * by side / P pixels. A cell is drawn anew where any pixel of it is masked. A mask is P * P floats,
 * row by row: 1 where it is drawn anew, 0 where it is kept. */
#ifndef GST_CODE_MASK_H
#define GST_CODE_MASK_H

#include <gst/video/video.h>

#include "codesrc.h"

/* "x,y,width,height" in pixels of a picture of side * side, inside of it; width and height may be
 * 0. */
gboolean gst_code_mask_parse(const gchar *text, guint side, GstVideoRectangle *rectangle,
                             CodesrcError *error);

/* Number of cells in a row: P. */
guint gst_code_mask_cells(const CodesrcModelInfo *info);

/* These fill in `mask`, for pictures of the model. FALSE: nothing is masked. */
gboolean gst_code_mask_from_rectangle(const GstVideoRectangle *rectangle,
                                      const CodesrcModelInfo *info, gfloat *mask);
gboolean gst_code_mask_from_alpha(const GstVideoFrame *frame, const CodesrcModelInfo *info,
                                  gfloat *mask);

#endif
