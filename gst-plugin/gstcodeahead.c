/* gstcodeahead.c - the queue between the thread that draws and the one that streams. The drawing
 * itself is gstcodejob.c's. */
#include "gstcodeahead.h"

#include "gstcodejob.h"

enum { MOST_BATCHES = 2 }; /* that the engine has under way */

/* Frames that are drawn together. */
typedef struct Batch {
    GstCodeJob *job;
    guint64 epoch; /* in which they were wanted */
} Batch;

struct GstCodeAhead {
    GstCodeWeights *weights;
    GstCodeAheadOwner owner;
    GstCodeAheadSetup setup;
    GstCodePace pace; /* the drawing thread's */
    GThread *thread;  /* NULL: nothing was wanted yet */

    GMutex lock; /* of all that follows */
    GCond changed;
    gboolean quit, interrupted;
    gboolean waiting; /* the streaming thread waits */
    GQueue queue;     /* of GstCodeDrawn, in the order of the stream */
    GQueue spare;     /* of GstCodeDrawn, to be used again */
    guint64 epoch;    /* grows where what is under way is wanted no more */
    guint left;       /* frames that will be wanted at most */

    /* What is under way. The jobs are the drawing thread's, their places are read under the lock.
     */
    Batch batch[MOST_BATCHES];
    guint oldest, under_way;
    gboolean drain; /* nothing more is begun until all of it has ended */
    guint singly;   /* so many batches are drawn one after the other, since two have failed ... */
    CodesrcError reason; /* ... for this; CODESRC_OK: not known any more */

    /* The walk along the timeline. */
    gboolean walking, first; /* first: nothing was drawn on it yet */
    GstCodeTimeline cursor;
    GstSegment segment;
};

/* ---- the drawing thread: all with the lock held, but where it draws ------------------------- */

/* The batch that was begun as the i-th of those under way; the one behind them is free. */
static Batch *batch_at(GstCodeAhead *ahead, guint i)
{
    return &ahead->batch[(ahead->oldest + i) % MOST_BATCHES];
}

/* Frames that wait or are under way, and are wanted. */
static guint pending(GstCodeAhead *ahead)
{
    guint frames = g_queue_get_length(&ahead->queue);

    for (guint i = 0; i < ahead->under_way; i++)
        if (batch_at(ahead, i)->epoch == ahead->epoch)
            frames += batch_at(ahead, i)->job->count;
    return frames;
}

/* Whether a batch may be begun beside those under way. The first picture has the device to itself,
 * since somebody waits for it. */
static gboolean has_room(GstCodeAhead *ahead)
{
    if (ahead->under_way == 0)
        return TRUE;
    return ahead->setup.overlaps && ahead->under_way < MOST_BATCHES && !ahead->first &&
           !ahead->drain && ahead->singly == 0 && !batch_at(ahead, 0)->job->adapts;
}

