/* frames.c - what an application does with an element, for the test of faults: plays a pipeline of
 * the elements to its end and prints the checksum of each buffer that arrives. Faults begin once
 * GStreamer is initialised. Argument: the pipeline, as for gst-launch-1.0, with a sink of the name
 * "sink". Exit status 1: an error, which it prints. */
#include <gst/gst.h>

#include <dlfcn.h>
#include <stdio.h>

enum { PATIENCE = 50 }; /* seconds */

static void on_handoff(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer user)
{
    GstMapInfo map;
    gchar *sum;

    (void)sink, (void)pad, (void)user;
    if (!gst_buffer_map(buffer, &map, GST_MAP_READ))
        return;
    sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, map.data, map.size);
    gst_buffer_unmap(buffer, &map);
    printf("%s\n", sum);
    g_free(sum);
}

/* Whether it came to its end; else says why not. */
static gboolean play(GstElement *pipeline)
{
    GstBus *bus = gst_element_get_bus(pipeline);
    GstMessage *message;
    gboolean ended;
    GError *error;

    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    message =
        gst_bus_timed_pop_filtered(bus, PATIENCE * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    ended = message && GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS;
    if (message && !ended) {
        gst_message_parse_error(message, &error, NULL);
        g_printerr("%s\n", error->message);
        g_error_free(error);
    } else if (!message) {
        g_printerr("nothing came\n");
        abort();
    }
    gst_message_unref(message);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(bus);
    return ended;
}

int main(int argc, char **argv)
{
    GstElement *pipeline, *sink;
    void (*begin)(void);
    GError *error = NULL;
    gboolean good;

    gst_init(&argc, &argv);
    pipeline = argc == 2 ? gst_parse_launch(argv[1], &error) : NULL;
    if (!pipeline) {
        g_printerr("%s\n", error ? error->message : "expected a pipeline");
        return 2;
    }
    sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
    g_signal_connect(sink, "handoff", G_CALLBACK(on_handoff), NULL);
    begin = (void (*)(void))dlsym(RTLD_DEFAULT, "faults_begin");
    if (begin)
        begin();
    good = play(pipeline);
    gst_object_unref(sink);
    gst_object_unref(pipeline);
    if (fflush(stdout) != 0)
        perror("standard output");
    return ferror(stdout) || !good;
}
