/* gstcodeload.c - the process's table of loads, one thread for each that is under way. */
#include "model/gstcodeload.h"

struct GstCodeLoad {
    /* What tells one load from another. */
    gchar *path, *device, *precision;
    guint threads;
    gint cuda_device_id;
    guint32 steps; /* the drafting steps that these weights serve */

    guint drafting_steps; /* one of them, to open the model with */
    GThread *thread;
    gint abandoned; /* atomic */

    /* Guarded by `lock`. */
    guint users;
    gboolean done;
    gdouble fraction;
    CodesrcModel *model;
    CodesrcError error;
};

/* How much more must have been read before a waiting thread hears of it: enough that a message for
 * each such part is read with patience. */
#define PROGRESS_STEP 0.05

/* One lock and one condition for all loads: they change a few hundred times in a process's life. */
static GMutex lock;
static GCond changed;
static GList *loads; /* under way or ready; a failed one leaves, so that the next try opens anew */

static bool load_progress(void *user, double fraction)
{
    GstCodeLoad *load = user;

    g_mutex_lock(&lock);
    load->fraction = fraction;
    g_cond_broadcast(&changed);
    g_mutex_unlock(&lock);
    return !g_atomic_int_get(&load->abandoned);
}

static gpointer load_thread(gpointer data)
{
    GstCodeLoad *load = data;
    CodesrcModelOptions options;
    CodesrcError error;
    CodesrcModel *model;

    codesrc_model_options_init(&options);
    options.device = load->device;
    options.precision = load->precision;
    options.threads = load->threads;
    options.cuda_device_id = load->cuda_device_id;
    options.drafting_steps = load->drafting_steps;
    options.progress = load_progress;
    options.progress_user = load;
    model = codesrc_model_open(load->path, &options, &error);

    g_mutex_lock(&lock);
    load->model = model;
    if (!model) {
        load->error = error;
        loads = g_list_remove(loads, load);
    }
    load->done = TRUE;
    g_cond_broadcast(&changed);
    g_mutex_unlock(&lock);
    return NULL;
}

/* With `lock` held. */
static GstCodeLoad *load_find(const gchar *path, const gchar *device, const gchar *precision,
                              guint threads, gint cuda_device_id, guint32 steps)
{
    for (GList *link = loads; link; link = link->next) {
        GstCodeLoad *load = link->data;

        if (load->steps == steps && load->threads == threads &&
            load->cuda_device_id == cuda_device_id && !g_strcmp0(load->path, path) &&
            !g_strcmp0(load->device, device) && !g_strcmp0(load->precision, precision))
            return load;
    }
    return NULL;
}

GstCodeLoad *gst_code_load_acquire(const gchar *path, const gchar *device, const gchar *precision,
                                   guint threads, gint cuda_device_id, guint drafting_steps,
                                   const CodesrcModel *headers)
{
    guint32 steps = codesrc_model_info(headers)->steps;
    GstCodeLoad *load;

    g_mutex_lock(&lock);
    load = load_find(path, device, precision, threads, cuda_device_id, steps);
    if (load) {
        load->users++;
    } else {
        load = g_new0(GstCodeLoad, 1);
        load->path = g_strdup(path);
        load->device = g_strdup(device);
        load->precision = g_strdup(precision);
        load->threads = threads;
        load->cuda_device_id = cuda_device_id;
        load->steps = steps;
        load->drafting_steps = drafting_steps;
        load->users = 1;
        loads = g_list_prepend(loads, load);
        load->thread = g_thread_new("codesrc-load", load_thread, load);
    }
    g_mutex_unlock(&lock);
    return load;
}

void gst_code_load_release(GstCodeLoad *load)
{
    gboolean last;

    if (!load)
        return;
    g_mutex_lock(&lock);
    last = --load->users == 0;
    if (last)
        loads = g_list_remove(loads, load);
    g_mutex_unlock(&lock);
    if (!last)
        return;

    /* The thread looks at this flag each time when it has read a little. */
    g_atomic_int_set(&load->abandoned, TRUE);
    g_thread_join(load->thread);
    codesrc_model_unref(load->model);
    g_free(load->path);
    g_free(load->device);
    g_free(load->precision);
    g_free(load);
}

/* With `lock` held. */
static GstCodeLoadState load_state(const GstCodeLoad *load)
{
    if (!load->done)
        return GST_CODE_LOAD_LOADING;
    return load->model ? GST_CODE_LOAD_READY : GST_CODE_LOAD_FAILED;
}

GstCodeLoadState gst_code_load_state(GstCodeLoad *load)
{
    GstCodeLoadState state;

    g_mutex_lock(&lock);
    state = load_state(load);
    g_mutex_unlock(&lock);
    return state;
}

GstCodeLoadState gst_code_load_wait(GstCodeLoad *load, gint *interrupted, gdouble *fraction)
{
    GstCodeLoadState state;

    g_mutex_lock(&lock);
    while (!g_atomic_int_get(interrupted) && !load->done &&
           load->fraction < *fraction + PROGRESS_STEP)
        g_cond_wait(&changed, &lock);
    state = load_state(load);
    if (g_atomic_int_get(interrupted))
        state = GST_CODE_LOAD_INTERRUPTED;
    *fraction = load->fraction;
    g_mutex_unlock(&lock);
    return state;
}

void gst_code_load_wake(void)
{
    g_mutex_lock(&lock);
    g_cond_broadcast(&changed);
    g_mutex_unlock(&lock);
}

CodesrcModel *gst_code_load_model(GstCodeLoad *load, CodesrcError *error)
{
    CodesrcModel *model;

    g_mutex_lock(&lock);
    model = load->model;
    if (!model)
        *error = load->error;
    g_mutex_unlock(&lock);
    return model;
}
