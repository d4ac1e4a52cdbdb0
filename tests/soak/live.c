/* live.c - the pipeline of tools/soak: a live codesrc whose frames go to one sink, and through
 * codepaint to another. Each second another class, and from time to time a restart at another
 * frame, with fewer drafting steps if pictures are late. Prints "PROCESSED DROPPED", the frames of
 * both elements so far, each second, until SIGTERM. Arguments: the model, frames a second, and
 * seconds between restarts. Exit status 1: an ERROR came, which it prints. */
#include <glib-unix.h>
#include <gst/gst.h>

#include <stdio.h>
#include <stdlib.h>

typedef struct Soak {
    GstElement *pipeline, *source, *paint;
    GMainLoop *loop;
    GRand *random;
    guint64 processed, dropped; /* until the last restart */
    guint restart, seconds;
    gint classes;
    gboolean failed;
} Soak;

static void add(GstElement *element, guint64 *processed, guint64 *dropped)
{
    GstStructure *stats;
    guint64 more = 0, less = 0;

    g_object_get(element, "stats", &stats, NULL);
    gst_structure_get(stats, "processed", G_TYPE_UINT64, &more, "dropped", G_TYPE_UINT64, &less,
                      NULL);
    *processed += more;
    *dropped += less;
    gst_structure_free(stats);
}

static void report(Soak *soak)
{
    guint64 processed = soak->processed, dropped = soak->dropped;

    add(soak->source, &processed, &dropped);
    add(soak->paint, &processed, &dropped);
    printf("%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT "\n", processed, dropped);
    fflush(stdout);
}

static void restart(Soak *soak)
{
    add(soak->source, &soak->processed, &soak->dropped);
    add(soak->paint, &soak->processed, &soak->dropped);
    gst_element_set_state(soak->pipeline, GST_STATE_READY);
    g_object_set(soak->source, "first-frame", (guint64)g_rand_int(soak->random), NULL);
    gst_element_set_state(soak->pipeline, GST_STATE_PLAYING);
}

static gboolean each_second(gpointer user)
{
    Soak *soak = user;
    gint class_id = g_rand_int_range(soak->random, -1, soak->classes);

    g_object_set(soak->source, "class-id", class_id, NULL);
    g_object_set(soak->paint, "class-id", class_id, NULL);
    if (++soak->seconds % soak->restart == 0)
        restart(soak);
    report(soak);
    return G_SOURCE_CONTINUE;
}

static gboolean on_error(GstBus *bus, GstMessage *message, gpointer user)
{
    Soak *soak = user;
    GError *error;

    (void)bus;
    if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_ERROR)
        return G_SOURCE_CONTINUE;
    gst_message_parse_error(message, &error, NULL);
    g_printerr("%s\n", error->message);
    g_error_free(error);
    soak->failed = TRUE;
    g_main_loop_quit(soak->loop);
    return G_SOURCE_CONTINUE;
}

static gboolean on_term(gpointer loop)
{
    g_main_loop_quit(loop);
    return G_SOURCE_CONTINUE;
}

static GstElement *make_pipeline(const gchar *model, gint rate)
{
    gchar *line = g_strdup_printf(
        "codesrc name=source is-live=true qos=true min-drafting-steps=1 model=\"%s\" ! "
        "video/x-raw,format=RGB,framerate=%d/1 ! tee name=tee "
        "tee. ! queue ! fakesink sync=true qos=true "
        "tee. ! queue ! codepaint name=paint mask=0,0,4,4 model=\"%s\" ! fakesink sync=true",
        model, rate, model);
    GstElement *pipeline = gst_parse_launch_full(line, NULL, GST_PARSE_FLAG_FATAL_ERRORS, NULL);

    g_free(line);
    return pipeline;
}

int main(int argc, char **argv)
{
    Soak soak = {.random = g_rand_new_with_seed(1), .classes = 3};
    GstBus *bus;

    gst_init(&argc, &argv);
    soak.pipeline = argc == 4 ? make_pipeline(argv[1], atoi(argv[2])) : NULL;
    soak.restart = argc == 4 ? (guint)MAX(1, atoi(argv[3])) : 1;
    if (!soak.pipeline) {
        g_printerr("expected a model, frames a second and seconds, and the elements\n");
        return 2;
    }
    soak.loop = g_main_loop_new(NULL, FALSE);
    soak.source = gst_bin_get_by_name(GST_BIN(soak.pipeline), "source");
    soak.paint = gst_bin_get_by_name(GST_BIN(soak.pipeline), "paint");
    bus = gst_element_get_bus(soak.pipeline);
    gst_bus_add_watch(bus, on_error, &soak);
    g_unix_signal_add(SIGTERM, on_term, soak.loop);
    g_timeout_add_seconds(1, each_second, &soak);
    gst_element_set_state(soak.pipeline, GST_STATE_PLAYING);
    g_main_loop_run(soak.loop);
    gst_element_set_state(soak.pipeline, GST_STATE_NULL);
    gst_bus_remove_watch(bus);
    gst_object_unref(bus);
    gst_object_unref(soak.source);
    gst_object_unref(soak.paint);
    gst_object_unref(soak.pipeline);
    g_main_loop_unref(soak.loop);
    g_rand_free(soak.random);
    return soak.failed;
}
