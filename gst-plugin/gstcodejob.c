/* gstcodejob.c - from places on the timeline to requests, and from requests to pictures. */
#include "gstcodejob.h"

GstCodeJob *gst_code_job_new(GstCodeWeights *weights, GstCodeStats *stats,
                             const GstCodeAheadOwner *owner, const GstCodeAheadSetup *setup)
{
    GstCodeJob *job = g_new0(GstCodeJob, 1);

    job->weights = weights;
    job->stats = stats;
    job->owner = *owner;
    job->progressive = setup->progressive;
    job->anytime = setup->anytime;
    job->scales = code_model_info(weights->headers)->scales;
    job->capacity = setup->batch * (setup->progressive ? job->scales : 1);
    job->place = g_new0(GstCodePlace, job->capacity);
    job->before = g_new0(GstCodeTimeline, job->capacity);
    job->drawn = g_new0(GstCodeDrawn *, job->capacity);
    job->picture = g_new0(guint, job->capacity);
    job->scale = g_new0(guint, job->capacity);
    job->request = g_new0(CodeRequest, setup->batch);
    job->target = g_new0(CodePicture, setup->batch);
    return job;
}

void gst_code_job_free(GstCodeJob *job)
{
    g_free(job->place);
    g_free(job->before);
    g_free(job->drawn);
    g_free(job->picture);
    g_free(job->scale);
    g_free(job->request);
    g_free(job->target);
    g_free(job);
}

void gst_code_job_begin(GstCodeJob *job, guint serial, guint pictures, const GstSegment *segment)
{
    job->segment = *segment;
    job->serial = serial;
    job->max_pictures = pictures;
    job->count = job->pictures = 0;
}

/* Number of the picture that a frame of the stream shows. */
static guint64 picture_of(const GstCodeJob *job, guint64 frame)
{
    return job->progressive ? frame / job->scales : frame;
}

gboolean gst_code_job_add(GstCodeJob *job, const GstCodePlace *place, const GstCodeTimeline *before)
{
    guint i = job->count;
    gboolean another =
        i == 0 || picture_of(job, place->frame) != picture_of(job, job->place[i - 1].frame);

    if (i == job->capacity || (another && job->pictures == job->max_pictures))
        return FALSE;
    job->pictures += another;
    job->place[i] = *place;
    job->before[i] = *before;
    job->picture[i] = job->pictures - 1;
    job->scale[i] = job->progressive ? place->frame % job->scales : job->scales - 1;
    job->count++;
    return TRUE;
}

/* The request of the picture that frame `i` shows, with the settings of the picture's first frame,
 * so that all its scales show the same. */
static gboolean make_request(GstCodeJob *job, guint i, gboolean other_weights, CodeError *error)
{
    guint64 frame = job->place[i].frame, picture = picture_of(job, frame);
    GstCodeWeights *weights = job->weights;
    GstCodePlace begin = job->place[i];
    GstCodeSettings settings;
    gboolean made;
    guint steps;

    if (job->progressive)
        gst_code_timeline_place(&job->before[i], &(GstSegment){.rate = 1.0, .stop = -1},
                                picture * job->scales, &begin);
    settings = job->owner.settings(job->owner.user, begin.pts);
    steps = gst_code_pace_steps(&job->pace, settings.min_drafting_steps,
                                gst_code_settings_steps(&settings, weights->headers),
                                code_model_info(weights->headers)->steps);
    settings.drafting_steps = steps;
    made = (other_weights || code_model_info(weights->headers)->steps >> steps & 1) &&
           gst_code_weights_select(weights, steps, error) &&
           gst_code_settings_request(&settings, weights->headers, picture,
                                     &job->request[job->picture[i]], error);
    gst_code_settings_clear(&settings);
    return made;
}

/* Fills in requests and targets. Returns for how many frames. */
static guint prepare(GstCodeJob *job, CodeError *error)
{
    job->output = job->owner.output(job->owner.user);
    for (guint i = 0; i < job->count; i++) {
        guint picture = job->picture[i];
        gboolean another = i == 0 || picture != job->picture[i - 1];

        if ((another && !make_request(job, i, i == 0, error)) ||
            !gst_code_pixels_prepare(&job->drawn[i]->pixels, &job->output, job->weights->headers,
                                     error))
            return i;
        if (another)
            job->target[picture] = (CodePicture){.data = NULL};
        if (job->scale[i] == job->scales - 1)
            job->target[picture] = job->drawn[i]->pixels.picture;
    }
    return job->count;
}

