/* test_live.c - real time: latency, frames that come too late, and QoS. */
#include <gst/check/gstharness.h>
#include <gst/check/gsttestclock.h>
#include <gst/controller/gstdirectcontrolbinding.h>
#include <gst/controller/gstinterpolationcontrolsource.h>

#include "common.h"

#define FPS100 "video/x-raw,framerate=100/1"

static gint latencies, reports; /* atomic: messages so far */

static GstBusSyncReply on_message(GstBus *bus, GstMessage *message, gpointer data)
{
    (void)bus;
    (void)data;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_LATENCY)
        g_atomic_int_inc(&latencies);
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_QOS)
        g_atomic_int_inc(&reports);
    return GST_BUS_PASS;
}

static GstClockTime query_latency(GstElement *source)
{
    GstQuery *query = gst_query_new_latency();
    GstClockTime least, most;
    gboolean live;

    fail_unless(gst_element_query(source, query));
    gst_query_parse_latency(query, &live, &least, &most);
    fail_unless(live);
    fail_if(GST_CLOCK_TIME_IS_VALID(most));
    gst_query_unref(query);
    return least;
}

static guint64 get_stat(GstElement *source, const gchar *name)
{
    GstStructure *stats;
    guint64 value;

    g_object_get(source, "stats", &stats, NULL);
    fail_unless(gst_structure_get_uint64(stats, name, &value), "%s", name);
    gst_structure_free(stats);
    return value;
}

/* A model that takes many times the length of a frame: real time is kept, the frames between are
 * passed over and counted, and nothing drifts. */
GST_START_TEST(test_slow_live)
{
    gchar *description = g_strdup_printf(
        "model=\"%s\" " SLOWEST " is-live=true num-buffers=4 class-id=1", slow_model());
    Player *player = player_new(description, FPS100);
    guint64 gaps = 0;

    gst_bus_set_sync_handler(player->bus, on_message, NULL, NULL);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    fail_unless_equals_int(player->frames->len, 4);
    for (guint i = 1; i < 4; i++) {
        const Frame *frame = player_frame(player, i), *before = player_frame(player, i - 1);
        guint64 step = frame->offset - before->offset;

        fail_unless_equals_uint64(frame->pts - before->pts, step * 10 * GST_MSECOND);
        fail_unless(frame->discont == (step > 1));
        gaps += step - 1;
    }
    fail_unless(gaps > 0);
    fail_unless_equals_uint64(gaps, get_stat(player->source, "dropped"));
    fail_unless_equals_uint64(query_latency(player->source), get_stat(player->source, "latency"));
    fail_unless(query_latency(player->source) > 10 * GST_MSECOND);
    fail_unless(g_atomic_int_get(&latencies) > 0);
    fail_unless(g_atomic_int_get(&reports) > 0);
    g_print("latency %.1f ms, %" G_GUINT64_FORMAT " frames passed over\n",
            query_latency(player->source) / 1e6, gaps);
    gst_bus_set_sync_handler(player->bus, NULL, NULL, NULL);
    player_free(player);
    g_free(description);
}
GST_END_TEST

/* Pulls buffers until there is one with this offset or a later one. */
static GstBuffer *pull_until(GstHarness *harness, guint64 offset)
{
    for (;;) {
        GstBuffer *buffer = gst_harness_pull(harness);

        fail_unless(buffer != NULL);
        if (GST_BUFFER_OFFSET(buffer) >= offset)
            return buffer;
        gst_buffer_unref(buffer);
    }
}

static gchar *checksum_of(GstBuffer *buffer)
{
    GstMapInfo map;
    gchar *sum;

    fail_unless(gst_buffer_map(buffer, &map, GST_MAP_READ));
    sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, map.data, map.size);
    gst_buffer_unmap(buffer, &map);
    return sum;
}

/* Frame `offset` of a stream, drawn alone. */
static gchar *frame_alone(gboolean film, guint64 offset)
{
    gchar *description =
        g_strdup_printf(film ? "num-buffers=1 hold=3 morph=5 phase=%" G_GUINT64_FORMAT
                             : "num-buffers=1 first-frame=%" G_GUINT64_FORMAT,
                        offset);
    Player *alone = player_new(description, NULL);
    gchar *sum;

    fail_unless_equals_int(player_play(alone), GST_MESSAGE_EOS);
    sum = g_strdup(player_frame(alone, 0)->checksum);
    player_free(alone);
    g_free(description);
    return sum;
}

