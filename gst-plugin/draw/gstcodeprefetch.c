/* gstcodeprefetch.c - the queue between the thread that draws and the one that streams.
 * gstcodebatch.c does the drawing itself. */
#include "draw/gstcodeprefetch.h"

#include "draw/gstcodebatch.h"
#include "report/gstcodeerror.h"
#include "report/gstcodelog.h"

#define GST_CAT_DEFAULT gst_code_draw_debug

enum { MOST_BATCHES = 2 }; /* that the engine has under way */

/* A batch under way, or free. */
typedef struct Slot {
    GstCodeBatch *batch;
    guint64 epoch; /* in which it began: its frames are useless in a later one */
} Slot;

struct GstCodePrefetch {
    GstCodeWeights *weights;
    GstCodeDrawOwner owner;
    GstCodeDrawSetup setup;
    GstCodePace pace;  /* the drawing thread's, as is: */
    GstCodeFlow *flow; /* NULL: each frame shows a picture of its own, or a scale of it */
    GThread *thread;   /* NULL: it did not start, for `reason` */

    GMutex lock; /* of all that follows */
    GCond changed;
    gboolean quit, interrupted;
    gboolean waiting; /* the streaming thread waits */
    GQueue queue;     /* of GstCodeFrame: finished ones, in the order of the stream */
    GQueue spare;     /* of GstCodeFrame, to be used again */
    guint64 epoch;    /* bumped to invalidate all batches under way */
    guint left;       /* frames that will be pulled at most */

    /* The batches are the drawing thread's; their frames' timings are read under the lock. */
    Slot slot[MOST_BATCHES];
    guint oldest, under_way;
    gboolean drain; /* start no batch until all under way have ended */
    guint singly;   /* draw so many batches one after the other, since two together failed ... */
    CodesrcError reason; /* ... for this reason; CODESRC_OK: not known any more */

    /* The walk along the timeline. */
    gboolean walking, first; /* first: it has finished no frame yet */
    GstCodeTimeline cursor;
    GstSegment segment;
    guint64 end; /* the frame after the stream's last one */
};

/* ---- the drawing thread: with the lock held, except while it draws --------------------------- */

/* The i-th oldest of the batches under way; the one after them is free. */
static Slot *slot_at(GstCodePrefetch *prefetch, guint i)
{
    return &prefetch->slot[(prefetch->oldest + i) % MOST_BATCHES];
}

/* Frames that are finished or under way, and of use. */
static guint pending(GstCodePrefetch *prefetch)
{
    guint frames = g_queue_get_length(&prefetch->queue);

    for (guint i = 0; i < prefetch->under_way; i++)
        if (slot_at(prefetch, i)->epoch == prefetch->epoch)
            frames += gst_code_batch_count(slot_at(prefetch, i)->batch);
    return frames;
}

/* Whether a batch may start next to those under way. The first picture has the device to itself,
 * because the streaming thread waits for it. */
static gboolean may_overlap(GstCodePrefetch *prefetch)
{
    if (prefetch->under_way == 0)
        return TRUE;
    return prefetch->setup.overlaps && prefetch->under_way < MOST_BATCHES && !prefetch->first &&
           !prefetch->drain && prefetch->singly == 0 &&
           !gst_code_batch_adapts(slot_at(prefetch, 0)->batch);
}

/* The end of the process interrupts the weights alone. */
static gboolean is_interrupted(GstCodePrefetch *prefetch)
{
    return prefetch->interrupted || g_atomic_int_get(&prefetch->weights->interrupted);
}

static gboolean may_draw(GstCodePrefetch *prefetch)
{
    guint there = pending(prefetch);

    if (!prefetch->walking || is_interrupted(prefetch) || there >= prefetch->left ||
        !may_overlap(prefetch))
        return FALSE;
    /* If the streaming thread waits and the queue is empty, pictures are short: draw as many as the
     * engine takes. */
    return there < prefetch->setup.depth ||
           (prefetch->waiting && g_queue_is_empty(&prefetch->queue) &&
            (there == 0 || prefetch->setup.depth > 0));
}

