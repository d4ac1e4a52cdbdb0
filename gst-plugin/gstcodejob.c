/* gstcodejob.c - from places on the timeline to requests, and from requests to pictures. */
#include "gstcodejob.h"

GstCodeJob *gst_code_job_new(GstCodeWeights *weights, GstCodeStats *stats,
                             const GstCodeAheadOwner *owner, const GstCodeAheadSetup *setup,
                             GstCodePace *pace)
{
    GstCodeJob *job = g_new0(GstCodeJob, 1);

    job->weights = weights;
    job->stats = stats;
    job->owner = *owner;
    job->pace = pace;
    job->progressive = setup->progressive;
    job->anytime = setup->anytime;
    job->scales = codesrc_model_info(weights->headers)->scales;
    job->capacity = setup->batch * (setup->progressive ? job->scales : 1);
    job->place = g_new0(GstCodePlace, job->capacity);
    job->before = g_new0(GstCodeTimeline, job->capacity);
    job->drawn = g_new0(GstCodeDrawn *, job->capacity);
    job->picture = g_new0(guint, job->capacity);
    job->scale = g_new0(guint, job->capacity);
    job->request = g_new0(CodesrcRequest, setup->batch);
    job->target = g_new0(CodesrcPicture, setup->batch);
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

void gst_code_job_reset(GstCodeJob *job, guint serial, guint pictures, const GstSegment *segment)
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
static gboolean make_request(GstCodeJob *job, guint i, gboolean other_weights, CodesrcError *error)
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
    steps = gst_code_pace_steps(job->pace, settings.min_drafting_steps,
                                gst_code_settings_steps(&settings, weights->headers),
                                codesrc_model_info(weights->headers)->steps);
    settings.drafting_steps = steps;
    job->adapts |= settings.min_drafting_steps > 0;
    made = (other_weights || codesrc_model_info(weights->headers)->steps >> steps & 1) &&
           gst_code_weights_select(weights, steps, error) &&
           gst_code_settings_request(&settings, weights->headers, picture,
                                     &job->request[job->picture[i]], error);
    gst_code_settings_clear(&settings);
    return made;
}

/* Fills in requests and targets. Returns for how many frames. */
static guint prepare(GstCodeJob *job, gboolean other_weights, CodesrcError *error)
{
    job->adapts = FALSE;
    for (guint i = 0; i < job->count; i++) {
        guint picture = job->picture[i];
        gboolean another = i == 0 || picture != job->picture[i - 1];

        if ((another && !make_request(job, i, other_weights && i == 0, error)) ||
            !gst_code_pixels_prepare(&job->drawn[i]->pixels, &job->output, job->weights->headers,
                                     error))
            return i;
        if (another)
            job->target[picture] = (CodesrcPicture){.data = NULL};
        if (job->scale[i] == job->scales - 1)
            job->target[picture] = job->drawn[i]->pixels.picture;
    }
    return job->count;
}

static void show_scale(GstCodeJob *job, CodesrcGenerator *generator, guint i)
{
    const CodesrcPicture *preview = &job->drawn[i]->pixels.picture;
    gint64 begin = g_get_monotonic_time();
    CodesrcError error;

    if (!codesrc_generator_preview(generator, job->picture[i], preview, &error))
        job->drawn[i]->failed = TRUE;
    gst_code_pace_rendered(job->pace, g_get_monotonic_time() - begin);
}

/* The observer: shows the scales that are frames of their own, and ends a picture that cannot get
 * any further before its deadline. */
static void scale_done(void *user, CodesrcGenerator *generator, unsigned scale, unsigned first,
                       unsigned count)
{
    GstCodeJob *job = user;

    gst_code_pace_scale(job->pace, scale);
    if (scale == job->scales - 1 || job->stopped)
        return;
    for (guint i = 0; job->progressive && i < job->count; i++)
        if (job->scale[i] == scale && job->picture[i] >= first && job->picture[i] < first + count)
            show_scale(job, generator, i);
    if (job->anytime && !job->progressive &&
        gst_code_pace_is_last(job->pace, scale, job->deadline)) {
        show_scale(job, generator, 0);
        job->stopped = scale + 1;
        codesrc_generator_cancel(generator, true);
    }
}

