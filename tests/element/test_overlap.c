/* test_overlap.c - with two batches under way it is the same film, whatever comes between: seeks,
 * stops, changes, other weights, failures. */
#include <gst/controller/gstdirectcontrolbinding.h>
#include <gst/controller/gstinterpolationcontrolsource.h>

#include "common.h"
#include "overlapping.h"

#define FPS30 "video/x-raw,framerate=30/1"
#define FLUSH GST_SEEK_FLAG_FLUSH

enum { FRAMES = 41 };

/* The frames of `description` as they are drawn one batch after the other. */
static Player *truth_of(const gchar *description, const gchar *caps)
{
    Player *player = player_new(description, caps);

    overlapping_reset(FALSE);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    fail_unless_equals_int(overlapping_most(), 1);
    overlapping_reset(TRUE);
    return player;
}

/* And no picture more than num-buffers is drawn. */
GST_START_TEST(test_same_frames)
{
    static const struct {
        const gchar *way;
        guint most;
    } ways[] = {{"", 2},
                {"queue-depth=64", 2},
                {"batch-size=8", 2},
                {"batch-size=8 queue-depth=20", 2},
                {"batch-size=3 queue-depth=7", 2},
                {"queue-depth=0", 1},
                {"queue-depth=0 batch-size=4", 1},
                {"min-drafting-steps=1", 1}}; /* each picture's steps follow from the last one */
    Player *truth = truth_of("num-buffers=41", FPS30);

    for (guint i = 0; i < G_N_ELEMENTS(ways); i++) {
        gchar *description = g_strdup_printf("num-buffers=41 %s", ways[i].way);
        Player *player = player_new(description, FPS30);

        overlapping_reset(TRUE);
        fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
        player_check(player, truth, FRAMES);
        fail_unless(overlapping_most() == ways[i].most, "%s: %u", ways[i].way, overlapping_most());
        fail_unless_equals_int(overlapping_pictures(), FRAMES);
        player_free(player);
        g_free(description);
    }
    player_free(truth);
}
GST_END_TEST

/* Where scales are looked at, one picture comes after the other. */
GST_START_TEST(test_progressive)
{
    Player *truth = truth_of("num-buffers=20 progressive=true", FPS30);
    Player *player = player_new("num-buffers=20 progressive=true", FPS30);

    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    player_check(player, truth, 20);
    fail_unless_equals_int(overlapping_most(), 1);
    player_free(player);
    player_free(truth);
}
GST_END_TEST

/* A scale that cannot be shown: the bus has the engine's own reason. */
GST_START_TEST(test_failed_scale)
{
    Player *player = player_new("num-buffers=20 progressive=true", FPS30);
    gchar *text;

    player_preroll(player);
    overlapping_fail_previews("no room for a preview of 12 bytes");
    gst_element_set_state(player->pipeline, GST_STATE_PLAYING);
    text = expect_error(player->bus, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT);
    fail_unless(g_str_has_prefix(text, "cannot show frame "), "%s", text);
    fail_unless(g_str_has_suffix(text, ": no room for a preview of 12 bytes"), "%s", text);
    overlapping_fail_previews(NULL);
    g_free(text);
    player_free(player);
}
GST_END_TEST

/* To where two calls are under way that do not end. */
static void play_into_two(Player *player)
{
    overlapping_reset(TRUE);
    overlapping_hold(TRUE);
    player_preroll(player);
    gst_element_set_state(player->pipeline, GST_STATE_PLAYING);
    while (overlapping_under_way() < 2)
        g_usleep(100);
}

GST_START_TEST(test_seek)
{
    Player *truth = truth_of("num-buffers=41", FPS30);

    for (guint batch = 1; batch <= 4; batch += 3) {
        gchar *description = g_strdup_printf("queue-depth=9 batch-size=%u", batch);
        Player *player = player_new(description, FPS30);
        gint64 begin;

        play_into_two(player);
        begin = g_get_monotonic_time();
        fail_unless(gst_element_seek(player->pipeline, 1.0, GST_FORMAT_DEFAULT, FLUSH,
                                     GST_SEEK_TYPE_SET, 0, GST_SEEK_TYPE_SET, FRAMES));
        check_at_once(begin);
        player_forget(player);
        overlapping_hold(FALSE);
        fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
        player_check(player, truth, FRAMES);
        player_free(player);
        g_free(description);
    }
    player_free(truth);
}
GST_END_TEST

/* To READY, and on from the beginning with the same generator. */
GST_START_TEST(test_stop)
{
    Player *truth = truth_of("num-buffers=41", FPS30);
    Player *player = player_new("num-buffers=41 queue-depth=5", FPS30);
    gint64 begin;

    play_into_two(player);
    begin = g_get_monotonic_time();
    gst_element_set_state(player->pipeline, GST_STATE_READY);
    check_at_once(begin);
    fail_unless_equals_int(overlapping_under_way(), 0);
    overlapping_hold(FALSE);
    player_forget(player);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    player_check(player, truth, FRAMES);
    player_free(player);
    player_free(truth);
}
GST_END_TEST

/* A change of settings while two are under way: no frame is lost, and what comes after the first
 * frame of the new class is of the new class. */
