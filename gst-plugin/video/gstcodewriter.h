/* gstcodewriter.h - puts a picture into a video buffer of any format that the element offers. */
#ifndef GST_CODE_WRITER_H
#define GST_CODE_WRITER_H

#include <gst/gst.h>
#include <gst/video/video.h>

#include "codesrc.h"

/* Pictures as they are drawn: RGB, rows of 3 * side bytes at this distance. */
#define GST_CODE_STRIDE(side) GST_ROUND_UP_4(3 * (gsize)(side))

typedef struct GstCodeWriter {
    GstVideoInfo info;            /* of the buffers */
    GstVideoInfo rgb_info;        /* of the pictures */
    GstVideoConverter *converter; /* NULL: they are the same */
    GstVideoConverter *reader;    /* the other way, after setup_reading */
} GstCodeWriter;

/* Prepares for buffers of `info`. FALSE where there is no conversion. */
gboolean gst_code_writer_setup(GstCodeWriter *writer, const GstVideoInfo *info);

/* After setup: prepares for read_frame as well. */
gboolean gst_code_writer_setup_reading(GstCodeWriter *writer);
void gst_code_writer_clear(GstCodeWriter *writer);

/* Answers an allocation query with a video pool, downstream's own where it has one, and with metas
 * for its strides where downstream reads them. */
void gst_code_writer_choose_pool(const GstCodeWriter *writer, GstQuery *query);

/* Puts a picture into `buffer`. */
gboolean gst_code_writer_write(GstCodeWriter *writer, const guint8 *pixels, GstBuffer *buffer,
                               CodesrcError *error);

/* Puts a picture into a mapped frame, or takes it out of there; `pixels` have GST_CODE_STRIDE. */
gboolean gst_code_writer_write_frame(GstCodeWriter *writer, const guint8 *pixels,
                                     GstVideoFrame *frame, CodesrcError *error);
gboolean gst_code_writer_read_frame(GstCodeWriter *writer, const GstVideoFrame *frame,
                                    guint8 *pixels, CodesrcError *error);

#endif
