/* gstcodeload.c - the process's table of loads, with a thread for each that is under way. */
#include "model/gstcodeload.h"

#include "model/gstcodeexit.h"
#include "report/gstcodeerror.h"
#include "report/gstcodelog.h"

#include <glib/gstdio.h>

#define GST_CAT_DEFAULT gst_code_load_debug

struct GstCodeLoad {
    /* What distinguishes one load from another. */
    gchar *path;
    GStatBuf file; /* the manifest: a model may be replaced under its name */
    GstCodeModelSpec spec;
    guint32 served; /* the drafting steps that these weights serve, a bit each */

    guint steps; /* one of them, to open the model with */
    GThread *thread;
    gint abandoned; /* atomic */

    /* Guarded by `lock`. */
    guint users;
    gboolean done;
    gdouble fraction;
    CodesrcModel *model;
    CodesrcError error;
};

/* How much has to be read before a waiting thread wakes: coarse enough not to flood the bus. */
#define PROGRESS_STEP 0.05

/* One lock and one condition for all loads: they change a few hundred times in a process's life. */
static GMutex lock;
static GCond changed;

/* Under way or ready. A failed one leaves, so that the next try opens it again. */
static GList *loads;

static bool load_progress(void *user, double fraction)
{
    GstCodeLoad *load = user;

    g_mutex_lock(&lock);
    load->fraction = fraction;
    g_cond_broadcast(&changed);
    g_mutex_unlock(&lock);
    return !g_atomic_int_get(&load->abandoned) && !gst_code_exit_has_begun();
}

static gpointer load_thread(gpointer data)
{
    GstCodeLoad *load = data;
    CodesrcModelOptions options = gst_code_model_spec_options(&load->spec, load->steps);
    gint64 begin = g_get_monotonic_time();
    CodesrcError error;
    CodesrcModel *model = NULL;

    GST_INFO("loading %s", load->path);
    options.progress = load_progress;
    options.progress_user = load;
    if (gst_code_exit_enter(&error)) {
        model = codesrc_model_open(load->path, &options, &error);
        gst_code_exit_leave();
    }
    GST_INFO("%s %s after %" G_GINT64_FORMAT " us", model ? "loaded" : "could not load", load->path,
             g_get_monotonic_time() - begin);

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

/* Whether the weights fit headers that were read now: files may have been replaced. */
static gboolean fits(const GstCodeLoad *load, const GStatBuf *file, const CodesrcModel *headers)
{
    return load->file.st_dev == file->st_dev && load->file.st_ino == file->st_ino &&
           load->file.st_size == file->st_size &&
           load->file.st_mtim.tv_sec == file->st_mtim.tv_sec &&
           load->file.st_mtim.tv_nsec == file->st_mtim.tv_nsec &&
           (!load->model ||
            codesrc_model_info(load->model)->side == codesrc_model_info(headers)->side);
}

/* With `lock` held. */
static GstCodeLoad *load_find(const gchar *path, const GStatBuf *file, const GstCodeModelSpec *spec,
                              const CodesrcModel *headers)
{
    guint32 served = codesrc_model_info(headers)->steps;

    for (GList *link = loads; link; link = link->next) {
        GstCodeLoad *load = link->data;

        if (load->served == served && !g_strcmp0(load->path, path) &&
            gst_code_model_spec_same_device(&load->spec, spec) && fits(load, file, headers))
            return load;
    }
    return NULL;
}

GstCodeLoad *gst_code_load_acquire(const gchar *path, const GstCodeModelSpec *spec, guint steps,
                                   const CodesrcModel *headers)
{
    GStatBuf file = {0};
    GstCodeLoad *load;

    g_stat(path, &file);
    g_mutex_lock(&lock);
    load = load_find(path, &file, spec, headers);
    if (load) {
        load->users++;
        GST_DEBUG("sharing %s with %u others", path, load->users - 1);
    } else {
        load = g_new0(GstCodeLoad, 1);
        load->path = g_strdup(path);
        load->spec = gst_code_model_spec_copy(spec);
        load->file = file;
        load->served = codesrc_model_info(headers)->steps;
        load->steps = steps;
        load->users = 1;
        loads = g_list_prepend(loads, load);
        load->thread = gst_code_thread_new("codesrc-load", load_thread, load, &load->error);
        load->done = !load->thread;
        if (load->done)
            loads = g_list_remove(loads, load);
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

    /* The thread checks this flag each time it has read a part. */
    GST_DEBUG("letting go of %s", load->path);
    g_atomic_int_set(&load->abandoned, TRUE);
    if (load->thread)
        g_thread_join(load->thread);
    codesrc_model_unref(load->model);
    g_free(load->path);
    gst_code_model_spec_clear(&load->spec);
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