GST_START_TEST(test_change)
{
    Player *old = truth_of("class-id=1 num-buffers=41", FPS30);
    Player *new = truth_of("class-id=2 num-buffers=41", FPS30);
    Player *player = player_new("class-id=1 num-buffers=41 queue-depth=5", FPS30);
    guint kept;

    play_into_two(player);
    g_object_set(player->source, "class-id", 2, NULL);
    overlapping_hold(FALSE);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    fail_unless_equals_int(player->frames->len, FRAMES);
    for (kept = 0; kept < FRAMES && g_str_equal(player_frame(player, kept)->checksum,
                                                player_frame(old, kept)->checksum);)
        kept++;
    fail_unless(kept > 0 && kept < 10, "%u frames of the old class", kept);
    for (guint n = kept; n < FRAMES; n++)
        fail_unless_equals_string(player_frame(player, n)->checksum,
                                  player_frame(new, n)->checksum);
    player_free(player);
    player_free(new);
    player_free(old);
}
GST_END_TEST

/* Steps that other weights serve: what is under way has to end before they are exchanged. */
GST_START_TEST(test_other_weights)
{
    gchar *path = write_pairs_model();
    GstControlSource *schedule = gst_interpolation_control_source_new();
    Player *player[2];

    g_object_set(schedule, "mode", GST_INTERPOLATION_MODE_NONE, NULL);
    for (guint i = 0; i < 12; i++)
        gst_timed_value_control_source_set(GST_TIMED_VALUE_CONTROL_SOURCE(schedule), i * GST_SECOND,
                                           2 + i / 4 % 2);
    for (guint way = 0; way < 2; way++) {
        gchar *description = g_strdup_printf(
            "model=\"%s\" class-id=1 num-buffers=12 queue-depth=6 batch-size=%u", path, 1 + way);

        player[way] = player_new(description, "video/x-raw,framerate=1/1");
        fail_unless(gst_object_add_control_binding(
            GST_OBJECT(player[way]->source),
            gst_direct_control_binding_new_absolute(GST_OBJECT(player[way]->source),
                                                    "drafting-steps", schedule)));
        overlapping_reset(way == 1);
        fail_unless_equals_int(player_play(player[way]), GST_MESSAGE_EOS);
        fail_unless_equals_int(overlapping_most(), 1 + way);
        g_free(description);
    }
    player_check(player[1], player[0], 12);
    player_free(player[0]);
    player_free(player[1]);
    gst_object_unref(schedule);
    g_free(path);
}
GST_END_TEST

/* A picture that cannot be drawn: all before it come, and then the error, once. */
GST_START_TEST(test_failure)
{
    Player *truth = truth_of("num-buffers=41", FPS30);

    for (guint way = 0; way < 4; way++) {
        gchar *description =
            g_strdup_printf("num-buffers=41 queue-depth=9 batch-size=%u", way / 2 ? 4 : 1);
        Player *player = player_new(description, FPS30);
        gchar *text;

        overlapping_reset(TRUE);
        overlapping_fail(9, way % 2);
        gst_element_set_state(player->pipeline, GST_STATE_PLAYING);
        text = expect_error(player->bus, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_FAILED);
        fail_unless(strstr(text, "broken on purpose"), "%s", text);
        gst_element_set_state(player->pipeline, GST_STATE_NULL);
        fail_unless_equals_int(overlapping_most(), 2);
        player_check(player, truth, 9);
        g_free(text);

        /* And it goes on when it can. */
        overlapping_reset(TRUE);
        player_forget(player);
        fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
        player_check(player, truth, FRAMES);
        player_free(player);
        g_free(description);
    }
    player_free(truth);
}
GST_END_TEST

/* A failure that does not come again is not seen. */
GST_START_TEST(test_failure_that_passes)
{
    Player *truth = truth_of("num-buffers=41", FPS30);
    Player *player = player_new("num-buffers=41 queue-depth=9 batch-size=2", FPS30);

    overlapping_fail_beside(FALSE);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    player_check(player, truth, FRAMES);
    fail_unless(overlapping_pictures() > FRAMES, "nothing was drawn again");
    player_free(player);
    player_free(truth);
}
GST_END_TEST

/* A device that is lost says so of everything that comes: what is told is why it was lost. */
GST_START_TEST(test_lost_device)
{
    Player *truth = truth_of("num-buffers=41", FPS30);
    Player *player = player_new("num-buffers=41 queue-depth=9", FPS30);
    gchar *text;

    overlapping_fail_beside(TRUE);
    gst_element_set_state(player->pipeline, GST_STATE_PLAYING);
    text = expect_error(player->bus, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_FAILED);
    fail_unless(strstr(text, "broken on purpose"), "%s", text);
    g_free(text);
    gst_element_set_state(player->pipeline, GST_STATE_NULL);
    fail_unless(player->frames->len > 0 && player->frames->len < FRAMES);
    player_check(player, truth, player->frames->len);
    player_free(player);
    player_free(truth);
}
GST_END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("overlap");
    TCase *overlap = tcase_create("overlap");

    suite_add_tcase(suite, overlap);
    tcase_add_test(overlap, test_same_frames);
    tcase_add_test(overlap, test_progressive);
    tcase_add_test(overlap, test_failed_scale);
    tcase_add_test(overlap, test_seek);
    tcase_add_test(overlap, test_stop);
    tcase_add_test(overlap, test_change);
    tcase_add_test(overlap, test_other_weights);
    tcase_add_test(overlap, test_failure);
    tcase_add_test(overlap, test_failure_that_passes);
    tcase_add_test(overlap, test_lost_device);
    return suite;
}
