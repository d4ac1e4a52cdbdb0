/* gstcodemaker.c - one detached thread, which shares the maker with its owner. */
#include "gstcodemaker.h"

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
    g_thread_unref(g_thread_new("codesrc-make", maker_thread, maker));
    return maker;
}

void gst_code_maker_free(GstCodeMaker *maker)
{
    if (maker)
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
