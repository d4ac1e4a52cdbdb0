/* test_exit.c - processes that end while an element loads, prepares or draws: none may crash or
 * hang. Usage: test_exit ENDS, of each element, precision and way to end. Each process is this
 * program, run again as a child: test_exit ELEMENT PRECISION END MICROSECONDS. */
#include <glib/gstdio.h>
#include <gst/gst.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "codesrc.h"

enum { SECONDS = 60 };

static const gchar *const elements[] = {"codesrc", "codepaint"};
static const gchar *const ends[] = {"exit", "return"};
static const gchar *const precisions[] = {"f32", "bf16", "int8"};

/* ---- the child ------------------------------------------------------------------------------- */

static void first_buffer(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer begin)
{
    (void)sink, (void)buffer, (void)pad;
    g_print("%" G_GINT64_FORMAT "\n", g_get_monotonic_time() - *(gint64 *)begin);
    _Exit(0);
}

/* Plays, and ends in the middle. A time of 0: prints how long the first picture takes. */
static int play_and_end(gchar **argv)
{
    gboolean paints = g_str_equal(argv[1], "codepaint");
    gint64 time = g_ascii_strtoll(argv[4], NULL, 10), begin, end;
    gchar *launch =
        paints ? g_strdup_printf(
                     "appsrc name=in format=time ! video/x-raw,format=RGB,width=256,height=256,"
                     "framerate=30/1 ! codepaint precision=%s device=cpu "
                     "mask=0,0,128,128 ! fakesink name=sink signal-handoffs=true",
                     argv[2])
               : g_strdup_printf("codesrc precision=%s device=cpu is-live=%s ! "
                                 "video/x-raw,framerate=30/1 ! fakesink name=sink "
                                 "signal-handoffs=true",
                                 argv[2], time % 2 ? "true" : "false");
    GstElement *pipeline, *sink, *in;
    GstFlowReturn flow;

    gst_init(NULL, NULL);
    pipeline = gst_parse_launch_full(launch, NULL, GST_PARSE_FLAG_FATAL_ERRORS, NULL);
    if (!pipeline)
        return 1;
    sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
    begin = g_get_monotonic_time();
    if (time == 0)
        g_signal_connect(sink, "handoff", G_CALLBACK(first_buffer), &begin);
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    in = gst_bin_get_by_name(GST_BIN(pipeline), "in");
    for (guint n = 0; in && n < 3; n++) {
        GstBuffer *buffer = gst_buffer_new_allocate(NULL, 3 * 256 * 256, NULL);

        gst_buffer_memset(buffer, 0, 99, -1);
        GST_BUFFER_PTS(buffer) = n * GST_SECOND / 30;
        g_signal_emit_by_name(in, "push-buffer", buffer, &flow);
        gst_buffer_unref(buffer);
    }
    end = begin + (time ? time : SECONDS * G_TIME_SPAN_SECOND);
    while (g_get_monotonic_time() < end)
        g_usleep(MAX(1, MIN(end - g_get_monotonic_time(), 1000)));
    if (g_str_equal(argv[3], "exit"))
        exit(0);
    return 0;
}

/* ---- the parent ------------------------------------------------------------------------------ */

/* Whether the processor has the precision, without weights. */
static gboolean have(const gchar *precision)
{
    CodesrcModelOptions options;
    CodesrcModel *model;
    CodesrcError error;

    codesrc_model_options_init(&options);
    options.device = "cpu";
    options.precision = precision;
    options.headers_only = true;
    model = codesrc_model_open("vistas", &options, &error);
    if (!model)
        printf("not here: %s\n", error.text);
    codesrc_model_unref(model);
    return model != NULL;
}

/* Runs a child. FALSE: it ended otherwise than with 0, which is printed. */
static gboolean run(const gchar *program, const gchar *element, const gchar *precision,
                    const gchar *end, gint64 time, gchar **output)
{
    gchar *text = g_strdup_printf("%" G_GINT64_FORMAT, time);
    gchar *seconds = g_strdup_printf("%d", 2 * SECONDS);
    const gchar *argv[] = {"timeout", seconds, program, element, precision, end, text, NULL};
    gint status = -1;
    gboolean good = g_spawn_sync(NULL, (gchar **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
                                 output, NULL, &status, NULL) &&
                    WIFEXITED(status) && WEXITSTATUS(status) == 0;

    if (!good)
        printf("FAILED: %s %s %s after %s us: status 0x%x\n", element, precision, end, text,
               (guint)status);
    g_free(seconds);
    g_free(text);
    return good;
}

/* At random moments, from the start to half again as long as the first picture takes. */
static guint end_all(const gchar *program, const gchar *element, const gchar *precision,
                     guint ends_of_each, GRand *rand)
{
    gchar *output = NULL;
    guint failures = 0;
    gint64 picture;

    if (!run(program, element, precision, "return", 0, &output))
        return 1;
    picture = g_ascii_strtoll(output, NULL, 10);
    printf("%s %s: the first picture takes %" G_GINT64_FORMAT " us\n", element, precision, picture);
    for (guint e = 0; e < G_N_ELEMENTS(ends); e++)
        for (guint i = 0; i < ends_of_each; i++)
            failures += !run(program, element, precision, ends[e],
                             g_rand_int_range(rand, 1, (gint32)(picture * 3 / 2)), NULL);
    g_free(output);
    return failures;
}

int main(int argc, char **argv)
{
    guint32 seed = (guint32)g_get_real_time();
    guint failures = 0, tried = 0, ends_of_each;
    GRand *rand;

    if (argc == 5)
        return play_and_end(argv);
    ends_of_each = argc == 2 ? (guint)atoi(argv[1]) : 0;
    if (!ends_of_each) {
        fprintf(stderr, "usage: %s ENDS\n", argv[0]);
        return 2;
    }
    printf("seed %u\n", seed);
    rand = g_rand_new_with_seed(seed);
    for (guint p = 0; p < G_N_ELEMENTS(precisions); p++)
        for (guint e = 0; e < G_N_ELEMENTS(elements) && have(precisions[p]); e++) {
            failures += end_all(argv[0], elements[e], precisions[p], ends_of_each, rand);
            tried += ends_of_each * G_N_ELEMENTS(ends);
        }
    g_rand_free(rand);
    if (!tried) {
        printf("skipped: this build has no device cpu\n");
        return 77;
    }
    printf("%u of %u processes failed\n", failures, tried);
    return failures > 0;
}
