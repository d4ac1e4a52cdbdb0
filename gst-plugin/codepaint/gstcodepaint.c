/* gstcodepaint.c - the element codepaint: caps, states and frames around the engine's zero-shot
 * editing. What is drawn, and with what, is said by the same properties as codesrc's. */

/* clang-format off */
/**
 * SECTION:element-codepaint
 * @title: codepaint
 * @short_description: draws a part of each frame anew with a VAR model
 *
 * Each frame is encoded to the model's tokens, the part under the mask is drawn anew as
 * #codepaint:class-id or #codepaint:class-name, and the whole is decoded again: CoDe's zero-shot
 * editing (arXiv 2411.17787). What is kept has passed through the model's VQ-VAE, so that both
 * parts fit together, and is close to what it was, not the same.
 *
 * The mask is the rectangle of #codepaint:mask, or, where that is not set, what is transparent in
 * a format with alpha. It is drawn in whole cells: 16 by 16 pixels with the bundled model. Frames
 * without a mask pass unchanged.
 *
 * Frames have the size of the model's pictures; use videoscale for others. The picture drawn into a
 * frame is the one of its number, which is the buffer's offset, or where it has none is counted
 * from the start or the last flush. So a film that is painted twice is the same twice.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 codesrc class-id=10 num-buffers=5 ! codepaint mask=64,128,128,128 class-name=volcano ! videoconvert ! autovideosink
 * ]| Landscapes with a volcano in their lower half.
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=2 ! videoscale ! codepaint mask=0,0,128,256 seed=7 ! videoconvert ! autovideosink
 * ]| The left half of another video, drawn anew.
 */
/* clang-format on */
#include "codepaint/gstcodepaint.h"

#include "codepaint/gstcodemask.h"
#include "model/gstcodesettings.h"
#include "model/gstcodeweights.h"
#include "report/gstcodeerror.h"
#include "report/gstcodelog.h"
#include "report/gstcoderecord.h"
#include "report/gstcodestats.h"
#include "video/gstcodecaps.h"
#include "video/gstcodewriter.h"

#define GST_CAT_DEFAULT gst_code_paint_debug

/* Formats of RGB, with a mask of their own and without. */
#define CAPS GST_VIDEO_CAPS_MAKE("{ RGB, BGR, RGBx, BGRx, GBR, RGBA, BGRA, ARGB, ABGR }")

enum { PROP_MASK = GST_CODE_MODEL_SPEC_LAST, PROP_STATS };

struct _GstCodePaint {
    GstVideoFilter parent;

    /* Guarded by the object lock. */
    GstCodeModelSpec model_spec;
    GstCodeSettings settings;
    gchar *mask; /* NULL: the alpha channel */
    guint side;  /* of the model's pictures; 0: not started */

    GstCodeStats stats;     /* has its own lock */
    GstCodeWeights weights; /* the streaming thread's from start to stop, but for interrupting */

    /* The streaming thread's. */
    GstCodeWriter writer;
    GThread *waiter; /* the weights are this thread's until it is joined */
    guint64 frame, next_frame;
    guint8 *pixels; /* GST_CODE_STRIDE(side) bytes a row */
    gfloat *image;  /* (3, side, side), -1 .. 1 */
    gfloat *cells;  /* the mask, see gstcodemask.h */
};

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
    gst_code_weights_post_error(&self->weights, error);
    return GST_FLOW_ERROR;
}

/* ---- properties -------------------------------------------------------------- */

static void gst_code_paint_set_property(GObject *object, guint id, const GValue *value,
                                        GParamSpec *pspec)
{
    GstCodePaint *self = GST_CODE_PAINT(object);
    gboolean known = TRUE;

    if (pspec->flags & GST_PARAM_MUTABLE_READY && GST_STATE(self) > GST_STATE_READY)
        GST_WARNING_OBJECT(self, "%s takes effect when the element next leaves READY", pspec->name);
    GST_OBJECT_LOCK(self);
    if (id == PROP_MASK) {
        g_free(self->mask);
        self->mask = g_value_dup_string(value);
    } else {
        known = gst_code_model_spec_set(&self->model_spec, id, value) ||
                gst_code_settings_set(&self->settings, id, value);
    }
    GST_OBJECT_UNLOCK(self);
    if (!known)
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
}

