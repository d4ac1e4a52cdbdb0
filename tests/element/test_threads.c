/* test_threads.c - a thread that cannot be started is an ERROR of the element that needs it, and no
 * end of the application; and the element can be used again afterwards. */
#include <dlfcn.h>

#include "common.h"

static const gchar *refused; /* name of the threads that cannot be started */

/* In place of GLib's. */
__attribute__((visibility("default"))) GThread *
g_thread_try_new(const gchar *name, GThreadFunc function, gpointer data, GError **error)
{
    GThread *(*original)(const gchar *, GThreadFunc, gpointer, GError **) =
        (GThread * (*)(const gchar *, GThreadFunc, gpointer, GError **))
            dlsym(RTLD_NEXT, "g_thread_try_new");

    if (g_strcmp0(name, refused))
        return original(name, function, data, error);
    g_set_error(error, G_THREAD_ERROR, G_THREAD_ERROR_AGAIN, "no more threads");
    return NULL;
}

GST_START_TEST(test_threads)
{
    static const gchar *const names[] = {"codesrc-load", "codesrc-prepare", "codesrc-draw"};
    Player *player = player_new("num-buffers=1", NULL);

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        gchar *text;

        refused = names[i];
        gst_element_set_state(player->pipeline, GST_STATE_PAUSED);
        text = expect_error(player->bus, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_FAILED);
        fail_unless(strstr(text, names[i]) && strstr(text, "no more threads"), "%s", text);
        g_free(text);
        refused = NULL;
        gst_element_set_state(player->pipeline, GST_STATE_NULL);
        player_preroll(player);
        gst_element_set_state(player->pipeline, GST_STATE_NULL);
    }
    player_free(player);
}
GST_END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("threads");
    TCase *threads = tcase_create("threads");

    suite_add_tcase(suite, threads);
    tcase_add_test(threads, test_threads);
    return suite;
}
