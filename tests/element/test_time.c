/* test_time.c - frame n of a stream is always the same picture at the same time: by playing, by
 * seeking in either format, backwards, and across a change of frame rate. */
#include <gst/check/gstconsistencychecker.h>

#include "common.h"

#define FPS30    "video/x-raw,framerate=30/1"
#define FPS29    "video/x-raw,framerate=30000/1001"
#define FLUSH    GST_SEEK_FLAG_FLUSH
#define N_TRUTH  48
#define AT(n)    gst_util_uint64_scale(n, GST_SECOND, 30)
#define AT_29(n) gst_util_uint64_scale(n, 1001 * GST_SECOND, 30000)

/* The first frames at 30/1, by playing. */
static Player *truth;

static void setup(void)
{
    truth = player_new("num-buffers=48", FPS30);
    fail_unless_equals_int(player_play(truth), GST_MESSAGE_EOS);
    fail_unless_equals_int(truth->frames->len, N_TRUTH);
    gst_element_set_state(truth->pipeline, GST_STATE_NULL);
}

static void teardown(void)
{
    player_free(truth);
}

static void check_frame(const Frame *frame, guint n)
{
    fail_unless_equals_uint64(frame->offset, n);
    fail_unless_equals_uint64(frame->offset_end, n + 1);
    fail_unless_equals_uint64(frame->pts, AT(n));
    fail_unless_equals_uint64(frame->duration, AT(n + 1) - AT(n));
    fail_unless_equals_string(frame->checksum, player_frame(truth, n)->checksum);
}

/* That the player has exactly the frames `from` to `to`, in that order. */
static void check_frames(Player *player, gint from, gint to)
{
    gint step = from <= to ? 1 : -1;

    fail_unless_equals_int(player->frames->len, (to - from) * step + 1);
    for (gint i = 0; i <= (to - from) * step; i++)
        check_frame(player_frame(player, i), from + i * step);
}

GST_START_TEST(test_playing)
{
    check_frames(truth, 0, N_TRUTH - 1);
    fail_unless(player_frame(truth, 0)->discont);
    for (guint i = 1; i < N_TRUTH; i++) {
        fail_if(player_frame(truth, i)->discont);
        fail_if(
            g_str_equal(player_frame(truth, i)->checksum, player_frame(truth, i - 1)->checksum));
    }
}
GST_END_TEST

/* Plays `start` to `stop` in a fresh pipeline. */
static void check_seek(const gchar *caps, gdouble rate, GstFormat format, gint64 start, gint64 stop,
                       gint from, gint to)
{
    Player *player = player_new("", caps);

    player_preroll(player);
    player_seek(player, rate, format, FLUSH, start, stop);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    check_frames(player, from, to);
    fail_unless(player_frame(player, 0)->discont);
    player_free(player);
}

GST_START_TEST(test_seek_in_time)
{
    check_seek(FPS30, 1.0, GST_FORMAT_TIME, AT(37), AT(41), 37, 40);
    check_seek(FPS30, 1.0, GST_FORMAT_TIME, 0, AT(2), 0, 1);
    /* The frame that is shown at the time, and the last one that begins before the stop. */
    check_seek(FPS30, 1.0, GST_FORMAT_TIME, AT(37) + 1, AT(40) + 1, 37, 40);
    check_seek(FPS30, 1.0, GST_FORMAT_TIME, AT(37) - 1, AT(40) - 1, 36, 39);
    check_seek(FPS30, 2.0, GST_FORMAT_TIME, AT(37), AT(41), 37, 40);
    check_seek(FPS30, 1.0, GST_FORMAT_TIME, AT(7), AT(7), 7, 7);
}
GST_END_TEST

GST_START_TEST(test_seek_by_frame)
{
    check_seek(FPS30, 1.0, GST_FORMAT_DEFAULT, 37, 41, 37, 40);
    check_seek(FPS30, 1.0, GST_FORMAT_DEFAULT, 0, 1, 0, 0);
    for (guint n = 1; n < 40; n += 6)
        check_seek(FPS30, 1.0, GST_FORMAT_DEFAULT, n, n + 1, n, n);
}
GST_END_TEST

GST_START_TEST(test_reverse)
{
    check_seek(FPS30, -1.0, GST_FORMAT_TIME, 0, AT(5), 4, 0);
    check_seek(FPS30, -1.0, GST_FORMAT_TIME, AT(37), AT(41), 40, 37);
    check_seek(FPS30, -1.0, GST_FORMAT_TIME, AT(37) + 1, AT(40) + 1, 40, 37);
    check_seek(FPS30, -2.0, GST_FORMAT_DEFAULT, 3, 10, 9, 3);
}
GST_END_TEST

