/* gstcodemaker.c - one thread, which lives no longer than its maker: a process that ends destroys
 * what libraries keep for themselves, and must not do so under the feet of a thread that uses it.
 */
#include "gstcodemaker.h"

struct GstCodeMaker {
    CodesrcModel *model;
    guint batch;
    GThread *thread;
    GMutex lock; /* of what follows */
    GCond changed;
    gboolean done, abandoned;
    CodesrcGenerator *generator;
    CodesrcError error;
};

/* Lets the owner reach what may take long. */
static void publish(GstCodeMaker *maker, CodesrcGenerator *generator)
{
    g_mutex_lock(&maker->lock);
    maker->generator = generator;
    if (generator && maker->abandoned)
        codesrc_generator_cancel(generator, true);
    g_mutex_unlock(&maker->lock);
}

static gpointer maker_thread(gpointer data)
{
    GstCodeMaker *maker = data;
    CodesrcError error = {.status = CODESRC_OK};
    CodesrcGenerator *generator = codesrc_generator_open(maker->model, maker->batch, 0, &error);

    publish(maker, generator);
    if (generator && !codesrc_generator_prepare(generator, &error)) {
        publish(maker, NULL);
        codesrc_generator_free(generator);
    }
    g_mutex_lock(&maker->lock);
    maker->error = error;
    maker->done = TRUE;
    g_cond_broadcast(&maker->changed);
    g_mutex_unlock(&maker->lock);
    return NULL;
}

GstCodeMaker *gst_code_maker_new(CodesrcModel *model, guint batch)
{
    GstCodeMaker *maker = g_new0(GstCodeMaker, 1);

    maker->model = codesrc_model_ref(model);
    maker->batch = batch;
    g_mutex_init(&maker->lock);
    g_cond_init(&maker->changed);
    maker->thread = g_thread_new("codesrc-make", maker_thread, maker);
    return maker;
}

void gst_code_maker_free(GstCodeMaker *maker)
{
    if (!maker)
        return;
    g_mutex_lock(&maker->lock);
    maker->abandoned = TRUE;
    if (maker->generator)
        codesrc_generator_cancel(maker->generator, true);
    g_mutex_unlock(&maker->lock);
    g_thread_join(maker->thread);
    codesrc_generator_free(maker->generator);
    codesrc_model_unref(maker->model);
    g_mutex_clear(&maker->lock);
    g_cond_clear(&maker->changed);
    g_free(maker);
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

CodesrcGenerator *gst_code_maker_take(GstCodeMaker *maker, CodesrcError *error)
{
    CodesrcGenerator *generator;

    g_mutex_lock(&maker->lock);
    generator = maker->generator;
    maker->generator = NULL;
    if (!generator)
        *error = maker->error;
    g_mutex_unlock(&maker->lock);
    return generator;
}
