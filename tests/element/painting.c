/* painting.c - a codepaint in a harness, and the picture that it is given. */
#include "painting.h"

GstHarness *painter(const gchar *properties, const gchar *format)
{
    gchar *launch = g_strdup_printf("codepaint model=\"%s\" precision=f32 threads=1 %s",
                                    tiny_model(), properties);
    gchar *caps = g_strdup_printf("video/x-raw,format=%s,width=%d,height=%d,framerate=10/1", format,
                                  SIDE, SIDE);
    GstHarness *harness = gst_harness_new_parse(launch);

    gst_harness_set_src_caps_str(harness, caps);
    g_free(launch);
    g_free(caps);
    return harness;
}

guint8 component(guint x, guint y, guint c)
{
    if (c == 3)
        return x >= 2 && x < 6 && y < 4 ? 0 : 255;
    return (guint8)(c == 0 ? 30 * x : c == 1 ? 255 - 25 * y : 10 * x + 20 * y);
}

GstBuffer *picture(const gchar *format, guint64 offset)
{
    GstVideoInfo info;
    GstVideoFrame frame;
    GstBuffer *buffer;

    gst_video_info_set_format(&info, gst_video_format_from_string(format), SIDE, SIDE);
    buffer = gst_buffer_new_allocate(NULL, info.size, NULL);
    gst_buffer_memset(buffer, 0, 0, -1);
    fail_unless(gst_video_frame_map(&frame, &info, buffer, GST_MAP_WRITE));
    for (guint c = 0; c < GST_VIDEO_FRAME_N_COMPONENTS(&frame); c++)
        for (guint i = 0; i < AREA; i++) {
            guint8 *row = (guint8 *)GST_VIDEO_FRAME_COMP_DATA(&frame, c) +
                          (gsize)(i / SIDE) * GST_VIDEO_FRAME_COMP_STRIDE(&frame, c);

            row[i % SIDE * GST_VIDEO_FRAME_COMP_PSTRIDE(&frame, c)] =
                component(i % SIDE, i / SIDE, c);
        }
    gst_video_frame_unmap(&frame);
    GST_BUFFER_OFFSET(buffer) = offset;
    GST_BUFFER_PTS(buffer) = offset == GST_BUFFER_OFFSET_NONE ? 0 : offset * FRAME;
    return buffer;
}

void components(GstBuffer *buffer, const gchar *format, guint8 *rgba)
{
    GstVideoInfo info;
    GstVideoFrame frame;

    gst_video_info_set_format(&info, gst_video_format_from_string(format), SIDE, SIDE);
    fail_unless(gst_video_frame_map(&frame, &info, buffer, GST_MAP_READ));
    memset(rgba, 255, 4 * AREA);
    for (guint c = 0; c < GST_VIDEO_FRAME_N_COMPONENTS(&frame); c++)
        for (guint i = 0; i < AREA; i++) {
            const guint8 *row = (guint8 *)GST_VIDEO_FRAME_COMP_DATA(&frame, c) +
                                (gsize)(i / SIDE) * GST_VIDEO_FRAME_COMP_STRIDE(&frame, c);

            rgba[4 * i + c] = row[i % SIDE * GST_VIDEO_FRAME_COMP_PSTRIDE(&frame, c)];
        }
    gst_video_frame_unmap(&frame);
    gst_buffer_unref(buffer);
}

void painted(const gchar *properties, const gchar *format, guint64 offset, guint8 *rgba)
{
    GstHarness *harness = painter(properties, format);
    GstBuffer *buffer = gst_harness_push_and_pull(harness, picture(format, offset));

    fail_unless(buffer != NULL);
    components(buffer, format, rgba);
    gst_harness_teardown(harness);
}

void flush_starts(GstHarness *harness)
{
    fail_unless(gst_harness_push_event(harness, gst_event_new_flush_start()));
}

void flush_stops(GstHarness *harness)
{
    GstSegment segment;

    gst_segment_init(&segment, GST_FORMAT_TIME);
    fail_unless(gst_harness_push_event(harness, gst_event_new_flush_stop(TRUE)));
    fail_unless(gst_harness_push_event(harness, gst_event_new_segment(&segment)));
}
