/* appsink.c - pictures in a C program: an appsink receives codesrc's frames as bytes. Writes 0.ppm,
 * 1.ppm... and prints each picture's class, seed and frame.
 *
 *     cc appsink.c -o appsink $(pkg-config --cflags --libs gstreamer-app-1.0 gstreamer-video-1.0)
 */
#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gst/video/video.h>

#include <stdio.h>
#include <string.h>

/* The buffer's meta, GstCodeMeta, says how the picture was made: see docs/properties.md. */
static void describe(GstBuffer *buffer, int number)
{
    GstCustomMeta *meta = gst_buffer_get_custom_meta(buffer, "GstCodeMeta");
    const GstStructure *facts = meta ? gst_custom_meta_get_structure(meta) : NULL;
    guint64 seed = 0, frame = 0;

    if (!facts)
        return;
    gst_structure_get_uint64(facts, "seed", &seed);
    gst_structure_get_uint64(facts, "frame", &frame);
    g_print("%d.ppm: %s, seed %" G_GUINT64_FORMAT ", frame %" G_GUINT64_FORMAT "\n", number,
            gst_structure_get_string(facts, "class-name"), seed, frame);
}

static gboolean save(GstSample *sample, int number)
{
    GstVideoInfo info;
    GstVideoFrame frame;
    char name[32];
    FILE *file;
    gboolean good;

    gst_video_info_from_caps(&info, gst_sample_get_caps(sample));
    if (!gst_video_frame_map(&frame, &info, gst_sample_get_buffer(sample), GST_MAP_READ))
        return FALSE;

    snprintf(name, sizeof name, "%d.ppm", number);
    file = fopen(name, "wb");
    if (file) {
        fprintf(file, "P6\n%d %d\n255\n", info.width, info.height);
        for (int y = 0; y < info.height; y++)
            fwrite((char *)GST_VIDEO_FRAME_PLANE_DATA(&frame, 0) +
                       (gsize)y * GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0),
                   3, info.width, file);
    }
    gst_video_frame_unmap(&frame);
    good = file && !ferror(file);
    return file && !fclose(file) && good;
}

static const char usage[] = "Usage: appsink [\"PROPERTY=VALUE...\"]\n"
                            "  of codesrc, such as \"class-name=aurora num-buffers=4\"\n";

int main(int argc, char **argv)
{
    GError *error = NULL;
    GstElement *pipeline, *sink;
    GstMessage *message;
    GstSample *sample;
    GstBus *bus;
    int status = 0;

    if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        g_print("%s", usage);
        return 0;
    }
    if (argc > 2 || (argc == 2 && !strchr(argv[1], '='))) {
        g_printerr("appsink: found \"%s\", expected \"PROPERTY=VALUE...\"; see --help\n",
                   argv[argc - 1]);
        return 2;
    }
    gst_init(NULL, NULL);

    char *text = g_strdup_printf("codesrc num-buffers=2 %s ! video/x-raw,format=RGB ! "
                                 "appsink name=sink sync=false",
                                 argc > 1 ? argv[1] : "");
    pipeline = gst_parse_launch_full(text, NULL, GST_PARSE_FLAG_FATAL_ERRORS, &error);
    g_free(text);
    if (!pipeline) {
        g_printerr("appsink: %s\n", error->message);
        if (g_error_matches(error, GST_PARSE_ERROR, GST_PARSE_ERROR_NO_SUCH_ELEMENT))
            g_printerr("After ./demo, set GStreamer's path:\n  . build/demo/env.sh\n");
        g_error_free(error);
        return 1;
    }
    sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
    bus = gst_element_get_bus(pipeline);
    if (gst_element_set_state(pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
        gst_element_set_state(sink, GST_STATE_NULL); /* so that pull_sample does not wait */

    /* NULL at the end of the stream, also after an error. */
    for (int i = 0; (sample = gst_app_sink_pull_sample(GST_APP_SINK(sink))); i++) {
        describe(gst_sample_get_buffer(sample), i);
        if (!save(sample, i)) {
            g_printerr("appsink: %d.ppm cannot be written\n", i);
            status = 1;
        }
        gst_sample_unref(sample);
    }
    message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
    if (message) {
        gst_message_parse_error(message, &error, NULL);
        g_printerr("appsink: %s\n", error->message);
        g_error_free(error);
        gst_message_unref(message);
        status = 1;
    }
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(bus);
    gst_object_unref(sink);
    gst_object_unref(pipeline);
    return status;
}
