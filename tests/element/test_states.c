/* test_states.c - the element survives every order of state changes, and leaves nothing behind. */
#include <dirent.h>
#include <malloc.h>

#include "common.h"

static void go(GstElement *element, GstState state)
{
    GstStateChangeReturn result = gst_element_set_state(element, state);

    fail_unless(result != GST_STATE_CHANGE_FAILURE, "no way to %s",
                gst_element_state_get_name(state));
    if (result == GST_STATE_CHANGE_ASYNC)
        gst_element_get_state(element, NULL, NULL, PATIENCE);
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

GST_START_TEST(test_codepaint)
{
    GstElement *paint = gst_object_ref_sink(gst_element_factory_make("codepaint", NULL));

    walk(paint);
    gst_object_unref(paint);
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

/* A source that is playing is live from the next start on, so until then it can seek. */
GST_START_TEST(test_live_later)
{
    Player *player = player_new("", NULL);

    go(player->pipeline, GST_STATE_PAUSED);
    g_object_set(player->source, "is-live", TRUE, NULL);
    player_seek(player, 1.0, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, 0, GST_SECOND);
    go(player->pipeline, GST_STATE_READY);
    fail_if(gst_element_seek_simple(player->source, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, 0));
    player_free(player);
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

/* Writes a model of synthetic weights, replacing the one before, and checks the pictures' size. */
static void check_replaced(Player *player, const gchar *sides, gint width)
{
    static const gchar form[] =
        "name: replaced\npatch_nums: %s\nclasses: 4\nsynthetic: 1\n"
        "vae: {codes: 64, channels: 8, ch: 32, ch_mult: [1, 2], res_blocks: 1, groups: 32}\n"
        "drafter: {depth: 1, width: 64, heads: 1}\nrefiner: {depth: 1, width: 64, heads: 1}\n";
    gchar *text = g_strdup_printf(form, sides);
    GstPad *pad = gst_element_get_static_pad(player->source, "src");
    GstCaps *caps;
    gint found;

    g_free(write_file("replaced.yaml", text, -1));
    player_preroll(player);
    caps = gst_pad_get_current_caps(pad);
    fail_unless(gst_structure_get_int(gst_caps_get_structure(caps, 0), "width", &found));
    fail_unless_equals_int(found, width);
    gst_element_set_state(player->pipeline, GST_STATE_READY);
    gst_caps_unref(caps);
    gst_object_unref(pad);
    g_free(text);
}

/* Another model under the same name, while the element is in READY and keeps the weights. */
GST_START_TEST(test_replaced_model)
{
    gchar *path = g_build_filename(test_folder(), "replaced.yaml", NULL);
    gchar *properties = g_strdup_printf("model=\"%s\"", path);
    Player *player;

    g_free(write_file("replaced.yaml", "", 0));
    player = player_new(properties, "video/x-raw,format=RGB");
    check_replaced(player, "[1, 2, 4]", 8);
    check_replaced(player, "[1, 2, 4, 8]", 16);
    check_replaced(player, "[1, 2]", 4);
    player_free(player);
    g_free(properties);
    g_free(path);
}
GST_END_TEST

/* ---- cycles -------------------------------------------------------------------- */

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

typedef struct Usage {
    guint threads, descriptors, memory;
} Usage;

/* A thread of its own finishes a generator that nobody waits for any more. Until then it holds the
 * model, and with it the descriptor of the manifest's folder; so this waits for threads. */
static Usage usage_with(guint threads)
{
    Usage usage;

    for (guint i = 0; i < 200 && count_entries("/proc/self/task") != threads; i++)
        g_usleep(50000);
    usage.threads = count_entries("/proc/self/task");
    usage.descriptors = count_entries("/proc/self/fd");
    malloc_trim(0); /* what is free, but kept for later, is nobody's */
    usage.memory = resident_kib();
    return usage;
}

/* Every way up and down in turn; one gives up what it has just begun. */
static void cycle(Player *player, guint times)
{
    for (guint i = 0; i < times; i++) {
        switch (i % 4) {
        case 0:
            player_preroll(player);
            break;
        case 1:
            player_preroll(player);
            gst_element_set_state(player->pipeline, GST_STATE_READY);
            player_preroll(player);
            break;
        case 2:
            gst_element_set_state(player->pipeline, GST_STATE_PLAYING);
            break;
        default:
            gst_element_set_state(player->pipeline, GST_STATE_READY);
            gst_element_set_state(player->pipeline, GST_STATE_PAUSED);
        }
        fail_unless_equals_int(gst_element_set_state(player->pipeline, GST_STATE_NULL),
                               GST_STATE_CHANGE_SUCCESS);
        player_forget(player);
    }
}

/* Most cycles find the weights that another element keeps; some load them, and start and end the
 * threads of a device. */
static void mixed_cycles(Player *player, Player *loader, guint times)
{
    for (guint i = 0; i < times; i += 100) {
        cycle(player, 96);
        cycle(loader, 4);
    }
}

/* What stays when all that ends has ended. */
static guint settled_threads(void)
{
    guint least = G_MAXUINT;

    for (guint i = 0; i < 40; i++) {
        least = MIN(least, count_entries("/proc/self/task"));
        g_usleep(50000);
    }
    return least;
}

/* As many as CODESRC_TEST_CYCLES says. Threads and descriptors come out exactly as they were. GLib
 * keeps threads of its pools for 15 seconds, more or fewer of them as it comes; not here. The heap
 * may still grow together with its arenas; 2 MiB are 200 bytes for each of 10,000 cycles, less than
 * one lost pad, buffer or message. */
GST_START_TEST(test_cycles_leave_nothing)
{
    Player *keeper = player_new("threads=1", NULL), *player = player_new("threads=1", NULL);
    Player *loader = player_new("threads=2", NULL);
    const gchar *text = g_getenv("CODESRC_TEST_CYCLES");
    guint cycles = text ? (guint)g_ascii_strtoull(text, NULL, 10) : 300;
    guint threads;
    Usage before, after;

    g_thread_pool_set_max_unused_threads(0);
    player_preroll(keeper);
    gst_element_set_state(keeper->pipeline, GST_STATE_READY);
    threads = settled_threads();
    mixed_cycles(player, loader, 500);
    before = usage_with(threads);
    mixed_cycles(player, loader, cycles);
    after = usage_with(threads);
    g_print("%u cycles: %u threads before and %u after, %u and %u descriptors, %u and %u KiB\n",
            cycles, before.threads, after.threads, before.descriptors, after.descriptors,
            before.memory, after.memory);
    fail_unless_equals_int(before.threads, threads);
    fail_unless_equals_int(after.threads, threads);
    fail_unless_equals_int(after.descriptors, before.descriptors);
#ifndef __SANITIZE_THREAD__ /* whose own memory of what threads did grows for a while */
    fail_unless(after.memory <= before.memory + 2048, "%u KiB before, %u KiB after", before.memory,
                after.memory);
#endif
    player_free(loader);
    player_free(player);
    player_free(keeper);
}
GST_END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("states");
    TCase *states = tcase_create("states");

    suite_add_tcase(suite, states);
    tcase_add_test(states, test_unlinked);
    tcase_add_test(states, test_bundled_model);
    tcase_add_test(states, test_codepaint);
    tcase_add_test(states, test_linked);
    tcase_add_test(states, test_live);
    tcase_add_test(states, test_live_later);
    tcase_add_test(states, test_never_started);
    tcase_add_test(states, test_weights_stay_in_ready);
    tcase_add_test(states, test_replaced_model);
    tcase_add_test(states, test_cycles_leave_nothing);
    return suite;
}
