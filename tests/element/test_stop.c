/* test_stop.c - loading goes on beside the application and says how far it is; stopping is quick,
 * whatever the element is doing. */
#include "common.h"

/* Waits for a PROGRESS message of this type. */
static void await_progress(Player *player, GstProgressType wanted)
{
    for (;;) {
        GstMessage *message = gst_bus_timed_pop_filtered(player->bus, PATIENCE,
                                                         GST_MESSAGE_PROGRESS | GST_MESSAGE_ERROR);
        GstProgressType type;
        gchar *code;

        fail_unless(message != NULL, "no progress came");
        fail_unless_equals_int(GST_MESSAGE_TYPE(message), GST_MESSAGE_PROGRESS);
        gst_message_parse_progress(message, &type, &code, NULL);
        fail_unless_equals_string(code, "loading");
        g_free(code);
        gst_message_unref(message);
        if (type == wanted)
            return;
    }
}

static Player *slow_player(const gchar *more)
{
    gchar *description = g_strdup_printf("model=\"%s\" %s", slow_model(), more);
    Player *player = player_new(description, NULL);

    g_free(description);
    return player;
}

/* Sets the state and fails the test where that takes long. */
static void change_at_once(Player *player, GstState state)
{
    gint64 begin = g_get_monotonic_time();

    gst_element_set_state(player->pipeline, state);
    check_at_once(begin);
}

GST_START_TEST(test_start_does_not_wait_for_the_weights)
{
    Player *player = slow_player(SLOWEST);

    change_at_once(player, GST_STATE_PAUSED);
    await_progress(player, GST_PROGRESS_TYPE_START);
    fail_unless_equals_int(gst_element_get_state(player->pipeline, NULL, NULL, 0),
                           GST_STATE_CHANGE_ASYNC);
    await_progress(player, GST_PROGRESS_TYPE_CONTINUE);
    await_progress(player, GST_PROGRESS_TYPE_COMPLETE);
    change_at_once(player, GST_STATE_READY);
    player_free(player);
}
GST_END_TEST

GST_START_TEST(test_stop_while_loading)
{
    Player *player = slow_player(SLOWEST);

    gst_element_set_state(player->pipeline, GST_STATE_PAUSED);
    await_progress(player, GST_PROGRESS_TYPE_CONTINUE);
    change_at_once(player, GST_STATE_READY);
    await_progress(player, GST_PROGRESS_TYPE_CANCELED);

    /* And loading begins anew. */
    gst_element_set_state(player->pipeline, GST_STATE_PAUSED);
    await_progress(player, GST_PROGRESS_TYPE_START);
    await_progress(player, GST_PROGRESS_TYPE_COMPLETE);
    player_free(player);
}
GST_END_TEST

/* Later and later, until a picture is finished first: how long it takes depends on the machine. */
GST_START_TEST(test_stop_while_generating)
{
    Player *player = slow_player("");
    GstStateChangeReturn state = GST_STATE_CHANGE_ASYNC;
    guint stopped = 0;

    for (guint wait = 5; wait <= 400 && state == GST_STATE_CHANGE_ASYNC; wait += 1 + wait / 2) {
        gst_element_set_state(player->pipeline, GST_STATE_PAUSED);
        if (wait == 5)
            await_progress(player, GST_PROGRESS_TYPE_COMPLETE);
        g_usleep(wait * 1000);
        state = gst_element_get_state(player->pipeline, NULL, NULL, 0);
        stopped += state == GST_STATE_CHANGE_ASYNC;
        change_at_once(player, GST_STATE_READY);
    }
    fail_unless(state != GST_STATE_CHANGE_FAILURE);
    fail_unless(stopped > 0, "each picture was finished first");
    g_print("stopped %u pictures\n", stopped);
    gst_element_set_state(player->pipeline, GST_STATE_PAUSED);
    g_usleep(200000);
    change_at_once(player, GST_STATE_NULL);
    player_free(player);
}
GST_END_TEST

/* A flushing seek during a picture drops it and goes on with the one sought. */
GST_START_TEST(test_seek_while_generating)
{
    Player *player = slow_player("num-buffers=6");
    gint64 begin;

    gst_element_set_state(player->pipeline, GST_STATE_PAUSED);
    await_progress(player, GST_PROGRESS_TYPE_COMPLETE);
    g_usleep(50000);
    begin = g_get_monotonic_time();
    fail_unless(gst_element_seek_simple(player->source, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
                                        5 * GST_SECOND));
    check_at_once(begin);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    fail_unless_equals_int(player->frames->len, 1);
    fail_unless_equals_uint64(player_frame(player, 0)->offset, 5);
    player_free(player);
}
GST_END_TEST

/* The same while there is nothing yet to make a picture with: the load goes on. */
GST_START_TEST(test_seek_while_loading)
{
    Player *player = slow_player("num-buffers=6");

    gst_element_set_state(player->pipeline, GST_STATE_PAUSED);
    await_progress(player, GST_PROGRESS_TYPE_CONTINUE);
    fail_unless(gst_element_seek_simple(player->source, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
                                        5 * GST_SECOND));
    await_progress(player, GST_PROGRESS_TYPE_COMPLETE);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    fail_unless_equals_uint64(player_frame(player, 0)->offset, 5);
    player_free(player);
}
GST_END_TEST

