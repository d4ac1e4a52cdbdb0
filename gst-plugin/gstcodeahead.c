/* gstcodeahead.c - the queue between the thread that draws and the one that streams. The drawing
 * itself is gstcodejob.c's. */
#include "gstcodeahead.h"

#include "gstcodejob.h"

struct GstCodeAhead {
    GstCodeWeights *weights;
    GstCodeAheadOwner owner;
    GstCodeAheadSetup setup;
    GstCodeJob *job; /* the drawing thread's; its places are read under the lock */
    GThread *thread; /* NULL: nothing was wanted yet */

    GMutex lock; /* of all that follows */
    GCond changed;
    gboolean quit, interrupted;
    gboolean waiting; /* the streaming thread waits */
    GQueue queue;     /* of GstCodeDrawn, in the order of the stream */
    GQueue spare;     /* of GstCodeDrawn, to be used again */
    guint64 epoch;    /* grows where what is under way is wanted no more */
    gboolean drawing; /* the job is under way */
    guint64 job_epoch;
    guint left; /* frames that will be wanted at most */

    /* The walk along the timeline. */
    gboolean walking, first; /* first: nothing was drawn on it yet */
    GstCodeTimeline cursor;
    GstSegment segment;
};

/* ---- the drawing thread: all with the lock held, but where it draws ------------------------- */

static gboolean may_draw(const GstCodeAhead *ahead)
{
    guint waiting = g_queue_get_length((GQueue *)&ahead->queue);

    return ahead->walking && !ahead->interrupted && waiting < ahead->left &&
           ((ahead->waiting && waiting == 0) || waiting < ahead->setup.depth);
}

static GstCodeDrawn *new_drawn(GstCodeAhead *ahead)
{
    GstCodeDrawn *drawn = g_queue_pop_head(&ahead->spare);

    return drawn ? drawn : g_new0(GstCodeDrawn, 1);
}

static void free_drawn(gpointer data)
{
    GstCodeDrawn *drawn = data;

    gst_code_pixels_clear(&drawn->pixels);
    g_free(drawn);
}

/* Takes the next frames off the walk. FALSE: it has come to its end. */
static gboolean gather(GstCodeAhead *ahead)
{
    GstCodeJob *job = ahead->job;
    GstClockTime earliest = ahead->owner.earliest(ahead->owner.user, &ahead->segment);
    /* Whoever waits for the first picture gets it alone, as soon as can be. */
    guint pictures = ahead->first ? 1 : ahead->setup.batch;
    guint room = ahead->left - g_queue_get_length(&ahead->queue);
    GstCodePlace place;

    if (ahead->setup.anytime)
        pictures = 1; /* each has a deadline of its own */
    gst_code_job_begin(job, ahead->owner.serial(ahead->owner.user), pictures, &ahead->segment);
    if (GST_CLOCK_TIME_IS_VALID(earliest))
        gst_code_timeline_skip(&ahead->cursor, &ahead->segment, earliest);
    while (job->count < room && gst_code_timeline_next(&ahead->cursor, &ahead->segment, &place)) {
        GstCodeTimeline before = ahead->cursor;

        if (!gst_code_job_add(job, &place, &before))
            break;
        job->drawn[job->count - 1] = new_drawn(ahead);
        gst_code_timeline_advance(&ahead->cursor, &ahead->segment);
    }
    return job->count > 0;
}

