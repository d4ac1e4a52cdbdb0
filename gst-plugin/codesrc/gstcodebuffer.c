/* gstcodebuffer.c - from finished frames to buffers. In a film, a picture that stands still is the
 * same memory again. */
#include "codesrc/gstcodesrcprivate.h"

/* The base class sends the tags after the segment. It is asked directly: gst_element_send_event()
 * takes the state lock, which a thread that stops this one holds while it waits for it. */
static void send_tags(GstCodeSrc *self, const GstCodeFrame *frame, const CodesrcModelInfo *info)
{
    GstTagList *list;
    GstCodeTags tags;

    if (self->tags_sent)
        return;
    self->tags_sent = TRUE;
    GST_OBJECT_LOCK(self);
    tags = self->tags;
    GST_OBJECT_UNLOCK(self);
    list = gst_code_record_tags(&frame->record, info, tags);
    if (list)
        GST_ELEMENT_CLASS(GST_CODE_SRC_PARENT)
            ->send_event(GST_ELEMENT(self), gst_event_new_tag(list));
}

/* Everything of a buffer except its pixels. */
static void stamp(GstCodeSrc *self, const GstCodeFrame *frame, GstBuffer *buffer)
{
    const GstCodeTiming *timing = &frame->timing;
    CodesrcModel *model = gst_code_stats_model(&self->engine.stats);
    const CodesrcModelInfo *info = codesrc_model_info(model);

    GST_BUFFER_PTS(buffer) = timing->pts;
    GST_BUFFER_DTS(buffer) = GST_CLOCK_TIME_NONE;
    GST_BUFFER_DURATION(buffer) = timing->duration;
    GST_BUFFER_OFFSET(buffer) = timing->frame;
    GST_BUFFER_OFFSET_END(buffer) = timing->next;
    if (self->discont)
        GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
    self->discont = FALSE;
    gst_code_record_attach(&frame->record, info, buffer);
    send_tags(self, frame, info);
    codesrc_model_unref(model);
}

static gboolean write_frame(GstCodeSrc *self, const GstCodeFrame *frame, GstBuffer *buffer)
{
    const GstCodePixels *pixels = &frame->pixels;
    CodesrcError error;

    if (pixels->output.on_device
            ? gst_code_cuda_copy(&self->cuda, &pixels->picture, &self->info, buffer, &error)
            : gst_code_writer_write(&self->writer, pixels->picture.data, buffer, &error))
        return TRUE;
    gst_code_engine_post_error(&self->engine, &error);
    return FALSE;
}

/* The buffer has its pixels: waits for its time and does the rest. */
static GstFlowReturn finish_frame(GstCodeSrc *self, const GstCodeFrame *frame, GstBuffer *buffer)
{
    const GstSegment *segment = &GST_BASE_SRC(self)->segment;

    gst_code_src_update_latency(self);
    if (!gst_code_src_wait_for_clock(self, segment, &frame->timing))
        return GST_FLOW_FLUSHING;
    stamp(self, frame, buffer);
    gst_code_stats_processed(&self->engine.stats, &frame->record);
    gst_code_timeline_advance(&self->timeline, segment);
    GST_LOG_OBJECT(self,
                   "frame %" G_GUINT64_FORMAT " at %" GST_TIME_FORMAT ": picture %" G_GUINT64_FORMAT
                   " of class %d, seed %" G_GUINT64_FORMAT,
                   frame->timing.frame, GST_TIME_ARGS(frame->timing.pts),
                   frame->record.request.frame, frame->record.request.class_id,
                   frame->record.request.seed);
    return GST_FLOW_OK;
}

/* Whether there is a prefetch: after a start, until the stop. */
static gboolean is_started(GstCodeSrc *self)
{
    gboolean started;

    g_mutex_lock(&self->prefetch_lock);
    started = self->prefetch != NULL;
    g_mutex_unlock(&self->prefetch_lock);
    return started;
}