/* EOS does not wait for a picture either, and is no error. */
GST_START_TEST(test_eos_while_loading)
{
    Player *player = slow_player("");

    gst_element_set_state(player->pipeline, GST_STATE_PLAYING);
    await_progress(player, GST_PROGRESS_TYPE_CONTINUE);
    fail_unless(gst_element_send_event(player->source, gst_event_new_eos()));
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    player_free(player);
}
GST_END_TEST

/* Somebody who waits for the end of PROGRESS, as gst-launch-1.0 does, comes to it without frames:
 * after an early EOS, ... */
GST_START_TEST(test_progress_after_eos)
{
    Player *player = slow_player("");

    gst_element_set_state(player->pipeline, GST_STATE_PAUSED);
    await_progress(player, GST_PROGRESS_TYPE_CONTINUE);
    fail_unless(gst_element_send_event(player->source, gst_event_new_eos()));
    await_progress(player, GST_PROGRESS_TYPE_COMPLETE);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    player_free(player);
}
GST_END_TEST

/* ... of a stream without any, ... */
GST_START_TEST(test_progress_of_no_frames)
{
    Player *player = slow_player("num-buffers=0");

    player_preroll(player);
    await_progress(player, GST_PROGRESS_TYPE_COMPLETE);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    player_free(player);
}
GST_END_TEST

/* ... and if a seek goes past the end: before the start, or while weights are loaded. */
GST_START_TEST(test_progress_after_seek_past_the_end)
{
    for (guint loading = 0; loading < 2; loading++) {
        Player *player = slow_player("num-buffers=2");

        gst_element_set_state(player->pipeline, loading ? GST_STATE_PAUSED : GST_STATE_READY);
        if (loading)
            await_progress(player, GST_PROGRESS_TYPE_CONTINUE);
        fail_unless(gst_element_seek_simple(player->source, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
                                            10 * GST_SECOND));
        gst_element_set_state(player->pipeline, GST_STATE_PAUSED);
        await_progress(player, GST_PROGRESS_TYPE_COMPLETE);
        fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
        fail_unless_equals_int(player->frames->len, 0);
        player_free(player);
    }
}
GST_END_TEST

/* A live source's clock must not run while it loads, so it loads before it is PAUSED. */
GST_START_TEST(test_live_loads_first)
{
    Player *player = slow_player("is-live=true");
    GstMessage *message;
    gboolean complete = FALSE;

    fail_unless_equals_int(gst_element_set_state(player->pipeline, GST_STATE_PAUSED),
                           GST_STATE_CHANGE_NO_PREROLL);
    while (!complete && (message = gst_bus_pop_filtered(player->bus, GST_MESSAGE_PROGRESS))) {
        GstProgressType type;

        gst_message_parse_progress(message, &type, NULL, NULL);
        complete = type == GST_PROGRESS_TYPE_COMPLETE;
        gst_message_unref(message);
    }
    fail_unless(complete);
    player_free(player);
}
GST_END_TEST

/* A second element finds the weights of the first, and neither minds the other's end. */
GST_START_TEST(test_weights_are_shared)
{
    Player *one = slow_player(SLOWEST);
    Player *two = slow_player(SLOWEST);
    GstMessage *message;

    gst_element_set_state(one->pipeline, GST_STATE_PAUSED);
    await_progress(one, GST_PROGRESS_TYPE_CONTINUE);
    gst_element_set_state(two->pipeline, GST_STATE_PAUSED);
    await_progress(two, GST_PROGRESS_TYPE_START);
    player_free(one);
    await_progress(two, GST_PROGRESS_TYPE_COMPLETE);

    /* Loaded already: not a word about it. */
    one = slow_player(SLOWEST);
    gst_element_set_state(one->pipeline, GST_STATE_PAUSED);
    g_usleep(50000);
    message = gst_bus_pop_filtered(one->bus, GST_MESSAGE_PROGRESS | GST_MESSAGE_ERROR);
    fail_unless(message == NULL);
    player_free(two);
    player_free(one);
}
GST_END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("stop");
    TCase *stop = tcase_create("stop");

    suite_add_tcase(suite, stop);
    tcase_add_test(stop, test_start_does_not_wait_for_the_weights);
    tcase_add_test(stop, test_stop_while_loading);
    tcase_add_test(stop, test_stop_while_generating);
    tcase_add_test(stop, test_seek_while_generating);
    tcase_add_test(stop, test_seek_while_loading);
    tcase_add_test(stop, test_eos_while_loading);
    tcase_add_test(stop, test_progress_after_eos);
    tcase_add_test(stop, test_progress_of_no_frames);
    tcase_add_test(stop, test_progress_after_seek_past_the_end);
    tcase_add_test(stop, test_live_loads_first);
    tcase_add_test(stop, test_weights_are_shared);
    return suite;
}