/* Backwards with no stop: from the end that num-buffers gives, or not at all. */
GST_START_TEST(test_reverse_from_the_end)
{
    Player *player = player_new("num-buffers=12", FPS30);

    player_preroll(player);
    player_seek(player, -1.0, GST_FORMAT_TIME, FLUSH, 0, -1);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    check_frames(player, 11, 0);
    player_free(player);

    player = player_new("", FPS30);
    player_preroll(player);
    fail_if(gst_element_seek(player->pipeline, -1.0, GST_FORMAT_TIME, FLUSH, GST_SEEK_TYPE_SET, 0,
                             GST_SEEK_TYPE_SET, -1));
    player_free(player);
}
GST_END_TEST

/* From the end that num-buffers gives, or not at all; and backwards from where the stream is. */
GST_START_TEST(test_relative_seeks)
{
    Player *player = player_new("num-buffers=12", FPS30);

    player_preroll(player);
    fail_unless(gst_element_seek(player->pipeline, 1.0, GST_FORMAT_TIME, FLUSH, GST_SEEK_TYPE_END,
                                 -(gint64)AT(2), GST_SEEK_TYPE_NONE, 0));
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    check_frames(player, 10, 11);
    player_free(player);

    player = player_new("num-buffers=12", FPS30);
    player_preroll(player);
    player_seek(player, 1.0, GST_FORMAT_TIME, FLUSH, AT(4), -1);
    player_preroll(player);
    fail_unless(gst_element_seek(player->pipeline, -1.0, GST_FORMAT_TIME, FLUSH, GST_SEEK_TYPE_NONE,
                                 0, GST_SEEK_TYPE_NONE, 0));
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    /* From the end there would be eight: the source is at most two frames ahead of the sink. */
    fail_unless(player->frames->len <= 3, "%u frames", player->frames->len);
    check_frame(player_frame(player, player->frames->len - 1), 4);
    player_free(player);

    player = player_new("", FPS30);
    player_preroll(player);
    fail_if(gst_element_seek(player->pipeline, -1.0, GST_FORMAT_TIME, FLUSH, GST_SEEK_TYPE_SET, 0,
                             GST_SEEK_TYPE_END, 0));
    fail_if(gst_element_seek(player->pipeline, 1.0, GST_FORMAT_TIME, FLUSH, GST_SEEK_TYPE_END,
                             -(gint64)AT(2), GST_SEEK_TYPE_NONE, 0));
    player_seek(player, 1.0, GST_FORMAT_DEFAULT, FLUSH, 37, 38);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    check_frames(player, 37, 37);
    player_free(player);
}
GST_END_TEST

/* A seek that the element has before it starts, when no frame rate is known yet. */
static void check_early_seek(GstFormat format, GstSeekType type, gint64 start, guint from)
{
    Player *player = player_new("num-buffers=41", FPS30);

    gst_element_set_state(player->pipeline, GST_STATE_READY);
    fail_unless(
        gst_element_seek(player->source, 1.0, format, FLUSH, type, start, GST_SEEK_TYPE_NONE, 0));
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    check_frames(player, from, 40);
    player_free(player);
}

GST_START_TEST(test_seek_before_the_start)
{
    check_early_seek(GST_FORMAT_TIME, GST_SEEK_TYPE_SET, AT(37), 37);
    check_early_seek(GST_FORMAT_DEFAULT, GST_SEEK_TYPE_SET, 37, 37);
    check_early_seek(GST_FORMAT_TIME, GST_SEEK_TYPE_END, -(gint64)AT(2), 39);
}
GST_END_TEST

GST_START_TEST(test_segment_seek)
{
    Player *player = player_new("", FPS30);

    player_preroll(player);
    player_seek(player, 1.0, GST_FORMAT_TIME, FLUSH | GST_SEEK_FLAG_SEGMENT, AT(3), AT(6));
    fail_unless_equals_int(player_play(player), GST_MESSAGE_SEGMENT_DONE);
    check_frames(player, 3, 5);
    player_forget(player);
    /* Loops are made of seeks like this. */
    player_seek(player, 1.0, GST_FORMAT_TIME, GST_SEEK_FLAG_SEGMENT, AT(3), AT(6));
    fail_unless_equals_int(player_play(player), GST_MESSAGE_SEGMENT_DONE);
    check_frames(player, 3, 5);
    player_free(player);
}
GST_END_TEST

