/* gstcoderepaint.h - repaints a part of a video frame: the engine's zero-shot editing, for frames
 * of any size and format.
 *
 * The model works on the whole frame, scaled to the size of its pictures. Only masked pixels are
 * put back, scaled to the frame's size; all others keep their bytes. */
#ifndef GST_CODE_REPAINT_H
#define GST_CODE_REPAINT_H

#include <gst/video/video.h>

#include "codesrc.h"
#include "model/gstcodeengine.h"
#include "model/gstcodemotion.h"
#include "report/gstcoderecord.h"
#include "video/gstcodewriter.h"

/* Formats whose samples are whole bytes at places of their own. RGB first: the model's own. */
#define GST_CODE_REPAINT_FORMATS                                                                   \
    "{ RGB, BGR, RGBx, BGRx, xRGB, xBGR, GBR, RGBA, BGRA, ARGB, ABGR, GBRA, I420, YV12, NV12, "    \
    "NV21, Y42B, Y444, Y41B, YUV9, YVU9, NV16, NV61, NV24, YUY2, YVYU, UYVY, VYUY, AYUV, VUYA, "   \
    "A420, v308, GRAY8, GRAY16_LE, GRAY16_BE, I420_10LE, I422_10LE, Y444_10LE, I420_12LE, "        \
    "I422_12LE, Y444_12LE, Y444_16LE, P010_10LE, P016_LE, GBR_10LE, GBR_12LE, "                    \
    "A420_10LE, A422_10LE, A444_10LE, Y210, ARGB64, AYUV64, RGB16, BGR16, RGB15, BGR15 }"

typedef struct GstCodeRepaint {
    GstCodeEngine *engine; /* not owned */
    GstCodeMotion motion;  /* of the painted part; without one each frame has its own picture */
    GstCodeWriter writer;
    guint cells;      /* in a row of the model's mask */
    guint8 *pixels;   /* the model's picture, GST_CODE_STRIDE(side) bytes a row */
    gfloat *image;    /* the same as (3, side, side), -1..1 */
    gfloat *cell;     /* the model's mask, 1 or 0 in each cell */
    guint8 *mask;     /* the frame's mask; NULL: no caps yet */
    GstBuffer *drawn; /* the picture at the frame's size and format */
} GstCodeRepaint;

/* After the engine has started. */
void gst_code_repaint_start(GstCodeRepaint *repaint, GstCodeEngine *engine,
                            const GstCodeMotion *motion);
void gst_code_repaint_stop(GstCodeRepaint *repaint);

/* Prepares for frames of `info`. FALSE: they cannot be converted. */
gboolean gst_code_repaint_set_info(GstCodeRepaint *repaint, const GstVideoInfo *info);

/* Chooses the pixels to repaint: those in the rectangle `mask`, or for NULL the transparent ones.
 * *rectangle has no area for the latter, and *any tells whether there are any pixels. */
gboolean gst_code_repaint_choose(GstCodeRepaint *repaint, const gchar *mask,
                                 const GstVideoFrame *frame, GstVideoRectangle *rectangle,
                                 gboolean *any, CodesrcError *error);

/* Repaints them as frame `number` of the film, without a motion picture `number`, and records how,
 * apart from the rectangle. */
gboolean gst_code_repaint_frame(GstCodeRepaint *repaint, guint64 number, GstVideoFrame *frame,
                                GstCodeRecord *record, CodesrcError *error);

#endif