static void gst_code_paint_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
    GstCodePaint *self = GST_CODE_PAINT(object);
    gboolean known = TRUE;

    if (id == PROP_STATS) {
        g_value_take_boxed(value, gst_code_stats_structure(&self->stats));
        return;
    }
    GST_OBJECT_LOCK(self);
    if (id == PROP_MASK)
        g_value_set_string(value, self->mask);
    else
        known = gst_code_model_spec_get(&self->model_spec, id, value) ||
                gst_code_settings_get(&self->settings, id, value);
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

static gboolean check_mask(GstCodePaint *self, guint side, CodesrcError *error)
{
    GstVideoRectangle rectangle;
    gchar *mask = get_mask(self);
    gboolean good = !mask || gst_code_mask_parse(mask, side, &rectangle, error);

    g_free(mask);
    return good;
}

static void set_side(GstCodePaint *self, guint side)
{
    GST_OBJECT_LOCK(self);
    self->side = side;
    GST_OBJECT_UNLOCK(self);
}

/* The first frame that needs the weights may be long in coming, or may not come: in a pipeline with
 * a live source there is none before PLAYING, and an application that waits until all PROGRESS has
 * ended, as gst-launch does, would wait for ever. So frames are not left to wait for the weights.
 */
static gpointer await_weights(gpointer data)
{
    CodesrcError error; /* which the frames will come to as well */

    gst_code_weights_await(&((GstCodePaint *)data)->weights, &error);
    return NULL;
}

static void begin_to_wait(GstCodePaint *self)
{
    self->waiter = g_thread_new("codepaint-wait", await_weights, self);
}

/* Until they are there, or the waiting was interrupted. */
static void end_to_wait(GstCodePaint *self)
{
    g_clear_pointer(&self->waiter, g_thread_join);
}

/* The base class has waited for frames, but the end of a flush, of yet another thread, may still
 * come. */
static gboolean gst_code_paint_stop(GstBaseTransform *transform)
{
    GstCodePaint *self = GST_CODE_PAINT(transform);

    gst_code_weights_interrupt(&self->weights, TRUE);
    GST_PAD_STREAM_LOCK(GST_BASE_TRANSFORM_SINK_PAD(transform));
    end_to_wait(self);
    gst_code_weights_close(&self->weights);
    gst_code_writer_clear(&self->writer);
    g_clear_pointer(&self->pixels, g_free);
    g_clear_pointer(&self->image, g_free);
    g_clear_pointer(&self->cells, g_free);
    set_side(self, 0);
    GST_PAD_STREAM_UNLOCK(GST_BASE_TRANSFORM_SINK_PAD(transform));
    gst_code_weights_interrupt(&self->weights, FALSE);
    return TRUE;
}

/* As codesrc does: what can be told without the weights fails here, in the state change, and they
 * are loaded on a thread of their own. */
static gboolean gst_code_paint_start(GstBaseTransform *transform)
{
    GstCodePaint *self = GST_CODE_PAINT(transform);
    const CodesrcModelInfo *info;
    CodesrcError error;
    guint cells;

    gst_base_transform_set_passthrough(transform, FALSE);
    if (!gst_code_weights_open_for(&self->weights, &self->model_spec, &self->settings, &error) ||
        !check_mask(self, codesrc_model_info(self->weights.headers)->side, &error)) {
        post_error(self, &error);
        gst_code_paint_stop(transform);
        return FALSE;
    }
    info = codesrc_model_info(self->weights.headers);
    cells = gst_code_mask_cells(info);
    gst_code_error_warn_passed_over(GST_ELEMENT(self), info);
    self->pixels = g_malloc0(GST_CODE_STRIDE(info->side) * info->side);
    self->image = g_new(gfloat, 3 * (gsize)info->side * info->side);
    self->cells = g_new(gfloat, (gsize)cells * cells);
    self->next_frame = 0;
    gst_code_stats_reset(&self->stats, self->weights.headers, self->weights.batch);
    set_side(self, info->side);
    begin_to_wait(self);
    return TRUE;
}

/* The base class waits for the frame that is being drawn, so that has to end first. */
static GstStateChangeReturn gst_code_paint_change_state(GstElement *element,
                                                        GstStateChange transition)
{
    GstCodePaint *self = GST_CODE_PAINT(element);
    GstCodeWeights *weights = &self->weights;
    GstStateChangeReturn result;

    if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
        gst_code_weights_interrupt(weights, TRUE);
    result = PARENT_ELEMENT->change_state(element, transition);
    if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
        gst_code_weights_interrupt(weights, FALSE);
    if (transition == GST_STATE_CHANGE_READY_TO_NULL) {
        gst_code_weights_forget(weights);
        gst_code_stats_close(&self->stats);
    }
    return result;
}

