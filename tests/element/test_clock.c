/* test_clock.c - real time by a clock that the test moves: when a live source puts a picture out,
 * what it passes over, and what it says about it. */
#include <gst/check/gstharness.h>
#include <gst/check/gsttestclock.h>

#include "common.h"

#define SECOND GST_SECOND

/* A live codesrc of one frame a second and its clock, which stands at 0. A picture of the tiny
 * model takes milliseconds, so times of half a second are certain. */
typedef struct Live {
    GstHarness *harness;
    GstTestClock *clock;
    GstBus *bus;
    GstClockTime start; /* of frame 0 */
} Live;

static Live live_new(const gchar *first_property, ...) G_GNUC_NULL_TERMINATED;

static Live live_new(const gchar *first_property, ...)
{
    Live live = {.harness = gst_harness_new_with_padnames("codesrc", NULL, "src"),
                 .bus = gst_bus_new()};
    va_list args;

    g_object_set(live.harness->element, "model", tiny_model(), "is-live", TRUE, NULL);
    va_start(args, first_property);
    g_object_set_valist(G_OBJECT(live.harness->element), first_property, args);
    va_end(args);
    gst_element_set_bus(live.harness->element, live.bus);
    gst_harness_set_sink_caps_str(live.harness, "video/x-raw,framerate=1/1");
    gst_harness_use_testclock(live.harness);
    live.clock = gst_harness_get_testclock(live.harness);
    gst_harness_play(live.harness);
    return live;
}

static void live_free(Live *live)
{
    gst_element_set_bus(live->harness->element, NULL);
    gst_harness_teardown(live->harness);
    gst_object_unref(live->clock);
    gst_object_unref(live->bus);
}

/* The next buffer has to be frame `n`, at its time. */
static GstBuffer *pull_frame(Live *live, guint64 n)
{
    GstBuffer *buffer = gst_harness_pull(live->harness);

    fail_unless(buffer != NULL);
    fail_unless_equals_uint64(GST_BUFFER_OFFSET(buffer), n);
    fail_unless_equals_uint64(GST_BUFFER_PTS(buffer), live->start + n * SECOND);
    fail_unless_equals_uint64(GST_BUFFER_DURATION(buffer), SECOND);
    return buffer;
}

static void expect_frame(Live *live, guint64 n, gboolean discont)
{
    GstBuffer *buffer = pull_frame(live, n);

    fail_unless(GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT) == discont);
    gst_buffer_unref(buffer);
}

/* Waits until the source waits, which it does before each picture and which has to be for
 * `expected`. */
static void await_wait(Live *live, GstClockTime expected)
{
    GstClockID id;

    gst_test_clock_wait_for_next_pending_id(live->clock, &id);
    fail_unless_equals_uint64(gst_clock_id_get_time(id), live->start + expected);
    gst_clock_id_unref(id);
}

/* Moves the clock to `time` and lets go what waits for a time until then. */
static void move_clock(Live *live, GstClockTime time)
{
    GstClockID id;

    gst_test_clock_set_time(live->clock, live->start + time);
    id = gst_test_clock_process_next_clock_id(live->clock);
    fail_unless(id != NULL);
    gst_clock_id_unref(id);
}

/* Begins: frame 0 is due at once. */
static void begin(Live *live)
{
    await_wait(live, 0);
    move_clock(live, 0);
}

/* A picture comes when its time has come, not before. */
GST_START_TEST(test_on_time)
{
    Live live = live_new("queue-depth", 4, NULL);

    begin(&live);
    expect_frame(&live, 0, TRUE);
    for (guint n = 1; n < 6; n++) {
        await_wait(&live, n * SECOND);
        fail_unless_equals_int(gst_harness_buffers_in_queue(live.harness), 0);
        move_clock(&live, n * SECOND);
        expect_frame(&live, n, FALSE);
    }
    fail_unless(gst_bus_pop_filtered(live.bus, GST_MESSAGE_QOS) == NULL);
    live_free(&live);
}
GST_END_TEST

