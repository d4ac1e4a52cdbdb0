/* gstcodegeneratorthread.c - one thread, which its owner joins: when a process ends, the libraries'
 * static objects are destroyed, and no thread may be using them then. */
#include "model/gstcodegeneratorthread.h"

#include "model/gstcodeexit.h"
#include "report/gstcodeerror.h"
#include "report/gstcodelog.h"

#define GST_CAT_DEFAULT gst_code_load_debug

struct GstCodeGeneratorThread {
    CodesrcModel *model;
    guint batch;
    GThread *thread;
    GMutex lock; /* of what follows */
    GCond changed;
    gboolean done, abandoned;
    CodesrcGenerator *generator;
    CodesrcError error;
};

/* Lets the owner cancel the slow part. */
static void publish(GstCodeGeneratorThread *thread, CodesrcGenerator *generator)
{
    g_mutex_lock(&thread->lock);
    thread->generator = generator;
    if (generator && thread->abandoned)
        codesrc_generator_cancel(generator, true);
    g_mutex_unlock(&thread->lock);
}

/* The generator, opened and prepared, is published. */
static void make(GstCodeGeneratorThread *thread, CodesrcError *error)
{
    CodesrcGenerator *generator = codesrc_generator_open(thread->model, thread->batch, 0, error);

    publish(thread, generator);
    if (generator && !codesrc_generator_prepare(generator, error)) {
        publish(thread, NULL);
        codesrc_generator_free(generator);
    }
}

static gpointer generator_thread(gpointer data)
{
    GstCodeGeneratorThread *thread = data;
    CodesrcError error = {.status = CODESRC_OK};
    gint64 begin = g_get_monotonic_time();

    if (gst_code_exit_enter(&error)) {
        make(thread, &error);
        gst_code_exit_arm("generator", codesrc_model_info(thread->model));
        gst_code_exit_leave();
    }
    GST_INFO("generator for %u pictures %s after %" G_GINT64_FORMAT " us", thread->batch,
             error.status == CODESRC_OK ? "ready" : "not made", g_get_monotonic_time() - begin);
    g_mutex_lock(&thread->lock);
    thread->error = error;
    thread->done = TRUE;
    g_cond_broadcast(&thread->changed);
    g_mutex_unlock(&thread->lock);
    return NULL;
}

GstCodeGeneratorThread *gst_code_generator_thread_new(CodesrcModel *model, guint batch)
{
    GstCodeGeneratorThread *thread = g_new0(GstCodeGeneratorThread, 1);

    thread->model = codesrc_model_ref(model);
    thread->batch = batch;
    g_mutex_init(&thread->lock);
    g_cond_init(&thread->changed);
    thread->thread =
        gst_code_thread_new("codesrc-prepare", generator_thread, thread, &thread->error);
    if (!thread->thread) /* else it sets this */
        thread->done = TRUE;
    return thread;
}

void gst_code_generator_thread_cancel(GstCodeGeneratorThread *thread)
{
    g_mutex_lock(&thread->lock);
    thread->abandoned = TRUE;
    if (thread->generator)
        codesrc_generator_cancel(thread->generator, true);
    g_mutex_unlock(&thread->lock);
}

void gst_code_generator_thread_free(GstCodeGeneratorThread *thread)
{
    if (!thread)
        return;
    gst_code_generator_thread_cancel(thread);
    if (thread->thread)
        g_thread_join(thread->thread);
    codesrc_generator_free(thread->generator);
    codesrc_model_unref(thread->model);
    g_mutex_clear(&thread->lock);
    g_cond_clear(&thread->changed);
    g_free(thread);
}

gboolean gst_code_generator_thread_wait(GstCodeGeneratorThread *thread, gint *interrupted)
{
    gboolean done;

    g_mutex_lock(&thread->lock);
    while (!thread->done && !g_atomic_int_get(interrupted))
        g_cond_wait(&thread->changed, &thread->lock);
    /* The interruption that ended the loop may be over by now, and the thread still at work. */
    done = thread->done && !g_atomic_int_get(interrupted);
    g_mutex_unlock(&thread->lock);
    return done;
}

void gst_code_generator_thread_wake(GstCodeGeneratorThread *thread)
{
    g_mutex_lock(&thread->lock);
    g_cond_broadcast(&thread->changed);
    g_mutex_unlock(&thread->lock);
}

CodesrcGenerator *gst_code_generator_thread_take(GstCodeGeneratorThread *thread,
                                                 CodesrcError *error)
{
    CodesrcGenerator *generator;

    g_mutex_lock(&thread->lock);
    generator = thread->generator;
    thread->generator = NULL;
    if (!generator)
        *error = thread->error;
    g_mutex_unlock(&thread->lock);
    return generator;
}