static gboolean gst_code_paint_sink_event(GstBaseTransform *transform, GstEvent *event)
{
    GstCodePaint *self = GST_CODE_PAINT(transform);

    if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_START)
        gst_code_weights_interrupt(&self->weights, TRUE);
    if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP) {
        end_to_wait(self);
        gst_code_weights_interrupt(&self->weights, FALSE);
        if (self->side) /* not stopped meanwhile */
            begin_to_wait(self);
        self->next_frame = 0;
    }
    return PARENT_FILTER->sink_event(transform, event);
}

/* ---- caps and latency -------------------------------------------------------- */

static GstCaps *gst_code_paint_transform_caps(GstBaseTransform *transform,
                                              GstPadDirection direction, GstCaps *caps,
                                              GstCaps *filter)
{
    GstCodePaint *self = GST_CODE_PAINT(transform);
    GstCaps *allowed = gst_static_pad_template_get_caps(&src_template), *result, *filtered;
    guint side;

    (void)direction; /* what goes in comes out */
    GST_OBJECT_LOCK(self);
    side = self->side;
    GST_OBJECT_UNLOCK(self);
    if (side)
        allowed = gst_code_caps_narrow(allowed, side);
    result = gst_caps_intersect_full(caps, allowed, GST_CAPS_INTERSECT_FIRST);
    gst_caps_unref(allowed);
    if (!filter)
        return result;
    filtered = gst_caps_intersect_full(filter, result, GST_CAPS_INTERSECT_FIRST);
    gst_caps_unref(result);
    return filtered;
}

static gboolean gst_code_paint_set_info(GstVideoFilter *filter, GstCaps *in_caps,
                                        GstVideoInfo *in_info, GstCaps *out_caps,
                                        GstVideoInfo *out_info)
{
    GstCodePaint *self = GST_CODE_PAINT(filter);

    (void)in_caps;
    (void)out_caps;
    (void)out_info;
    return gst_code_writer_setup(&self->writer, in_info) &&
           gst_code_writer_setup_reading(&self->writer);
}

/* Live: what comes from upstream comes out later by what a picture takes. */
static gboolean gst_code_paint_query(GstBaseTransform *transform, GstPadDirection direction,
                                     GstQuery *query)
{
    GstClockTime latency = gst_code_stats_latency(&GST_CODE_PAINT(transform)->stats), min, max;
    gboolean answered = PARENT_FILTER->query(transform, direction, query), live;

    if (!answered || direction != GST_PAD_SRC || GST_QUERY_TYPE(query) != GST_QUERY_LATENCY)
        return answered;
    gst_query_parse_latency(query, &live, &min, &max);
    if (GST_CLOCK_TIME_IS_VALID(max))
        max += latency;
    gst_query_set_latency(query, live, min + latency, max);
    return TRUE;
}

/* ---- frames ------------------------------------------------------------------ */

static GstFlowReturn gst_code_paint_submit(GstBaseTransform *transform, gboolean discont,
                                           GstBuffer *buffer)
{
    GstCodePaint *self = GST_CODE_PAINT(transform);
    GstFlowReturn flow;

    /* Here, where frames are seen that the base class drops because they are late. */
    self->frame = GST_BUFFER_OFFSET_IS_VALID(buffer) ? GST_BUFFER_OFFSET(buffer) : self->next_frame;
    self->next_frame = self->frame + 1;
    flow = PARENT_FILTER->submit_input_buffer(transform, discont, buffer);
    if (flow == GST_BASE_TRANSFORM_FLOW_DROPPED)
        gst_code_stats_dropped(&self->stats, 1);
    return flow;
}

