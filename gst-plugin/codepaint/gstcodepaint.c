/* gstcodepaint.c - the element codepaint: states, caps and frames. gstcoderepaint.c paints. */

/* clang-format off */
/**
 * SECTION:element-codepaint
 * @title: codepaint
 * @short_description: repaints a part of each frame with a VAR model
 *
 * #codepaint encodes each frame to the model's tokens, draws the part under the mask as
 * #codepaint:class-id or #codepaint:class-name, and decodes the result: CoDe's zero-shot editing
 * (arXiv 2411.17787). Pixels outside the mask keep their bytes.
 *
 * The mask is the rectangle #codepaint:mask or, if that is not set, the transparent pixels of a
 * format with alpha. Frames without a mask pass unchanged.
 *
 * Frames may have any size. The model works at its own size, 256x256 for the bundled model, and
 * draws whole cells of 16x16 pixels there. Masked pixels of the result are scaled to the frame.
 *
 * The picture painted into a frame is the one of its number, which is its stream time multiplied by
 * the frame rate. So a film that is painted twice is the same twice, from wherever it is played.
 * With #codepaint:hold and #codepaint:morph the painted part is a film of its own: a picture stands
 * for some frames and becomes the next one.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 codesrc class-id=10 num-buffers=5 \
 *     ! codepaint mask=64,128,128,128 class-name=volcano ! videoconvert ! autovideosink
 * ]| Landscapes with a volcano in their lower half.
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=2 ! codepaint mask=0,0,160,240 seed=7 \
 *     ! videoconvert ! autovideosink
 * ]| The left half of another video, repainted.
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=20 \
 *     ! codepaint mask=0,0,160,240 seed=7 hold=4 morph=4 ! videoconvert ! autovideosink
 * ]| The same with pictures that become one another.
 */
/* clang-format on */
#include "codepaint/gstcodepaint.h"

#include "codepaint/gstcodemask.h"
#include "codepaint/gstcoderepaint.h"
#include "model/gstcodeengine.h"
#include "report/gstcodeerror.h"
#include "report/gstcodelog.h"

#define GST_CAT_DEFAULT gst_code_paint_debug

#define CAPS GST_VIDEO_CAPS_MAKE(GST_CODE_REPAINT_FORMATS)

enum { PROP_MASK = GST_CODE_MODEL_SPEC_LAST, PROP_STATS };

struct _GstCodePaint {
    GstVideoFilter parent;

    GstCodeEngine engine; /* its properties: guarded by the object lock */
    gchar *mask;          /* guarded by the object lock; NULL: the alpha channel */
    GstCodeMotion motion; /* guarded by the object lock */

    /* The streaming thread's. */
    gboolean started;
    GThread *waiter; /* the weights are this thread's until it is joined */
    guint64 frame, next_frame;
    GstCodeRepaint repaint;
};

static const GstCodeProperty rows[] = {
    {.id = PROP_MASK,
     .type = GST_CODE_STRING,
     .name = "mask",
     .nick = "Mask",
     .blurb =
         "Rectangle to repaint: x,y,width,height in pixels of the frame. If width or height is "
         "0, frames pass unchanged. NULL: the transparent pixels, in formats with alpha",
     .offset = offsetof(GstCodePaint, mask),
     .flags = GST_CODE_READ_EACH_FRAME},
};

static const GstCodePropertyTable own_properties = {rows, G_N_ELEMENTS(rows)};

G_DEFINE_TYPE(GstCodePaint, gst_code_paint, GST_TYPE_VIDEO_FILTER)
GST_ELEMENT_REGISTER_DEFINE(codepaint, "codepaint", GST_RANK_NONE, GST_TYPE_CODE_PAINT)

#define parent_class   gst_code_paint_parent_class
#define PARENT_FILTER  GST_BASE_TRANSFORM_CLASS(parent_class)
#define PARENT_ELEMENT GST_ELEMENT_CLASS(parent_class)

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(CAPS));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(CAPS));

static GstFlowReturn post_error(GstCodePaint *self, const CodesrcError *error)
{
    gst_code_engine_post_error(&self->engine, error);
    return GST_FLOW_ERROR;
}

