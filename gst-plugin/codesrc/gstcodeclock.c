/* gstcodeclock.c - real time: a live source waits for the clock, skips frames that would be late,
 * and reports how long a picture takes. Other streams skip the frames that QoS events from
 * downstream call late. Frames keep their times, so nothing drifts. */
#include "codesrc/gstcodesrcprivate.h"

/* ---- QoS ----------------------------------------------------------------------- */

void gst_code_src_reset_qos(GstCodeSrc *self)
{
    GST_OBJECT_LOCK(self);
    self->qos_earliest = GST_CLOCK_TIME_NONE;
    self->qos_proportion = 1.0;
    GST_OBJECT_UNLOCK(self);
}

gboolean gst_code_src_event(GstBaseSrc *src, GstEvent *event)
{
    GstCodeSrc *self = GST_CODE_SRC(src);
    GstClockTimeDiff diff;
    GstClockTime time, earliest;
    gdouble proportion;

    if (GST_EVENT_TYPE(event) == GST_EVENT_SEEK && !gst_code_src_note_seek(self, event))
        return FALSE;
    if (GST_EVENT_TYPE(event) == GST_EVENT_QOS) {
        gst_event_parse_qos(event, NULL, &proportion, &diff, &time);
        /* By the time the next frame is drawn, it will be later still. */
        earliest = GST_CLOCK_TIME_NONE;
        if (GST_CLOCK_TIME_IS_VALID(time) && diff > 0)
            earliest = time + 2 * diff;
        GST_LOG_OBJECT(self, "QoS: proportion %g, late by %" GST_STIME_FORMAT, proportion,
                       GST_STIME_ARGS(diff));
        GST_OBJECT_LOCK(self);
        self->qos_earliest = earliest;
        self->qos_proportion = proportion;
        GST_OBJECT_UNLOCK(self);
    }
    return GST_CODE_SRC_PARENT->event(src, event);
}

/* In a pause the clock goes on, but the running time stands: the pipeline moves the base time when
 * the pause ends. */
static gboolean running_time(GstCodeSrc *self, GstClockTime *time)
{
    GstClock *clock = gst_element_get_clock(GST_ELEMENT(self));
    GstClockTime base = gst_element_get_base_time(GST_ELEMENT(self)), now;

    if (!clock)
        return FALSE;
    now = gst_clock_get_time(clock);
    gst_object_unref(clock);
    GST_OBJECT_LOCK(self);
    *time = self->clock_paused ? self->paused_at : now > base ? now - base : 0;
    GST_OBJECT_UNLOCK(self);
    return TRUE;
}

GstClockTime gst_code_src_earliest(gpointer data, const GstSegment *segment)
{
    GstCodeSrc *self = data;
    GstClockTime earliest = GST_CLOCK_TIME_NONE, now, latency;

    GST_OBJECT_LOCK(self);
    if (self->qos)
        earliest = self->qos_earliest;
    GST_OBJECT_UNLOCK(self);
    latency = gst_code_stats_latency(&self->engine.stats);
    /* A frame begun now is finished after the expected time, and may be late by the latency. */
    if (gst_base_src_is_live(GST_BASE_SRC(self)) && latency > 0 && running_time(self, &now)) {
        now += gst_code_stats_expected(&self->engine.stats);
        now = now > latency ? now - latency : 0;
        earliest = GST_CLOCK_TIME_IS_VALID(earliest) ? MAX(earliest, now) : now;
    }
    if (!GST_CLOCK_TIME_IS_VALID(earliest) || segment->rate < 0.0)
        return GST_CLOCK_TIME_NONE;
    return gst_segment_position_from_running_time(segment, GST_FORMAT_TIME, earliest);
}

GstClockTime gst_code_src_too_late(GstCodeSrc *self, const GstSegment *segment)
{
    GstClockTime latency = gst_code_stats_latency(&self->engine.stats), now;

    /* Before the first picture is drawn, the latency is unknown. */
    if (!gst_base_src_is_live(GST_BASE_SRC(self)) || latency == 0 || !running_time(self, &now) ||
        now <= latency)
        return GST_CLOCK_TIME_NONE;
    return gst_segment_position_from_running_time(segment, GST_FORMAT_TIME, now - latency);
}

gint64 gst_code_src_deadline(gpointer data, const GstSegment *segment, const GstCodeTiming *timing)
{
    GstCodeSrc *self = data;
    GstClockTime due = gst_segment_to_running_time(segment, GST_FORMAT_TIME, timing->pts), now;

    if (!gst_base_src_is_live(GST_BASE_SRC(self)) || !GST_CLOCK_TIME_IS_VALID(due) ||
        !running_time(self, &now))
        return G_MAXINT64;
    return g_get_monotonic_time() + GST_CLOCK_DIFF(now, due) / GST_USECOND;
}

gint64 gst_code_src_patience(GstCodeSrc *self, const GstSegment *segment,
                             const GstCodeTiming *timing)
{
    gint64 due = gst_code_src_deadline(self, segment, timing);
    GstClockTime latency = gst_code_stats_latency(&self->engine.stats);

    /* A twentieth of the latency is left for the way to downstream. */
    return due == G_MAXINT64 ? due : due + (gint64)((latency - latency / 20) / GST_USECOND);
}

gdouble gst_code_src_proportion(gpointer data)
{
    GstCodeSrc *self = data;
    gdouble proportion;

    GST_OBJECT_LOCK(self);
    proportion = self->qos_proportion;
    GST_OBJECT_UNLOCK(self);
    return proportion;
}

