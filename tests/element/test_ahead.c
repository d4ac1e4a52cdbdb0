/* test_ahead.c - frames drawn ahead of the stream, several together, are the same film. */
#include <gst/check/gstharness.h>
#include <gst/controller/gstdirectcontrolbinding.h>
#include <gst/controller/gstinterpolationcontrolsource.h>

#include "common.h"

#define FPS30 "video/x-raw,framerate=30/1"
#define FLUSH GST_SEEK_FLAG_FLUSH

static Player *played(const gchar *description)
{
    Player *player = player_new(description, FPS30);

    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    return player;
}

/* The same frames whatever the queue and the batch, and as many of them as num-buffers says. */
GST_START_TEST(test_queue_and_batch_change_nothing)
{
    static const gchar *const ways[] = {"queue-depth=0",
                                        "queue-depth=64",
                                        "batch-size=8",
                                        "batch-size=8 queue-depth=0",
                                        "batch-size=3 queue-depth=7",
                                        "threads=1"};
    Player *plain = played("num-buffers=41");

    fail_unless_equals_int(plain->frames->len, 41);
    for (guint i = 0; i < G_N_ELEMENTS(ways); i++) {
        gchar *description = g_strdup_printf("num-buffers=41 %s", ways[i]);
        Player *player = played(description);

        fail_unless_equals_int(player->frames->len, 41);
        for (guint n = 0; n < 41; n++)
            fail_unless_equals_string(player_frame(player, n)->checksum,
                                      player_frame(plain, n)->checksum);
        player_free(player);
        g_free(description);
    }
    player_free(plain);
}
GST_END_TEST

/* Frame 37 by playing, by seeking, backwards, by first-frame, from batches. */
GST_START_TEST(test_frame_37)
{
    static const gchar *const ways[] = {"", "batch-size=8", "queue-depth=0"};
    Player *plain = played("num-buffers=38");
    const gchar *truth = player_frame(plain, 37)->checksum;
    Player *alone = played("num-buffers=1 first-frame=37");

    fail_unless_equals_string(player_frame(alone, 0)->checksum, truth);
    fail_unless_equals_uint64(player_frame(alone, 0)->offset, 0);
    for (guint i = 0; i < G_N_ELEMENTS(ways); i++) {
        Player *player = player_new(ways[i], FPS30);

        player_preroll(player);
        player_seek(player, 1.0, GST_FORMAT_DEFAULT, FLUSH, 37, 38);
        fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
        fail_unless_equals_string(player_frame(player, 0)->checksum, truth);
        player_forget(player);
        gst_element_set_state(player->pipeline, GST_STATE_PAUSED);
        player_seek(player, -1.0, GST_FORMAT_DEFAULT, FLUSH, 30, 44);
        fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
        fail_unless_equals_int(player->frames->len, 14);
        fail_unless_equals_string(player_frame(player, 6)->checksum, truth);
        player_free(player);
    }
    player_free(alone);
    player_free(plain);
}
GST_END_TEST

#define FRAME_BYTES (3 * TINY_SIDE * TINY_SIDE)

/* Runs another process up to frame 37 and returns that frame's checksum. */
static gchar *frame_37_elsewhere(const gchar *properties)
{
    gchar *path = g_build_filename(test_folder(), "frames", NULL), *bytes, *sum;
    gchar *line = g_strdup_printf("gst-launch-1.0 -q codesrc model=\"%s\" %s ! " FPS30
                                  ",format=RGB ! filesink location=\"%s\"",
                                  tiny_model(), properties, path);
    GError *error = NULL;
    gint status;
    gsize size;

    fail_unless(g_spawn_command_line_sync(line, NULL, NULL, &status, &error), "%s",
                error ? error->message : "");
    fail_unless(g_spawn_check_wait_status(status, &error), "%s: %s", line,
                error ? error->message : "");
    fail_unless(g_file_get_contents(path, &bytes, &size, NULL));
    fail_unless(size >= FRAME_BYTES && size % FRAME_BYTES == 0, "%" G_GSIZE_FORMAT, size);
    sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)bytes + size - FRAME_BYTES,
                                      FRAME_BYTES);
    g_free(bytes);
    g_free(line);
    g_free(path);
    return sum;
}