static void check_qos_event(gboolean qos, gboolean film)
{
    GstHarness *harness = gst_harness_new_with_padnames("codesrc", NULL, "src");
    GstBuffer *buffer;
    gchar *sum, *expected;

    g_object_set(harness->element, "model", tiny_model(), "qos", qos, "hold", film ? 3 : 1, "morph",
                 film ? 5 : 0, NULL);
    gst_harness_set_sink_caps_str(harness, FPS100);
    gst_harness_set_blocking_push_mode(harness);
    gst_harness_play(harness);
    gst_buffer_unref(gst_harness_pull(harness));
    /* At one second 0.5 s late: what comes before 2 s is late as well. */
    gst_harness_push_upstream_event(
        harness, gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 1.5, 500 * GST_MSECOND, GST_SECOND));
    buffer = pull_until(harness, 150);
    if (qos) {
        fail_unless(GST_BUFFER_OFFSET(buffer) >= 200);
        /* Those of a film that were drawn ahead come still. */
        fail_unless(get_stat(harness->element, "dropped") > (film ? 50 : 150));
    } else {
        fail_unless_equals_uint64(GST_BUFFER_OFFSET(buffer), 150);
        fail_unless_equals_uint64(get_stat(harness->element, "dropped"), 0);
    }
    fail_unless_equals_uint64(GST_BUFFER_PTS(buffer), GST_BUFFER_OFFSET(buffer) * 10 * GST_MSECOND);
    fail_unless(GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT) == qos);
    sum = checksum_of(buffer);
    expected = frame_alone(film, GST_BUFFER_OFFSET(buffer));
    fail_unless_equals_string(sum, expected);
    g_free(expected);
    g_free(sum);
    gst_buffer_unref(buffer);
    gst_harness_teardown(harness);
}

/* Downstream says that it is late: the frames until then are passed over, and the next is the one
 * that it would have been. With qos=false nothing is. */
GST_START_TEST(test_qos_event)
{
    check_qos_event(TRUE, FALSE);
    check_qos_event(FALSE, FALSE);
    check_qos_event(TRUE, TRUE);
    check_qos_event(FALSE, TRUE);
}
GST_END_TEST

/* ---- pauses ---------------------------------------------------------------------- */

/* Pictures that the drawing thread has begun, and how many it may begin. */
typedef struct Gate {
    GMutex lock;
    GCond changed;
    guint begun, most;
} Gate;

/* A controlled property changes before each picture. */
static void pass_gate(GObject *source, GParamSpec *spec, gpointer data)
{
    Gate *gate = data;

    (void)source;
    (void)spec;
    g_mutex_lock(&gate->lock);
    gate->begun++;
    g_cond_broadcast(&gate->changed);
    while (gate->begun > gate->most)
        g_cond_wait(&gate->changed, &gate->lock);
    g_mutex_unlock(&gate->lock);
}

/* Opens the gate for `most` pictures and waits for the one after them. */
static void open_gate(Gate *gate, guint most)
{
    g_mutex_lock(&gate->lock);
    gate->most = most;
    g_cond_broadcast(&gate->changed);
    while (gate->begun <= most && most < G_MAXUINT)
        g_cond_wait(&gate->changed, &gate->lock);
    g_mutex_unlock(&gate->lock);
}

static void control(GstElement *source)
{
    GstControlSource *schedule = gst_interpolation_control_source_new();

    g_object_set(schedule, "mode", GST_INTERPOLATION_MODE_LINEAR, NULL);
    for (guint i = 0; i < 2; i++)
        gst_timed_value_control_source_set(GST_TIMED_VALUE_CONTROL_SOURCE(schedule),
                                           i * 1000 * GST_SECOND, i);
    fail_unless(gst_object_add_control_binding(
        GST_OBJECT(source),
        gst_direct_control_binding_new_absolute(GST_OBJECT(source), "class-mix", schedule)));
    gst_object_unref(schedule);
}