static void check_qos(Live *live, guint64 n, guint64 processed, guint64 dropped)
{
    GstMessage *message = gst_bus_pop_filtered(live->bus, GST_MESSAGE_QOS);
    guint64 running, stream, timestamp, duration, done, passed;
    GstFormat format;
    gboolean is_live;

    fail_unless(message != NULL);
    gst_message_parse_qos(message, &is_live, &running, &stream, &timestamp, &duration);
    fail_unless(is_live);
    fail_unless_equals_uint64(running, n * SECOND);
    fail_unless_equals_uint64(stream, n * SECOND);
    fail_unless_equals_uint64(timestamp, n * SECOND);
    fail_unless_equals_uint64(duration, SECOND);
    gst_message_parse_qos_stats(message, &format, &done, &passed);
    fail_unless_equals_int(format, GST_FORMAT_BUFFERS);
    fail_unless_equals_uint64(done, processed);
    fail_unless_equals_uint64(passed, dropped);
    gst_message_unref(message);
    fail_unless(gst_bus_pop_filtered(live->bus, GST_MESSAGE_QOS) == NULL);
}

/* The clock runs away: what is late is passed over, drawn ahead or not, once with one message and
 * one DISCONT; the times of the others are still those of their numbers. */
GST_START_TEST(test_late_frames)
{
    static const guint depths[] = {0, 3};
    static const guint jumps[] = {10, 3, 1, 100, 2};

    for (guint i = 0; i < G_N_ELEMENTS(depths); i++) {
        Live live = live_new("queue-depth", depths[i], NULL);
        guint64 next = 1, processed = 1, dropped = 0;

        begin(&live);
        expect_frame(&live, 0, TRUE);
        for (guint j = 0; j < G_N_ELEMENTS(jumps); j++) {
            await_wait(&live, next * SECOND);
            /* The one that waits was in time, and the clock has gone on by half a frame. */
            move_clock(&live, (next + jumps[j]) * SECOND - SECOND / 2);
            expect_frame(&live, next, j > 0 && jumps[j - 1] > 1);
            processed++;
            next += jumps[j];
            dropped += jumps[j] - 1;
            await_wait(&live, next * SECOND);
            if (jumps[j] > 1)
                check_qos(&live, next, processed, dropped);
        }
        live_free(&live);
    }
}
GST_END_TEST

static guint get_uint(GstBuffer *buffer, const gchar *field)
{
    GstCustomMeta *meta = gst_buffer_get_custom_meta(buffer, "GstCodeMeta");
    guint value = 0;

    fail_unless(gst_structure_get_uint(gst_custom_meta_get_structure(meta), field, &value));
    return value;
}

static gchar *buffer_checksum(GstBuffer *buffer)
{
    GstMapInfo map;
    gchar *sum;

    gst_buffer_map(buffer, &map, GST_MAP_READ);
    sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, map.data, map.size);
    gst_buffer_unmap(buffer, &map);
    return sum;
}

/* A picture whose time is now goes out after its first scale, the way that the progressive stream
 * shows it; one that has a whole second is finished. */
GST_START_TEST(test_anytime)
{
    Live live = live_new("anytime", TRUE, "queue-depth", 0, "class-id", 3, NULL);
    GstBuffer *buffer;
    Player *scales = player_new("progressive=true num-buffers=1 class-id=3", NULL);
    gchar *sum;

    begin(&live);
    buffer = pull_frame(&live, 0);
    fail_unless_equals_int(get_uint(buffer, "scale"), 1);
    fail_unless_equals_int(get_uint(buffer, "scales"), TINY_SCALES);
    fail_unless_equals_int(player_play(scales), GST_MESSAGE_EOS);
    sum = buffer_checksum(buffer);
    fail_unless_equals_string(sum, player_frame(scales, 0)->checksum);
    g_free(sum);
    player_free(scales);
    gst_buffer_unref(buffer);

    await_wait(&live, 1 * SECOND);
    /* To the time of the one after it, which is then drawn without any to spare. */
    move_clock(&live, 2 * SECOND);
    buffer = pull_frame(&live, 1);
    fail_unless_equals_int(get_uint(buffer, "scale"), TINY_SCALES);
    gst_buffer_unref(buffer);
    await_wait(&live, 2 * SECOND);
    move_clock(&live, 2 * SECOND);
    buffer = pull_frame(&live, 2);
    fail_unless_equals_int(get_uint(buffer, "scale"), 1);
    gst_buffer_unref(buffer);
    live_free(&live);
}
GST_END_TEST