GST_START_TEST(test_frame_37_in_other_processes)
{
    static const gchar *const ways[] = {"num-buffers=38", "num-buffers=38 batch-size=8 threads=1",
                                        "num-buffers=1 first-frame=37"};
    Player *plain = played("num-buffers=38");

    for (guint i = 0; i < G_N_ELEMENTS(ways); i++) {
        gchar *sum = frame_37_elsewhere(ways[i]);

        fail_unless_equals_string(sum, player_frame(plain, 37)->checksum);
        g_free(sum);
    }
    player_free(plain);
}
GST_END_TEST

/* Downstream's QoS event makes 37 the next frame: it is late for all before 37's time. */
GST_START_TEST(test_frame_37_after_drops)
{
    GstHarness *harness = gst_harness_new_with_padnames("codesrc", NULL, "src");
    Player *plain = played("num-buffers=38");
    GstClockTimeDiff late = 500 * GST_MSECOND;
    GstClockTime time = gst_util_uint64_scale(37, GST_SECOND, 30) - 2 * late;
    GstBuffer *buffer = NULL;
    GstMapInfo map;
    gchar *sum;

    g_object_set(harness->element, "model", tiny_model(), "queue-depth", 0, NULL);
    gst_harness_set_sink_caps_str(harness, FPS30);
    gst_harness_set_blocking_push_mode(harness);
    gst_harness_play(harness);
    gst_buffer_unref(gst_harness_pull(harness));
    gst_harness_push_upstream_event(harness,
                                    gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 2.0, late, time));
    do {
        gst_clear_buffer(&buffer);
        buffer = gst_harness_pull(harness);
    } while (GST_BUFFER_OFFSET(buffer) < 10);
    fail_unless_equals_uint64(GST_BUFFER_OFFSET(buffer), 37);
    fail_unless(GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT));
    fail_unless(gst_buffer_map(buffer, &map, GST_MAP_READ));
    sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, map.data, map.size);
    gst_buffer_unmap(buffer, &map);
    fail_unless_equals_string(sum, player_frame(plain, 37)->checksum);
    g_free(sum);
    gst_buffer_unref(buffer);
    gst_harness_teardown(harness);
    player_free(plain);
}
GST_END_TEST

/* So late that no frame of the film or of the segment would be in time: the last one comes, and
 * then the end. */
GST_START_TEST(test_late_at_the_end)
{
    for (guint i = 0; i < 2; i++) {
        GstHarness *harness = gst_harness_new_with_padnames("codesrc", NULL, "src");
        GstClockTime late = gst_util_uint64_scale(39, GST_SECOND, 60); /* of frame 19 and a half */
        GstBuffer *buffer = NULL;
        GstEvent *event = NULL;

        g_object_set(harness->element, "model", tiny_model(), "queue-depth", 0, "num-buffers",
                     i == 0 ? 20 : -1, NULL);
        gst_harness_set_sink_caps_str(harness, FPS30);
        gst_harness_set_blocking_push_mode(harness);
        gst_element_set_state(harness->element, GST_STATE_READY);
        if (i == 1)
            fail_unless(gst_element_seek(harness->element, 1.0, GST_FORMAT_DEFAULT, FLUSH,
                                         GST_SEEK_TYPE_SET, 0, GST_SEEK_TYPE_SET, 20));
        gst_harness_play(harness);
        gst_buffer_unref(gst_harness_pull(harness));
        gst_harness_push_upstream_event(
            harness, gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 2.0, 1, late - 2));
        do {
            gst_clear_buffer(&buffer);
            buffer = gst_harness_pull(harness);
            fail_unless(buffer != NULL, "no frame 19");
        } while (GST_BUFFER_OFFSET(buffer) < 19);
        fail_unless_equals_uint64(GST_BUFFER_OFFSET(buffer), 19);
        gst_buffer_unref(buffer);
        do {
            gst_clear_event(&event);
            event = gst_harness_pull_event(harness);
            fail_unless(event != NULL, "no end");
        } while (GST_EVENT_TYPE(event) != GST_EVENT_EOS);
        gst_event_unref(event);
        gst_harness_teardown(harness);
    }
}
GST_END_TEST