/* Puts what was drawn into the queue. What was not drawn comes next on the walk. */
static void deliver(GstCodeAhead *ahead, guint done, const CodeError *error)
{
    GstCodeJob *job = ahead->job;
    gboolean wanted = ahead->job_epoch == ahead->epoch;
    gboolean cancelled = done == 0 && error->status == CODE_CANCELLED;

    if (done == 0 && !cancelled) {
        /* The one that failed, with its reason; the walk ends with it. */
        job->drawn[0]->place = job->place[0];
        job->drawn[0]->serial = job->serial;
        job->drawn[0]->failed = TRUE;
        job->drawn[0]->error = *error;
    }
    if (wanted && (cancelled || done == 0))
        ahead->walking = FALSE;
    else if (wanted && done < job->count)
        ahead->cursor = job->before[done];
    if (done == 0 && !cancelled)
        done = 1;
    for (guint i = 0; i < job->count; i++)
        g_queue_push_tail(wanted && i < done ? &ahead->queue : &ahead->spare, job->drawn[i]);
    if (wanted && done > 0)
        ahead->first = FALSE;
}

static gpointer draw_thread(gpointer data)
{
    GstCodeAhead *ahead = data;
    CodeError error = {.status = CODE_OK};
    guint done;

    g_mutex_lock(&ahead->lock);
    while (!ahead->quit) {
        if (!may_draw(ahead)) {
            g_cond_wait(&ahead->changed, &ahead->lock);
            continue;
        }
        if (!gather(ahead)) {
            ahead->walking = FALSE;
            g_cond_broadcast(&ahead->changed);
            continue;
        }
        ahead->drawing = TRUE;
        ahead->job_epoch = ahead->epoch;
        g_mutex_unlock(&ahead->lock);
        done = gst_code_job_draw(ahead->job, &error);
        g_mutex_lock(&ahead->lock);
        ahead->drawing = FALSE;
        deliver(ahead, done, &error);
        g_cond_broadcast(&ahead->changed);
    }
    g_mutex_unlock(&ahead->lock);
    return NULL;
}

/* ---- the streaming thread -------------------------------------------------------------------- */

/* Whether a frame drawn at `place` with the settings of `serial` is what is wanted. */
static gboolean fits(const GstCodeWant *want, const GstCodePlace *place, guint serial)
{
    GstCodePlace there = want->place;

    if ((gint)(serial - want->serial) < 0)
        return FALSE;
    if (place->frame > want->place.frame && want->or_later)
        gst_code_timeline_place(&want->timeline, &want->segment, place->frame, &there);
    return place->frame == there.frame && place->pts == there.pts &&
           place->duration == there.duration;
}

/* With the lock held: whether the drawing thread comes to the wanted frame by itself. */
static gboolean on_its_way(const GstCodeAhead *ahead, const GstCodeWant *want)
{
    GstCodeTimeline cursor = ahead->cursor;
    GstCodePlace place;

    if (ahead->drawing && ahead->job_epoch == ahead->epoch)
        for (guint i = 0; i < ahead->job->count; i++)
            if (fits(want, &ahead->job->place[i], ahead->job->serial))
                return TRUE;
    return ahead->walking && gst_code_timeline_next(&cursor, &ahead->segment, &place) &&
           place.frame == want->place.frame && fits(want, &place, want->serial);
}

/* With the lock held: forgets what waits and what is under way. */
static void forget(GstCodeAhead *ahead)
{
    GstCodeDrawn *drawn;

    while ((drawn = g_queue_pop_head(&ahead->queue)))
        g_queue_push_tail(&ahead->spare, drawn);
    ahead->epoch++;
    ahead->walking = FALSE;
}

/* With the lock held: begins a new walk at the wanted frame. */
static void begin_walk(GstCodeAhead *ahead, const GstCodeWant *want)
{
    forget(ahead);
    ahead->cursor = want->timeline;
    ahead->segment = want->segment;
    ahead->walking = ahead->first = TRUE;
}

/* Whether a frame has waited for so long that nobody wants to see it any more. */
static gboolean too_late(const GstCodeWant *want, const GstCodeDrawn *drawn)
{
    return want->or_later && !drawn->failed && GST_CLOCK_TIME_IS_VALID(want->earliest) &&
           drawn->place.pts < want->earliest;
}

/* With the lock held: the wanted frame, where it waits at the head of the queue. One drawn with
 * settings of the past means that all that is ahead has to be drawn again, this one first. */