static gboolean may_draw(GstCodeAhead *ahead)
{
    guint there = pending(ahead);

    if (!ahead->walking || ahead->interrupted || there >= ahead->left || !has_room(ahead))
        return FALSE;
    /* Who waits with nothing in the queue is short of pictures: as many are under way as can be. */
    return there < ahead->setup.depth || (ahead->waiting && g_queue_is_empty(&ahead->queue) &&
                                          (there == 0 || ahead->setup.depth > 0));
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
static gboolean gather(GstCodeAhead *ahead, GstCodeJob *job)
{
    GstClockTime earliest = ahead->owner.earliest(ahead->owner.user, &ahead->segment);
    /* Whoever waits for the first picture gets it alone, as soon as can be. */
    guint pictures = ahead->first ? 1 : ahead->setup.batch;
    guint room = ahead->left - pending(ahead);
    GstCodePlace place;

    if (ahead->setup.anytime)
        pictures = 1; /* each has a deadline of its own */
    gst_code_job_reset(job, ahead->owner.serial(ahead->owner.user), pictures, &ahead->segment);
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

/* Puts the oldest batch's frames into the queue, if they are wanted. */
static void put_out(GstCodeAhead *ahead, guint frames)
{
    Batch *batch = batch_at(ahead, 0);
    GstCodeJob *job = batch->job;
    gboolean wanted = batch->epoch == ahead->epoch;

    for (guint i = 0; i < job->count; i++)
        g_queue_push_tail(wanted && i < frames ? &ahead->queue : &ahead->spare, job->drawn[i]);
    if (wanted && frames > 0)
        ahead->first = FALSE;
    ahead->oldest = (ahead->oldest + 1) % MOST_BATCHES;
    ahead->under_way--;
    ahead->drain = ahead->drain && ahead->under_way > 0;
    ahead->singly -= ahead->singly > 0;
}

/* The oldest batch, the only one, has failed. Its first frame comes with the reason, and the walk
 * ends with it. */
static void fail(GstCodeAhead *ahead, const CodesrcError *error)
{
    GstCodeJob *job = batch_at(ahead, 0)->job;
    gboolean cancelled = error->status == CODESRC_CANCELLED;

    if (!cancelled) {
        job->drawn[0]->place = job->place[0];
        job->drawn[0]->serial = job->serial;
        job->drawn[0]->failed = TRUE;
        job->drawn[0]->error = ahead->reason.status == error->status ? ahead->reason : *error;
    }
    if (batch_at(ahead, 0)->epoch == ahead->epoch)
        ahead->walking = FALSE;
    put_out(ahead, cancelled ? 0 : 1);
    ahead->reason.status = CODESRC_OK;
}

/* The frames of a batch from `i` on are not drawn: they come next on the walk. */
static void take_back(GstCodeAhead *ahead, Batch *batch, guint i)
{
    GstCodeJob *job = batch->job;

    if (i < job->count && batch->epoch == ahead->epoch)
        ahead->cursor = job->before[i];
    for (guint n = i; n < job->count; n++)
        g_queue_push_tail(&ahead->spare, job->drawn[n]);
    job->count = i;
}

/* One of two batches has failed, and both are lost. They are drawn again, one after the other: so
 * what comes before the frame that cannot be drawn is put out, and the reason is told with it. */
static void lose_all(GstCodeAhead *ahead, const CodesrcError *error)
{
    gboolean cancelled = error->status == CODESRC_CANCELLED, wanted = FALSE;

    for (guint i = ahead->under_way; i-- > 0;) {
        wanted = wanted || batch_at(ahead, i)->epoch == ahead->epoch;
        take_back(ahead, batch_at(ahead, i), 0);
    }
    ahead->under_way = 0;
    ahead->drain = FALSE;
    if (wanted)
        ahead->walking = !cancelled && !ahead->interrupted;
    if (cancelled)
        return;
    ahead->singly = MOST_BATCHES;
    ahead->reason = *error;
}

static void begin_next(GstCodeAhead *ahead)
{
    Batch *batch = batch_at(ahead, ahead->under_way);
    const GstCodeJob *beside = ahead->under_way > 0 ? batch_at(ahead, 0)->job : NULL;
    CodesrcError error = {.status = CODESRC_OK};
    GstCodeJobState state;

    if (!gather(ahead, batch->job)) {
        ahead->walking = FALSE;
        return;
    }
    batch->epoch = ahead->epoch;
    ahead->under_way++;
    g_mutex_unlock(&ahead->lock);
    state = gst_code_job_start(batch->job, beside, &error);
    g_mutex_lock(&ahead->lock);
    if (state == GST_CODE_JOB_STARTED) {
        take_back(ahead, batch, batch->job->ready);
    } else if (state == GST_CODE_JOB_LATER) {
        take_back(ahead, batch, 0);
        ahead->under_way--;
        ahead->drain = TRUE;
    } else if (beside) {
        lose_all(ahead, &error);
    } else {
        fail(ahead, &error);
    }
}

static void end_oldest(GstCodeAhead *ahead)
{
    GstCodeJob *job = batch_at(ahead, 0)->job;
    CodesrcError error = {.status = CODESRC_OK};
    gboolean drawn;

    g_mutex_unlock(&ahead->lock);
    drawn = gst_code_job_end(job, &error);
    g_mutex_lock(&ahead->lock);
    if (drawn) {
        ahead->reason.status = CODESRC_OK;
        put_out(ahead, job->count);
    } else if (ahead->under_way > 1) {
        lose_all(ahead, &error);
    } else {
        fail(ahead, &error);
    }
}

static gpointer draw_thread(gpointer data)
{
    GstCodeAhead *ahead = data;

    g_mutex_lock(&ahead->lock);
    while (!ahead->quit || ahead->under_way > 0) {
        if (!ahead->quit && may_draw(ahead)) {
            begin_next(ahead);
        } else if (ahead->under_way > 0) {
            end_oldest(ahead);
        } else {
            g_cond_wait(&ahead->changed, &ahead->lock);
            continue;
        }
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
static gboolean on_its_way(GstCodeAhead *ahead, const GstCodeWant *want)
{
    GstCodeTimeline cursor = ahead->cursor;
    GstCodePlace place;

    for (guint n = 0; n < ahead->under_way; n++) {
        const Batch *batch = batch_at(ahead, n);

        for (guint i = 0; batch->epoch == ahead->epoch && i < batch->job->count; i++)
            if (fits(want, &batch->job->place[i], batch->job->serial))
                return TRUE;
    }
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
    for (guint i = 0; i < MOST_BATCHES; i++)
        ahead->batch[i].job = gst_code_job_new(weights, stats, owner, setup, &ahead->pace);
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
    for (guint i = 0; i < MOST_BATCHES; i++)
        gst_code_job_free(ahead->batch[i].job);
    g_mutex_clear(&ahead->lock);
    g_cond_clear(&ahead->changed);
    g_free(ahead);
}