/* No frame is lost and none comes twice while somebody turns the knobs. */
GST_START_TEST(test_changes_lose_no_frame)
{
    Player *player = player_new("num-buffers=200 queue-depth=5 batch-size=2", FPS30);

    player_preroll(player);
    gst_element_set_state(player->pipeline, GST_STATE_PLAYING);
    for (guint i = 0; i < 100; i++) {
        g_object_set(player->source, "class-id", (gint)(i % TINY_CLASSES), NULL);
        g_usleep(1000);
    }
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    fail_unless_equals_int(player->frames->len, 200);
    for (guint i = 0; i < 200; i++)
        fail_unless_equals_uint64(player_frame(player, i)->offset, i);
    player_free(player);
}
GST_END_TEST

/* ---- classes ------------------------------------------------------------------- */

static gchar *write_named_model(void)
{
    return write_file("named.yaml",
                      "name: named\n"
                      "patch_nums: [1, 2, 3, 4]\n"
                      "class_names: [aurora, golden retriever, labrador retriever, volcano]\n"
                      "synthetic: 11\n"
                      "vae: {codes: 64, channels: 8, ch: 32, ch_mult: [1, 2], res_blocks: 1, "
                      "groups: 32}\n"
                      "drafter: {depth: 3, width: 128, heads: 2}\n"
                      "refiner: {depth: 2, width: 64, heads: 1}\n"
                      "defaults: {drafting_steps: 2}\n",
                      -1);
}

static Player *named_player(const gchar *path, const gchar *more)
{
    gchar *description = g_strdup_printf("model=\"%s\" %s", path, more);
    Player *player = player_new(description, FPS30);

    g_free(description);
    return player;
}

GST_START_TEST(test_class_names)
{
    static const gchar *const right[] = {"\"golden retriever\"", "GOLDEN", "golden"};
    gchar *path = write_named_model();
    Player *truth = named_player(path, "class-id=1 num-buffers=3");
    gchar *text;
    Player *player;

    fail_unless_equals_int(player_play(truth), GST_MESSAGE_EOS);
    for (guint i = 0; i < G_N_ELEMENTS(right); i++) {
        gchar *more = g_strdup_printf("class-id=3 class-name=%s num-buffers=3", right[i]);

        player = named_player(path, more);
        fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
        fail_unless_equals_string(player_frame(player, 2)->checksum,
                                  player_frame(truth, 2)->checksum);
        player_free(player);
        g_free(more);
    }
    player = named_player(path, "class-name=retriever");
    fail_unless_equals_int(gst_element_set_state(player->pipeline, GST_STATE_PAUSED),
                           GST_STATE_CHANGE_FAILURE);
    text = expect_error(player->bus, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS);
    fail_unless(strstr(text, "golden retriever") && strstr(text, "labrador"), "%s", text);
    g_free(text);
    player_free(player);
    player_free(truth);
    g_free(path);
}
GST_END_TEST

/* Entry n modulo their number, by seeking as well; a wrong one fails at the start. */
GST_START_TEST(test_class_list)
{
    gchar *path = write_named_model();
    Player *list = named_player(path, "classes=\"volcano, 1 ,aurora\" num-buffers=7");
    static const guint ids[] = {3, 1, 0};

    fail_unless_equals_int(player_play(list), GST_MESSAGE_EOS);
    for (guint id = 0; id < 4; id++) {
        gchar *more = g_strdup_printf("class-id=%u num-buffers=7", id);
        Player *player = named_player(path, more);

        fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
        for (guint n = 0; n < 7; n++)
            fail_unless(g_str_equal(player_frame(list, n)->checksum,
                                    player_frame(player, n)->checksum) == (ids[n % 3] == id));
        player_free(player);
        g_free(more);
    }
    player_free(list);
    list = named_player(path, "classes=1,2,4711");
    gst_element_set_state(list->pipeline, GST_STATE_PAUSED);
    g_free(expect_error(list->bus, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS));
    player_free(list);
    g_free(path);
}
GST_END_TEST

