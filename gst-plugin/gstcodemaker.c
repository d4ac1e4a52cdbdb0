/* gstcodemaker.c - one detached thread, which shares the maker with its owner. */
#include "gstcodemaker.h"

#include <stdlib.h>

/* Threads under way, in the whole process. */
static GMutex making_lock;
static GCond made;
static guint making;

struct GstCodeMaker {
    gint users; /* atomic: the owner and the thread */
    CodeModel *model;
    guint batch;
    GMutex lock; /* of what follows */
    GCond changed;
    gboolean done;
    CodeGenerator *generator;
    CodeError error;
};

static void maker_unref(GstCodeMaker *maker)
{
    if (!g_atomic_int_dec_and_test(&maker->users))
        return;
    code_generator_free(maker->generator);
    code_model_unref(maker->model);
    g_mutex_clear(&maker->lock);
    g_cond_clear(&maker->changed);
    g_free(maker);
}

/* A process that ends destroys what libraries keep for themselves, under the feet of a thread that
 * still uses it: it waits, half a second at most times. */
static void wait_for_threads(void)
{
    gint64 end = g_get_monotonic_time() + 10 * G_TIME_SPAN_SECOND;

    g_mutex_lock(&making_lock);
    while (making && g_cond_wait_until(&made, &making_lock, end))
        continue;
    g_mutex_unlock(&making_lock);
}

static void thread_ends(void)
{
    g_mutex_lock(&making_lock);
    making--;
    g_cond_broadcast(&made);
    g_mutex_unlock(&making_lock);
}

static gpointer maker_thread(gpointer data)
{
    GstCodeMaker *maker = data;
    CodeError error = {.status = CODE_OK};
    CodeGenerator *generator = code_generator_new(maker->model, maker->batch, 0, &error);

    g_mutex_lock(&maker->lock);
    maker->generator = generator;
    maker->error = error;
    maker->done = TRUE;
    g_cond_broadcast(&maker->changed);
    g_mutex_unlock(&maker->lock);
    maker_unref(maker);
    thread_ends();
    return NULL;
}

GstCodeMaker *gst_code_maker_new(CodeModel *model, guint batch)
{
    GstCodeMaker *maker = g_new0(GstCodeMaker, 1);

    maker->users = 2;
    maker->model = code_model_ref(model);
    maker->batch = batch;
    g_mutex_init(&maker->lock);
    g_cond_init(&maker->changed);
    g_mutex_lock(&making_lock);
    making++;
    g_mutex_unlock(&making_lock);
    g_thread_unref(g_thread_new("codesrc-make", maker_thread, maker));
    return maker;
}

static gboolean maker_done(GstCodeMaker *maker)
{
    gboolean done;

    g_mutex_lock(&maker->lock);
    done = maker->done;
    g_mutex_unlock(&maker->lock);
    return done;
}

void gst_code_maker_free(GstCodeMaker *maker)
{
    static gsize registered;

    if (!maker)
        return;
    /* Only here does a thread outlive its owner. What is registered last comes first at exit, and
     * by now the thread has used the libraries that it will use. */
    if (!maker_done(maker) && g_once_init_enter(&registered)) {
        atexit(wait_for_threads);
        g_once_init_leave(&registered, 1);
    }
    maker_unref(maker);
}

gboolean gst_code_maker_wait(GstCodeMaker *maker, gint *interrupted)
{
    gboolean done;

    g_mutex_lock(&maker->lock);
    while (!maker->done && !g_atomic_int_get(interrupted))
        g_cond_wait(&maker->changed, &maker->lock);
    done = !g_atomic_int_get(interrupted);
    g_mutex_unlock(&maker->lock);
    return done;
}

void gst_code_maker_wake(GstCodeMaker *maker)
{
    g_mutex_lock(&maker->lock);
    g_cond_broadcast(&maker->changed);
    g_mutex_unlock(&maker->lock);
}

CodeGenerator *gst_code_maker_take(GstCodeMaker *maker, CodeError *error)
{
    CodeGenerator *generator;

    g_mutex_lock(&maker->lock);
    generator = maker->generator;
    maker->generator = NULL;
    if (!generator)
        *error = maker->error;
    g_mutex_unlock(&maker->lock);
    return generator;
}
