/* gstcodeexit.c - counts the calls under way, and ends them in an exit handler. */
#include "model/gstcodeexit.h"

#include <stdlib.h>
#include <unistd.h>

/* How long the handler waits at most, for a device that does not answer. */
#define PATIENCE (10 * G_TIME_SPAN_SECOND)

/* One lock for all: calls are milliseconds apart. */
static GMutex lock;
static GCond left;
static GHashTable *armed; /* a set of texts */
static pid_t process;     /* that armed; its children have none of its threads */
static GList *hooks;      /* of GstCodeExitHook, not owned */
static guint inside;
static gint ending; /* atomic, and written under the lock */

static void end_all(void)
{
    gint64 deadline = g_get_monotonic_time() + PATIENCE;

    if (getpid() != process)
        return;
    g_mutex_lock(&lock);
    g_atomic_int_set(&ending, TRUE);
    for (GList *link = hooks; link; link = link->next) {
        GstCodeExitHook *hook = link->data;

        hook->interrupt(hook->user);
    }
    while (inside > 0 && g_cond_wait_until(&left, &lock, deadline))
        continue;
    g_mutex_unlock(&lock);
}

void gst_code_exit_arm(const gchar *step, const CodesrcModelInfo *info)
{
    gchar *what = g_strjoin("\n", step, info->path, info->device, info->precision, NULL);

    g_mutex_lock(&lock);
    if (!armed)
        armed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    process = getpid();
    if (!g_hash_table_contains(armed, what) && atexit(end_all) == 0)
        g_hash_table_add(armed, g_steal_pointer(&what));
    g_mutex_unlock(&lock);
    g_free(what);
}

gboolean gst_code_exit_has_begun(void)
{
    return g_atomic_int_get(&ending);
}

gboolean gst_code_exit_enter(CodesrcError *error)
{
    gboolean entered;

    g_mutex_lock(&lock);
    entered = !ending;
    inside += entered;
    g_mutex_unlock(&lock);
    if (!entered) {
        error->status = CODESRC_CANCELLED;
        g_strlcpy(error->text, "the process ends", sizeof error->text);
    }
    return entered;
}

void gst_code_exit_leave(void)
{
    g_mutex_lock(&lock);
    inside--;
    g_cond_broadcast(&left);
    g_mutex_unlock(&lock);
}

void gst_code_exit_add(GstCodeExitHook *hook)
{
    g_mutex_lock(&lock);
    hooks = g_list_prepend(hooks, hook);
    g_mutex_unlock(&lock);
}

void gst_code_exit_remove(GstCodeExitHook *hook)
{
    g_mutex_lock(&lock);
    hooks = g_list_remove(hooks, hook);
    g_mutex_unlock(&lock);
}