/* Passes over frames that would be late. */
static void skip_late(GstCodePrefetch *prefetch, guint serial)
{
    GstClockTime earliest = prefetch->owner.earliest(prefetch->owner.user, &prefetch->segment);
    guint64 skipped;

    if (!GST_CLOCK_TIME_IS_VALID(earliest))
        return;
    skipped =
        gst_code_timeline_skip(&prefetch->cursor, &prefetch->segment, earliest, prefetch->end);
    if (prefetch->flow && prefetch->setup.live)
        skipped += gst_code_flow_skip(prefetch->flow, &prefetch->cursor, &prefetch->segment,
                                      earliest, serial);
    if (skipped > 0)
        GST_DEBUG_OBJECT(prefetch->weights->element,
                         "not drawing %" G_GUINT64_FORMAT
                         " frames that would be late: on to %" GST_TIME_FORMAT,
                         skipped, GST_TIME_ARGS(earliest));
}

/* Fills the batch with the next frames of the walk. FALSE: there are none. */
static gboolean gather(GstCodePrefetch *prefetch, GstCodeBatch *batch)
{
    /* The first picture, which the streaming thread waits for, is drawn alone. With anytime each
     * picture has a deadline of its own. */
    gboolean alone = prefetch->first || prefetch->setup.anytime;
    guint room = prefetch->left - pending(prefetch);
    guint serial = prefetch->owner.serial(prefetch->owner.user);
    GstCodeTiming timing;

    if (prefetch->flow && prefetch->first)
        gst_code_flow_last(prefetch->flow)->any = FALSE;
    gst_code_batch_reset(batch, serial, alone ? 1 : prefetch->setup.batch, &prefetch->segment);
    skip_late(prefetch, serial);
    while (gst_code_batch_count(batch) < room &&
           gst_code_timeline_next(&prefetch->cursor, &prefetch->segment, &timing) &&
           timing.frame < prefetch->end && gst_code_batch_has_room(batch, &timing)) {
        GstCodeFrame *frame = g_queue_pop_head(&prefetch->spare);

        gst_code_batch_add(batch, &timing, &prefetch->cursor,
                           frame ? frame : g_new0(GstCodeFrame, 1));
        gst_code_timeline_advance(&prefetch->cursor, &prefetch->segment);
    }
    return gst_code_batch_count(batch) > 0;
}

/* The oldest batch has ended: queues its first `frames` frames, if they are still of use. */
static void finish_oldest(GstCodePrefetch *prefetch, guint frames)
{
    Slot *slot = slot_at(prefetch, 0);
    guint count = gst_code_batch_count(slot->batch);
    gboolean useful = slot->epoch == prefetch->epoch;

    if (!useful)
        GST_DEBUG_OBJECT(prefetch->weights->element,
                         "threw away %u frames: a seek or new settings came meanwhile", count);
    for (guint i = 0; i < count; i++)
        g_queue_push_tail(useful && i < frames ? &prefetch->queue : &prefetch->spare,
                          gst_code_batch_frame(slot->batch, i));
    if (useful && frames > 0)
        prefetch->first = FALSE;
    prefetch->oldest = (prefetch->oldest + 1) % MOST_BATCHES;
    prefetch->under_way--;
    prefetch->drain = prefetch->drain && prefetch->under_way > 0;
    if (prefetch->singly > 0)
        prefetch->singly--;
}

/* The oldest batch, the only one, failed. Its first frame carries the reason and ends the walk. */
static void fail(GstCodePrefetch *prefetch, const CodesrcError *error)
{
    Slot *slot = slot_at(prefetch, 0);
    GstCodeFrame *frame = gst_code_batch_frame(slot->batch, 0);
    gboolean cancelled = error->status == CODESRC_CANCELLED;

    if (!cancelled) {
        frame->failed = TRUE;
        frame->error = prefetch->reason.status == error->status ? prefetch->reason : *error;
    }
    GST_DEBUG_OBJECT(prefetch->weights->element, "frame %" G_GUINT64_FORMAT " %s",
                     frame->timing.frame, cancelled ? "was cancelled" : frame->error.text);
    if (slot->epoch == prefetch->epoch)
        prefetch->walking = FALSE;
    finish_oldest(prefetch, cancelled ? 0 : 1);
    prefetch->reason.status = CODESRC_OK;
}