/* Every rate's time stamps find their frame again, the crooked ones too. */
GST_START_TEST(test_time_stamps_are_exact)
{
    static const gchar *const rates[] = {"30000/1001", "24/1", "7/3", "1/1", "144/1", "1/5"};
    static const guint frames[] = {1, 37, 1000, 86399, 12345678};

    for (guint i = 0; i < G_N_ELEMENTS(rates); i++) {
        gchar *caps = g_strdup_printf("video/x-raw,framerate=%s", rates[i]);
        Player *player = player_new("", caps);

        player_preroll(player);
        for (guint j = 0; j < G_N_ELEMENTS(frames); j++) {
            gint64 time, frame;

            fail_unless(gst_element_query_convert(player->source, GST_FORMAT_DEFAULT, frames[j],
                                                  GST_FORMAT_TIME, &time));
            fail_unless(gst_element_query_convert(player->source, GST_FORMAT_TIME, time,
                                                  GST_FORMAT_DEFAULT, &frame));
            fail_unless_equals_int64(frame, frames[j]);
            fail_unless(gst_element_query_convert(player->source, GST_FORMAT_TIME, time - 1,
                                                  GST_FORMAT_DEFAULT, &frame));
            fail_unless_equals_int64(frame, frames[j] - 1);
        }
        player_free(player);
        g_free(caps);
    }
}
GST_END_TEST

GST_START_TEST(test_num_buffers)
{
    static const guint counts[] = {0, 1, 7};

    for (guint i = 0; i < G_N_ELEMENTS(counts); i++) {
        gchar *description = g_strdup_printf("num-buffers=%u", counts[i]);
        Player *player = player_new(description, FPS30);

        fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
        fail_unless_equals_int(player->frames->len, counts[i]);
        player_free(player);
        g_free(description);
    }
}
GST_END_TEST

GST_START_TEST(test_still_picture)
{
    Player *player = player_new("", "video/x-raw,framerate=0/1");

    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    fail_unless_equals_int(player->frames->len, 1);
    fail_unless_equals_uint64(player_frame(player, 0)->pts, 0);
    fail_unless_equals_uint64(player_frame(player, 0)->duration, GST_CLOCK_TIME_NONE);
    fail_unless_equals_string(player_frame(player, 0)->checksum, player_frame(truth, 0)->checksum);

    /* It is there at every time, in both directions. */
    player_forget(player);
    player_seek(player, 1.0, GST_FORMAT_TIME, FLUSH, 5 * GST_SECOND, 9 * GST_SECOND);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    player_seek(player, -1.0, GST_FORMAT_TIME, FLUSH, 5 * GST_SECOND, 9 * GST_SECOND);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    fail_unless_equals_int(player->frames->len, 2);
    fail_unless_equals_uint64(player_frame(player, 0)->pts, 5 * GST_SECOND);
    fail_unless_equals_string(player_frame(player, 1)->checksum, player_frame(truth, 0)->checksum);
    player_free(player);
}
GST_END_TEST

GST_START_TEST(test_queries)
{
    Player *player = player_new("num-buffers=90", FPS30);
    gint64 value;
    GstQuery *query;
    GstFormat format;
    gboolean seekable;

    player_preroll(player);
    fail_unless(gst_element_query_duration(player->pipeline, GST_FORMAT_TIME, &value));
    fail_unless_equals_int64(value, 3 * GST_SECOND);
    fail_unless(gst_element_query_duration(player->pipeline, GST_FORMAT_DEFAULT, &value));
    fail_unless_equals_int64(value, 90);
    fail_unless(gst_element_query_duration(player->pipeline, GST_FORMAT_BYTES, &value));
    fail_unless_equals_int64(value, 90 * 3 * TINY_SIDE * TINY_SIDE);
    g_object_set(player->source, "num-buffers", 60, NULL); /* for the next start */
    fail_unless(gst_element_query_duration(player->source, GST_FORMAT_DEFAULT, &value));
    fail_unless_equals_int64(value, 90);
    fail_unless(gst_element_query_convert(player->source, GST_FORMAT_BYTES,
                                          2 * 3 * TINY_SIDE * TINY_SIDE, GST_FORMAT_TIME, &value));
    fail_unless_equals_int64(value, AT(2));

    for (guint i = 0; i < 2; i++) {
        query = gst_query_new_seeking(i ? GST_FORMAT_TIME : GST_FORMAT_DEFAULT);
        fail_unless(gst_element_query(player->pipeline, query));
        gst_query_parse_seeking(query, &format, &seekable, NULL, &value);
        fail_unless(seekable);
        fail_unless_equals_int64(value, i ? 3 * GST_SECOND : 90);
        gst_query_unref(query);
    }

    player_seek(player, 1.0, GST_FORMAT_DEFAULT, FLUSH, 37, 41);
    fail_unless(gst_element_query_position(player->source, GST_FORMAT_DEFAULT, &value));
    fail_unless_equals_int64(value, 38); /* the preroll picture is out */
    player_free(player);
}
GST_END_TEST