/* Lets the source go on at `time` of the clock. */
static void tick(GstTestClock *clock, GstClockTime time)
{
    gst_test_clock_wait_for_next_pending_id(clock, NULL);
    gst_test_clock_set_time(clock, time);
    gst_clock_id_unref(gst_test_clock_process_next_clock_id(clock));
}

/* The clock goes on in a pause, but frames that are drawn meanwhile are not late. */
GST_START_TEST(test_drawing_in_a_pause)
{
    GstHarness *harness = gst_harness_new_with_padnames("codesrc", NULL, "src");
    Gate gate = {.most = 1};
    GstTestClock *clock;

    g_mutex_init(&gate.lock);
    g_cond_init(&gate.changed);
    g_object_set(harness->element, "model", tiny_model(), "is-live", TRUE, NULL);
    control(harness->element);
    g_signal_connect(harness->element, "notify::class-mix", G_CALLBACK(pass_gate), &gate);
    gst_harness_set_sink_caps_str(harness, "video/x-raw,framerate=1/1");
    gst_harness_use_testclock(harness);
    clock = gst_harness_get_testclock(harness);
    gst_harness_play(harness);

    open_gate(&gate, 1);
    tick(clock, 0);
    gst_buffer_unref(gst_harness_pull(harness));
    gst_element_set_state(harness->element, GST_STATE_PAUSED);
    gst_test_clock_set_time(clock, 100 * GST_SECOND);
    open_gate(&gate, 2);
    open_gate(&gate, G_MAXUINT);
    gst_element_set_base_time(harness->element, 100 * GST_SECOND);
    gst_element_set_state(harness->element, GST_STATE_PLAYING);
    for (guint n = 1; n < 4; n++) {
        GstBuffer *buffer;

        tick(clock, (100 + n) * GST_SECOND);
        buffer = gst_harness_pull(harness);
        fail_unless_equals_uint64(GST_BUFFER_OFFSET(buffer), n);
        fail_unless_equals_uint64(GST_BUFFER_PTS(buffer), n * GST_SECOND);
        gst_buffer_unref(buffer);
    }
    gst_object_unref(clock);
    gst_harness_teardown(harness);
    g_mutex_clear(&gate.lock);
    g_cond_clear(&gate.changed);
}
GST_END_TEST

/* Waiting for the clock is given up at once, here in a stream of one frame an hour. */
GST_START_TEST(test_stop_while_waiting)
{
    Player *player = player_new("is-live=true", "video/x-raw,framerate=1/3600");
    gint64 begin;

    gst_element_set_state(player->pipeline, GST_STATE_PLAYING);
    g_usleep(300000);
    begin = g_get_monotonic_time();
    gst_element_set_state(player->pipeline, GST_STATE_NULL);
    check_at_once(begin);
    player_free(player);
}
GST_END_TEST

static void count_coarse(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
    GstStructure *structure =
        gst_custom_meta_get_structure(gst_buffer_get_custom_meta(buffer, "GstCodeMeta"));
    guint *seen = data, scale, scales, steps;

    (void)sink;
    (void)pad;
    fail_unless(gst_structure_get(structure, "scale", G_TYPE_UINT, &scale, "scales", G_TYPE_UINT,
                                  &scales, "drafting-steps", G_TYPE_UINT, &steps, NULL));
    fail_unless(scale >= 1 && scale <= scales);
    fail_unless(steps >= 3 && steps <= 8);
    seen[0] += scale < scales;
    seen[1] += steps < 8;
}

/* Too fast for the model: pictures come as far as they are, with fewer steps, and say so. */
GST_START_TEST(test_anytime)
{
    gchar *description = g_strdup_printf(
        "model=\"%s\" " SLOWEST " is-live=true anytime=true min-drafting-steps=3 num-buffers=8",
        slow_model());
    Player *player = player_new(description, "video/x-raw,framerate=20/1");
    guint seen[2] = {0, 0};

    g_signal_connect(player->sink, "handoff", G_CALLBACK(count_coarse), seen);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    fail_unless_equals_int(player->frames->len, 8);
    fail_unless(seen[0] > 0);
    fail_unless(seen[1] > 0);
    g_print("%u of 8 not finished, %u with fewer steps, %" G_GUINT64_FORMAT " passed over\n",
            seen[0], seen[1], get_stat(player->source, "dropped"));
    player_free(player);
    g_free(description);
}
GST_END_TEST