/* Pulls the frame unless a film has done so already. */
GstFlowReturn gst_code_src_fill(GstPushSrc *src, GstBuffer *buffer)
{
    GstCodeSrc *self = GST_CODE_SRC(src);
    GstFlowReturn flow = GST_FLOW_OK;
    GstCodeFrame *frame = self->frame;

    if (!is_started(self))
        return GST_FLOW_FLUSHING;
    if (!frame)
        frame = gst_code_src_next_frame(self, &flow);
    if (!frame)
        return flow;
    if (!write_frame(self, frame, buffer))
        flow = GST_FLOW_ERROR;
    else if (!self->frame)
        flow = finish_frame(self, frame, buffer);
    if (!self->frame)
        gst_code_prefetch_recycle(self->prefetch, frame);
    return flow;
}

/* ---- films ----------------------------------------------------------------------------------- */

/* Another buffer with the same memory, which its pool gets back when the last of them is gone. */
static GstBuffer *share(GstBuffer *buffer)
{
    GstBuffer *other = gst_buffer_new();

    gst_buffer_copy_into(other, buffer, GST_BUFFER_COPY_MEMORY | GST_BUFFER_COPY_META, 0, -1);
    gst_buffer_add_parent_buffer_meta(other, buffer);
    return other;
}

/* The buffer of the pulled frame: new memory, or what the frame before it showed. */
static GstFlowReturn create_pulled(GstCodeSrc *self, guint64 offset, guint size, GstBuffer **buffer)
{
    GstFlowReturn flow;
    GstBuffer *drawn = NULL;

    if (!self->frame->held) {
        gst_clear_buffer(&self->standing);
        flow = GST_CODE_SRC_PARENT->create(GST_BASE_SRC(self), offset, size, &drawn);
        if (flow != GST_FLOW_OK)
            return flow;
        self->standing = drawn;
    }
    self->shown = self->frame->record;
    self->shown_serial = self->frame->serial;
    *buffer = share(self->standing);
    flow = finish_frame(self, self->frame, *buffer);
    if (flow != GST_FLOW_OK)
        gst_clear_buffer(buffer);
    return flow;
}

/* The next frame is not there in time: at its time, the last pixels are shown again. */
static GstFlowReturn repeat(GstCodeSrc *self, GstBuffer **buffer)
{
    GstCodeFrame frame = {.record = self->shown};
    GstFlowReturn flow;

    gst_code_timeline_next(&self->timeline, &GST_BASE_SRC(self)->segment, &frame.timing);
    *buffer = share(self->standing);
    flow = finish_frame(self, &frame, *buffer);
    if (flow == GST_FLOW_OK)
        gst_code_stats_repeated(&self->engine.stats);
    else
        gst_clear_buffer(buffer);
    return flow;
}

static gboolean has_pixels(GstCodeSrc *self, const GstCodeFrame *frame)
{
    return !frame->held || (self->standing && self->shown_serial == frame->serial &&
                            self->shown.film.moment.content == frame->record.film.moment.content);
}

/* The next frame. One that shows what the frame before it showed comes without pixels. If that one
 * never became a buffer, for example because the format has changed, it is pulled again, and then
 * comes drawn. */
static GstCodeFrame *pull_with_pixels(GstCodeSrc *self, GstFlowReturn *flow)
{
    GstCodeFrame *frame = gst_code_src_next_frame(self, flow);

    while (frame && !has_pixels(self, frame)) {
        gst_code_prefetch_recycle(self->prefetch, frame);
        gst_code_prefetch_flush(self->prefetch);
        frame = gst_code_src_next_frame(self, flow);
    }
    return frame;
}

GstFlowReturn gst_code_src_create_film(GstCodeSrc *self, guint64 offset, guint size,
                                       GstBuffer **buffer)
{
    GstFlowReturn flow;

    if (!is_started(self))
        return GST_FLOW_FLUSHING;
    self->frame = pull_with_pixels(self, &flow);
    if (!self->frame)
        return flow == GST_CODE_FLOW_REPEAT ? repeat(self, buffer) : flow;
    flow = create_pulled(self, offset, size, buffer);
    gst_code_prefetch_recycle(self->prefetch, self->frame);
    self->frame = NULL;
    return flow;
}
