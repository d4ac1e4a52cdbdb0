/* gstcodeproperties.c - the element's properties: those of the stream are here, those of a frame in
 * gstcodesettings.c. */
#include "gstcodesrcprivate.h"

#define AUTO          "auto" /* device and precision, where they are not set */
#define DEFAULT_DEPTH 2
#define MAX_DEPTH     64

enum {
    PROP_MODEL = GST_CODE_SETTINGS_LAST,
    PROP_DEVICE,
    PROP_PRECISION,
    PROP_THREADS,
    PROP_CUDA_DEVICE_ID,
    PROP_IS_LIVE,
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

static void replace_string(gchar **string, const GValue *value)
{
    g_free(*string);
    *string = g_value_dup_string(value);
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
    case PROP_MODEL:
        replace_string(&self->wish.model, value);
        return TRUE;
    case PROP_DEVICE:
        replace_string(&self->wish.device, value);
        return TRUE;
    case PROP_PRECISION:
        replace_string(&self->wish.precision, value);
        return TRUE;
    case PROP_THREADS:
        self->wish.threads = g_value_get_uint(value);
        return TRUE;
    case PROP_CUDA_DEVICE_ID:
        self->wish.cuda_device_id = g_value_get_int(value);
        return TRUE;
    case PROP_QUEUE_DEPTH:
        self->queue_depth = g_value_get_uint(value);
        return TRUE;
    case PROP_BATCH_SIZE:
        self->wish.batch = g_value_get_uint(value);
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
        return set_setting(self, id, value);
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
    case PROP_MODEL:
        g_value_set_string(value, self->wish.model);
        return TRUE;
    case PROP_DEVICE:
        g_value_set_string(value, self->wish.device);
        return TRUE;
    case PROP_PRECISION:
        g_value_set_string(value, self->wish.precision);
        return TRUE;
    case PROP_THREADS:
        g_value_set_uint(value, self->wish.threads);
        return TRUE;
    case PROP_CUDA_DEVICE_ID:
        g_value_set_int(value, self->wish.cuda_device_id);
        return TRUE;
    case PROP_QUEUE_DEPTH:
        g_value_set_uint(value, self->queue_depth);
        return TRUE;
    case PROP_BATCH_SIZE:
        g_value_set_uint(value, self->wish.batch);
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
        return gst_code_settings_get(&self->settings, id, value);
    }
}

void gst_code_src_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
    GstCodeSrc *self = GST_CODE_SRC(object);
    gboolean known;
    guint batch;

    if (id == PROP_IS_LIVE) {
        g_value_set_boolean(value, gst_base_src_is_live(GST_BASE_SRC(self)));
        return;
    }
    GST_OBJECT_LOCK(self);
    batch = self->wish.batch;
    known = id == PROP_STATS || get_own(self, id, value);
    GST_OBJECT_UNLOCK(self);
    if (id == PROP_STATS)
        g_value_take_boxed(value, gst_code_stats_structure(&self->stats, batch));
    if (!known)
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
}

void gst_code_src_init_properties(GstCodeSrc *self)
{
    gst_code_settings_init(&self->settings);
    self->wish = (GstCodeWish){
        .device = g_strdup(AUTO), .precision = g_strdup(AUTO), .batch = 1, .cuda_device_id = -1};
    self->queue_depth = DEFAULT_DEPTH;
    self->qos = TRUE;
}

/* What makes pictures. */
static void install_model(GObjectClass *klass, GParamFlags flags)
{
    g_object_class_install_property(
        klass, PROP_MODEL,
        g_param_spec_string("model", "Model",
                            "Manifest of the model (.yaml), a folder that holds one, or the name "
                            "of a bundled model. NULL: the bundled model " GST_CODE_DEFAULT_MODEL,
                            NULL, flags));
    g_object_class_install_property(
        klass, PROP_DEVICE,
        g_param_spec_string("device", "Device",
                            "What computes: auto (the fastest device that is there), cuda, cpu, "
                            "or reference (plain loops, slow, to compare with)",
                            AUTO, flags));
    g_object_class_install_property(
        klass, PROP_PRECISION,
        g_param_spec_string("precision", "Precision",
                            "Numbers that the device computes with: auto (the fastest that makes "
                            "pictures as good), f32 (the same picture on every machine), or "
                            "another one that the device has, such as bf16",
                            AUTO, flags));
    g_object_class_install_property(
        klass, PROP_THREADS,
        g_param_spec_uint("threads", "Threads",
                          "Threads that the device computes with, where it is the processor; they "
                          "change no picture. 0: as many as there are cores",
                          0, 1024, 0, flags));
    g_object_class_install_property(
        klass, PROP_CUDA_DEVICE_ID,
        g_param_spec_int("cuda-device-id", "CUDA device id",
                         "Which of the CUDA devices computes, where the device is cuda. -1: the "
                         "first that will do",
                         -1, G_MAXINT, -1, flags));
    g_object_class_install_property(
        klass, PROP_BATCH_SIZE,
        g_param_spec_uint("batch-size", "Batch size",
                          "Pictures that are drawn at a time: more pictures a second, and more "
                          "memory. It changes no picture, and buffers still come one by one",
                          1, CODE_MAX_BATCH, 1, flags));
}

/* When pictures come. */
static void install_stream(GObjectClass *klass, GParamFlags flags)
{
    g_object_class_install_property(
        klass, PROP_IS_LIVE,
        g_param_spec_boolean("is-live", "Is live",
                             "Output pictures in real time, each when its time has come, and none "
                             "while paused. A live source cannot seek",
                             FALSE, flags));
    g_object_class_install_property(
        klass, PROP_QUEUE_DEPTH,
        g_param_spec_uint("queue-depth", "Queue depth",
                          "Pictures that may wait, drawn ahead of their time. 0: a picture is "
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
        g_param_spec_boolean("anytime", "Anytime",
                             "Live: when a picture's time comes before it is finished, put it out "
                             "as far as it is; its meta tells how far. Draws one picture at a time",
                             FALSE, flags));
    g_object_class_install_property(
        klass, PROP_STATS,
        g_param_spec_boxed("stats", "Statistics",
                           "What was done so far: pictures processed and dropped, how the last one "
                           "was made and how long it took, memory, latency, and the launch line "
                           "that makes the last picture again",
                           GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

void gst_code_src_install_properties(GObjectClass *klass)
{
    GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

    gst_code_settings_install(klass);
    install_model(klass, flags);
    install_stream(klass, flags);
}