static void show_scale(GstCodeJob *job, CodeGenerator *generator, guint i)
{
    const CodePicture *preview = &job->drawn[i]->pixels.picture;
    gint64 begin = g_get_monotonic_time();
    CodeError error;

    if (!code_generator_preview(generator, job->picture[i], preview, &error))
        job->drawn[i]->failed = TRUE;
    gst_code_pace_rendered(&job->pace, g_get_monotonic_time() - begin);
}

/* The observer: shows the scales that are frames of their own, and ends a picture that cannot get
 * any further before its deadline. */
static void scale_done(void *user, CodeGenerator *generator, unsigned scale, unsigned first,
                       unsigned count)
{
    GstCodeJob *job = user;

    gst_code_pace_scale(&job->pace, scale);
    if (scale == job->scales - 1 || job->stopped)
        return;
    for (guint i = 0; job->progressive && i < job->count; i++)
        if (job->scale[i] == scale && job->picture[i] >= first && job->picture[i] < first + count)
            show_scale(job, generator, i);
    if (job->anytime && !job->progressive &&
        gst_code_pace_is_last(&job->pace, scale, job->deadline)) {
        show_scale(job, generator, 0);
        job->stopped = scale + 1;
        code_generator_cancel(generator, true);
    }
}

static void record(GstCodeJob *job, guint done, const CodeTimes *times, gdouble seconds)
{
    guint pictures = job->picture[done - 1] + 1;
    const gchar *digest = gst_code_weights_digest(job->weights);

    gst_code_stats_set_model(job->stats, job->weights->headers);
    gst_code_stats_measure(job->stats, seconds);
    for (guint i = 0; i < done; i++) {
        GstCodeDrawn *drawn = job->drawn[i];

        drawn->place = job->place[i];
        drawn->serial = job->serial;
        drawn->record = (GstCodeRecord){.request = job->request[job->picture[i]],
                                        .scales = job->stopped ? job->stopped : job->scale[i] + 1,
                                        .times = *times,
                                        .seconds = seconds / pictures};
        g_strlcpy(drawn->record.digest, digest, sizeof drawn->record.digest);
    }
}

/* What the picture says about the pace. */
static void learn(GstCodeJob *job, const CodeTimes *times)
{
    gint64 now = g_get_monotonic_time();
    gdouble proportion = job->owner.proportion(job->owner.user);
    gboolean late = proportion > 1.1;
    gdouble spare = 1.0 - proportion;

    if (!job->stopped)
        gst_code_pace_rendered(&job->pace, 1e6 * times->vae / job->pictures);
    if (job->deadline != G_MAXINT64) {
        late = late || job->stopped || now > job->deadline;
        spare = (job->deadline - now) / (gdouble)MAX(1, job->deadline - job->pace.begin);
    }
    gst_code_pace_done(&job->pace, late, spare);
}

static gboolean generate(GstCodeJob *job, CodeGenerator *generator, guint done, CodeError *error)
{
    gboolean observe = job->progressive || job->anytime;
    gboolean drawn;

    job->stopped = 0;
    gst_code_pace_begin(&job->pace);
    drawn = code_generator_output(generator, &job->output, error) &&
            code_generator_observe(generator, observe ? scale_done : NULL, job, false, error) &&
            code_generate(generator, job->request, job->picture[done - 1] + 1, job->target, error);
    if (job->stopped) {
        /* The deadline has cancelled it, unless somebody else has as well. */
        drawn = gst_code_weights_resume(job->weights);
        error->status = CODE_CANCELLED;
    }
    for (guint i = 0; drawn && i < done; i++) {
        if (!job->drawn[i]->failed)
            continue;
        error->status = CODE_FAILED;
        g_strlcpy(error->text, "a scale could not be shown", sizeof error->text);
        drawn = FALSE;
    }
    return drawn;
}

guint gst_code_job_draw(GstCodeJob *job, CodeError *error)
{
    guint done = prepare(job, error);
    CodeGenerator *generator;
    CodeTimes times;

    if (done == 0)
        return 0;
    generator = gst_code_weights_await(job->weights, error);
    if (!generator)
        return 0;
    for (guint i = 0; i < done; i++)
        job->drawn[i]->failed = FALSE;
    job->deadline = job->owner.deadline(job->owner.user, &job->segment, &job->place[0]);
    if (!generate(job, generator, done, error))
        return 0;
    times = code_generator_times(generator);
    record(job, done, &times, (g_get_monotonic_time() - job->pace.begin) / 1e6);
    learn(job, &times);
    return done;
}