/* ---- what a buffer knows --------------------------------------------------------- */

/* The fields that docs/properties.md promises, and no others. */
static void check_fields(const GstStructure *structure)
{
    static const gchar *const fields[] = {
        "model",       "model-digest", "device",      "precision", "class-id",       "class-name",
        "class-id-2",  "class-mix",    "seed",        "frame",     "drafting-steps", "guidance",
        "top-k",       "top-p",        "scale",       "scales",    "seconds",        "launch-line",
        "more-smooth", "temperature",  "keep-scales", "variation"};

    for (guint i = 0; i < G_N_ELEMENTS(fields); i++)
        fail_unless(gst_structure_has_field(structure, fields[i]), "%s", fields[i]);
    fail_unless_equals_int(gst_structure_n_fields(structure), G_N_ELEMENTS(fields));
}

static void check_tag(const GstTagList *tags, const gchar *tag, const gchar *part)
{
    gchar *text = NULL;

    fail_unless(gst_tag_list_get_string(tags, tag, &text), "%s", tag);
    fail_unless(strstr(text, part) != NULL, "%s: %s", tag, text);
    g_free(text);
}

GST_START_TEST(test_meta_and_tags)
{
    GstHarness *harness = gst_harness_new_with_padnames("codesrc", NULL, "src");
    GstTagList *tags = NULL;
    GstEvent *event;

    g_object_set(harness->element, "model", tiny_model(), "seed", (guint64)7, "classes", "4,2",
                 "num-buffers", 3, NULL);
    gst_harness_set_sink_caps_str(harness, FPS100);
    gst_harness_play(harness);
    for (guint i = 0; i < 3; i++) {
        GstBuffer *buffer = gst_harness_pull(harness);
        GstCustomMeta *meta = gst_buffer_get_custom_meta(buffer, "GstCodeMeta");
        GstStructure *structure;
        guint64 seed, frame;
        gint class_id;
        guint scale, scales;

        fail_unless(meta != NULL);
        structure = gst_custom_meta_get_structure(meta);
        check_fields(structure);
        fail_unless(gst_structure_get(structure, "seed", G_TYPE_UINT64, &seed, "frame",
                                      G_TYPE_UINT64, &frame, "class-id", G_TYPE_INT, &class_id,
                                      "scale", G_TYPE_UINT, &scale, "scales", G_TYPE_UINT, &scales,
                                      NULL));
        fail_unless_equals_uint64(seed, 7);
        fail_unless_equals_uint64(frame, i);
        fail_unless_equals_int(class_id, i % 2 ? 2 : 4);
        fail_unless_equals_int(scale, TINY_SCALES);
        fail_unless_equals_int(scales, TINY_SCALES);
        gst_buffer_unref(buffer);
    }
    while (!tags && (event = gst_harness_try_pull_event(harness))) {
        if (GST_EVENT_TYPE(event) == GST_EVENT_TAG) {
            gst_event_parse_tag(event, &tags);
            check_tag(tags, GST_TAG_COMMENT, "first-frame=0");
            check_tag(tags, GST_TAG_TITLE, "tiny");
            check_tag(tags, GST_TAG_APPLICATION_NAME, "codesrc ");
        }
        gst_event_unref(event);
    }
    fail_unless(tags != NULL);
    gst_harness_teardown(harness);
}
GST_END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("live");
    TCase *live = tcase_create("live");

    suite_add_tcase(suite, live);
    tcase_add_test(live, test_slow_live);
    tcase_add_test(live, test_qos_event);
    tcase_add_test(live, test_anytime);
    tcase_add_test(live, test_drawing_in_a_pause);
    tcase_add_test(live, test_stop_while_waiting);
    tcase_add_test(live, test_meta_and_tags);
    return suite;
}
