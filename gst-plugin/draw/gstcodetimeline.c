/* gstcodetimeline.c - frame numbers to time stamps and back, in integers. */
#include "draw/gstcodetimeline.h"

void gst_code_timeline_init(GstCodeTimeline *timeline)
{
    *timeline = (GstCodeTimeline){.fps_n = 0, .fps_d = 1, .sought = TRUE};
}

/* Length of `frames` frames, rounded down. */
static GstClockTime frames_to_time(const GstCodeTimeline *timeline, guint64 frames)
{
    return gst_util_uint64_scale(frames, timeline->fps_d * GST_SECOND, timeline->fps_n);
}

/* Time stamp of a frame, rounded down. */
static GstClockTime frame_pts(const GstCodeTimeline *timeline, guint64 frame)
{
    GstClockTime distance;

    if (timeline->fps_n == 0)
        return timeline->base_time;
    if (frame >= timeline->base_frame)
        return timeline->base_time + frames_to_time(timeline, frame - timeline->base_frame);
    /* Reverse playback walks below the frame at which the rate changed. */
    distance = frames_to_time(timeline, timeline->base_frame - frame);
    return timeline->base_time > distance ? timeline->base_time - distance : 0;
}

/* The last frame whose time stamp is not after `time`. */
static guint64 frame_at(const GstCodeTimeline *timeline, GstClockTime time)
{
    guint64 frame;

    if (timeline->fps_n == 0 || time < timeline->base_time)
        return timeline->base_frame;
    frame =
        timeline->base_frame + gst_util_uint64_scale(time - timeline->base_time, timeline->fps_n,
                                                     timeline->fps_d * GST_SECOND);
    /* Rounded-down time stamps lie up to 1 ns before the instant that they stand for: at 30/1,
     * frame 37 has 1.233333333 s, which times 30 is a little less than 37. */
    while (frame_pts(timeline, frame + 1) <= time)
        frame++;
    return frame;
}

void gst_code_timeline_set_rate(GstCodeTimeline *timeline, gint fps_n, gint fps_d)
{
    if (fps_n == timeline->fps_n && fps_d == timeline->fps_d)
        return;
    if (!timeline->sought && timeline->frame != GST_CODE_NO_FRAME) {
        timeline->base_time = frame_pts(timeline, timeline->frame);
        timeline->base_frame = timeline->frame;
    }
    timeline->fps_n = fps_n;
    timeline->fps_d = fps_d;
}

void gst_code_timeline_seek(GstCodeTimeline *timeline)
{
    timeline->sought = TRUE;
}

/* Backwards, the frame at the position is the one before it: a segment ends before its stop. */
static void find_frame(GstCodeTimeline *timeline, const GstSegment *segment)
{
    GstClockTime position = segment->position;

    timeline->sought = FALSE;
    /* A seek that only moves the stop continues here, whatever rates there were. */
    if (segment->rate > 0.0 && timeline->base_frame > 0 && timeline->frame != GST_CODE_NO_FRAME &&
        frame_pts(timeline, timeline->frame) == position)
        return;
    timeline->base_frame = 0;
    timeline->base_time = 0;
    if (timeline->fps_n == 0 || segment->rate > 0.0)
        timeline->frame = frame_at(timeline, position);
    else
        timeline->frame = position > 0 ? frame_at(timeline, position - 1) : GST_CODE_NO_FRAME;
}

/* From one frame to the next: fast playback in trick mode draws only what there is time to see. */
static guint64 frame_step(const GstCodeTimeline *timeline, const GstSegment *segment)
{
    gdouble speed = ABS(segment->rate);

    if (!(segment->flags & GST_SEGMENT_FLAG_TRICKMODE) || speed < 2.0 || timeline->fps_n == 0)
        return 1;
    return (guint64)MIN(speed, 1e6);
}

void gst_code_timeline_locate(const GstCodeTimeline *timeline, const GstSegment *segment,
                              guint64 frame, GstCodeTiming *timing)
{
    guint64 step = frame_step(timeline, segment);
    GstClockTime end;

    timing->frame = frame;
    timing->next = frame + step;
    if (timeline->fps_n == 0) {
        /* A still picture is in every segment, once, at its start. */
        timing->pts = MAX(segment->start, timeline->base_time);
        timing->duration = GST_CLOCK_TIME_NONE;
        return;
    }
    timing->pts = frame_pts(timeline, frame);
    end = frame_pts(timeline, frame + step);
    if (step > 1 && GST_CLOCK_TIME_IS_VALID(segment->stop) && segment->stop > timing->pts)
        end = MIN(end, segment->stop);
    timing->duration = end - timing->pts;
}

