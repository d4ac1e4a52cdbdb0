/* gstcodeflow.c - features of the last few pictures, and frames rendered between two of them. */
#include "draw/gstcodeflow.h"

#include "model/gstcodeexit.h"
#include "report/gstcodelog.h"

#define GST_CAT_DEFAULT gst_code_draw_debug

enum { KEPT = 3 }; /* both sides of a frame, and the picture drafted ahead */

typedef struct Kept {
    CodesrcFeatures *features; /* NULL: the place is free */
    guint64 picture;           /* number in the stream */
    guint serial;
    CodesrcRequest request;
} Kept;

struct GstCodeFlow {
    GstCodeWeights *weights;
    GstCodeMotion motion;
    gboolean ahead;
    Kept kept[KEPT];  /* the one used last comes first */
    gdouble drafting; /* seconds that the last picture took; 0: there was none */
    GstCodeFlowLast last;
};

GstCodeFlow *gst_code_flow_new(GstCodeWeights *weights, const GstCodeMotion *motion, gboolean ahead)
{
    GstCodeFlow *flow = g_new0(GstCodeFlow, 1);

    flow->weights = weights;
    flow->motion = *motion;
    flow->ahead = ahead;
    return flow;
}

void gst_code_flow_free(GstCodeFlow *flow)
{
    for (guint i = 0; flow && i < KEPT; i++)
        codesrc_features_unref(flow->kept[i].features);
    g_free(flow);
}

const GstCodeMotion *gst_code_flow_motion(const GstCodeFlow *flow)
{
    return &flow->motion;
}

GstCodeFlowLast *gst_code_flow_last(GstCodeFlow *flow)
{
    return &flow->last;
}

/* ---- features -------------------------------------------------------------------------------- */

/* The generator of the weights that are selected, ready for pictures of this output. */
static CodesrcGenerator *ready(GstCodeFlow *flow, const CodesrcOutput *output, CodesrcError *error)
{
    CodesrcGenerator *generator = gst_code_weights_await(flow->weights, error);

    if (generator && codesrc_generator_output(generator, output, error) &&
        codesrc_generator_observe(generator, NULL, NULL, false, error))
        return generator;
    return NULL;
}

static gboolean draft(GstCodeFlow *flow, const GstCodeFlowFrame *frame, Kept *kept,
                      CodesrcTimes *times, CodesrcError *error)
{
    CodesrcGenerator *generator = ready(flow, frame->output, error);
    CodesrcTimes taken;
    gboolean drafted;

    if (!generator || !gst_code_exit_enter(error))
        return FALSE;
    drafted = codesrc_generate_features(generator, &kept->request, 1, &kept->features, error);
    taken = codesrc_generator_times(generator);
    gst_code_exit_leave();
    flow->drafting = taken.drafter + taken.refiner;
    times->drafter += taken.drafter;
    times->refiner += taken.refiner;
    GST_DEBUG_OBJECT(flow->weights->element,
                     "drafted picture %" G_GUINT64_FORMAT " of the film: N = %u, class %d, seed "
                     "%" G_GUINT64_FORMAT,
                     kept->picture, kept->request.settings.drafting_steps, kept->request.class_id,
                     kept->request.seed);
    return drafted;
}

/* The place of a picture; KEPT: none. */
static guint place_of(const GstCodeFlow *flow, guint64 picture, guint serial)
{
    guint i = 0;

    while (i < KEPT && !(flow->kept[i].features && flow->kept[i].picture == picture &&
                         flow->kept[i].serial == serial))
        i++;
    return i;
}

/* How long it takes to draft the pictures of a frame that are not there yet; 0 before the first
 * draft, which measures it. */
static GstClockTime drafting_time(const GstCodeFlow *flow, guint64 frame, guint serial)
{
    GstCodeMoment moment = gst_code_motion_at(&flow->motion, frame);
    guint missing = place_of(flow, moment.from, serial) == KEPT;

    if (moment.t > 0.0 && moment.to != moment.from)
        missing += place_of(flow, moment.to, serial) == KEPT;
    return (GstClockTime)(missing * flow->drafting * GST_SECOND);
}

guint64 gst_code_flow_skip(const GstCodeFlow *flow, GstCodeTimeline *timeline,
                           const GstSegment *segment, GstClockTime earliest, guint serial)
{
    guint64 skipped = 0;
    GstCodeTiming timing;

    /* A still picture is never late. */
    while (timeline->fps_n != 0 && gst_code_timeline_next(timeline, segment, &timing) &&
           timing.pts < earliest + drafting_time(flow, timing.frame, serial)) {
        gst_code_timeline_advance(timeline, segment);
        skipped++;
    }
    return skipped;
}

/* Brings place `i` to the front. */
static const Kept *use(GstCodeFlow *flow, guint i)
{
    Kept used = flow->kept[i];

    for (; i > 0; i--)
        flow->kept[i] = flow->kept[i - 1];
    flow->kept[0] = used;
    return &flow->kept[0];
}

/* The features of a picture; they stay until two other pictures were asked for. NULL: they cannot
 * be drawn. */
static const Kept *find(GstCodeFlow *flow, GstCodeFlowFrame *frame, guint64 picture,
                        GstCodeFlowAsk ask, gpointer user, CodesrcError *error)
{
    Kept *last = &flow->kept[KEPT - 1];
    guint place = place_of(flow, picture, frame->serial);

    if (place < KEPT)
        return use(flow, place);
    codesrc_features_unref(last->features);
    *last = (Kept){.picture = picture, .serial = frame->serial};
    if (!ask(user, picture, &last->request, error) ||
        !draft(flow, frame, last, &frame->times, error)) {
        last->features = NULL;
        return NULL;
    }
    return use(flow, KEPT - 1);
}

/* ---- frames ---------------------------------------------------------------------------------- */

static gboolean render(GstCodeFlow *flow, GstCodeFlowFrame *frame, const CodesrcFeatures *from,
                       const CodesrcFeatures *to, CodesrcError *error)
{
    CodesrcGenerator *generator = ready(flow, frame->output, error);
    gboolean rendered;

    if (!generator || !gst_code_exit_enter(error))
        return FALSE;
    rendered = codesrc_render_between(generator, from, to, frame->moment.t, frame->picture, error);
    frame->times.vae = codesrc_generator_times(generator).vae;
    gst_code_exit_leave();
    return rendered;
}

gboolean gst_code_flow_render(GstCodeFlow *flow, GstCodeFlowFrame *frame, GstCodeFlowAsk ask,
                              gpointer user, CodesrcError *error)
{
    const GstCodeMoment *moment = &frame->moment;
    gboolean first = !flow->kept[0].features;
    const Kept *from, *to = NULL;
    CodesrcFeatures *start;

    frame->times = (CodesrcTimes){0};
    if (moment->t > 0.0 || (first && flow->ahead && flow->motion.morph > 0)) {
        to = find(flow, frame, moment->to, ask, user, error);
        if (!to)
            return FALSE;
        frame->to = to->request;
    }
    from = find(flow, frame, moment->from, ask, user, error);
    if (!from)
        return FALSE;
    frame->from = from->request;
    if (moment->t == 0.0)
        frame->to = frame->from;
    start = from->features;
    /* Places move as they are used, so look again. */
    to = moment->t > 0.0 ? find(flow, frame, moment->to, ask, user, error) : from;
    return to && render(flow, frame, start, to->features, error);
}