/* ---- films ----------------------------------------------------------------------- */

static guint64 get_stat(Live *live, const gchar *field)
{
    GstStructure *stats;
    guint64 value = 0;

    g_object_get(live->harness->element, "stats", &stats, NULL);
    fail_unless(gst_structure_get_uint64(stats, field, &value));
    gst_structure_free(stats);
    return value;
}

/* Begins a film: it is rehearsed, which takes no time of this clock, and frame 0 is due when it can
 * be drawn after that. */
static void begin_film(Live *live)
{
    GstClockID id;

    gst_test_clock_wait_for_next_pending_id(live->clock, &id);
    live->start = gst_clock_id_get_time(id);
    gst_clock_id_unref(id);
    fail_unless(live->start > 0 && live->start < 10 * SECOND);
    move_clock(live, 0);
}

/* The latency is known, and in force, before frame 0 of a film comes. */
GST_START_TEST(test_film_begins)
{
    Live live = live_new("morph", 1, NULL);
    GstMessage *message;

    begin_film(&live);
    message = gst_bus_pop_filtered(live.bus, GST_MESSAGE_LATENCY);
    fail_unless(message != NULL);
    gst_message_unref(message);
    expect_frame(&live, 0, TRUE);
    fail_unless_equals_uint64(get_stat(&live, "processed"), 1);
    live_free(&live);
}
GST_END_TEST

/* The frame of a film that has the pixels of a picture is late and dropped: the next one, which
 * shows the same, gets them. */
GST_START_TEST(test_late_in_film)
{
    Live live = live_new("hold", 4, "class-id", 3, NULL);
    Player *pictures = player_new("class-id=3 num-buffers=2", NULL);
    GstBuffer *buffer;
    gchar *sum;

    begin_film(&live);
    for (guint n = 0; n < 4; n++) {
        expect_frame(&live, n, n == 0);
        if (n == 3)
            break;
        await_wait(&live, (n + 1) * SECOND);
        /* Frames 4 to 7 wait in the queue, and the clock runs away past frame 5. */
        move_clock(&live, n < 2 ? (n + 1) * SECOND : 5 * SECOND + SECOND / 2);
    }
    await_wait(&live, 6 * SECOND);
    move_clock(&live, 6 * SECOND);
    buffer = pull_frame(&live, 6);
    fail_unless(GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT));
    sum = buffer_checksum(buffer);
    fail_unless_equals_int(player_play(pictures), GST_MESSAGE_EOS);
    fail_unless_equals_string(sum, player_frame(pictures, 1)->checksum);
    fail_unless_equals_uint64(get_stat(&live, "dropped"), 2);
    fail_unless_equals_uint64(get_stat(&live, "repeated"), 0);
    g_free(sum);
    gst_buffer_unref(buffer);
    player_free(pictures);
    live_free(&live);
}
GST_END_TEST

/* The phase of each frame's record: the frame of the film that the pixels are said to be. */
static void keep_phase(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer phases)
{
    GstCustomMeta *meta = gst_buffer_get_custom_meta(buffer, "GstCodeMeta");
    guint64 phase;

    (void)sink;
    (void)pad;
    fail_unless(gst_structure_get_uint64(gst_custom_meta_get_structure(meta), "phase", &phase));
    g_array_append_val((GArray *)phases, phase);
}

