/* gstcodeseek.c - seeks and queries: from every format to frames and back, and the stream's end. */
#include "codesrc/gstcodesrcprivate.h"

/* ---- the end ---------------------------------------------------------------------- */

/* A stream of num-buffers frames has the same end however often and from wherever it is played: so
 * the base class, which counts the buffers that it pushes, must not count them. A live stream drops
 * frames and cannot seek: there it counts. */
void gst_code_src_find_end(GstCodeSrc *self)
{
    GstBaseSrc *src = GST_BASE_SRC(self);

    GST_OBJECT_LOCK(self);
    self->length = src->num_buffers_left;
    GST_OBJECT_UNLOCK(self);
    self->end = GST_CODE_NO_FRAME;
    if (gst_base_src_is_live(src) || src->num_buffers_left < 0)
        return;
    self->end = (guint64)src->num_buffers_left;
    src->num_buffers_left = -1;
}

/* ---- seeks --------------------------------------------------------------------- */

/* Not while it starts or stops: the pad accepts events then, and a seek would set the stream going
 * before the size of its pictures is known. */
gboolean gst_code_src_is_seekable(GstBaseSrc *src)
{
    GstCodeSrc *self = GST_CODE_SRC(src);
    gboolean ready;

    GST_OBJECT_LOCK(self);
    ready = self->side > 0;
    GST_OBJECT_UNLOCK(self);
    return ready && !gst_base_src_is_live(src);
}

/* The frame rate and size as negotiated or, for a seek before that, as they will be negotiated. */
static gboolean get_info(GstCodeSrc *self, GstVideoInfo *info)
{
    GstCaps *caps;
    gboolean known;

    GST_OBJECT_LOCK(self);
    *info = self->info;
    GST_OBJECT_UNLOCK(self);
    if (info->fps_d)
        return TRUE;

    caps = gst_pad_get_allowed_caps(GST_BASE_SRC_PAD(self));
    if (!caps)
        caps = gst_pad_query_caps(GST_BASE_SRC_PAD(self), NULL);
    known = !gst_caps_is_empty(caps) && !gst_caps_is_any(caps);
    if (known) {
        caps = GST_BASE_SRC_GET_CLASS(self)->fixate(GST_BASE_SRC(self), caps);
        known = gst_video_info_from_caps(info, caps);
    }
    gst_caps_unref(caps);
    return known;
}

static gboolean convert(GstCodeSrc *self, GstFormat from, gint64 value, GstFormat to,
                        gint64 *result)
{
    GstVideoInfo info;

    return get_info(self, &info) &&
           gst_code_timeline_convert(info.fps_n, info.fps_d, GST_VIDEO_INFO_SIZE(&info), from,
                                     value, to, result);
}

/* The length of the stream, -1 if it has no end. From start to stop, changes of num-buffers have no
 * effect on it. */
static gint64 duration_in(GstCodeSrc *self, GstFormat format)
{
    gint64 duration;

    GST_OBJECT_LOCK(self);
    duration = self->side ? self->length : GST_BASE_SRC(self)->num_buffers;
    GST_OBJECT_UNLOCK(self);
    if (duration < 0 || format == GST_FORMAT_DEFAULT ||
        convert(self, GST_FORMAT_DEFAULT, duration, format, &duration))
        return duration;
    return -1;
}

/* Without a change nothing is written, since the streaming thread reads the segment without the
 * lock. */
gboolean gst_code_src_set_duration(GstCodeSrc *self)
{
    GstSegment *segment = &GST_BASE_SRC(self)->segment;
    guint64 duration = (guint64)duration_in(self, GST_FORMAT_TIME), before;

    GST_OBJECT_LOCK(self);
    before = segment->duration;
    if (before != duration)
        segment->duration = duration;
    GST_OBJECT_UNLOCK(self);
    if (before != duration && GST_CLOCK_TIME_IS_VALID(before))
        gst_element_post_message(GST_ELEMENT(self),
                                 gst_message_new_duration_changed(GST_OBJECT(self)));
    return GST_CLOCK_TIME_IS_VALID(duration);
}

/* The base class flushes before it calls do_seek, and a seek that fails there leaves no segment. So
 * impossible seeks are refused here. It also accepts seeks that are sent to a live element. */
gboolean gst_code_src_note_seek(GstCodeSrc *self, GstEvent *seek)
{
    GstBaseSrc *src = GST_BASE_SRC(self);
    GstSeekType start_type, stop_type;
    GstSeekFlags flags;
    gboolean ends;
    gdouble rate;
    gint64 stop;

    gst_event_parse_seek(seek, &rate, NULL, &flags, &start_type, NULL, &stop_type, &stop);
    ends = gst_code_src_set_duration(self);
    if (stop_type == GST_SEEK_TYPE_NONE)
        stop = (gint64)src->segment.stop;
    GST_OBJECT_LOCK(self);
    self->seek_flags = flags;
    self->seek_from_here = start_type == GST_SEEK_TYPE_NONE && stop_type == GST_SEEK_TYPE_NONE;
    GST_OBJECT_UNLOCK(self);
    if (gst_base_src_is_live(src))
        return FALSE;
    return ends || (start_type != GST_SEEK_TYPE_END && stop_type != GST_SEEK_TYPE_END &&
                    (rate > 0.0 || stop != -1));
}

