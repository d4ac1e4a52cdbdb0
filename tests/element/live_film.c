/* live_film.c - a benchmark: plays a live film in real time and reports drops, the processor's
 * share, the jitter of buffers' arrival, and the latency.
 *
 *     live-film [SECONDS [PROPERTIES]]
 *
 * PROPERTIES of codesrc as in gst-launch-1.0; 10 seconds of hold=25 morph=25 by default. */
#include <gst/gst.h>
#include <sys/resource.h>
#include <unistd.h>

#define FPS 25

/* The streaming thread's until the pipeline has stopped. */
typedef struct Arrivals {
    GstElement *pipeline;
    GArray *late; /* gint64: nanoseconds from a buffer's time to its arrival */
    guint64 missing, next;
} Arrivals;

static void arrived(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
    Arrivals *arrivals = data;
    GstClock *clock = gst_element_get_clock(arrivals->pipeline);
    gint64 late;

    (void)sink;
    (void)pad;
    late = (gint64)(gst_clock_get_time(clock) - gst_element_get_base_time(arrivals->pipeline) -
                    GST_BUFFER_PTS(buffer));
    gst_object_unref(clock);
    g_array_append_val(arrivals->late, late);
    arrivals->missing += GST_BUFFER_OFFSET(buffer) - arrivals->next;
    arrivals->next = GST_BUFFER_OFFSET(buffer) + 1;
}

static gint compare(gconstpointer one, gconstpointer other)
{
    gint64 a = *(const gint64 *)one, b = *(const gint64 *)other;

    return (a > b) - (a < b);
}

static gdouble percentile(const GArray *sorted, gdouble part)
{
    return g_array_index(sorted, gint64, (guint)(part * (sorted->len - 1) + 0.5)) / 1e6;
}

static gdouble processor_seconds(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (gdouble)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e-6 * (gdouble)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void report(GstElement *source, Arrivals *arrivals, gdouble seconds, gdouble processor)
{
    glong cores = sysconf(_SC_NPROCESSORS_ONLN);
    guint64 dropped = 0, repeated = 0, latency = 0;
    GstStructure *stats;

    g_array_sort(arrivals->late, compare);
    g_object_get(source, "stats", &stats, NULL);
    gst_structure_get(stats, "dropped", G_TYPE_UINT64, &dropped, "latency", G_TYPE_UINT64, &latency,
                      NULL);
    gst_structure_get_uint64(stats, "repeated", &repeated);
    g_print("%u frames in %.1f s, %" G_GUINT64_FORMAT " missing, %" G_GUINT64_FORMAT
            " dropped, %" G_GUINT64_FORMAT " repeated\n",
            arrivals->late->len, seconds, arrivals->missing, dropped, repeated);
    g_print("%.1f %% of %ld cores\n", 100.0 * processor / seconds / (gdouble)cores, cores);
    g_print("arrival after a frame's time, in ms: 50 %% %.2f, 90 %% %.2f, 99 %% %.2f, "
            "at most %.2f\n",
            percentile(arrivals->late, 0.5), percentile(arrivals->late, 0.9),
            percentile(arrivals->late, 0.99), percentile(arrivals->late, 1.0));
    g_print("latency %.1f ms\n", (gdouble)latency / 1e6);
    gst_structure_free(stats);
}

/* FALSE: an error ended it, and was printed. */
static gboolean play(GstElement *pipeline, gdouble *seconds, gdouble *processor)
{
    GstBus *bus = gst_element_get_bus(pipeline);
    gdouble before;
    GstMessage *message;
    gboolean good;
    gint64 begin;

    /* A live source has its weights once it is paused. */
    gst_element_set_state(pipeline, GST_STATE_PAUSED);
    gst_element_get_state(pipeline, NULL, NULL, GST_CLOCK_TIME_NONE);
    before = processor_seconds();
    begin = g_get_monotonic_time();
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    message =
        gst_bus_timed_pop_filtered(bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    *seconds = (gdouble)(g_get_monotonic_time() - begin) / 1e6;
    *processor = processor_seconds() - before;
    good = GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS;
    if (!good) {
        GError *error;

        gst_message_parse_error(message, &error, NULL);
        g_printerr("%s\n", error->message);
        g_error_free(error);
    }
    gst_message_unref(message);
    gst_object_unref(bus);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    return good;
}

int main(int argc, char **argv)
{
    Arrivals arrivals = {.late = g_array_new(FALSE, FALSE, sizeof(gint64))};
    gint seconds = argc > 1 ? atoi(argv[1]) : 10;
    GstElement *pipeline, *source, *sink;
    gdouble taken = 0.0, processor = 0.0;
    GError *error = NULL;
    gboolean good;
    gchar *line;

    gst_init(NULL, NULL);
    line = g_strdup_printf("codesrc name=source is-live=true %s num-buffers=%d ! "
                           "video/x-raw,framerate=%d/1 ! "
                           "fakesink name=sink sync=false signal-handoffs=true",
                           argc > 2 ? argv[2] : "hold=25 morph=25", FPS * MAX(seconds, 1), FPS);
    pipeline = gst_parse_launch(line, &error);
    g_free(line);
    if (error) {
        g_printerr("%s\n", error->message);
        return 1;
    }
    source = gst_bin_get_by_name(GST_BIN(pipeline), "source");
    sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
    arrivals.pipeline = pipeline;
    g_signal_connect(sink, "handoff", G_CALLBACK(arrived), &arrivals);
    good = play(pipeline, &taken, &processor);
    if (good && arrivals.late->len > 0)
        report(source, &arrivals, taken, processor);
    g_array_unref(arrivals.late);
    gst_object_unref(sink);
    gst_object_unref(source);
    gst_object_unref(pipeline);
    return good ? 0 : 1;
}