/* ---- properties -------------------------------------------------------------- */

static void gst_code_paint_set_property(GObject *object, guint id, const GValue *value,
                                        GParamSpec *pspec)
{
    GstCodePaint *self = GST_CODE_PAINT(object);
    gboolean known;

    if (gst_code_engine_is_late(&self->engine, pspec))
        GST_WARNING_OBJECT(self, "%s takes effect when the element next leaves READY", pspec->name);
    GST_OBJECT_LOCK(self);
    known = gst_code_properties_set(own_properties, self, id, value) ||
            gst_code_properties_set(gst_code_motion_properties, &self->motion, id, value) ||
            gst_code_engine_set(&self->engine, id, value);
    GST_OBJECT_UNLOCK(self);
    if (!known)
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
}

static void gst_code_paint_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
    GstCodePaint *self = GST_CODE_PAINT(object);
    gboolean known;

    if (id == PROP_STATS) {
        g_value_take_boxed(value, gst_code_stats_structure(&self->engine.stats));
        return;
    }
    GST_OBJECT_LOCK(self);
    known = gst_code_properties_get(own_properties, self, id, value) ||
            gst_code_properties_get(gst_code_motion_properties, &self->motion, id, value) ||
            gst_code_engine_get(&self->engine, id, value);
    GST_OBJECT_UNLOCK(self);
    if (!known)
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
}

static gchar *get_mask(GstCodePaint *self)
{
    gchar *mask;

    GST_OBJECT_LOCK(self);
    mask = g_strdup(self->mask);
    GST_OBJECT_UNLOCK(self);
    return mask;
}

/* ---- start and stop ---------------------------------------------------------- */

/* Whether it is a rectangle; the frames will show whether it lies inside them. */
static gboolean check_mask(GstCodePaint *self)
{
    GstVideoRectangle rectangle;
    gchar *mask = get_mask(self);
    CodesrcError error;
    gboolean good = !mask || gst_code_mask_parse(mask, &rectangle, &error);

    if (!good)
        post_error(self, &error);
    g_free(mask);
    return good;
}

static gboolean check_motion(GstCodePaint *self, GstCodeMotion *motion)
{
    CodesrcError error;

    GST_OBJECT_LOCK(self);
    *motion = self->motion;
    GST_OBJECT_UNLOCK(self);
    if (gst_code_properties_check(gst_code_motion_properties, motion, &error))
        return TRUE;
    post_error(self, &error);
    return FALSE;
}

/* The first frame that needs the weights may come late or never: behind a live source there is none
 * before PLAYING, and an application that waits for all PROGRESS to end, as gst-launch-1.0 does,
 * would wait for ever. So a thread waits for the weights instead of a frame. */
static gpointer await_weights(gpointer data)
{
    CodesrcError error; /* the frames will meet it as well */

    gst_code_weights_await(&((GstCodePaint *)data)->engine.weights, &error);
    return NULL;
}

static gboolean start_waiter(GstCodePaint *self, CodesrcError *error)
{
    self->waiter = gst_code_thread_new("codepaint-wait", await_weights, self, error);
    return self->waiter != NULL;
}

/* Returns once the weights are there or the waiter was interrupted. */
static void join_waiter(GstCodePaint *self)
{
    g_clear_pointer(&self->waiter, g_thread_join);
}

/* The base class has waited for frames, but another thread may still end a flush. */
static gboolean gst_code_paint_stop(GstBaseTransform *transform)
{
    GstCodePaint *self = GST_CODE_PAINT(transform);

    gst_code_weights_interrupt(&self->engine.weights, TRUE);
    GST_PAD_STREAM_LOCK(GST_BASE_TRANSFORM_SINK_PAD(transform));
    join_waiter(self);
    gst_code_engine_stop(&self->engine);
    gst_code_repaint_stop(&self->repaint);
    self->started = FALSE;
    GST_PAD_STREAM_UNLOCK(GST_BASE_TRANSFORM_SINK_PAD(transform));
    gst_code_weights_interrupt(&self->engine.weights, FALSE);
    GST_DEBUG_OBJECT(self, "stopped");
    return TRUE;
}