gboolean gst_code_src_send_event(GstElement *element, GstEvent *event)
{
    if (GST_EVENT_TYPE(event) == GST_EVENT_SEEK &&
        !gst_code_src_note_seek(GST_CODE_SRC(element), event)) {
        gst_event_unref(event);
        return FALSE;
    }
    return GST_ELEMENT_CLASS(GST_CODE_SRC_PARENT)->send_event(element, event);
}

/* Every frame is a key frame, so a seek snaps to the beginning of one. */
static void snap(GstCodeSrc *self, GstSegment *segment)
{
    guint64 *end = segment->rate > 0.0 ? &segment->start : &segment->stop;
    GstSeekFlags flags;
    GstVideoInfo info;

    GST_OBJECT_LOCK(self);
    flags = self->seek_flags;
    self->seek_flags = GST_SEEK_FLAG_NONE;
    GST_OBJECT_UNLOCK(self);
    if (!(flags & GST_SEEK_FLAG_KEY_UNIT) || !(flags & GST_SEEK_FLAG_SNAP_NEAREST) ||
        !GST_CLOCK_TIME_IS_VALID(*end) || !get_info(self, &info))
        return;
    *end = gst_code_timeline_snap(info.fps_n, info.fps_d, *end, flags);
    segment->position = *end;
}

gboolean gst_code_src_do_seek(GstBaseSrc *src, GstSegment *segment)
{
    GstCodeSrc *self = GST_CODE_SRC(src);
    guint64 from = segment->position;
    gboolean here;
    gint64 end;

    GST_OBJECT_LOCK(self);
    here = self->seek_from_here;
    self->seek_from_here = FALSE;
    segment->duration = src->segment.duration; /* a seek by frame number has a new segment */
    GST_OBJECT_UNLOCK(self);
    snap(self, segment);
    segment->time = segment->start;
    if (segment->rate < 0.0 && !GST_CLOCK_TIME_IS_VALID(segment->stop)) {
        /* Backwards from the end, which num-buffers determines. */
        end = duration_in(self, GST_FORMAT_TIME);
        if (end < 0)
            return FALSE;
        segment->stop = segment->position = MAX((guint64)end, segment->start);
        if (here) {
            segment->position = MIN(from, segment->stop);
            segment->offset = segment->stop - segment->position;
        }
    }
    GST_DEBUG_OBJECT(self, "seek to %" GST_SEGMENT_FORMAT, segment);
    gst_code_timeline_seek(&self->timeline);
    gst_code_src_reset_qos(self);
    self->anchored = FALSE;
    g_mutex_lock(&self->prefetch_lock);
    if (self->prefetch)
        gst_code_prefetch_flush(self->prefetch);
    g_mutex_unlock(&self->prefetch_lock);
    return TRUE;
}

/* ---- queries ------------------------------------------------------------------- */

static gboolean query_convert(GstCodeSrc *self, GstQuery *query)
{
    GstFormat from, to;
    gint64 value, result;

    gst_query_parse_convert(query, &from, &value, &to, NULL);
    if (from != to && !convert(self, from, value, to, &result))
        return FALSE;
    gst_query_set_convert(query, from, value, to, from == to ? value : result);
    return TRUE;
}

/* FALSE: the base class may know more. */
static gboolean query_duration(GstCodeSrc *self, GstQuery *query)
{
    GstFormat format;
    gint64 duration;

    gst_query_parse_duration(query, &format, NULL);
    duration = duration_in(self, format);
    gst_query_set_duration(query, format, duration);
    return duration >= 0;
}

/* FALSE: in no such format. */
static gboolean query_seeking(GstCodeSrc *self, GstQuery *query)
{
    gboolean seekable = gst_code_src_is_seekable(GST_BASE_SRC(self));
    GstFormat format;

    gst_query_parse_seeking(query, &format, NULL, NULL, NULL);
    if (format != GST_FORMAT_TIME && format != GST_FORMAT_DEFAULT)
        return FALSE;
    gst_query_set_seeking(query, format, seekable, 0, duration_in(self, format));
    return TRUE;
}

gboolean gst_code_src_query(GstBaseSrc *src, GstQuery *query)
{
    GstCodeSrc *self = GST_CODE_SRC(src);
    gboolean live;

    switch (GST_QUERY_TYPE(query)) {
    case GST_QUERY_CONVERT:
        return query_convert(self, query);
    case GST_QUERY_DURATION:
        if (query_duration(self, query))
            return TRUE;
        break;
    case GST_QUERY_SEEKING:
        if (query_seeking(self, query))
            return TRUE;
        break;
    case GST_QUERY_CONTEXT:
        if (gst_code_cuda_answer(&self->cuda, query))
            return TRUE;
        break;
    case GST_QUERY_LATENCY:
        /* A picture is late by at most the time that one takes, and downstream may hold it for as
         * long as it likes. */
        live = gst_base_src_is_live(src);
        gst_query_set_latency(query, live, live ? gst_code_stats_latency(&self->engine.stats) : 0,
                              GST_CLOCK_TIME_NONE);
        return TRUE;
    default:
        break;
    }
    return GST_CODE_SRC_PARENT->query(src, query);
}