/* A schedule with pictures drawn ahead of it: each has the class of its own time. */
GST_START_TEST(test_schedule_with_a_deep_queue)
{
    Player *player = player_new("num-buffers=20 queue-depth=16 batch-size=4", FPS30);
    GstControlSource *schedule = gst_interpolation_control_source_new();

    g_object_set(schedule, "mode", GST_INTERPOLATION_MODE_NONE, NULL);
    for (guint i = 0; i < 20; i++)
        gst_timed_value_control_source_set(GST_TIMED_VALUE_CONTROL_SOURCE(schedule),
                                           gst_util_uint64_scale(i, GST_SECOND, 30),
                                           i % TINY_CLASSES);
    fail_unless(gst_object_add_control_binding(
        GST_OBJECT(player->source),
        gst_direct_control_binding_new_absolute(GST_OBJECT(player->source), "class-id", schedule)));
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    for (guint i = 0; i < 20; i++) {
        gchar *description =
            g_strdup_printf("class-id=%u first-frame=%u num-buffers=1", i % TINY_CLASSES, i);
        Player *plain = played(description);

        fail_unless_equals_string(player_frame(player, i)->checksum,
                                  player_frame(plain, 0)->checksum);
        player_free(plain);
        g_free(description);
    }
    gst_object_unref(schedule);
    player_free(player);
}
GST_END_TEST

/* ---- progressive --------------------------------------------------------------- */

/* K frames a picture, the last of them the picture itself; the same by seeking and backwards. */
GST_START_TEST(test_progressive)
{
    Player *whole = played("num-buffers=5");
    Player *scales = played("progressive=true num-buffers=20 batch-size=2");
    Player *back = player_new("progressive=true", FPS30);

    for (guint n = 0; n < 20; n++)
        fail_unless(g_str_equal(player_frame(scales, n)->checksum,
                                player_frame(whole, n / TINY_SCALES)->checksum) ==
                    (n % TINY_SCALES == TINY_SCALES - 1));
    player_preroll(back);
    player_seek(back, -1.0, GST_FORMAT_DEFAULT, FLUSH, 3, 18);
    fail_unless_equals_int(player_play(back), GST_MESSAGE_EOS);
    fail_unless_equals_int(back->frames->len, 15);
    for (guint i = 0; i < 15; i++)
        fail_unless_equals_string(player_frame(back, i)->checksum,
                                  player_frame(scales, 17 - i)->checksum);
    player_free(back);
    player_free(scales);
    player_free(whole);
}
GST_END_TEST

/* ---- seeks --------------------------------------------------------------------- */

#define AT(n) gst_util_uint64_scale(n, GST_SECOND, 30)

static void check_first(GstSeekFlags flags, GstClockTime time, GstClockTime pts)
{
    Player *player = player_new("", FPS30);
    GstSegment segment;
    GstQuery *query = gst_query_new_segment(GST_FORMAT_TIME);
    gint64 start;

    gst_segment_init(&segment, GST_FORMAT_TIME);
    player_preroll(player);
    player_seek(player, 1.0, GST_FORMAT_TIME, FLUSH | GST_SEEK_FLAG_KEY_UNIT | flags, time, AT(40));
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    fail_unless_equals_uint64(player_frame(player, 0)->pts, pts);
    fail_unless(gst_element_query(player->source, query));
    gst_query_parse_segment(query, NULL, NULL, &start, NULL);
    fail_unless_equals_uint64(start, flags ? pts : time);
    gst_query_unref(query);
    player_free(player);
}

GST_START_TEST(test_snapping)
{
    check_first(0, AT(37) + 1000, AT(37));
    check_first(GST_SEEK_FLAG_SNAP_BEFORE, AT(37) + 1000, AT(37));
    check_first(GST_SEEK_FLAG_SNAP_AFTER, AT(37) + 1000, AT(38));
    check_first(GST_SEEK_FLAG_SNAP_AFTER, AT(37), AT(37));
    check_first(GST_SEEK_FLAG_SNAP_NEAREST, AT(37) + 1000, AT(37));
    check_first(GST_SEEK_FLAG_SNAP_NEAREST, AT(38) - 1000, AT(38));
}
GST_END_TEST

/* Seeks that the element has before it starts, when neither caps nor frame rate are there yet, and
 * before its first buffer, while weights are loaded. */
