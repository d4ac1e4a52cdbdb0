/* locks.c - preloaded into programs under ThreadSanitizer: describes GLib's locks to it. GLib is
 * not compiled with the sanitizer, and its GMutex and GCond are futexes, so all that they guard
 * would look like a race. Each function here calls GLib's own of the same name. */
#include <glib-object.h>
#include <gst/gst.h>

#include <dlfcn.h>

#define VISIBLE __attribute__((visibility("default")))

/* The sanitizer's: what one thread did before it released an address has happened before what
 * another does after it acquired the address. */
void __tsan_acquire(void *address);
void __tsan_release(void *address);

/* GLib's function NAME. Looked up anew each time: a variable here would need a lock itself. */
#define ORIGINAL(name) ((__typeof__(&name))(guintptr)dlsym(RTLD_NEXT, #name))

/* ---- locks ----------------------------------------------------------------------------------- */

#define LOCK(Type, lock, trylock, unlock)                                                          \
    VISIBLE void lock(Type *it)                                                                    \
    {                                                                                              \
        ORIGINAL(lock)(it);                                                                        \
        __tsan_acquire(it);                                                                        \
    }                                                                                              \
                                                                                                   \
    VISIBLE gboolean trylock(Type *it)                                                             \
    {                                                                                              \
        gboolean locked = ORIGINAL(trylock)(it);                                                   \
                                                                                                   \
        if (locked)                                                                                \
            __tsan_acquire(it);                                                                    \
        return locked;                                                                             \
    }                                                                                              \
                                                                                                   \
    VISIBLE void unlock(Type *it)                                                                  \
    {                                                                                              \
        __tsan_release(it);                                                                        \
        ORIGINAL(unlock)(it);                                                                      \
    }

LOCK(GMutex, g_mutex_lock, g_mutex_trylock, g_mutex_unlock)
LOCK(GRecMutex, g_rec_mutex_lock, g_rec_mutex_trylock, g_rec_mutex_unlock)

VISIBLE void g_cond_wait(GCond *condition, GMutex *mutex)
{
    __tsan_release(mutex);
    ORIGINAL(g_cond_wait)(condition, mutex);
    __tsan_acquire(mutex);
}

VISIBLE gboolean g_cond_wait_until(GCond *condition, GMutex *mutex, gint64 end)
{
    gboolean signalled;

    __tsan_release(mutex);
    signalled = ORIGINAL(g_cond_wait_until)(condition, mutex, end);
    __tsan_acquire(mutex);
    return signalled;
}

/* ---- once ------------------------------------------------------------------------------------ */

VISIBLE gboolean(g_once_init_enter)(volatile void *location)
{
    gboolean first =
        ((gboolean(*)(volatile void *))dlsym(RTLD_NEXT, "g_once_init_enter"))(location);

    __tsan_acquire((void *)location);
    return first;
}

VISIBLE void(g_once_init_leave)(volatile void *location, gsize result)
{
    __tsan_release((void *)location);
    ((void (*)(volatile void *, gsize))dlsym(RTLD_NEXT, "g_once_init_leave"))(location, result);
}

/* ---- queues ---------------------------------------------------------------------------------- */

VISIBLE void g_async_queue_push(GAsyncQueue *queue, gpointer data)
{
    __tsan_release(queue);
    ORIGINAL(g_async_queue_push)(queue, data);
}

VISIBLE gpointer g_async_queue_try_pop(GAsyncQueue *queue)
{
    gpointer data = ORIGINAL(g_async_queue_try_pop)(queue);

    __tsan_acquire(queue);
    return data;
}

VISIBLE gpointer g_async_queue_timeout_pop(GAsyncQueue *queue, guint64 microseconds)
{
    gpointer data = ORIGINAL(g_async_queue_timeout_pop)(queue, microseconds);

    __tsan_acquire(queue);
    return data;
}

/* ---- calls in other threads ------------------------------------------------------------------ */

/* A function that GLib calls later, in another thread: after all that its caller did before. */
typedef struct Call {
    GFunc pooled;
    GSourceFunc idle;
    gpointer data;
    GDestroyNotify destroy;
} Call;

static void run_pooled(gpointer data, gpointer user)
{
    Call *call = user;

    __tsan_acquire(data);
    call->pooled(data, call->data);
}

/* Pools last as long as the program, and so does what describes their function. */
VISIBLE GThreadPool *g_thread_pool_new_full(GFunc function, gpointer user, GDestroyNotify destroy,
                                            gint most, gboolean exclusive, GError **error)
{
    Call *call = g_new(Call, 1);

    *call = (Call){.pooled = function, .data = user};
    return ORIGINAL(g_thread_pool_new_full)(run_pooled, call, destroy, most, exclusive, error);
}

VISIBLE GThreadPool *g_thread_pool_new(GFunc function, gpointer user, gint most, gboolean exclusive,
                                       GError **error)
{
    return g_thread_pool_new_full(function, user, NULL, most, exclusive, error);
}

VISIBLE gboolean g_thread_pool_push(GThreadPool *pool, gpointer data, GError **error)
{
    __tsan_release(data);
    return ORIGINAL(g_thread_pool_push)(pool, data, error);
}

static gboolean run_idle(gpointer data)
{
    Call *call = data;

    __tsan_acquire(call);
    return call->idle(call->data);
}

static void end_idle(gpointer data)
{
    Call *call = data;

    __tsan_acquire(call);
    if (call->destroy)
        call->destroy(call->data);
    g_free(call);
}

VISIBLE guint g_idle_add_full(gint priority, GSourceFunc function, gpointer data,
                              GDestroyNotify destroy)
{
    Call *call = g_new(Call, 1);

    *call = (Call){.idle = function, .data = data, .destroy = destroy};
    __tsan_release(call);
    return ORIGINAL(g_idle_add_full)(priority, run_idle, call, end_idle);
}

/* ---- references ------------------------------------------------------------------------------ */

/* The last reference to go frees: after all that the others did. */
VISIBLE void g_object_unref(gpointer object)
{
    __tsan_release(object);
    __tsan_acquire(object);
    ORIGINAL(g_object_unref)(object);
}

VISIBLE void gst_object_unref(gpointer object)
{
    __tsan_release(object);
    __tsan_acquire(object);
    ORIGINAL(gst_object_unref)(object);
}

VISIBLE void gst_mini_object_unref(GstMiniObject *object)
{
    __tsan_release(object);
    __tsan_acquire(object);
    ORIGINAL(gst_mini_object_unref)(object);
}

VISIBLE void g_atomic_rc_box_release_full(gpointer box, GDestroyNotify clear)
{
    __tsan_release(box);
    __tsan_acquire(box);
    ORIGINAL(g_atomic_rc_box_release_full)(box, clear);
}
