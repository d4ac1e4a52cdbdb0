/* gstcodemotion.c - from frames of a film to pictures. Frame n is a pure function of n. */
#include "model/gstcodemotion.h"

#define MAX_FRAMES (1 << 20)

GType gst_code_easing_get_type(void)
{
    static const GEnumValue values[] = {
        {GST_CODE_EASING_LINEAR, "The same step from each frame to the next", "linear"},
        {GST_CODE_EASING_SMOOTH, "Slowly away from a picture and slowly towards the next",
         "smooth"},
        {0, NULL, NULL}};
    static gsize type;

    if (g_once_init_enter(&type))
        g_once_init_leave(&type, g_enum_register_static("GstCodeEasing", values));
    return type;
}

#define FIELD(name) offsetof(GstCodeMotion, name)

static const GstCodeProperty rows[] = {
    {.id = GST_CODE_MOTION_HOLD,
     .type = GST_CODE_UINT,
     .name = "hold",
     .nick = "Hold",
     .blurb = "Frames for which each picture stands still",
     .range.u = {1, MAX_FRAMES, 1},
     .offset = FIELD(hold),
     .flags = GST_CODE_READ_AT_START,
     .recipe = GST_CODE_IN_RECIPE_IF_SET},
    {.id = GST_CODE_MOTION_MORPH,
     .type = GST_CODE_UINT,
     .name = "morph",
     .nick = "Morph",
     .blurb = "Frames in which each picture becomes the next one, rendered between the two. 0: the "
              "next picture follows at once",
     .range.u = {0, MAX_FRAMES, 0},
     .offset = FIELD(morph),
     .flags = GST_CODE_READ_AT_START,
     .recipe = GST_CODE_IN_RECIPE_IF_SET},
    {.id = GST_CODE_MOTION_EASING,
     .type = GST_CODE_ENUM,
     .name = "easing",
     .nick = "Easing",
     .blurb = "How a picture becomes the next: in equal steps, or slowly at both ends",
     .range.i.initial = GST_CODE_EASING_SMOOTH,
     .enum_type = gst_code_easing_get_type,
     .offset = FIELD(easing),
     .flags = GST_CODE_READ_AT_START,
     .recipe = GST_CODE_IN_RECIPE_IF_SET},
    {.id = GST_CODE_MOTION_LOOP,
     .type = GST_CODE_UINT,
     .name = "loop",
     .nick = "Loop",
     .blurb = "Pictures after which the film begins again, so that loop * (hold + morph) frames "
              "repeat without a seam. 0: it goes on with new pictures",
     .range.u = {0, MAX_FRAMES, 0},
     .offset = FIELD(loop),
     .flags = GST_CODE_READ_AT_START,
     .recipe = GST_CODE_IN_RECIPE_IF_SET},
    {.id = GST_CODE_MOTION_PHASE,
     .type = GST_CODE_UINT64,
     .name = "phase",
     .nick = "Phase",
     .blurb = "Frames of the film that are left out at the beginning of the stream",
     .range.u = {0, G_MAXUINT64 / 4, 0},
     .offset = FIELD(phase),
     .flags = GST_CODE_READ_AT_START,
     .recipe = GST_CODE_IN_RECIPE_IF_SET},
};

const GstCodePropertyTable gst_code_motion_properties = {rows, G_N_ELEMENTS(rows)};

gboolean gst_code_motion_flows(const GstCodeMotion *motion)
{
    return motion->hold > 1 || motion->morph > 0 || motion->loop > 0 || motion->phase > 0;
}

static gdouble ease(gint easing, gdouble t)
{
    return easing == GST_CODE_EASING_SMOOTH ? t * t * (3.0 - 2.0 * t) : t;
}

GstCodeMoment gst_code_motion_at(const GstCodeMotion *motion, guint64 frame)
{
    guint64 period = (guint64)motion->hold + motion->morph, at = frame + motion->phase;
    guint64 picture = at / period, offset = at % period;
    guint64 step = offset < motion->hold ? 0 : offset - motion->hold + 1;
    GstCodeMoment moment = {.from = picture, .to = picture + 1};

    moment.content = picture * (motion->morph + 1) + step;
    moment.t = ease(motion->easing, step / (motion->morph + 1.0));
    if (motion->loop > 0) {
        moment.from %= motion->loop;
        moment.to %= motion->loop;
    }
    return moment;
}

guint64 gst_code_motion_first(const GstCodeMotion *motion, guint64 picture)
{
    guint64 frame = picture * ((guint64)motion->hold + motion->morph);

    return frame > motion->phase ? frame - motion->phase : 0;
}