/* Frames `i` and later of a batch stay undrawn: they come next on the walk. */
static void take_back(GstCodePrefetch *prefetch, Slot *slot, guint i)
{
    if (i < gst_code_batch_count(slot->batch) && slot->epoch == prefetch->epoch)
        prefetch->cursor = *gst_code_batch_before(slot->batch, i);
    while (gst_code_batch_count(slot->batch) > i)
        g_queue_push_tail(&prefetch->spare, gst_code_batch_pop(slot->batch));
}

/* One of two batches failed, and both are lost. They are drawn again, one after the other, so that
 * the frames before the bad one come out, and the bad one with the reason. */
static void lose_all(GstCodePrefetch *prefetch, const CodesrcError *error)
{
    gboolean cancelled = error->status == CODESRC_CANCELLED, useful = FALSE;

    GST_DEBUG_OBJECT(prefetch->weights->element, "lost %u batches: %s", prefetch->under_way,
                     cancelled ? "cancelled" : error->text);
    for (guint i = prefetch->under_way; i-- > 0;) {
        useful = useful || slot_at(prefetch, i)->epoch == prefetch->epoch;
        take_back(prefetch, slot_at(prefetch, i), 0);
    }
    prefetch->under_way = 0;
    prefetch->drain = FALSE;
    if (useful)
        prefetch->walking = !cancelled && !prefetch->interrupted;
    if (cancelled)
        return;
    prefetch->singly = MOST_BATCHES;
    prefetch->reason = *error;
}

static void start_next(GstCodePrefetch *prefetch)
{
    Slot *slot = slot_at(prefetch, prefetch->under_way);
    const GstCodeBatch *other = prefetch->under_way > 0 ? slot_at(prefetch, 0)->batch : NULL;
    CodesrcError error = {.status = CODESRC_OK};
    GstCodeBatchState state;
    guint ready = 0;

    if (!gather(prefetch, slot->batch)) {
        prefetch->walking = FALSE;
        return;
    }
    slot->epoch = prefetch->epoch;
    prefetch->under_way++;
    /* Who waits for a frame may see that it was passed over. */
    g_cond_broadcast(&prefetch->changed);
    g_mutex_unlock(&prefetch->lock);
    state = gst_code_batch_start(slot->batch, other, &ready, &error);
    g_mutex_lock(&prefetch->lock);
    if (state == GST_CODE_BATCH_STARTED) {
        take_back(prefetch, slot, ready);
    } else if (state == GST_CODE_BATCH_LATER) {
        take_back(prefetch, slot, 0);
        prefetch->under_way--;
        prefetch->drain = TRUE;
    } else if (other) {
        lose_all(prefetch, &error);
    } else {
        fail(prefetch, &error);
    }
}

static void end_oldest(GstCodePrefetch *prefetch)
{
    GstCodeBatch *batch = slot_at(prefetch, 0)->batch;
    CodesrcError error = {.status = CODESRC_OK};
    gboolean ended;

    g_mutex_unlock(&prefetch->lock);
    ended = gst_code_batch_end(batch, &error);
    g_mutex_lock(&prefetch->lock);
    if (ended) {
        prefetch->reason.status = CODESRC_OK;
        finish_oldest(prefetch, gst_code_batch_count(batch));
    } else if (prefetch->under_way > 1) {
        lose_all(prefetch, &error);
    } else {
        fail(prefetch, &error);
    }
}

/* The first frame may come late or never, as after an early EOS, but PROGRESS must end. */
static void await_weights(GstCodePrefetch *prefetch)
{
    CodesrcError error; /* the frames will meet it as well */

    g_mutex_unlock(&prefetch->lock);
    gst_code_weights_await(prefetch->weights, &error);
    g_mutex_lock(&prefetch->lock);
}

static gpointer draw_thread(gpointer data)
{
    GstCodePrefetch *prefetch = data;

    g_mutex_lock(&prefetch->lock);
    while (!prefetch->quit || prefetch->under_way > 0) {
        if (!prefetch->quit && may_draw(prefetch)) {
            start_next(prefetch);
        } else if (prefetch->under_way > 0) {
            end_oldest(prefetch);
        } else if (!prefetch->quit && prefetch->weights->announced && !is_interrupted(prefetch)) {
            await_weights(prefetch);
        } else {
            g_cond_wait(&prefetch->changed, &prefetch->lock);
            continue;
        }
        g_cond_broadcast(&prefetch->changed);
    }
    g_mutex_unlock(&prefetch->lock);
    return NULL;
}