GST_START_TEST(test_early_seeks)
{
    const struct {
        gdouble rate;
        GstSeekFlags flags;
        GstClockTime start, stop; /* of the seek */
        guint first, frames, step;
    } seeks[] = {
        {1.0, GST_SEEK_FLAG_KEY_UNIT | GST_SEEK_FLAG_SNAP_BEFORE, 1000, 0, 37, 3, 1},
        {1.0, GST_SEEK_FLAG_KEY_UNIT | GST_SEEK_FLAG_SNAP_AFTER, 1000, 0, 38, 2, 1},
        {1.0, GST_SEEK_FLAG_KEY_UNIT | GST_SEEK_FLAG_SNAP_NEAREST, 20 * GST_MSECOND, 0, 38, 2, 1},
        {-1.0, GST_SEEK_FLAG_KEY_UNIT | GST_SEEK_FLAG_SNAP_AFTER, 0, 1000, 40, 4, 1},
        {4.0, GST_SEEK_FLAG_TRICKMODE, 0, AT(8), 37, 3, 4},
        {-4.0, GST_SEEK_FLAG_TRICKMODE, 0, AT(8), 47, 3, 4}};

    for (guint i = 0; i < G_N_ELEMENTS(seeks); i++)
        for (guint loading = 0; loading < 2; loading++) {
            Player *player = player_new("", FPS30);
            gint direction = seeks[i].rate > 0.0 ? 1 : -1;

            gst_element_set_state(player->pipeline, loading ? GST_STATE_PAUSED : GST_STATE_READY);
            fail_unless(gst_element_seek(player->source, seeks[i].rate, GST_FORMAT_TIME,
                                         FLUSH | seeks[i].flags, GST_SEEK_TYPE_SET,
                                         AT(37) + seeks[i].start, GST_SEEK_TYPE_SET,
                                         AT(40) + seeks[i].stop));
            if (loading)
                player_forget(player);
            fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
            fail_unless(player->frames->len == seeks[i].frames, "seek %u: %u frames", i,
                        player->frames->len);
            for (guint n = 0; n < seeks[i].frames; n++)
                fail_unless_equals_uint64(player_frame(player, n)->offset,
                                          seeks[i].first + direction * (gint)(n * seeks[i].step));
            player_free(player);
        }
}
GST_END_TEST

/* Every eighth frame at eight times the speed, there and back, and no more are drawn. */
GST_START_TEST(test_trick_mode)
{
    Player *truth = played("num-buffers=41");

    for (gint sign = 1; sign >= -1; sign -= 2) {
        Player *player = player_new("", FPS30);

        player_preroll(player);
        player_seek(player, 8.0 * sign, GST_FORMAT_DEFAULT, FLUSH | GST_SEEK_FLAG_TRICKMODE, 0, 41);
        fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
        fail_unless_equals_int(player->frames->len, 6);
        for (guint i = 0; i < 6; i++) {
            guint n = sign > 0 ? 8 * i : 40 - 8 * i;

            fail_unless_equals_uint64(player_frame(player, i)->offset, n);
            fail_unless_equals_string(player_frame(player, i)->checksum,
                                      player_frame(truth, n)->checksum);
        }
        player_free(player);
    }
    player_free(truth);
}
GST_END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("ahead");
    TCase *ahead = tcase_create("ahead");

    suite_add_tcase(suite, ahead);
    tcase_add_test(ahead, test_queue_and_batch_change_nothing);
    tcase_add_test(ahead, test_frame_37);
    tcase_add_test(ahead, test_frame_37_in_other_processes);
    tcase_add_test(ahead, test_frame_37_after_drops);
    tcase_add_test(ahead, test_late_at_the_end);
    tcase_add_test(ahead, test_changes_lose_no_frame);
    tcase_add_test(ahead, test_class_names);
    tcase_add_test(ahead, test_class_list);
    tcase_add_test(ahead, test_schedule_with_a_deep_queue);
    tcase_add_test(ahead, test_progressive);
    tcase_add_test(ahead, test_snapping);
    tcase_add_test(ahead, test_early_seeks);
    tcase_add_test(ahead, test_trick_mode);
    return suite;
}
