/* test_states.c - the element survives every order of state changes, and leaves nothing behind. */
#include <dirent.h>

#include "common.h"

static void go(GstElement *element, GstState state)
{
    GstStateChangeReturn result = gst_element_set_state(element, state);

    fail_unless(result != GST_STATE_CHANGE_FAILURE, "no way to %s",
                gst_element_state_get_name(state));
    if (result == GST_STATE_CHANGE_ASYNC)
        gst_element_get_state(element, NULL, NULL, 20 * GST_SECOND);
}

static void walk(GstElement *element)
{
    static const GstState up_and_down[] = {
        GST_STATE_READY,   GST_STATE_PAUSED, GST_STATE_PLAYING, GST_STATE_PAUSED, GST_STATE_READY,
        GST_STATE_NULL,    GST_STATE_READY,  GST_STATE_PAUSED,  GST_STATE_READY,  GST_STATE_PAUSED,
        GST_STATE_PLAYING, GST_STATE_PAUSED, GST_STATE_PLAYING, GST_STATE_NULL,   GST_STATE_PLAYING,
        GST_STATE_READY,   GST_STATE_NULL};

    for (guint i = 0; i < G_N_ELEMENTS(up_and_down); i++)
        go(element, up_and_down[i]);
}

/* As the generic test of the GStreamer project does it: the bare element, its pad not linked. */
GST_START_TEST(test_unlinked)
{
    GstElement *source = tiny_source();

    walk(source);
    gst_object_unref(source);
}
GST_END_TEST

GST_START_TEST(test_bundled_model)
{
    GstElement *source = gst_object_ref_sink(gst_element_factory_make("codesrc", NULL));

    walk(source);
    gst_object_unref(source);
}
GST_END_TEST

GST_START_TEST(test_linked)
{
    Player *player = player_new("", NULL);

    walk(player->pipeline);
    player_free(player);
}
GST_END_TEST

GST_START_TEST(test_live)
{
    GstElement *source = tiny_source();
    Player *player = player_new("is-live=true", NULL);

    g_object_set(source, "is-live", TRUE, NULL);
    fail_unless_equals_int(gst_element_set_state(source, GST_STATE_PAUSED),
                           GST_STATE_CHANGE_NO_PREROLL);
    walk(source);
    walk(player->pipeline);
    player_free(player);
    gst_object_unref(source);
}
GST_END_TEST

GST_START_TEST(test_never_started)
{
    gst_object_unref(tiny_source());
}
GST_END_TEST

/* Weights stay from PAUSED to READY and back, and go with NULL: one load in all, then another. */
GST_START_TEST(test_weights_stay_in_ready)
{
    Player *player = player_new("", NULL);

    for (guint round = 0; round < 2; round++) {
        guint loads = 0;
        GstMessage *message;

        for (guint i = 0; i < 3; i++) {
            player_preroll(player);
            go(player->source, GST_STATE_PAUSED);
            gst_element_set_state(player->pipeline, GST_STATE_READY);
        }
        /* A pipeline flushes its bus from READY to NULL. */
        while ((message = gst_bus_pop_filtered(player->bus, GST_MESSAGE_PROGRESS))) {
            GstProgressType type;

            gst_message_parse_progress(message, &type, NULL, NULL);
            loads += type == GST_PROGRESS_TYPE_COMPLETE;
            gst_message_unref(message);
        }
        fail_unless_equals_int(loads, 1);
        gst_element_set_state(player->pipeline, GST_STATE_NULL);
    }
    player_free(player);
}
GST_END_TEST

static guint count_entries(const gchar *folder)
{
    DIR *dir = opendir(folder);
    guint count = 0;

    fail_unless(dir != NULL);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

/* Resident kilobytes, from the second field of statm. */
static guint resident_kib(void)
{
    gchar *statm = NULL;
    guint64 pages;

    fail_unless(g_file_get_contents("/proc/self/statm", &statm, NULL, NULL));
    pages = g_ascii_strtoull(strchr(statm, ' '), NULL, 10);
    g_free(statm);
    return pages * sysconf(_SC_PAGESIZE) / 1024;
}

static void cycle(Player *player, guint times)
{
    for (guint i = 0; i < times; i++) {
        player_preroll(player);
        gst_element_set_state(player->pipeline, GST_STATE_NULL);
        player_forget(player);
    }
}

GST_START_TEST(test_cycles_leave_nothing)
{
    Player *player = player_new("", NULL);
    guint threads, descriptors, memory;

    cycle(player, 20);
    threads = count_entries("/proc/self/task");
    descriptors = count_entries("/proc/self/fd");
    memory = resident_kib();
    cycle(player, 200);
    /* GStreamer keeps idle threads of its pools for a while, and descriptors come and go with them;
     * 200 lost models would be 600 MiB. */
    fail_unless(count_entries("/proc/self/task") <= threads + 2);
    fail_unless(count_entries("/proc/self/fd") <= descriptors + 2);
    fail_unless(resident_kib() < memory + 32 * 1024, "%u KiB before, %u KiB after", memory,
                resident_kib());
    player_free(player);
}
GST_END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("states");
    TCase *states = tcase_create("states");

    suite_add_tcase(suite, states);
    tcase_add_test(states, test_unlinked);
    tcase_add_test(states, test_bundled_model);
    tcase_add_test(states, test_linked);
    tcase_add_test(states, test_live);
    tcase_add_test(states, test_never_started);
    tcase_add_test(states, test_weights_stay_in_ready);
    tcase_add_test(states, test_cycles_leave_nothing);
    return suite;
}