static void check_duration(Player *player, GstClockTime expected)
{
    GstPad *pad = gst_element_get_static_pad(player->sink, "sink");
    GstEvent *event = gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0);
    const GstSegment *segment;

    gst_event_parse_segment(event, &segment);
    fail_unless_equals_uint64(segment->duration, expected);
    gst_event_unref(event);
    gst_object_unref(pad);
}

/* Downstream knows it without having asked. */
GST_START_TEST(test_duration)
{
    Player *player = player_new("num-buffers=90", FPS30);

    player_preroll(player);
    check_duration(player, 3 * GST_SECOND);
    player_seek(player, 1.0, GST_FORMAT_DEFAULT, FLUSH, 37, -1);
    check_duration(player, 3 * GST_SECOND);
    player_free(player);
}
GST_END_TEST

/* A film of num-buffers frames: the same however often, and from wherever, it is played. */
GST_START_TEST(test_film)
{
    Player *player = player_new("num-buffers=20", FPS30);

    player_preroll(player);
    for (guint i = 0; i < 3; i++)
        player_seek(player, 1.0, GST_FORMAT_DEFAULT, FLUSH, 5 * i, -1);
    player_forget(player);
    player_seek(player, 1.0, GST_FORMAT_DEFAULT, FLUSH, 10, -1);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    check_frames(player, 10, 19);
    /* At EOS, round after round. */
    for (guint i = 0; i < 3; i++) {
        player_forget(player);
        player_seek(player, 1.0, GST_FORMAT_DEFAULT, FLUSH, 0, -1);
        fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
        check_frames(player, 0, 19);
    }
    /* Past the end there is nothing, and backwards from there the last frame comes first. */
    player_forget(player);
    player_seek(player, 1.0, GST_FORMAT_DEFAULT, FLUSH, 25, 40);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    fail_unless_equals_int(player->frames->len, 0);
    player_seek(player, -1.0, GST_FORMAT_DEFAULT, FLUSH, 15, 40);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    check_frames(player, 19, 15);
    player_free(player);
}
GST_END_TEST

/* A change of frame rate in the middle: the frames go on, time goes on, and the new rate holds. */
GST_START_TEST(test_renegotiation)
{
    Player *player = player_new("num-buffers=40", "capsfilter name=filter caps=" FPS30);
    GstElement *filter = gst_bin_get_by_name(GST_BIN(player->pipeline), "filter");
    GstCaps *caps = gst_caps_from_string(FPS29);
    GstMessage *message;
    guint changed = 0;

    player_preroll(player);
    g_object_set(filter, "caps", caps, NULL);
    gst_element_set_state(player->pipeline, GST_STATE_PLAYING);
    message = gst_bus_timed_pop_filtered(player->bus, PATIENCE,
                                         GST_MESSAGE_DURATION_CHANGED | GST_MESSAGE_EOS);
    fail_unless_equals_int(GST_MESSAGE_TYPE(message), GST_MESSAGE_DURATION_CHANGED);
    gst_message_unref(message);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    fail_unless_equals_int(player->frames->len, 40);
    for (guint i = 0; i < 40; i++) {
        const Frame *frame = player_frame(player, i);

        fail_unless_equals_uint64(frame->offset, i);
        if (i > 0)
            fail_unless_equals_uint64(frame->pts, player_frame(player, i - 1)->pts +
                                                      player_frame(player, i - 1)->duration);
        changed += frame->duration > AT(1) + 1;
    }
    fail_unless(changed >= 30, "%u frames at the new rate", changed);

    /* After a seek, times are those of the new rate alone. */
    player_forget(player);
    gst_element_set_state(player->pipeline, GST_STATE_READY);
    player_preroll(player);
    player_seek(player, 1.0, GST_FORMAT_DEFAULT, FLUSH, 37, 39);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    fail_unless_equals_uint64(player_frame(player, 0)->pts, AT_29(37));
    gst_caps_unref(caps);
    gst_object_unref(filter);
    player_free(player);
}
GST_END_TEST

