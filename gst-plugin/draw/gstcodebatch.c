/* gstcodebatch.c - from frames on the timeline to requests, and from requests to pictures. */
#include "draw/gstcodebatch.h"

#include "model/gstcodeexit.h"
#include "report/gstcodelog.h"

#define GST_CAT_DEFAULT gst_code_draw_debug

enum { FLOW_FRAMES = 64 }; /* of a batch of a film: most of them stand still and cost nothing */

struct GstCodeBatch {
    GstCodeWeights *weights;
    GstCodeStats *stats;
    GstCodeDrawOwner owner;
    gboolean progressive, anytime;
    guint scales; /* of the model */

    guint capacity; /* frames that there is room for */
    guint pictures, max_pictures;
    guint serial; /* of the settings at the beginning */
    CodesrcOutput output;
    GstSegment segment;

    GstCodePace *pace;
    GstCodeFlow *flow;           /* NULL: each frame shows a picture of its own, or a scale of it */
    CodesrcGenerator *generator; /* that draws it */
    CodesrcTimes times;
    gint64 begun;    /* in microseconds */
    gint64 deadline; /* of the first frame */
    guint stopped;   /* anytime: scales after which the deadline ended it; 0: it did not */
    gboolean adapts;

    /* Of each frame. */
    guint count;
    guint ready;             /* frames that this call draws: those that the same weights serve */
    GstCodeTimeline *before; /* the timeline that it is the next frame of */
    GstCodeFrame **frame;
    guint *picture; /* the picture that it shows ... */
    guint *scale;   /* ... after this scale */

    /* Of each picture. */
    CodesrcRequest *request;
    CodesrcPicture *target;
};

GstCodeBatch *gst_code_batch_new(GstCodeWeights *weights, GstCodeStats *stats,
                                 const GstCodeDrawOwner *owner, const GstCodeDrawSetup *setup,
                                 GstCodePace *pace, GstCodeFlow *flow)
{
    GstCodeBatch *batch = g_new0(GstCodeBatch, 1);

    batch->weights = weights;
    batch->stats = stats;
    batch->owner = *owner;
    batch->pace = pace;
    batch->flow = flow;
    batch->progressive = setup->progressive;
    batch->anytime = setup->anytime;
    batch->scales = codesrc_model_info(weights->headers)->scales;
    batch->capacity = flow ? FLOW_FRAMES : setup->batch * (setup->progressive ? batch->scales : 1);
    batch->before = g_new0(GstCodeTimeline, batch->capacity);
    batch->frame = g_new0(GstCodeFrame *, batch->capacity);
    batch->picture = g_new0(guint, batch->capacity);
    batch->scale = g_new0(guint, batch->capacity);
    batch->request = g_new0(CodesrcRequest, setup->batch);
    batch->target = g_new0(CodesrcPicture, setup->batch);
    return batch;
}

void gst_code_batch_free(GstCodeBatch *batch)
{
    g_free(batch->before);
    g_free(batch->frame);
    g_free(batch->picture);
    g_free(batch->scale);
    g_free(batch->request);
    g_free(batch->target);
    g_free(batch);
}

/* ---- its frames ------------------------------------------------------------------------------ */

void gst_code_batch_reset(GstCodeBatch *batch, guint serial, guint pictures,
                          const GstSegment *segment)
{
    batch->segment = *segment;
    batch->serial = serial;
    batch->max_pictures = pictures;
    batch->count = batch->pictures = 0;
}

/* Number of the picture, or of the picture between two, that a frame of the stream shows. */
static guint64 picture_of(const GstCodeBatch *batch, const GstCodeTiming *timing)
{
    if (batch->flow)
        return gst_code_motion_at(gst_code_flow_motion(batch->flow), timing->frame).content;
    return batch->progressive ? timing->frame / batch->scales : timing->frame;
}

/* Whether the frame at `timing` shows another picture than the last frame of the batch. */
static gboolean is_another(const GstCodeBatch *batch, const GstCodeTiming *timing)
{
    return batch->count == 0 ||
           picture_of(batch, timing) != picture_of(batch, &batch->frame[batch->count - 1]->timing);
}