static gboolean gst_code_paint_start(GstBaseTransform *transform)
{
    GstCodePaint *self = GST_CODE_PAINT(transform);
    GstCodeMotion motion;
    CodesrcError error;

    gst_base_transform_set_passthrough(transform, FALSE);
    if (!check_motion(self, &motion) || !gst_code_engine_start(&self->engine) ||
        !check_mask(self)) {
        gst_code_paint_stop(transform);
        return FALSE;
    }
    gst_code_repaint_start(&self->repaint, &self->engine, &motion);
    self->next_frame = 0;
    self->started = TRUE;
    if (start_waiter(self, &error))
        return TRUE;
    post_error(self, &error);
    gst_code_paint_stop(transform);
    return FALSE;
}

/* The base class waits for the frame that is being painted, so that is interrupted first. */
static GstStateChangeReturn gst_code_paint_change_state(GstElement *element,
                                                        GstStateChange transition)
{
    GstCodePaint *self = GST_CODE_PAINT(element);
    GstCodeWeights *weights = &self->engine.weights;
    GstStateChangeReturn result;

    GST_DEBUG_OBJECT(self, "%s to %s",
                     gst_element_state_get_name(GST_STATE_TRANSITION_CURRENT(transition)),
                     gst_element_state_get_name(GST_STATE_TRANSITION_NEXT(transition)));
    if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
        gst_code_weights_interrupt(weights, TRUE);
    result = PARENT_ELEMENT->change_state(element, transition);
    if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
        gst_code_weights_interrupt(weights, FALSE);
    if (transition == GST_STATE_CHANGE_READY_TO_NULL)
        gst_code_engine_forget(&self->engine);
    return result;
}

static gboolean gst_code_paint_sink_event(GstBaseTransform *transform, GstEvent *event)
{
    GstCodePaint *self = GST_CODE_PAINT(transform);
    CodesrcError error;

    if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_START) {
        GST_DEBUG_OBJECT(self, "a flush interrupts the frame that is being painted");
        gst_code_weights_interrupt(&self->engine.weights, TRUE);
    }
    if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP) {
        join_waiter(self);
        gst_code_weights_interrupt(&self->engine.weights, FALSE);
        /* Without a thread the frames wait all the same, and there were some. */
        if (self->started && !start_waiter(self, &error))
            GST_WARNING_OBJECT(self, "%s", error.text);
        self->next_frame = 0;
    }
    return PARENT_FILTER->sink_event(transform, event);
}

/* ---- caps and latency -------------------------------------------------------- */

static gboolean gst_code_paint_set_info(GstVideoFilter *filter, GstCaps *in_caps,
                                        GstVideoInfo *in_info, GstCaps *out_caps,
                                        GstVideoInfo *out_info)
{
    GstCodePaint *self = GST_CODE_PAINT(filter);

    (void)out_caps;
    (void)out_info;
    GST_INFO_OBJECT(self, "caps %" GST_PTR_FORMAT, in_caps);
    return gst_code_repaint_set_info(&self->repaint, in_info);
}

/* Live: what comes from upstream comes out later by what a picture takes. */
static gboolean gst_code_paint_query(GstBaseTransform *transform, GstPadDirection direction,
                                     GstQuery *query)
{
    GstClockTime latency = gst_code_stats_latency(&GST_CODE_PAINT(transform)->engine.stats);
    gboolean answered = PARENT_FILTER->query(transform, direction, query), live;
    GstClockTime min, max;

    if (!answered || direction != GST_PAD_SRC || GST_QUERY_TYPE(query) != GST_QUERY_LATENCY)
        return answered;
    gst_query_parse_latency(query, &live, &min, &max);
    if (GST_CLOCK_TIME_IS_VALID(max))
        max += latency;
    gst_query_set_latency(query, live, min + latency, max);
    return TRUE;
}

/* ---- frames ------------------------------------------------------------------ */