static GstCodeDrawn *take(GstCodeAhead *ahead, const GstCodeWant *want)
{
    GstCodeDrawn *drawn;

    while ((drawn = g_queue_pop_head(&ahead->queue))) {
        if (!too_late(want, drawn) && fits(want, &drawn->place, drawn->serial))
            return drawn;
        g_queue_push_tail(&ahead->spare, drawn);
        if ((gint)(drawn->serial - want->serial) < 0)
            forget(ahead);
    }
    return NULL;
}

GstCodeDrawn *gst_code_ahead_want(GstCodeAhead *ahead, const GstCodeWant *want)
{
    GstCodeDrawn *drawn = NULL;

    if (!ahead->thread)
        ahead->thread = g_thread_new("codesrc-draw", draw_thread, ahead);
    g_mutex_lock(&ahead->lock);
    ahead->left = want->left;
    ahead->waiting = TRUE;
    while (!ahead->interrupted && !(drawn = take(ahead, want))) {
        if (!on_its_way(ahead, want))
            begin_walk(ahead, want);
        g_cond_broadcast(&ahead->changed);
        g_cond_wait(&ahead->changed, &ahead->lock);
    }
    ahead->waiting = FALSE;
    if (drawn) {
        ahead->left = want->left - 1;
        g_cond_broadcast(&ahead->changed);
    }
    g_mutex_unlock(&ahead->lock);
    return drawn;
}

void gst_code_ahead_give_back(GstCodeAhead *ahead, GstCodeDrawn *drawn)
{
    g_mutex_lock(&ahead->lock);
    g_queue_push_tail(&ahead->spare, drawn);
    g_mutex_unlock(&ahead->lock);
}

void gst_code_ahead_interrupt(GstCodeAhead *ahead, gboolean interrupted)
{
    gst_code_weights_interrupt(ahead->weights, interrupted);
    g_mutex_lock(&ahead->lock);
    ahead->interrupted = interrupted;
    if (interrupted)
        ahead->walking = FALSE;
    g_cond_broadcast(&ahead->changed);
    g_mutex_unlock(&ahead->lock);
}

void gst_code_ahead_flush(GstCodeAhead *ahead)
{
    g_mutex_lock(&ahead->lock);
    forget(ahead);
    g_mutex_unlock(&ahead->lock);
}

/* ---- beginning and end ----------------------------------------------------------------------- */

GstCodeAhead *gst_code_ahead_new(GstCodeWeights *weights, GstCodeStats *stats,
                                 const GstCodeAheadOwner *owner, const GstCodeAheadSetup *setup)
{
    GstCodeAhead *ahead = g_new0(GstCodeAhead, 1);

    ahead->weights = weights;
    ahead->owner = *owner;
    ahead->setup = *setup;
    ahead->job = gst_code_job_new(weights, stats, owner, setup);
    g_mutex_init(&ahead->lock);
    g_cond_init(&ahead->changed);
    g_queue_init(&ahead->queue);
    g_queue_init(&ahead->spare);
    return ahead;
}

void gst_code_ahead_free(GstCodeAhead *ahead)
{
    gboolean interrupted;

    if (!ahead)
        return;
    interrupted = g_atomic_int_get(&ahead->weights->interrupted);
    if (ahead->thread) {
        gst_code_weights_interrupt(ahead->weights, TRUE);
        g_mutex_lock(&ahead->lock);
        ahead->quit = TRUE;
        g_cond_broadcast(&ahead->changed);
        g_mutex_unlock(&ahead->lock);
        g_thread_join(ahead->thread);
        gst_code_weights_interrupt(ahead->weights, interrupted);
    }
    g_queue_clear_full(&ahead->queue, free_drawn);
    g_queue_clear_full(&ahead->spare, free_drawn);
    gst_code_job_free(ahead->job);
    g_mutex_clear(&ahead->lock);
    g_cond_clear(&ahead->changed);
    g_free(ahead);
}
