/* gstcodeproperties.c - the properties of the stream. Those of frames are in gstcodesettings.c,
 * those of the model in gstcodemodelspec.c. */
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
    PROP_TAGS,
    PROP_STATS,
    PROP_LAST
};

/* GstCodeEngine has a bit for each. */
G_STATIC_ASSERT((gint)PROP_LAST <= (gint)GST_CODE_MOTION_HOLD);
G_STATIC_ASSERT(GST_CODE_MOTION_PHASE < 64);

#define FIELD(name) offsetof(GstCodeSrc, name)

static const GstCodeProperty rows[] = {
    {.id = PROP_IS_LIVE,
     .type = GST_CODE_BOOLEAN,
     .name = "is-live",
     .nick = "Is live",
     .blurb = "Push each picture when its time has come, and none while paused. A live source "
              "cannot seek",
     .offset = FIELD(live),
     .flags = GST_CODE_READ_AT_START},
    {.id = PROP_QUEUE_DEPTH,
     .type = GST_CODE_UINT,
     .name = "queue-depth",
     .nick = "Queue depth",
     .blurb = "Draw ahead of the stream until this many frames wait. 0: draw each frame on request",
     .range.u = {0, MAX_DEPTH, DEFAULT_DEPTH},
     .offset = FIELD(queue_depth),
     .flags = GST_CODE_READ_AT_START},
    {.id = PROP_BATCH_SIZE,
     .type = GST_CODE_UINT,
     .name = "batch-size",
     .nick = "Batch size",
     .blurb = "Pictures drawn together: more pictures a second, for more memory. Pictures stay the "
              "same, and buffers still come one by one",
     .range.u = {1, CODESRC_MAX_BATCH, 1},
     .offset = FIELD(engine.spec.batch),
     .flags = GST_CODE_READ_AT_START},
    {.id = PROP_QOS,
     .type = GST_CODE_BOOLEAN,
     .name = "qos",
     .nick = "QoS",
     .blurb = "Drop pictures that would be late, as QoS events from downstream report. The others "
              "keep their times and contents",
     .range.on = TRUE,
     .offset = FIELD(qos),
     .flags = GST_CODE_READ_EACH_FRAME},
    {.id = PROP_PROGRESSIVE,
     .type = GST_CODE_BOOLEAN,
     .name = "progressive",
     .nick = "Progressive",
     .blurb = "Push a frame after each scale: a picture takes as many frames as the model has "
              "scales, each sharper than the one before",
     .offset = FIELD(progressive),
     .flags = GST_CODE_READ_AT_START},
    {.id = PROP_ANYTIME,
     .type = GST_CODE_BOOLEAN,
     .name = "anytime",
     .nick = "Anytime",
     .blurb =
         "If live, push an unfinished picture when its time comes, as far as it is drawn; its "
         "meta has the number of scales. Draws one picture at a time. A film shows its last frame "
         "again instead. No effect with progressive",
     .offset = FIELD(anytime),
     .flags = GST_CODE_READ_AT_START},
    {.id = PROP_TAGS,
     .type = GST_CODE_ENUM,
     .name = "tags",
     .nick = "Tags",
     .blurb = "What the stream's tags say about its making: the launch line with the path of the "
              "model (full), or with its name and digest instead (recipe), or nothing (none)",
     .range.i.initial = GST_CODE_TAGS_RECIPE,
     .enum_type = gst_code_tags_get_type,
     .offset = FIELD(tags),
     .flags = GST_CODE_READ_AT_START},
};

static const GstCodePropertyTable own_properties = {rows, G_N_ELEMENTS(rows)};

/* With the object lock held: a setting of frames. Frames drawn ahead stay valid if a GstController
 * sets it, because that sets it for one certain frame. */
static gboolean set_setting(GstCodeSrc *self, guint id, const GValue *value)
{
    if (!gst_code_engine_set(&self->engine, id, value))
        return FALSE;
    if (self->syncing != g_thread_self() && id < GST_CODE_SETTINGS_LAST)
        self->serial++;
    return TRUE;
}

void gst_code_src_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
    GstCodeSrc *self = GST_CODE_SRC(object);
    gboolean known, stopped;

    if (gst_code_engine_is_late(&self->engine, pspec))
        GST_WARNING_OBJECT(self, "%s takes effect when the element next leaves READY", pspec->name);
    GST_OBJECT_LOCK(self);
    known = gst_code_properties_set(own_properties, self, id, value) ||
            gst_code_properties_set(gst_code_motion_properties, &self->motion, id, value) ||
            set_setting(self, id, value);
    stopped = GST_STATE(self) <= GST_STATE_READY && GST_STATE_PENDING(self) <= GST_STATE_READY;
    GST_OBJECT_UNLOCK(self);
    if (!known)
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    /* The base class would act on a change at once, even while it plays. */
    if (id == PROP_IS_LIVE && stopped)
        gst_code_src_update_live(self);
}

void gst_code_src_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
    GstCodeSrc *self = GST_CODE_SRC(object);
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

void gst_code_src_update_live(GstCodeSrc *self)
{
    gboolean live;

    GST_OBJECT_LOCK(self);
    live = self->live;
    GST_OBJECT_UNLOCK(self);
    gst_base_src_set_live(GST_BASE_SRC(self), live);
}

/* With the object lock held. */
static gboolean check_properties(GstCodeSrc *self, CodesrcError *error)
{
    if (!gst_code_properties_check(own_properties, self, error) ||
        !gst_code_properties_check(gst_code_motion_properties, &self->motion, error))
        return FALSE;
    if (!self->progressive || !gst_code_motion_flows(&self->motion))
        return TRUE;
    error->status = CODESRC_SETTINGS;
    g_snprintf(error->text, sizeof error->text,
               "progressive with hold %u, morph %u, loop %u, phase %" G_GUINT64_FORMAT
               ": frames that show scales cannot also show a film; expected 1, 0, 0, 0",
               self->motion.hold, self->motion.morph, self->motion.loop, self->motion.phase);
    return FALSE;
}

gboolean gst_code_src_check_properties(GstCodeSrc *self)
{
    CodesrcError error;
    gboolean good;

    GST_OBJECT_LOCK(self);
    good = check_properties(self, &error);
    GST_OBJECT_UNLOCK(self);
    if (!good)
        gst_code_engine_post_error(&self->engine, &error);
    return good;
}

void gst_code_src_init_properties(GstCodeSrc *self)
{
    gst_code_engine_init(&self->engine, GST_ELEMENT(self), "codesrc-stats");
    gst_code_properties_init(own_properties, self);
    gst_code_properties_init(gst_code_motion_properties, &self->motion);
}

void gst_code_src_install_properties(GObjectClass *klass)
{
    gst_code_engine_install(klass);
    gst_code_properties_install(gst_code_pace_properties, klass);
    gst_code_properties_install(own_properties, klass);
    gst_code_properties_install(gst_code_motion_properties, klass);
    gst_type_mark_as_plugin_api(gst_code_easing_get_type(), 0);
    gst_type_mark_as_plugin_api(gst_code_tags_get_type(), 0);
    gst_code_stats_install(klass, PROP_STATS,
                           "Counters since the last start: pictures pushed and dropped, how the "
                           "last one was drawn and how long that took, memory, latency, and the "
                           "launch line that draws the last picture again");
}
