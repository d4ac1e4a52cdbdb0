/* gstcodetimeline.h - when a frame is shown, which frame is shown at a time, and which comes next.
 *
 * Time stamps are computed from the frame's number, never summed, so they do not drift; and the two
 * directions are exact inverses, so a seek to a frame's time stamp finds that frame. */
#ifndef GST_CODE_TIMELINE_H
#define GST_CODE_TIMELINE_H

#include <gst/gst.h>

#define GST_CODE_NO_FRAME G_MAXUINT64 /* what comes before frame 0 in reverse */

typedef struct GstCodeTimeline {
    gint fps_n, fps_d;      /* fps_n 0: a still picture */
    guint64 base_frame;     /* the frame from which on this rate holds */
    GstClockTime base_time; /* and its time stamp */
    guint64 frame;          /* the next one, or GST_CODE_NO_FRAME */
    gboolean sought;        /* find it from the segment's position first */
} GstCodeTimeline;

/* When one frame is shown. */
typedef struct GstCodeTiming {
    guint64 frame, next;        /* next: the frame shown after it */
    GstClockTime pts, duration; /* duration NONE: a still picture */
} GstCodeTiming;

/* At the beginning, at no rate. */
void gst_code_timeline_init(GstCodeTimeline *timeline);

/* Changes the rate from the next frame on, which keeps its time stamp. */
void gst_code_timeline_set_rate(GstCodeTimeline *timeline, gint fps_n, gint fps_d);

/* After a seek: the next frame is the one at the segment's position. It is found on
 * demand, because the rate may not be known yet. */
void gst_code_timeline_seek(GstCodeTimeline *timeline);

/* The next frame. FALSE: none is left in the segment. The same until advance is called. */
gboolean gst_code_timeline_next(GstCodeTimeline *timeline, const GstSegment *segment,
                                GstCodeTiming *timing);
void gst_code_timeline_advance(GstCodeTimeline *timeline, const GstSegment *segment);

/* The timing of `frame`, inside the segment or not. */
void gst_code_timeline_locate(const GstCodeTimeline *timeline, const GstSegment *segment,
                              guint64 frame, GstCodeTiming *timing);

/* Skips the frames that begin before `position`, forwards only, but neither the segment's last
 * frame nor the last before frame `end`: those come however late they are. Returns how many. */
guint64 gst_code_timeline_skip(GstCodeTimeline *timeline, const GstSegment *segment,
                               GstClockTime position, guint64 end);

/* Lets the next frame begin at `time`, for a source that started after its pipeline. */
void gst_code_timeline_anchor(GstCodeTimeline *timeline, const GstSegment *segment,
                              GstClockTime time);

/* The beginning of the frame that a seek to `time` with these flags snaps to. */
GstClockTime gst_code_timeline_snap(gint fps_n, gint fps_d, GstClockTime time, GstSeekFlags flags);

/* Converts between TIME, DEFAULT (frames) and BYTES for frames of `frame_size` bytes at
 * fps_n/fps_d, frame 0 at time 0. FALSE: there is no answer, because a still picture has only
 * one frame. */
gboolean gst_code_timeline_convert(gint fps_n, gint fps_d, gsize frame_size, GstFormat from,
                                   gint64 value, GstFormat to, gint64 *result);

#endif