/* Each frame of `player` has the pixels that its record says, by a film that is not live. */
static void check_phases(Player *player, GArray *phases, const gchar *film)
{
    guint64 last = g_array_index(phases, guint64, phases->len - 1);
    gchar *description = g_strdup_printf("%s num-buffers=%" G_GUINT64_FORMAT, film, last + 1);
    Player *truth = player_new(description, "video/x-raw,framerate=20/1");
    guint before = 0;

    fail_unless_equals_int(player_play(truth), GST_MESSAGE_EOS);
    for (guint i = 0; i < phases->len; i++) {
        guint phase = (guint)g_array_index(phases, guint64, i);

        fail_unless(phase <= i, "frame %u is said to be frame %u", i, phase);
        fail_unless(phase >= before, "frame %u goes back from %u to %u", i, before, phase);
        before = phase;
        fail_unless_equals_string(player_frame(player, i)->checksum,
                                  player_frame(truth, phase)->checksum);
    }
    player_free(truth);
    g_free(description);
}

/* A model that takes half a second or more for a picture, and a film that wants one five times a
 * second: with anytime no frame is missing or late; those that are not there in time show the last
 * one again, and their records say so. Without a morph the first frames that are late come after
 * one that has no pixels of its own. */
GST_START_TEST(test_film_anytime)
{
    gchar *film =
        g_strdup_printf("model=\"%s\" precision=f32 hold=2 morph=%d", slow_model(), 2 * __i__);
    gchar *description =
        g_strdup_printf("%s threads=1 is-live=true anytime=true num-buffers=40", film);
    Player *player = player_new(description, "video/x-raw,framerate=20/1");
    GArray *phases = g_array_new(FALSE, FALSE, sizeof(guint64));
    guint64 repeated = 0, dropped = 0;
    GstStructure *stats;
    guint same = 0;

    g_signal_connect(player->sink, "handoff", G_CALLBACK(keep_phase), phases);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    g_object_get(player->source, "stats", &stats, NULL);
    fail_unless(gst_structure_get(stats, "repeated", G_TYPE_UINT64, &repeated, "dropped",
                                  G_TYPE_UINT64, &dropped, NULL));
    gst_structure_free(stats);
    fail_unless_equals_int(player->frames->len, 40);
    for (guint i = 1; i < 40; i++)
        same += !strcmp(player_frame(player, i)->checksum, player_frame(player, i - 1)->checksum);
    fail_unless(repeated > 0);
    fail_unless(same >= repeated,
                "%u frames are the one before, and %" G_GUINT64_FORMAT " were repeated", same,
                repeated);
    check_phases(player, phases, film);
    g_print("%" G_GUINT64_FORMAT " of 40 repeated, %" G_GUINT64_FORMAT " dropped\n", repeated,
            dropped);
    g_array_unref(phases);
    player_free(player);
    g_free(description);
    g_free(film);
}
GST_END_TEST

/* Latency is what was measured, and a change is announced. */
GST_START_TEST(test_latency)
{
    Live live = live_new("queue-depth", 0, NULL);
    GstClockTime told;
    GstMessage *message;

    begin(&live);
    expect_frame(&live, 0, TRUE);
    await_wait(&live, 1 * SECOND);
    message = gst_bus_pop_filtered(live.bus, GST_MESSAGE_LATENCY);
    fail_unless(message != NULL);
    gst_message_unref(message);
    told = gst_harness_query_latency(live.harness);
    fail_unless(told > 0 && told < 10 * SECOND, "%" GST_TIME_FORMAT, GST_TIME_ARGS(told));
    live_free(&live);
}
GST_END_TEST

