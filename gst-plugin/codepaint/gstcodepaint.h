/* gstcodepaint.h - the element codepaint: repaints a part of each video frame. */
#ifndef GST_CODE_PAINT_H
#define GST_CODE_PAINT_H

#include <gst/video/gstvideofilter.h>

G_BEGIN_DECLS

#define GST_TYPE_CODE_PAINT (gst_code_paint_get_type())
G_DECLARE_FINAL_TYPE(GstCodePaint, gst_code_paint, GST, CODE_PAINT, GstVideoFilter)

GST_ELEMENT_REGISTER_DECLARE(codepaint)

G_END_DECLS

#endif