gboolean gst_code_timeline_next(GstCodeTimeline *timeline, const GstSegment *segment,
                                GstCodeTiming *timing)
{
    if (timeline->sought)
        find_frame(timeline, segment);
    if (timeline->frame == GST_CODE_NO_FRAME)
        return FALSE;
    gst_code_timeline_locate(timeline, segment, timeline->frame, timing);
    if (timeline->fps_n == 0)
        return timing->frame == 0;
    if (segment->rate < 0.0)
        return frame_pts(timeline, timeline->frame + 1) > segment->start;
    return !GST_CLOCK_TIME_IS_VALID(segment->stop) || timing->pts < segment->stop ||
           segment->start == segment->stop;
}

void gst_code_timeline_advance(GstCodeTimeline *timeline, const GstSegment *segment)
{
    guint64 step = frame_step(timeline, segment);

    if (segment->rate > 0.0 || timeline->fps_n == 0)
        timeline->frame += step;
    else
        timeline->frame = timeline->frame >= step ? timeline->frame - step : GST_CODE_NO_FRAME;
}

guint64 gst_code_timeline_skip(GstCodeTimeline *timeline, const GstSegment *segment,
                               GstClockTime position, guint64 end)
{
    guint64 frame, skipped;

    if (timeline->sought)
        find_frame(timeline, segment);
    if (segment->rate < 0.0 || timeline->fps_n == 0 || timeline->frame == GST_CODE_NO_FRAME ||
        position <= frame_pts(timeline, timeline->frame))
        return 0;
    frame = frame_at(timeline, position - 1) + 1;
    if (GST_CLOCK_TIME_IS_VALID(segment->stop) && segment->stop > 0)
        frame = MIN(frame, frame_at(timeline, segment->stop - 1));
    if (end > 0)
        frame = MIN(frame, end - 1);
    if (frame <= timeline->frame)
        return 0;
    skipped = frame - timeline->frame;
    timeline->frame = frame;
    return skipped;
}

void gst_code_timeline_anchor(GstCodeTimeline *timeline, const GstSegment *segment,
                              GstClockTime time)
{
    if (timeline->sought)
        find_frame(timeline, segment);
    if (timeline->frame == GST_CODE_NO_FRAME)
        return;
    timeline->base_frame = timeline->frame;
    timeline->base_time = time;
}

GstClockTime gst_code_timeline_snap(gint fps_n, gint fps_d, GstClockTime time, GstSeekFlags flags)
{
    GstCodeTimeline timeline = {.fps_n = fps_n, .fps_d = fps_d};
    guint64 frame = frame_at(&timeline, time);
    GstClockTime before = frame_pts(&timeline, frame), after = frame_pts(&timeline, frame + 1);
    GstSeekFlags snap = flags & GST_SEEK_FLAG_SNAP_NEAREST;

    if (fps_n == 0 || snap == 0 || before == time)
        return time;
    if (snap == GST_SEEK_FLAG_SNAP_BEFORE ||
        (snap == GST_SEEK_FLAG_SNAP_NEAREST && time - before <= after - time))
        return before;
    return after;
}

gboolean gst_code_timeline_convert(gint fps_n, gint fps_d, gsize frame_size, GstFormat from,
                                   gint64 value, GstFormat to, gint64 *result)
{
    GstCodeTimeline timeline = {.fps_n = fps_n, .fps_d = fps_d};
    guint64 frame;

    if (value < 0 || frame_size == 0)
        return FALSE;
    switch (from) {
    case GST_FORMAT_DEFAULT:
        frame = value;
        break;
    case GST_FORMAT_BYTES:
        frame = value / frame_size;
        break;
    case GST_FORMAT_TIME:
        frame = frame_at(&timeline, value);
        break;
    default:
        return FALSE;
    }
    switch (to) {
    case GST_FORMAT_DEFAULT:
        *result = frame;
        return TRUE;
    case GST_FORMAT_BYTES:
        *result = frame * frame_size;
        return TRUE;
    case GST_FORMAT_TIME:
        *result = frame_pts(&timeline, frame);
        return fps_n > 0 || frame == 0;
    default:
        return FALSE;
    }
}