/* Downstream's word on how fast pictures come moves the drafting steps, within their bounds. */
GST_START_TEST(test_steps_follow_qos)
{
    GstHarness *harness = gst_harness_new_with_padnames("codesrc", NULL, "src");
    static const gdouble proportions[] = {2.0, 0.5};
    guint steps = TINY_SCALES;

    g_object_set(harness->element, "model", tiny_model(), "queue-depth", 0, "drafting-steps",
                 TINY_SCALES, "min-drafting-steps", 2, NULL);
    gst_harness_set_sink_caps_str(harness, "video/x-raw,framerate=1/1");
    gst_harness_set_blocking_push_mode(harness);
    gst_harness_play(harness);
    for (guint i = 0; i < G_N_ELEMENTS(proportions); i++) {
        GstQOSType type = i == 0 ? GST_QOS_TYPE_UNDERFLOW : GST_QOS_TYPE_OVERFLOW;

        /* Not late, so that nothing is passed over. */
        gst_harness_push_upstream_event(harness,
                                        gst_event_new_qos(type, proportions[i], -1000, SECOND));
        for (guint n = 0; n < 30; n++) {
            GstBuffer *buffer = gst_harness_pull(harness);
            guint now = get_uint(buffer, "drafting-steps");

            fail_unless_equals_uint64(GST_BUFFER_OFFSET(buffer), 30 * i + n);
            fail_unless(now == steps || now == (i == 0 ? steps - 1 : steps + 1));
            fail_unless(now >= 2 && now <= TINY_SCALES);
            steps = now;
            gst_buffer_unref(buffer);
        }
        fail_unless_equals_int(steps, i == 0 ? 2 : TINY_SCALES);
    }
    gst_harness_teardown(harness);
}
GST_END_TEST

/* Waiting is given up at once, and the clock is not needed for it. */
GST_START_TEST(test_stop_while_waiting)
{
    Live live = live_new("queue-depth", 2, NULL);

    begin(&live);
    expect_frame(&live, 0, TRUE);
    await_wait(&live, 1 * SECOND);
    fail_unless_equals_int(gst_element_set_state(live.harness->element, GST_STATE_NULL),
                           GST_STATE_CHANGE_SUCCESS);
    fail_unless_equals_int(gst_harness_buffers_in_queue(live.harness), 0);
    live_free(&live);
}
GST_END_TEST

/* A frame that waits for its time when the pipeline pauses comes later by as long as the pause was,
 * by the base time that the pipeline then sets. */
GST_START_TEST(test_pause_while_waiting)
{
    Live live = live_new("queue-depth", 2, NULL);

    begin(&live);
    expect_frame(&live, 0, TRUE);
    await_wait(&live, 1 * SECOND);
    fail_unless(gst_element_set_state(live.harness->element, GST_STATE_PAUSED) !=
                GST_STATE_CHANGE_FAILURE);
    gst_test_clock_set_time(live.clock, live.start + 5 * SECOND);
    gst_element_set_base_time(live.harness->element,
                              gst_element_get_base_time(live.harness->element) + 5 * SECOND);
    fail_unless(gst_element_set_state(live.harness->element, GST_STATE_PLAYING) !=
                GST_STATE_CHANGE_FAILURE);
    await_wait(&live, 6 * SECOND);
    fail_unless_equals_int(gst_harness_buffers_in_queue(live.harness), 0);
    move_clock(&live, 6 * SECOND);
    expect_frame(&live, 1, FALSE);
    live_free(&live);
}
GST_END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("clock");
    TCase *clock = tcase_create("clock");

    suite_add_tcase(suite, clock);
    tcase_add_test(clock, test_on_time);
    tcase_add_test(clock, test_late_frames);
    tcase_add_test(clock, test_anytime);
    tcase_add_test(clock, test_film_begins);
    tcase_add_test(clock, test_late_in_film);
    tcase_add_loop_test(clock, test_film_anytime, 0, 2);
    tcase_add_test(clock, test_latency);
    tcase_add_test(clock, test_steps_follow_qos);
    tcase_add_test(clock, test_stop_while_waiting);
    tcase_add_test(clock, test_pause_while_waiting);
    return suite;
}
