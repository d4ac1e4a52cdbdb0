/* test_playback.c - a URI is all that a player needs: playbin and uridecodebin, with the bundled
 * model. They are elements of gst-plugins-base. */
#include "common.h"

#define URI "code://aurora?seed=7&drafting-steps=8&num-buffers=3"

/* What the URI says is what was drawn. */
static void check_buffer(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
    GstCustomMeta *meta = gst_buffer_get_custom_meta(buffer, "GstCodeMeta");
    guint *count = data;
    GstStructure *structure;
    guint64 seed, frame;
    guint steps;

    (void)sink;
    (void)pad;
    fail_unless(meta != NULL);
    structure = gst_custom_meta_get_structure(meta);
    fail_unless(gst_structure_get(structure, "seed", G_TYPE_UINT64, &seed, "frame", G_TYPE_UINT64,
                                  &frame, "drafting-steps", G_TYPE_UINT, &steps, NULL));
    fail_unless_equals_string(gst_structure_get_string(structure, "class-name"), "aurora");
    fail_unless_equals_uint64(seed, 7);
    fail_unless_equals_uint64(frame, *count);
    fail_unless_equals_int(steps, 8);
    (*count)++;
}

/* Plays `description` to its end. */
static void play(const gchar *description)
{
    GError *error = NULL;
    GstElement *pipeline =
        gst_parse_launch_full(description, NULL, GST_PARSE_FLAG_FATAL_ERRORS, &error);
    GstElement *sink;
    GstMessage *message;
    guint count = 0;
    GstBus *bus;

    fail_unless(pipeline != NULL, "%s", error ? error->message : "");
    sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
    if (!sink) {
        g_object_get(pipeline, "video-sink", &sink, NULL);
        fail_unless(sink != NULL);
    }
    g_object_set(sink, "signal-handoffs", TRUE, NULL);
    g_signal_connect(sink, "handoff", G_CALLBACK(check_buffer), &count);
    bus = gst_element_get_bus(pipeline);
    fail_unless(gst_element_set_state(pipeline, GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE);
    message = gst_bus_timed_pop_filtered(bus, PATIENCE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    fail_unless(message != NULL && GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS, "%" GST_PTR_FORMAT,
                message);
    fail_unless_equals_int(count, 3);
    gst_message_unref(message);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(sink);
    gst_object_unref(bus);
    gst_object_unref(pipeline);
}

GST_START_TEST(test_playbin)
{
    play("playbin uri=\"" URI "\" video-sink=\"fakesink name=sink\"");
}
GST_END_TEST

GST_START_TEST(test_uridecodebin)
{
    play("uridecodebin uri=\"" URI "\" ! videoconvert ! fakesink name=sink");
}
GST_END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("playback");
    TCase *playback = tcase_create("playback");

    suite_add_tcase(suite, playback);
    tcase_add_test(playback, test_playbin);
    tcase_add_test(playback, test_uridecodebin);
    return suite;
}
