/* gstcodeproperties.c - the element's properties: those of the stream are here, those of a frame in
 * gstcodesettings.c, those of the model in gstcodemodelspec.c. */
#include "codesrc/gstcodesrcprivate.h"

#define DEFAULT_DEPTH 2
#define MAX_DEPTH     64

enum {
    PROP_IS_LIVE = GST_CODE_MODEL_SPEC_LAST,
    PROP_QUEUE_DEPTH,
    PROP_BATCH_SIZE,
    PROP_QOS,
    PROP_PROGRESSIVE,
    PROP_ANYTIME,
    PROP_STATS,
};

/* Says where a property comes too late for the stream that is under way. */
static void warn_if_started(GstCodeSrc *self, const gchar *property)
{
    if (GST_STATE(self) > GST_STATE_READY)
        GST_WARNING_OBJECT(self, "%s takes effect when the element next leaves READY", property);
}

/* With the object lock held: a setting of frames. What is drawn ahead holds as long as it is the
 * schedule of a GstController that changes them, because that changes them for a certain frame. */
static gboolean set_setting(GstCodeSrc *self, guint id, const GValue *value)
{
    if (!gst_code_settings_set(&self->settings, id, value))
        return FALSE;
    if (self->syncing != g_thread_self())
        self->serial++;
    return TRUE;
}

/* With the object lock held. */
static gboolean set_own(GstCodeSrc *self, guint id, const GValue *value)
{
    switch (id) {
    case PROP_QUEUE_DEPTH:
        self->queue_depth = g_value_get_uint(value);
        return TRUE;
    case PROP_BATCH_SIZE:
        self->model_spec.batch = g_value_get_uint(value);
        return TRUE;
    case PROP_QOS:
        self->qos = g_value_get_boolean(value);
        return TRUE;
    case PROP_ANYTIME:
        self->anytime = g_value_get_boolean(value);
        return TRUE;
    case PROP_PROGRESSIVE:
        self->progressive = g_value_get_boolean(value);
        return TRUE;
    default:
        return gst_code_model_spec_set(&self->model_spec, id, value) ||
               set_setting(self, id, value);
    }
}

void gst_code_src_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
    GstCodeSrc *self = GST_CODE_SRC(object);
    gboolean known;

    if (pspec->flags & GST_PARAM_MUTABLE_READY)
        warn_if_started(self, pspec->name);
    if (id == PROP_IS_LIVE) {
        gst_base_src_set_live(GST_BASE_SRC(self), g_value_get_boolean(value));
        return;
    }
    GST_OBJECT_LOCK(self);
    known = set_own(self, id, value);
    GST_OBJECT_UNLOCK(self);
    if (!known)
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
}

/* With the object lock held. */
static gboolean get_own(GstCodeSrc *self, guint id, GValue *value)
{
    switch (id) {
    case PROP_QUEUE_DEPTH:
        g_value_set_uint(value, self->queue_depth);
        return TRUE;
    case PROP_BATCH_SIZE:
        g_value_set_uint(value, self->model_spec.batch);
        return TRUE;
    case PROP_QOS:
        g_value_set_boolean(value, self->qos);
        return TRUE;
    case PROP_ANYTIME:
        g_value_set_boolean(value, self->anytime);
        return TRUE;
    case PROP_PROGRESSIVE:
        g_value_set_boolean(value, self->progressive);
        return TRUE;
    default:
        return gst_code_model_spec_get(&self->model_spec, id, value) ||
               gst_code_settings_get(&self->settings, id, value);
    }
}

void gst_code_src_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
    GstCodeSrc *self = GST_CODE_SRC(object);
    gboolean known;

    if (id == PROP_IS_LIVE) {
        g_value_set_boolean(value, gst_base_src_is_live(GST_BASE_SRC(self)));
        return;
    }
    GST_OBJECT_LOCK(self);
    known = id == PROP_STATS || get_own(self, id, value);
    GST_OBJECT_UNLOCK(self);
    if (id == PROP_STATS)
        g_value_take_boxed(value, gst_code_stats_structure(&self->stats));
    if (!known)
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
}

void gst_code_src_init_properties(GstCodeSrc *self)
{
    gst_code_settings_init(&self->settings);
    gst_code_model_spec_init(&self->model_spec);
    self->queue_depth = DEFAULT_DEPTH;
    self->qos = TRUE;
}

/* When pictures come. */
static void install_stream(GObjectClass *klass, GParamFlags flags)
{
    g_object_class_install_property(
        klass, PROP_BATCH_SIZE,
        g_param_spec_uint("batch-size", "Batch size",
                          "Pictures that are drawn at a time: more pictures a second, and more "
                          "memory. It changes no picture, and buffers still come one by one",
                          1, CODESRC_MAX_BATCH, 1, flags));
    g_object_class_install_property(
        klass, PROP_IS_LIVE,
        g_param_spec_boolean("is-live", "Is live",
                             "Output pictures in real time, each when its time has come, and none "
                             "while paused. A live source cannot seek",
                             FALSE, flags));
    g_object_class_install_property(
        klass, PROP_QUEUE_DEPTH,
        g_param_spec_uint("queue-depth", "Queue depth",
                          "Draw ahead of time while fewer frames than this wait. 0: a frame is "
                          "drawn when it is wanted",
                          0, MAX_DEPTH, DEFAULT_DEPTH, flags));
    g_object_class_install_property(
        klass, PROP_QOS,
        g_param_spec_boolean(
            "qos", "QoS",
            "Pass over pictures that come too late, as downstream's QoS events "
            "tell. The others keep their times and their contents",
            TRUE, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
    g_object_class_install_property(
        klass, PROP_PROGRESSIVE,
        g_param_spec_boolean("progressive", "Progressive",
                             "A frame after every scale: each picture takes as many frames as the "
                             "model has scales, and gets sharper from one to the next",
                             FALSE, flags));
    g_object_class_install_property(
        klass, PROP_ANYTIME,
        g_param_spec_boolean(
            "anytime", "Anytime",
            "Live: when a picture's time comes before it is finished, put it out "
            "as far as it is; its meta tells how far. Draws one picture at a time, "
            "and has no effect with progressive",
            FALSE, flags));
    gst_code_stats_install(klass, PROP_STATS,
                           "What was done so far: pictures processed and dropped, how the last one "
                           "was made and how long it took, memory, latency, and the launch line "
                           "that makes the last picture again");
}

void gst_code_src_install_properties(GObjectClass *klass)
{
    GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

    gst_code_settings_install(klass);
    gst_code_settings_install_pace(klass);
    gst_code_model_spec_install(klass);
    install_stream(klass, flags);
}