gboolean gst_code_batch_has_room(const GstCodeBatch *batch, const GstCodeTiming *timing)
{
    return batch->count < batch->capacity &&
           (!is_another(batch, timing) || batch->pictures < batch->max_pictures);
}

void gst_code_batch_add(GstCodeBatch *batch, const GstCodeTiming *timing,
                        const GstCodeTimeline *before, GstCodeFrame *frame)
{
    guint i = batch->count;

    if (is_another(batch, timing))
        batch->pictures++;
    frame->timing = *timing;
    frame->serial = batch->serial;
    frame->failed = frame->held = FALSE;
    batch->frame[i] = frame;
    batch->before[i] = *before;
    batch->picture[i] = batch->pictures - 1;
    batch->scale[i] = batch->progressive ? timing->frame % batch->scales : batch->scales - 1;
    batch->count++;
}

guint gst_code_batch_count(const GstCodeBatch *batch)
{
    return batch->count;
}

GstCodeFrame *gst_code_batch_frame(const GstCodeBatch *batch, guint i)
{
    return batch->frame[i];
}

const GstCodeTimeline *gst_code_batch_before(const GstCodeBatch *batch, guint i)
{
    return &batch->before[i];
}

GstCodeFrame *gst_code_batch_pop(GstCodeBatch *batch)
{
    return batch->frame[--batch->count];
}

gboolean gst_code_batch_adapts(const GstCodeBatch *batch)
{
    return batch->adapts;
}

/* ---- requests -------------------------------------------------------------------------------- */

/* The request of a picture of the stream with the settings at `pts`. Selects the weights that draw
 * it. FALSE: it cannot be drawn, or needs other weights, and they may not be. */
static gboolean request_at(GstCodeBatch *batch, guint64 picture, GstClockTime pts,
                           gboolean other_weights, CodesrcRequest *request, CodesrcError *error)
{
    GstCodeWeights *weights = batch->weights;
    GstCodeSettings settings = batch->owner.settings(batch->owner.user, pts);
    gboolean made;
    guint steps;

    if (!gst_code_settings_in_range(&settings, error)) {
        gst_code_settings_clear(&settings);
        return FALSE;
    }
    steps = gst_code_pace_steps(batch->pace, settings.min_drafting_steps,
                                gst_code_settings_steps(&settings, weights->headers),
                                codesrc_model_info(weights->headers)->steps);
    settings.drafting_steps = steps;
    batch->adapts |= settings.min_drafting_steps > 0;
    made = (other_weights || codesrc_model_info(weights->headers)->steps >> steps & 1) &&
           gst_code_weights_select(weights, steps, error) &&
           gst_code_settings_request(&settings, weights->headers, picture, request, error);
    gst_code_settings_clear(&settings);
    return made;
}

/* The time stamp of a frame of the stream, on the timeline that frame `i` of the batch is on. */
static GstClockTime time_of(const GstCodeBatch *batch, guint i, guint64 frame)
{
    GstCodeTiming timing;

    gst_code_timeline_locate(&batch->before[i], &(GstSegment){.rate = 1.0, .stop = -1}, frame,
                             &timing);
    return timing.pts;
}

/* The request of the picture that frame `i` shows, with the settings of the picture's first frame,
 * so that all its scales show the same. */
static gboolean make_request(GstCodeBatch *batch, guint i, gboolean other_weights,
                             CodesrcError *error)
{
    guint64 picture = picture_of(batch, &batch->frame[i]->timing);
    GstClockTime pts = batch->progressive ? time_of(batch, i, picture * batch->scales)
                                          : batch->frame[i]->timing.pts;

    return request_at(batch, picture, pts, other_weights, &batch->request[batch->picture[i]],
                      error);
}