static void record(GstCodeJob *job, gdouble seconds)
{
    guint pictures = job->picture[job->ready - 1] + 1;
    const gchar *digest = gst_code_weights_digest(job->weights);

    gst_code_stats_set_model(job->stats, job->weights->headers);
    gst_code_stats_measure(job->stats, seconds);
    for (guint i = 0; i < job->ready; i++) {
        GstCodeDrawn *drawn = job->drawn[i];

        drawn->place = job->place[i];
        drawn->serial = job->serial;
        drawn->record = (GstCodeRecord){.request = job->request[job->picture[i]],
                                        .scales = job->stopped ? job->stopped : job->scale[i] + 1,
                                        .times = job->times,
                                        .seconds = seconds / pictures};
        g_strlcpy(drawn->record.digest, digest, sizeof drawn->record.digest);
    }
}

/* What the picture says about the pace. */
static void learn(GstCodeJob *job)
{
    gint64 now = g_get_monotonic_time();
    gdouble proportion = job->owner.proportion(job->owner.user);
    gboolean late = proportion > 1.1;
    gdouble spare = 1.0 - proportion;

    if (!job->stopped)
        gst_code_pace_rendered(job->pace, 1e6 * job->times.vae / job->pictures);
    if (job->deadline != G_MAXINT64) {
        late = late || job->stopped || now > job->deadline;
        spare = (job->deadline - now) / (gdouble)MAX(1, job->deadline - job->begun);
    }
    gst_code_pace_done(job->pace, late, spare);
}

/* Where pictures go and who looks at them is settled while nothing is under way. */
static gboolean begin(GstCodeJob *job, const GstCodeJob *beside, CodesrcError *error)
{
    gboolean observe = job->progressive || job->anytime, begun;

    job->stopped = 0;
    job->begun = g_get_monotonic_time();
    gst_code_pace_begin(job->pace);
    begun = (beside || (codesrc_generator_output(job->generator, &job->output, error) &&
                        codesrc_generator_observe(job->generator, observe ? scale_done : NULL, job,
                                                  false, error))) &&
            codesrc_generate_begin(job->generator, job->request, job->picture[job->ready - 1] + 1,
                                   job->target, error);
    job->times = codesrc_generator_times(job->generator);
    if (!job->stopped)
        return begun;
    /* The deadline has cancelled it, unless somebody else has as well. */
    if (begun)
        codesrc_generate_end(job->generator, error);
    error->status = CODESRC_CANCELLED;
    return gst_code_weights_resume(job->weights);
}

GstCodeJobState gst_code_job_start(GstCodeJob *job, const GstCodeJob *beside, CodesrcError *error)
{
    job->output = job->owner.output(job->owner.user);
    if (beside && !gst_code_output_equal(&job->output, &beside->output))
        return GST_CODE_JOB_LATER;
    job->ready = prepare(job, !beside, error);
    if (job->ready == 0)
        return beside ? GST_CODE_JOB_LATER : GST_CODE_JOB_FAILED;
    job->generator = gst_code_weights_await(job->weights, error);
    if (!job->generator)
        return GST_CODE_JOB_FAILED;
    for (guint i = 0; i < job->ready; i++)
        job->drawn[i]->failed = FALSE;
    job->deadline = job->owner.deadline(job->owner.user, &job->segment, &job->place[0]);
    return begin(job, beside, error) ? GST_CODE_JOB_STARTED : GST_CODE_JOB_FAILED;
}

gboolean gst_code_job_end(GstCodeJob *job, CodesrcError *error)
{
    gdouble rendering = codesrc_generator_times(job->generator).vae;

    if (!job->stopped && !codesrc_generate_end(job->generator, error))
        return FALSE;
    if (!job->stopped)
        job->times.vae += codesrc_generator_times(job->generator).vae - rendering;
    for (guint i = 0; i < job->ready; i++) {
        if (!job->drawn[i]->failed)
            continue;
        error->status = CODESRC_FAILED;
        g_strlcpy(error->text, "a scale could not be shown", sizeof error->text);
        return FALSE;
    }
    record(job, (g_get_monotonic_time() - job->begun) / 1e6);
    learn(job);
    return TRUE;
}