/* NONE: the frame or the stream has no time. */
static GstClockTime stream_time(GstCodePaint *self, GstBuffer *buffer)
{
    const GstSegment *segment = &GST_BASE_TRANSFORM(self)->segment;

    if (segment->format != GST_FORMAT_TIME || !GST_BUFFER_PTS_IS_VALID(buffer))
        return GST_CLOCK_TIME_NONE;
    return gst_segment_to_stream_time(segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
}

/* The number of a frame follows from its stream time, so that it is the same by playing and by
 * seeking, behind whatever demuxer. Without a time or a rate it is the buffer's offset, and without
 * that a count. */
static guint64 number_of(GstCodePaint *self, GstBuffer *buffer)
{
    const GstVideoInfo *info = &GST_VIDEO_FILTER(self)->in_info;
    GstClockTime time = stream_time(self, buffer);

    if (GST_CLOCK_TIME_IS_VALID(time) && GST_VIDEO_INFO_FPS_N(info) > 0)
        return gst_util_uint64_scale_round(time, GST_VIDEO_INFO_FPS_N(info),
                                           GST_VIDEO_INFO_FPS_D(info) * GST_SECOND);
    return GST_BUFFER_OFFSET_IS_VALID(buffer) ? GST_BUFFER_OFFSET(buffer) : self->next_frame;
}

static GstFlowReturn gst_code_paint_submit(GstBaseTransform *transform, gboolean discont,
                                           GstBuffer *buffer)
{
    GstCodePaint *self = GST_CODE_PAINT(transform);
    GstFlowReturn flow;

    /* Here, because the base class drops late frames before it shows them to anything else. */
    self->frame = number_of(self, buffer);
    self->next_frame = self->frame + 1;
    flow = PARENT_FILTER->submit_input_buffer(transform, discont, buffer);
    if (flow == GST_BASE_TRANSFORM_FLOW_DROPPED) {
        GST_DEBUG_OBJECT(self, "dropped frame %" G_GUINT64_FORMAT ": it is late", self->frame);
        gst_code_stats_dropped(&self->engine.stats, 1);
    }
    return flow;
}

/* Controlled properties, and whether there is anything to do at all. */
static void gst_code_paint_before_transform(GstBaseTransform *transform, GstBuffer *buffer)
{
    GstCodePaint *self = GST_CODE_PAINT(transform);
    GstClockTime time = stream_time(self, buffer);
    GstVideoRectangle rectangle;
    gboolean empty;
    CodesrcError error;
    gchar *mask;

    if (!GST_VIDEO_FILTER(self)->negotiated)
        return; /* no caps yet: the base class refuses the buffer next */
    if (GST_CLOCK_TIME_IS_VALID(time))
        gst_object_sync_values(GST_OBJECT(self), time);
    mask = get_mask(self);
    if (mask) /* transform_frame_ip refuses a wrong one */
        empty =
            gst_code_mask_parse(mask, &rectangle, &error) && (rectangle.w == 0 || rectangle.h == 0);
    else
        empty = !GST_VIDEO_INFO_HAS_ALPHA(&GST_VIDEO_FILTER(self)->in_info);
    g_free(mask);
    gst_base_transform_set_passthrough(transform, empty);
}

/* How the frame was painted, for the buffer's meta, `stats` and the latency. */
static void note(GstCodePaint *self, const GstCodeRecord *record, GstBuffer *buffer)
{
    GstCodeStats *stats = &self->engine.stats;
    CodesrcModel *model = self->engine.weights.headers;

    GST_LOG_OBJECT(self,
                   "painted frame %" G_GUINT64_FORMAT " as class %d, seed %" G_GUINT64_FORMAT
                   ", N = %u in %.0f us",
                   self->frame, record->request.class_id, record->request.seed,
                   record->request.settings.drafting_steps, 1e6 * record->seconds);
    gst_code_record_attach(record, codesrc_model_info(model), buffer);
    gst_code_stats_set_model(stats, model);
    gst_code_stats_processed(stats, record);
    gst_code_stats_measure(stats, record->seconds);
    if (gst_code_stats_update_latency(stats)) {
        GST_DEBUG_OBJECT(self, "latency is now %" GST_TIME_FORMAT,
                         GST_TIME_ARGS(gst_code_stats_latency(stats)));
        gst_element_post_message(GST_ELEMENT(self), gst_message_new_latency(GST_OBJECT(self)));
    }
}

static GstFlowReturn gst_code_paint_transform_frame_ip(GstVideoFilter *filter, GstVideoFrame *frame)
{
    GstCodePaint *self = GST_CODE_PAINT(filter);
    gchar *mask = get_mask(self);
    GstVideoRectangle rectangle;
    GstCodeRecord record;
    CodesrcError error;
    gboolean any, chosen;

    chosen = gst_code_repaint_choose(&self->repaint, mask, frame, &rectangle, &any, &error);
    g_free(mask);
    if (!chosen)
        return post_error(self, &error);
    if (!any)
        return GST_FLOW_OK;
    join_waiter(self);
    if (!gst_code_repaint_frame(&self->repaint, self->frame, frame, &record, &error))
        return error.status == CODESRC_CANCELLED ? GST_FLOW_FLUSHING : post_error(self, &error);
    record.mask = rectangle;
    note(self, &record, frame->buffer);
    return GST_FLOW_OK;
}

/* ---- the class --------------------------------------------------------------- */

static void gst_code_paint_finalize(GObject *object)
{
    GstCodePaint *self = GST_CODE_PAINT(object);

    gst_code_engine_clear(&self->engine);
    gst_code_properties_clear(own_properties, self);
    G_OBJECT_CLASS(parent_class)->finalize(object);
}

static void install_properties(GObjectClass *klass)
{
    klass->set_property = gst_code_paint_set_property;
    klass->get_property = gst_code_paint_get_property;
    gst_code_engine_install(klass);
    gst_code_properties_install(own_properties, klass);
    gst_code_properties_install(gst_code_motion_properties, klass);
    gst_type_mark_as_plugin_api(gst_code_easing_get_type(), 0);
    gst_code_stats_install(klass, PROP_STATS,
                           "Counters since the last start: frames painted and dropped, how the "
                           "last one was painted and how long that took, memory, latency, and the "
                           "part of a launch line that paints the last frame again");
    gst_code_record_register_meta();
}

static void gst_code_paint_class_init(GstCodePaintClass *klass)
{
    GstElementClass *element_class = GST_ELEMENT_CLASS(klass);
    GstBaseTransformClass *transform_class = GST_BASE_TRANSFORM_CLASS(klass);
    GstVideoFilterClass *filter_class = GST_VIDEO_FILTER_CLASS(klass);

    G_OBJECT_CLASS(klass)->finalize = gst_code_paint_finalize;
    install_properties(G_OBJECT_CLASS(klass));

    element_class->change_state = GST_DEBUG_FUNCPTR(gst_code_paint_change_state);
    gst_element_class_add_static_pad_template(element_class, &sink_template);
    gst_element_class_add_static_pad_template(element_class, &src_template);
    gst_element_class_set_static_metadata(
        element_class, "CoDe painter", "Filter/Effect/Video",
        "Repaints a part of each frame with a VAR model (zero-shot editing of CoDe)",
        "The codesrc authors");

    transform_class->start = GST_DEBUG_FUNCPTR(gst_code_paint_start);
    transform_class->stop = GST_DEBUG_FUNCPTR(gst_code_paint_stop);
    transform_class->sink_event = GST_DEBUG_FUNCPTR(gst_code_paint_sink_event);
    transform_class->query = GST_DEBUG_FUNCPTR(gst_code_paint_query);
    transform_class->submit_input_buffer = GST_DEBUG_FUNCPTR(gst_code_paint_submit);
    transform_class->before_transform = GST_DEBUG_FUNCPTR(gst_code_paint_before_transform);
    transform_class->transform_ip_on_passthrough = FALSE;
    filter_class->set_info = GST_DEBUG_FUNCPTR(gst_code_paint_set_info);
    filter_class->transform_frame_ip = GST_DEBUG_FUNCPTR(gst_code_paint_transform_frame_ip);
}

static void gst_code_paint_init(GstCodePaint *self)
{
    gst_base_transform_set_in_place(GST_BASE_TRANSFORM(self), TRUE);
    gst_code_engine_init(&self->engine, GST_ELEMENT(self), "codepaint-stats");
    gst_code_properties_init(gst_code_motion_properties, &self->motion);
}