/* Fills in requests and targets. Returns for how many frames. */
static guint prepare(GstCodeBatch *batch, gboolean other_weights, CodesrcError *error)
{
    batch->adapts = FALSE;
    for (guint i = 0; i < batch->count; i++) {
        guint picture = batch->picture[i];
        gboolean another = i == 0 || picture != batch->picture[i - 1];

        if ((another && !make_request(batch, i, other_weights && i == 0, error)) ||
            !gst_code_pixels_prepare(&batch->frame[i]->pixels, &batch->output,
                                     batch->weights->headers, error))
            return i;
        if (another)
            batch->target[picture] = (CodesrcPicture){.data = NULL};
        if (batch->scale[i] == batch->scales - 1)
            batch->target[picture] = batch->frame[i]->pixels.picture;
    }
    return batch->count;
}

/* ---- pictures -------------------------------------------------------------------------------- */

/* A failure is kept in the frame, with the engine's reason, until the batch ends. */
static void show_scale(GstCodeBatch *batch, CodesrcGenerator *generator, guint i)
{
    GstCodeFrame *frame = batch->frame[i];
    gint64 begin = g_get_monotonic_time();

    if (!codesrc_generator_preview(generator, batch->picture[i], &frame->pixels.picture,
                                   &frame->error))
        frame->failed = TRUE;
    gst_code_pace_rendered(batch->pace, g_get_monotonic_time() - begin);
}

/* The observer: shows the scales that are frames of their own, and ends a picture whose next scale
 * would miss the deadline. */
static void scale_done(void *user, CodesrcGenerator *generator, unsigned scale, unsigned first,
                       unsigned count)
{
    GstCodeBatch *batch = user;

    gst_code_pace_scale(batch->pace, scale);
    if (scale == batch->scales - 1 || batch->stopped)
        return;
    for (guint i = 0; batch->progressive && i < batch->ready; i++)
        if (batch->scale[i] == scale && batch->picture[i] >= first &&
            batch->picture[i] < first + count)
            show_scale(batch, generator, i);
    if (batch->anytime && !batch->progressive &&
        gst_code_pace_is_last(batch->pace, scale, batch->deadline)) {
        show_scale(batch, generator, 0);
        batch->stopped = scale + 1;
        codesrc_generator_cancel(generator, true);
    }
}

static gboolean wait_for_end(GstCodeBatch *batch, CodesrcError *error)
{
    gboolean ended;

    if (!gst_code_exit_enter(error))
        return FALSE;
    ended = codesrc_generate_end(batch->generator, error);
    gst_code_exit_leave();
    return ended;
}

/* Output and observer can change only while nothing is under way. */
static gboolean begin(GstCodeBatch *batch, const GstCodeBatch *other, CodesrcError *error)
{
    gboolean observe = batch->progressive || batch->anytime, begun;

    if (!gst_code_exit_enter(error))
        return FALSE;
    batch->stopped = 0;
    batch->begun = g_get_monotonic_time();
    gst_code_pace_begin(batch->pace);
    begun = (other || (codesrc_generator_output(batch->generator, &batch->output, error) &&
                       codesrc_generator_observe(batch->generator, observe ? scale_done : NULL,
                                                 batch, false, error))) &&
            codesrc_generate_begin(batch->generator, batch->request,
                                   batch->picture[batch->ready - 1] + 1, batch->target, error);
    batch->times = codesrc_generator_times(batch->generator);
    gst_code_exit_leave();
    if (!batch->stopped)
        return begun;
    /* The deadline cancelled it, and perhaps an interruption did as well. */
    if (begun)
        wait_for_end(batch, error);
    error->status = CODESRC_CANCELLED;
    return gst_code_weights_resume(batch->weights);
}

/* ---- films ----------------------------------------------------------------------------------- */

/* For the flow: the request of a picture with the settings of its first frame. */
static gboolean ask_for_picture(gpointer user, guint64 picture, CodesrcRequest *request,
                                CodesrcError *error)
{
    GstCodeBatch *batch = user;
    guint64 first = gst_code_motion_first(gst_code_flow_motion(batch->flow), picture);

    return request_at(batch, picture, time_of(batch, 0, first), TRUE, request, error);
}