/* ---- the streaming thread -------------------------------------------------------------------- */

/* With the lock held: whether the drawing thread will reach the frame by itself. */
static gboolean on_its_way(GstCodePrefetch *prefetch, const GstCodeFrameRequest *request)
{
    GstCodeTimeline cursor = prefetch->cursor;
    GstCodeTiming timing;

    for (guint n = 0; n < prefetch->under_way; n++) {
        const Slot *slot = slot_at(prefetch, n);

        for (guint i = 0; slot->epoch == prefetch->epoch && i < gst_code_batch_count(slot->batch);
             i++) {
            const GstCodeFrame *frame = gst_code_batch_frame(slot->batch, i);

            if (gst_code_frame_request_fits(request, &frame->timing, frame->serial))
                return TRUE;
        }
    }
    return prefetch->walking && gst_code_timeline_next(&cursor, &prefetch->segment, &timing) &&
           timing.frame == request->timing.frame &&
           gst_code_frame_request_fits(request, &timing, request->serial);
}

/* With the lock held: throws away what is finished and what is under way. */
static void forget(GstCodePrefetch *prefetch)
{
    GstCodeFrame *frame;

    while ((frame = g_queue_pop_head(&prefetch->queue)))
        g_queue_push_tail(&prefetch->spare, frame);
    prefetch->epoch++;
    prefetch->walking = FALSE;
}

/* With the lock held: whether the drawing thread has passed over the requested frame. */
static gboolean is_passed(GstCodePrefetch *prefetch, const GstCodeFrameRequest *request)
{
    const GstCodeFrame *next = g_queue_peek_head(&prefetch->queue);
    const Slot *slot = slot_at(prefetch, 0);

    if (!next && prefetch->under_way > 0 && slot->epoch == prefetch->epoch)
        next = gst_code_batch_frame(slot->batch, 0);
    return next && gst_code_frame_request_is_passed(request, next);
}

/* With the lock held: begins a new walk at the requested frame. */
static void begin_walk(GstCodePrefetch *prefetch, const GstCodeFrameRequest *request)
{
    GST_DEBUG_OBJECT(prefetch->weights->element,
                     "drawing from frame %" G_GUINT64_FORMAT " on, %u frames thrown away",
                     request->timing.frame, pending(prefetch));
    forget(prefetch);
    prefetch->cursor = request->timeline;
    prefetch->segment = request->segment;
    prefetch->end = request->end;
    prefetch->walking = prefetch->first = TRUE;
}

/* With the lock held: the requested frame, if it is at the head of the queue. A frame drawn with
 * old settings means that all frames have to be drawn again, beginning with this one. */
static GstCodeFrame *take(GstCodePrefetch *prefetch, const GstCodeFrameRequest *request)
{
    GstCodeFrame *frame;

    while (!is_passed(prefetch, request) && (frame = g_queue_pop_head(&prefetch->queue))) {
        gboolean old = (gint)(frame->serial - request->serial) < 0;
        gboolean late = gst_code_frame_request_is_late(request, frame);

        if (!late && gst_code_frame_request_fits(request, &frame->timing, frame->serial))
            return frame;
        GST_DEBUG_OBJECT(prefetch->weights->element, "threw away frame %" G_GUINT64_FORMAT ": %s",
                         frame->timing.frame,
                         old    ? "the settings have changed"
                         : late ? "it is too late"
                                : "another one is due");
        gst_code_frame_hand_down(frame, g_queue_peek_head(&prefetch->queue));
        g_queue_push_tail(&prefetch->spare, frame);
        if (old)
            forget(prefetch);
    }
    return NULL;
}

/* With the lock held: waits for a change. FALSE: not any longer. */
static gboolean wait(GstCodePrefetch *prefetch, gint64 until)
{
    if (until != G_MAXINT64)
        return g_cond_wait_until(&prefetch->changed, &prefetch->lock, until);
    g_cond_wait(&prefetch->changed, &prefetch->lock);
    return TRUE;
}