/* The library's own checker of the order of events, over playing, seeks of every kind and EOS. */
GST_START_TEST(test_stream_is_consistent)
{
    Player *player = player_new("", FPS30);
    GstPad *pad = gst_element_get_static_pad(player->source, "src");
    GstStreamConsistency *consistency = gst_consistency_checker_new(pad);

    player_preroll(player);
    player_seek(player, 1.0, GST_FORMAT_TIME, FLUSH, AT(3), AT(6));
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    player_seek(player, -1.0, GST_FORMAT_TIME, FLUSH, AT(3), AT(6));
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    player_seek(player, 1.0, GST_FORMAT_TIME, FLUSH | GST_SEEK_FLAG_SEGMENT, AT(3), AT(6));
    fail_unless_equals_int(player_play(player), GST_MESSAGE_SEGMENT_DONE);
    /* Goes on without a flush, and then the application ends it. */
    player_seek(player, 1.0, GST_FORMAT_TIME, GST_SEEK_FLAG_NONE, AT(3), AT(3000));
    fail_unless(gst_element_send_event(player->pipeline, gst_event_new_eos()));
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    gst_consistency_checker_free(consistency);
    gst_object_unref(pad);
    player_free(player);
}
GST_END_TEST

/* EOS from the application ends the stream, wherever it is. */
GST_START_TEST(test_sent_eos)
{
    Player *player = player_new("", NULL);

    player_preroll(player);
    gst_element_set_state(player->pipeline, GST_STATE_PLAYING);
    g_usleep(20000);
    fail_unless(gst_element_send_event(player->pipeline, gst_event_new_eos()));
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    player_free(player);
}
GST_END_TEST

/* A live source cannot seek, gives nothing while paused, and stamps with the running time. */
GST_START_TEST(test_live)
{
    Player *player = player_new("is-live=true num-buffers=5", "video/x-raw,framerate=50/1");
    GstQuery *query = gst_query_new_latency();
    gboolean live;
    GstClockTime least, most;

    fail_unless_equals_int(gst_element_set_state(player->pipeline, GST_STATE_PAUSED),
                           GST_STATE_CHANGE_NO_PREROLL);
    fail_if(gst_element_seek_simple(player->pipeline, GST_FORMAT_TIME, FLUSH, AT(3)));
    fail_if(gst_element_seek_simple(player->source, GST_FORMAT_TIME, FLUSH, AT(3)));
    g_usleep(50000);
    fail_unless_equals_int(player->frames->len, 0);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    fail_unless_equals_int(player->frames->len, 5);
    for (guint i = 1; i < 5; i++)
        fail_unless_equals_uint64(
            player_frame(player, i)->pts - player_frame(player, i - 1)->pts,
            20 * GST_MSECOND *
                (player_frame(player, i)->offset - player_frame(player, i - 1)->offset));
    fail_unless(gst_element_query(player->source, query));
    gst_query_parse_latency(query, &live, &least, &most);
    fail_unless(live);
    fail_unless(least <= most);
    gst_query_unref(query);
    player_free(player);
}
GST_END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("time");
    TCase *time = tcase_create("time");

    suite_add_tcase(suite, time);
    tcase_add_checked_fixture(time, setup, teardown);
    tcase_add_test(time, test_playing);
    tcase_add_test(time, test_seek_in_time);
    tcase_add_test(time, test_seek_by_frame);
    tcase_add_test(time, test_reverse);
    tcase_add_test(time, test_reverse_from_the_end);
    tcase_add_test(time, test_relative_seeks);
    tcase_add_test(time, test_seek_before_the_start);
    tcase_add_test(time, test_segment_seek);
    tcase_add_test(time, test_time_stamps_are_exact);
    tcase_add_test(time, test_num_buffers);
    tcase_add_test(time, test_still_picture);
    tcase_add_test(time, test_queries);
    tcase_add_test(time, test_duration);
    tcase_add_test(time, test_film);
    tcase_add_test(time, test_renegotiation);
    tcase_add_test(time, test_stream_is_consistent);
    tcase_add_test(time, test_sent_eos);
    tcase_add_test(time, test_live);
    return suite;
}