static void record_flow(GstCodeBatch *batch, guint i, const GstCodeFlowFrame *drawn)
{
    gdouble seconds = drawn->times.drafter + drawn->times.refiner + drawn->times.vae;

    batch->frame[i]->record = (GstCodeRecord){
        .request = drawn->from,
        .scales = batch->scales,
        .times = drawn->times,
        .seconds = seconds,
        .film = {.motion = *gst_code_flow_motion(batch->flow),
                 .frame = batch->frame[i]->timing.frame,
                 .moment = drawn->moment,
                 .next = drawn->to},
    };
    g_strlcpy(batch->frame[i]->record.digest, gst_code_weights_digest(batch->weights),
              sizeof batch->frame[i]->record.digest);
}

/* Whether frame `i` shows what was rendered last; if so, it needs no rendering of its own. */
static gboolean hold(GstCodeBatch *batch, guint i)
{
    const GstCodeFlowLast *last = gst_code_flow_last(batch->flow);
    GstCodeFrame *frame = batch->frame[i];

    if (!last->any || last->serial != batch->serial ||
        last->record.film.moment.content != picture_of(batch, &frame->timing))
        return FALSE;
    frame->record = last->record;
    frame->record.film.frame = frame->timing.frame;
    frame->held = TRUE;
    return TRUE;
}

static gboolean render_frame(GstCodeBatch *batch, guint i, CodesrcError *error)
{
    GstCodeFrame *frame = batch->frame[i];
    GstCodeFlowLast *last = gst_code_flow_last(batch->flow);
    GstCodeFlowFrame drawn = {
        .moment = gst_code_motion_at(gst_code_flow_motion(batch->flow), frame->timing.frame),
        .serial = batch->serial,
        .output = &batch->output,
        .picture = &frame->pixels.picture};

    if (!gst_code_pixels_prepare(&frame->pixels, &batch->output, batch->weights->headers, error) ||
        !gst_code_flow_render(batch->flow, &drawn, ask_for_picture, batch, error))
        return FALSE;
    gst_code_stats_set_model(batch->stats, batch->weights->headers);
    /* Frames are drawn ahead, so one that takes longer than its neighbours delays nothing. */
    gst_code_stats_measure(batch->stats, last->any ? MIN(drawn.times.vae, last->record.times.vae)
                                                   : drawn.times.vae);
    record_flow(batch, i, &drawn);
    *last = (GstCodeFlowLast){.any = TRUE, .serial = batch->serial, .record = frame->record};
    return TRUE;
}

/* Draws the frames of a film, and returns how many. Those after a failure wait for their turn. */
static guint render_film(GstCodeBatch *batch, CodesrcError *error)
{
    for (guint i = 0; i < batch->count; i++)
        if (!hold(batch, i) && !render_frame(batch, i, error))
            return i;
    return batch->count;
}

/* ---- the beginning of a batch ---------------------------------------------------------------- */

GstCodeBatchState gst_code_batch_start(GstCodeBatch *batch, const GstCodeBatch *other, guint *ready,
                                       CodesrcError *error)
{
    GstElement *element = batch->weights->element;

    batch->output = batch->owner.output(batch->owner.user);
    if (other && !gst_code_output_equal(&batch->output, &other->output))
        return GST_CODE_BATCH_LATER;
    if (batch->flow) {
        *ready = batch->ready = render_film(batch, error);
        return batch->ready > 0 ? GST_CODE_BATCH_STARTED : GST_CODE_BATCH_FAILED;
    }
    *ready = batch->ready = prepare(batch, !other, error);
    if (batch->ready == 0)
        return other ? GST_CODE_BATCH_LATER : GST_CODE_BATCH_FAILED;
    batch->generator = gst_code_weights_await(batch->weights, error);
    if (!batch->generator)
        return GST_CODE_BATCH_FAILED;
    batch->deadline =
        batch->owner.deadline(batch->owner.user, &batch->segment, &batch->frame[0]->timing);
    GST_DEBUG_OBJECT(element,
                     "batch of %u frames from %" G_GUINT64_FORMAT
                     " begins: N = %u, class %d, seed %" G_GUINT64_FORMAT "%s",
                     batch->ready, batch->frame[0]->timing.frame,
                     batch->request[0].settings.drafting_steps, batch->request[0].class_id,
                     batch->request[0].seed, other ? ", overlapping the one before" : "");
    return begin(batch, other, error) ? GST_CODE_BATCH_STARTED : GST_CODE_BATCH_FAILED;
}