GstCodeFrame *gst_code_prefetch_pull(GstCodePrefetch *prefetch, const GstCodeFrameRequest *request,
                                     gboolean *time_is_up)
{
    GstCodeFrame *frame = NULL;

    *time_is_up = FALSE;
    if (!prefetch->thread)
        return gst_code_frame_failed(&prefetch->reason);
    g_mutex_lock(&prefetch->lock);
    prefetch->left = request->left;
    prefetch->waiting = TRUE;
    while (!is_interrupted(prefetch) && !*time_is_up && !(frame = take(prefetch, request))) {
        *time_is_up = is_passed(prefetch, request);
        if (*time_is_up)
            break;
        if (!on_its_way(prefetch, request))
            begin_walk(prefetch, request);
        g_cond_broadcast(&prefetch->changed);
        *time_is_up = !wait(prefetch, request->until);
    }
    prefetch->waiting = FALSE;
    if (frame) {
        prefetch->left = request->left - 1;
        g_cond_broadcast(&prefetch->changed);
    }
    g_mutex_unlock(&prefetch->lock);
    return frame;
}

void gst_code_prefetch_recycle(GstCodePrefetch *prefetch, GstCodeFrame *frame)
{
    g_mutex_lock(&prefetch->lock);
    g_queue_push_tail(&prefetch->spare, frame);
    g_mutex_unlock(&prefetch->lock);
}

void gst_code_prefetch_interrupt(GstCodePrefetch *prefetch, gboolean interrupted)
{
    gst_code_weights_interrupt(prefetch->weights, interrupted);
    g_mutex_lock(&prefetch->lock);
    prefetch->interrupted = interrupted;
    if (interrupted)
        prefetch->walking = FALSE;
    g_cond_broadcast(&prefetch->changed);
    g_mutex_unlock(&prefetch->lock);
}

void gst_code_prefetch_flush(GstCodePrefetch *prefetch)
{
    g_mutex_lock(&prefetch->lock);
    forget(prefetch);
    g_mutex_unlock(&prefetch->lock);
}

/* ---- beginning and end ----------------------------------------------------------------------- */

GstCodePrefetch *gst_code_prefetch_new(GstCodeWeights *weights, GstCodeStats *stats,
                                       const GstCodeDrawOwner *owner, const GstCodeDrawSetup *setup)
{
    GstCodePrefetch *prefetch = g_new0(GstCodePrefetch, 1);

    prefetch->weights = weights;
    prefetch->owner = *owner;
    prefetch->setup = *setup;
    if (gst_code_motion_flows(&setup->motion))
        prefetch->flow = gst_code_flow_new(weights, &setup->motion, setup->live);
    for (guint i = 0; i < MOST_BATCHES; i++)
        prefetch->slot[i].batch =
            gst_code_batch_new(weights, stats, owner, setup, &prefetch->pace, prefetch->flow);
    g_mutex_init(&prefetch->lock);
    g_cond_init(&prefetch->changed);
    g_queue_init(&prefetch->queue);
    g_queue_init(&prefetch->spare);
    prefetch->thread =
        gst_code_thread_new("codesrc-draw", draw_thread, prefetch, &prefetch->reason);
    return prefetch;
}

void gst_code_prefetch_free(GstCodePrefetch *prefetch)
{
    gboolean interrupted;

    if (!prefetch)
        return;
    interrupted = g_atomic_int_get(&prefetch->weights->interrupted);
    if (prefetch->thread) {
        gst_code_weights_interrupt(prefetch->weights, TRUE);
        g_mutex_lock(&prefetch->lock);
        prefetch->quit = TRUE;
        g_cond_broadcast(&prefetch->changed);
        g_mutex_unlock(&prefetch->lock);
        g_thread_join(prefetch->thread);
        gst_code_weights_interrupt(prefetch->weights, interrupted);
    }
    g_queue_clear_full(&prefetch->queue, gst_code_frame_free);
    g_queue_clear_full(&prefetch->spare, gst_code_frame_free);
    for (guint i = 0; i < MOST_BATCHES; i++)
        gst_code_batch_free(prefetch->slot[i].batch);
    gst_code_flow_free(prefetch->flow);
    g_mutex_clear(&prefetch->lock);
    g_cond_clear(&prefetch->changed);
    g_free(prefetch);
}