/* Controlled properties, and whether there is anything to do at all. */
static void gst_code_paint_before_transform(GstBaseTransform *transform, GstBuffer *buffer)
{
    GstCodePaint *self = GST_CODE_PAINT(transform);
    GstClockTime time =
        gst_segment_to_stream_time(&transform->segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
    GstVideoRectangle rectangle;
    gboolean empty;
    CodesrcError error;
    gchar *mask;

    if (GST_CLOCK_TIME_IS_VALID(time))
        gst_object_sync_values(GST_OBJECT(self), time);
    mask = get_mask(self);
    if (mask) /* a wrong one is for transform_frame to refuse */
        empty = gst_code_mask_parse(mask, self->side, &rectangle, &error) &&
                (rectangle.w == 0 || rectangle.h == 0);
    else
        empty = !GST_VIDEO_INFO_HAS_ALPHA(&self->writer.info);
    g_free(mask);
    gst_base_transform_set_passthrough(transform, empty);
}

/* Fills in the mask of the frame; `any` tells whether anything is masked, `rectangle` is empty
 * where it is not the property that says what. */
static gboolean make_mask(GstCodePaint *self, const GstVideoFrame *frame,
                          GstVideoRectangle *rectangle, gboolean *any, CodesrcError *error)
{
    const CodesrcModelInfo *info = codesrc_model_info(self->weights.headers);
    gchar *mask = get_mask(self);
    gboolean good = TRUE;

    *any = FALSE;
    *rectangle = (GstVideoRectangle){0, 0, 0, 0};
    if (mask) {
        good = gst_code_mask_parse(mask, info->side, rectangle, error);
        if (good)
            *any = gst_code_mask_from_rectangle(rectangle, info, self->cells);
    } else if (GST_VIDEO_FRAME_N_COMPONENTS(frame) > GST_VIDEO_COMP_A) {
        *any = gst_code_mask_from_alpha(frame, info, self->cells);
    }
    g_free(mask);
    return good;
}

/* The frame as tokens. NULL on failure. */
static CodesrcCanvas *encode(GstCodePaint *self, CodesrcGenerator *generator,
                             const GstVideoFrame *frame, CodesrcError *error)
{
    gsize side = codesrc_model_info(self->weights.headers)->side, area = side * side;

    if (!gst_code_writer_read_frame(&self->writer, frame, self->pixels, error))
        return NULL;
    for (gsize y = 0; y < side; y++)
        for (gsize x = 0; x < side; x++)
            for (gsize c = 0; c < 3; c++)
                self->image[c * area + y * side + x] =
                    self->pixels[y * GST_CODE_STRIDE(side) + 3 * x + c] / 127.5f - 1.0f;
    return codesrc_encode(generator, self->image, error);
}

static gboolean make_request(GstCodePaint *self, CodesrcRequest *request, CodesrcError *error)
{
    GstCodeSettings settings = gst_code_settings_read(&self->settings, GST_ELEMENT(self));
    guint steps = gst_code_settings_steps(&settings, self->weights.headers);
    gboolean made =
        gst_code_weights_select(&self->weights, steps, error) &&
        gst_code_settings_request(&settings, self->weights.headers, self->frame, request, error);

    gst_code_settings_clear(&settings);
    request->mask = self->cells;
    return made;
}

static gboolean draw(GstCodePaint *self, CodesrcGenerator *generator, CodesrcRequest *request,
                     GstVideoFrame *frame, CodesrcError *error)
{
    CodesrcPicture picture = {self->pixels, GST_CODE_STRIDE(self->side)};
    CodesrcCanvas *canvas = encode(self, generator, frame, error);
    gboolean drawn;

    request->canvas = canvas;
    drawn = canvas && codesrc_generate(generator, request, 1, &picture, error) &&
            gst_code_writer_write_frame(&self->writer, self->pixels, frame, error);
    codesrc_canvas_free(canvas);
    return drawn;
}

/* What was drawn and what it took, for the buffer's meta, `stats` and the latency. */
static void note(GstCodePaint *self, const GstCodeRecord *record, GstBuffer *buffer)
{
    GstCodeOrigin origin = {.model = self->weights.headers};

    gst_code_record_attach(record, &origin, buffer);
    gst_code_stats_set_model(&self->stats, origin.model);
    gst_code_stats_processed(&self->stats, record);
    gst_code_stats_measure(&self->stats, record->seconds);
    if (gst_code_stats_update_latency(&self->stats))
        gst_element_post_message(GST_ELEMENT(self), gst_message_new_latency(GST_OBJECT(self)));
}

static GstCodeRecord make_record(GstCodePaint *self, const CodesrcRequest *request,
                                 const CodesrcGenerator *generator, gint64 begin)
{
    GstCodeRecord record = {.request = *request,
                            .scales = codesrc_model_info(self->weights.headers)->scales,
                            .times = codesrc_generator_times(generator),
                            .seconds = (g_get_monotonic_time() - begin) / 1e6,
                            .painted = TRUE};

    record.request.canvas = NULL;
    record.request.mask = NULL;
    g_strlcpy(record.digest, gst_code_weights_digest(&self->weights), sizeof record.digest);
    return record;
}

static GstFlowReturn gst_code_paint_transform_frame_ip(GstVideoFilter *filter, GstVideoFrame *frame)
{
    GstCodePaint *self = GST_CODE_PAINT(filter);
    GstVideoRectangle rectangle;
    CodesrcGenerator *generator;
    GstCodeRecord record;
    CodesrcRequest request;
    CodesrcError error;
    gboolean any;
    gint64 begin;

    if (!make_mask(self, frame, &rectangle, &any, &error))
        return post_error(self, &error);
    if (!any)
        return GST_FLOW_OK;
    end_to_wait(self);
    if (!make_request(self, &request, &error))
        return post_error(self, &error);
    generator = gst_code_weights_await(&self->weights, &error);
    begin = g_get_monotonic_time();
    if (!generator || !draw(self, generator, &request, frame, &error))
        return error.status == CODESRC_CANCELLED ? GST_FLOW_FLUSHING : post_error(self, &error);
    record = make_record(self, &request, generator, begin);
    record.mask = rectangle;
    note(self, &record, frame->buffer);
    return GST_FLOW_OK;
}

/* ---- the class --------------------------------------------------------------- */

static void gst_code_paint_finalize(GObject *object)
{
    GstCodePaint *self = GST_CODE_PAINT(object);

    gst_code_weights_clear(&self->weights);
    gst_code_stats_clear(&self->stats);
    gst_code_settings_clear(&self->settings);
    gst_code_model_spec_clear(&self->model_spec);
    g_free(self->mask);
    G_OBJECT_CLASS(parent_class)->finalize(object);
}

static void gst_code_paint_class_init(GstCodePaintClass *klass)
{
    GObjectClass *object_class = G_OBJECT_CLASS(klass);
    GstElementClass *element_class = GST_ELEMENT_CLASS(klass);
    GstBaseTransformClass *transform_class = GST_BASE_TRANSFORM_CLASS(klass);
    GstVideoFilterClass *filter_class = GST_VIDEO_FILTER_CLASS(klass);

    object_class->set_property = gst_code_paint_set_property;
    object_class->get_property = gst_code_paint_get_property;
    object_class->finalize = gst_code_paint_finalize;
    gst_code_settings_install(object_class);
    gst_code_model_spec_install(object_class);
    g_object_class_install_property(
        object_class, PROP_MASK,
        g_param_spec_string(
            "mask", "Mask",
            "What is drawn anew: the rectangle x,y,width,height in pixels of the "
            "frame; with a width or height of 0 nothing, and frames pass "
            "unchanged. NULL: what is transparent, in formats with alpha",
            NULL, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
    gst_code_stats_install(
        object_class, PROP_STATS,
        "What was done so far: frames painted and dropped, how the last one was painted and how "
        "long it took, memory, latency, and the part of a launch line that paints the last one "
        "again");
    gst_code_record_register_meta();

    element_class->change_state = GST_DEBUG_FUNCPTR(gst_code_paint_change_state);
    gst_element_class_add_static_pad_template(element_class, &sink_template);
    gst_element_class_add_static_pad_template(element_class, &src_template);
    gst_element_class_set_static_metadata(
        element_class, "CoDe painter", "Filter/Effect/Video",
        "Draws a part of each frame anew with a VAR model (CoDe's zero-shot editing)",
        "The codesrc authors");

    transform_class->start = GST_DEBUG_FUNCPTR(gst_code_paint_start);
    transform_class->stop = GST_DEBUG_FUNCPTR(gst_code_paint_stop);
    transform_class->sink_event = GST_DEBUG_FUNCPTR(gst_code_paint_sink_event);
    transform_class->transform_caps = GST_DEBUG_FUNCPTR(gst_code_paint_transform_caps);
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
    gst_code_settings_init(&self->settings);
    gst_code_model_spec_init(&self->model_spec);
    gst_code_stats_init(&self->stats, "codepaint-stats");
    gst_code_weights_init(&self->weights, GST_ELEMENT(self));
}