/* ---- the end of a batch ---------------------------------------------------------------------- */

static void record(GstCodeBatch *batch, gdouble seconds)
{
    guint pictures = batch->picture[batch->ready - 1] + 1;
    const gchar *digest = gst_code_weights_digest(batch->weights);

    gst_code_stats_set_model(batch->stats, batch->weights->headers);
    gst_code_stats_measure(batch->stats, seconds);
    for (guint i = 0; i < batch->ready; i++) {
        GstCodeRecord *record = &batch->frame[i]->record;

        *record = (GstCodeRecord){.request = batch->request[batch->picture[i]],
                                  .scales = batch->stopped ? batch->stopped : batch->scale[i] + 1,
                                  .times = batch->times,
                                  .seconds = seconds / pictures};
        g_strlcpy(record->digest, digest, sizeof record->digest);
    }
}

/* Tells the pace whether this batch was late, by its deadline or by QoS, and the share of its time
 * that it had to spare, by its deadline or, without one, by QoS. */
static void learn(GstCodeBatch *batch)
{
    gint64 now = g_get_monotonic_time();
    gdouble proportion = batch->owner.proportion(batch->owner.user);
    gboolean late = proportion > 1.1;
    gdouble spare = 1.0 - proportion;

    if (!batch->stopped)
        gst_code_pace_rendered(batch->pace, 1e6 * batch->times.vae / batch->pictures);
    if (batch->deadline != G_MAXINT64) {
        late = late || batch->stopped || now > batch->deadline;
        spare = (batch->deadline - now) / (gdouble)MAX(1, batch->deadline - batch->begun);
    }
    gst_code_pace_done(batch->pace, late, spare);
}

/* Whether all scales that are frames of their own could be shown. */
static gboolean all_shown(const GstCodeBatch *batch, CodesrcError *error)
{
    for (guint i = 0; i < batch->ready; i++) {
        const GstCodeFrame *frame = batch->frame[i];

        if (!frame->failed)
            continue;
        error->status = frame->error.status;
        g_snprintf(error->text, sizeof error->text, "cannot show frame %" G_GUINT64_FORMAT ": %s",
                   frame->timing.frame, frame->error.text);
        return FALSE;
    }
    return TRUE;
}

gboolean gst_code_batch_end(GstCodeBatch *batch, CodesrcError *error)
{
    gdouble rendering;
    gint64 microseconds;

    if (batch->flow)
        return TRUE;
    rendering = codesrc_generator_times(batch->generator).vae;
    if (!batch->stopped && !wait_for_end(batch, error))
        return FALSE;
    if (!batch->stopped)
        batch->times.vae += codesrc_generator_times(batch->generator).vae - rendering;
    if (!all_shown(batch, error))
        return FALSE;
    microseconds = g_get_monotonic_time() - batch->begun;
    record(batch, microseconds / 1e6);
    learn(batch);
    GST_DEBUG_OBJECT(batch->weights->element,
                     "batch of %u frames from %" G_GUINT64_FORMAT " ended: %" G_GINT64_FORMAT
                     " us, of which drafter %.0f, refiner %.0f, VQ-VAE %.0f",
                     batch->ready, batch->frame[0]->timing.frame, microseconds,
                     1e6 * batch->times.drafter, 1e6 * batch->times.refiner,
                     1e6 * batch->times.vae);
    if (batch->stopped)
        GST_DEBUG_OBJECT(batch->weights->element,
                         "the deadline ended frame %" G_GUINT64_FORMAT " after scale %u of %u",
                         batch->frame[0]->timing.frame, batch->stopped, batch->scales);
    return TRUE;
}
