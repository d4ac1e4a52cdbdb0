/* gstcodewriter.h - writes a picture into a video buffer of any format, and reads it from there. */
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
    guint8 *levels;               /* of a picture in the range of video; NULL: not RGB in that */
} GstCodeWriter;

/* Prepares for buffers of `info` and pictures of `side` by `side` pixels. FALSE: there is no
 * conversion. */
gboolean gst_code_writer_setup(GstCodeWriter *writer, const GstVideoInfo *info, guint side);

/* After setup: prepares for read_frame as well. */
gboolean gst_code_writer_setup_reading(GstCodeWriter *writer);
void gst_code_writer_clear(GstCodeWriter *writer);

/* Answers an allocation query with a video pool: downstream's own if it has one, and with metas for
 * strides if downstream reads them. */
void gst_code_writer_choose_pool(const GstCodeWriter *writer, GstQuery *query);

/* Maps a buffer as a frame, to be unmapped. */
gboolean gst_code_writer_map(GstVideoFrame *frame, const GstVideoInfo *info, GstBuffer *buffer,
                             GstMapFlags flags, CodesrcError *error);

/* Writes a picture into `buffer`, or reads one from a mapped frame; `pixels` have
 * GST_CODE_STRIDE. */
gboolean gst_code_writer_write(GstCodeWriter *writer, const guint8 *pixels, GstBuffer *buffer,
                               CodesrcError *error);
gboolean gst_code_writer_read_frame(GstCodeWriter *writer, const GstVideoFrame *frame,
                                    guint8 *pixels, CodesrcError *error);

#endif
