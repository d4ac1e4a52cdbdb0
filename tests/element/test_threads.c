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

/* To PAUSED without a thread of this name, and with it. */
static void start_without(GstElement *pipeline, const gchar *name)
{
    GstBus *bus = gst_element_get_bus(pipeline);
    gchar *text;

    refused = name;
    gst_element_set_state(pipeline, GST_STATE_PAUSED);
    text = expect_error(bus, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_FAILED);
    fail_unless(strstr(text, name) && strstr(text, "no more threads"), "%s", text);
    g_free(text);
    refused = NULL;
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_element_set_state(pipeline, GST_STATE_PAUSED);
    fail_unless_equals_int(gst_element_get_state(pipeline, NULL, NULL, PATIENCE),
                           GST_STATE_CHANGE_SUCCESS);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(bus);
}

GST_START_TEST(test_threads)
{
    static const gchar *const names[] = {"codesrc-load", "codesrc-prepare", "codesrc-draw"};

    /* Without frames none is drawn. */
    for (guint frames = 0; frames < 2; frames++) {
        gchar *description = g_strdup_printf("num-buffers=%u", frames);
        Player *player = player_new(description, NULL);

        for (guint i = 0; i < 2 + frames; i++)
            start_without(player->pipeline, names[i]);
        player_free(player);
        g_free(description);
    }
}
GST_END_TEST

GST_START_TEST(test_threads_of_codepaint)
{
    static const gchar *const names[] = {"codepaint-wait", "codesrc-load", "codesrc-prepare"};
    gchar *launch = g_strdup_printf(
        "fakesrc sizetype=fixed sizemax=192 filltype=zero format=time ! "
        "video/x-raw,format=RGB,width=8,height=8,framerate=30/1 ! codepaint model=\"%s\" "
        "mask=0,0,4,4 ! fakesink",
        tiny_model());
    GstElement *pipeline = gst_parse_launch(launch, NULL);

    fail_unless(pipeline != NULL);
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        start_without(pipeline, names[i]);
    gst_object_unref(pipeline);
    g_free(launch);
}
GST_END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("threads");
    TCase *threads = tcase_create("threads");

    suite_add_tcase(suite, threads);
    tcase_add_test(threads, test_threads);
    tcase_add_test(threads, test_threads_of_codepaint);
    return suite;
}