void gst_code_src_note_dropped(GstCodeSrc *self, const GstSegment *segment,
                               const GstCodeTiming *timing, guint64 dropped)
{
    gboolean live = gst_base_src_is_live(GST_BASE_SRC(self));
    GstClockTime running = gst_segment_to_running_time(segment, GST_FORMAT_TIME, timing->pts);
    GstClockTime stream = gst_segment_to_stream_time(segment, GST_FORMAT_TIME, timing->pts);
    guint64 processed, all;
    GstMessage *message;
    gdouble proportion;

    GST_OBJECT_LOCK(self);
    proportion = self->qos_proportion;
    GST_OBJECT_UNLOCK(self);
    self->discont = TRUE;
    GST_DEBUG_OBJECT(self, "dropped %" G_GUINT64_FORMAT " frames before frame %" G_GUINT64_FORMAT,
                     dropped, timing->frame);
    gst_code_stats_dropped(&self->engine.stats, dropped);
    gst_code_stats_counts(&self->engine.stats, &processed, &all);
    message =
        gst_message_new_qos(GST_OBJECT(self), live, running, stream, timing->pts, timing->duration);
    gst_message_set_qos_values(message, 0, proportion, 1000000);
    gst_message_set_qos_stats(message, GST_FORMAT_BUFFERS, processed, all);
    gst_element_post_message(GST_ELEMENT(self), message);
}

/* ---- the clock ----------------------------------------------------------------- */

void gst_code_src_anchor(GstCodeSrc *self, const GstSegment *segment, GstClockTime lead)
{
    GstClockTime now;

    if (self->anchored || !gst_base_src_is_live(GST_BASE_SRC(self)))
        return;
    self->anchored = TRUE;
    if (!running_time(self, &now))
        return;
    GST_DEBUG_OBJECT(self, "live from running time %" GST_TIME_FORMAT " on",
                     GST_TIME_ARGS(now + lead));
    gst_code_timeline_anchor(&self->timeline, segment, now + lead);
}

/* FALSE: interrupted, or paused. */
static gboolean wait_until(GstCodeSrc *self, GstClock *clock, GstClockTime running)
{
    GstClockID id = NULL;
    GstClockReturn result;

    /* The base time is that of before a pause, which then finds the id, or that of after it. */
    GST_OBJECT_LOCK(self);
    if (!self->clock_interrupted && !self->clock_paused)
        id = gst_clock_new_single_shot_id(clock, running + GST_ELEMENT(self)->base_time);
    self->clock_id = id;
    GST_OBJECT_UNLOCK(self);
    if (!id)
        return FALSE;
    result = gst_clock_id_wait(id, NULL);
    GST_OBJECT_LOCK(self);
    self->clock_id = NULL;
    GST_OBJECT_UNLOCK(self);
    gst_clock_id_unref(id);
    return result != GST_CLOCK_UNSCHEDULED;
}

/* Whether a wait that ended early is to be done again: a pause ended it, after which the base time
 * is another. An interruption lasts until this thread has returned. */
static gboolean plays_again(GstCodeSrc *self)
{
    gboolean interrupted;

    GST_OBJECT_LOCK(self);
    while (self->clock_paused && !self->clock_interrupted)
        g_cond_wait(&self->clock_changed, GST_OBJECT_GET_LOCK(self));
    interrupted = self->clock_interrupted;
    GST_OBJECT_UNLOCK(self);
    return !interrupted;
}

gboolean gst_code_src_wait_for_clock(GstCodeSrc *self, const GstSegment *segment,
                                     const GstCodeTiming *timing)
{
    GstClockTime time = gst_segment_to_running_time(segment, GST_FORMAT_TIME, timing->pts);
    gboolean waited;
    GstClock *clock;

    if (!gst_base_src_is_live(GST_BASE_SRC(self)) || !GST_CLOCK_TIME_IS_VALID(time))
        return TRUE;
    do {
        clock = gst_element_get_clock(GST_ELEMENT(self));
        if (!clock)
            return TRUE;
        waited = wait_until(self, clock, time);
        gst_object_unref(clock);
    } while (!waited && plays_again(self));
    return waited;
}

static void set_and_wake(GstCodeSrc *self, gboolean *flag, gboolean value)
{
    GST_OBJECT_LOCK(self);
    *flag = value;
    if (value && self->clock_id)
        gst_clock_id_unschedule(self->clock_id);
    g_cond_broadcast(&self->clock_changed);
    GST_OBJECT_UNLOCK(self);
}

void gst_code_src_interrupt_clock(GstCodeSrc *self, gboolean interrupted)
{
    set_and_wake(self, &self->clock_interrupted, interrupted);
}

void gst_code_src_pause_clock(GstCodeSrc *self, gboolean paused)
{
    GstClockTime now = 0;

    if (paused && running_time(self, &now)) {
        GST_OBJECT_LOCK(self);
        self->paused_at = now;
        GST_OBJECT_UNLOCK(self);
    }
    set_and_wake(self, &self->clock_paused, paused);
}

/* ---- latency ------------------------------------------------------------------- */

void gst_code_src_update_latency(GstCodeSrc *self)
{
    if (!gst_code_stats_update_latency(&self->engine.stats))
        return;
    GST_DEBUG_OBJECT(self, "latency is now %" GST_TIME_FORMAT,
                     GST_TIME_ARGS(gst_code_stats_latency(&self->engine.stats)));
    if (gst_base_src_is_live(GST_BASE_SRC(self)))
        gst_element_post_message(GST_ELEMENT(self), gst_message_new_latency(GST_OBJECT(self)));
}
