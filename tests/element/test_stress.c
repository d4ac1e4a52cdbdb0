/* test_stress.c - four threads at once change settings, seek (half of the seeks flush), change
 * states, and make and free further elements, for CODESRC_STRESS_SECONDS seconds. No ERROR comes,
 * nothing hangs, and afterwards the element draws what a new one does. */
#include "common.h"

#include <stdlib.h>

enum { DEFAULT_SECONDS = 3, THREADS = 4, MOST_STILL = 200 /* seconds that one step may take */ };

typedef struct Stress {
    GstElement *pipeline, *source, *paint;
    gint over;
    gint steps[THREADS];
} Stress;

/* ---- what the threads do --------------------------------------------------------------------- */

static const gchar *pick(GRand *random, const gchar *const *values, guint count)
{
    return values[g_rand_int_range(random, 0, (gint)count)];
}

#define PICK(random, values) pick(random, values, G_N_ELEMENTS(values))

/* One property: of the frame, of drawing ahead, or of the film. */
static void change_setting(Stress *stress, GRand *random)
{
    static const gchar *const names[] = {
        "class-id 3",       "class-id -1",      "class-id 10",   "class-id-2 4",
        "class-id-2 -1",    "class-mix 0.5",    "classes 1,2",   "seed 7",
        "seed 8",           "drafting-steps 1", "guidance 0",    "guidance 2",
        "drafting-steps 3", "top-k 5",          "top-p 0.5",     "temperature 0.9",
        "more-smooth 1",    "more-smooth 0",    "keep-scales 2", "keep-scales -1",
        "hold 3",           "hold 1",           "morph 2",       "morph 0",
        "loop 3",           "loop 0",           "first-frame 5", "easing 1",
        "phase 1",          "variation 2",      "precision f32", "precision auto",
        "threads 1",        "threads 2",
    };
    static const gchar *const sources[] = {
        "batch-size 1", "batch-size 3", "queue-depth 0", "queue-depth 4",        "anytime 1",
        "anytime 0",    "qos 1",        "qos 0",         "min-drafting-steps 1", "tags full",
        "tags none",
    };
    static const gchar *const masks[] = {"mask 0,0,4,4", "mask 2,2,6,6", "mask 0,0,0,0"};
    gboolean paints = g_rand_int_range(random, 0, 4) == 0;
    GstElement *element = paints ? stress->paint : stress->source;
    gint kind = g_rand_int_range(random, 0, 4);
    gchar **words = g_strsplit(kind     ? PICK(random, names)
                               : paints ? PICK(random, masks)
                                        : PICK(random, sources),
                               " ", 2);
    GstStructure *stats;

    gst_util_set_object_arg(G_OBJECT(element), words[0], words[1]);
    if (!g_strcmp0(words[0], "classes"))
        g_object_set(element, "classes", NULL, NULL);
    g_strfreev(words);
    g_object_get(element, "stats", &stats, NULL);
    gst_structure_free(stats);
}

/* On the pad: gst_element_send_event locks the element's state while a seek waits for the stream,
 * or for the sinks' states, and GStreamer's state changes lock these in another order. */
static void seek(Stress *stress, GRand *random)
{
    GstPad *pad = gst_element_get_static_pad(stress->source, "src");
    gint64 start = g_rand_int_range(random, 0, 100);
    gboolean back = g_rand_boolean(random), frames = g_rand_boolean(random);
    GstFormat format = frames ? GST_FORMAT_DEFAULT : GST_FORMAT_TIME;
    gint64 unit = frames ? 1 : GST_SECOND / 30;

    if (g_rand_int_range(random, 0, 4) == 0)
        gst_pad_query_position(pad, format, &start);
    else
        gst_pad_send_event(pad, gst_event_new_seek(back ? -1.0 : 1.0, format,
                                                   g_rand_boolean(random) ? GST_SEEK_FLAG_FLUSH
                                                                          : GST_SEEK_FLAG_SEGMENT,
                                                   GST_SEEK_TYPE_SET, start * unit,
                                                   GST_SEEK_TYPE_SET, (start + 50) * unit));
    gst_object_unref(pad);
}

static void change_state(Stress *stress, GRand *random)
{
    static const GstState states[] = {GST_STATE_NULL, GST_STATE_READY, GST_STATE_PAUSED,
                                      GST_STATE_PLAYING, GST_STATE_PLAYING};
    GstState state = states[g_rand_int_range(random, 0, G_N_ELEMENTS(states))];

    fail_unless(gst_element_set_state(stress->pipeline, state) != GST_STATE_CHANGE_FAILURE);
    if (state == GST_STATE_NULL)
        g_object_set(stress->source, "is-live", g_rand_boolean(random), NULL);
    g_usleep((gulong)g_rand_int_range(random, 0, 30000));
}

/* Another element, which shares the weights, for a moment. */
static void make_and_free(Stress *stress, GRand *random)
{
    static const gchar *const more[] = {"", "precision=f32", "batch-size=2", "hold=2 morph=2",
                                        "is-live=true"};
    gchar *launch =
        g_strdup_printf("codesrc model=\"%s\" %s ! fakesink", tiny_model(), PICK(random, more));
    GstElement *other = gst_parse_launch(launch, NULL);

    (void)stress;
    gst_element_set_state(other, GST_STATE_PLAYING);
    g_usleep((gulong)g_rand_int_range(random, 0, 40000));
    gst_element_set_state(other, GST_STATE_NULL);
    gst_object_unref(other);
    g_free(launch);
}

/* ---- the threads ----------------------------------------------------------------------------- */

typedef struct Thread {
    Stress *stress;
    guint number;
} Thread;

static gpointer run(gpointer data)
{
    static void (*const steps[THREADS])(Stress *, GRand *) = {change_setting, seek, change_state,
                                                              make_and_free};
    static const gulong rests[THREADS] = {500, 3000, 0, 0};
    const Thread *thread = data;
    GRand *random = g_rand_new_with_seed(thread->number);

    while (!g_atomic_int_get(&thread->stress->over)) {
        steps[thread->number](thread->stress, random);
        g_atomic_int_inc(&thread->stress->steps[thread->number]);
        g_usleep(rests[thread->number]);
    }
    g_rand_free(random);
    return NULL;
}

/* An ERROR, or a thread that makes no step, ends the test. */
static void watch(Stress *stress, gint64 seconds)
{
    GstBus *bus = gst_element_get_bus(stress->pipeline);
    gint last[THREADS] = {-1, -1, -1, -1}, still[THREADS] = {0};

    for (gint64 second = 0; second < seconds; second++) {
        gint64 end = g_get_monotonic_time() + G_TIME_SPAN_SECOND;

        while (g_get_monotonic_time() < end) {
            GstMessage *message = gst_bus_timed_pop(bus, GST_SECOND / 20);
            GError *error;

            if (message && GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
                gst_message_parse_error(message, &error, NULL);
                fail("%s", error->message);
            }
            g_clear_pointer(&message, gst_message_unref);
        }
        for (guint i = 0; i < THREADS; i++) {
            gint steps = g_atomic_int_get(&stress->steps[i]);

            still[i] = steps == last[i] ? still[i] + 1 : 0;
            last[i] = steps;
            fail_unless(still[i] < MOST_STILL, "thread %u hangs", i);
        }
    }
    gst_object_unref(bus);
}

/* Frame 3 of a class, from an element that has been through it all and from a new one. */
static void check_usable(Stress *stress)
{
    GstElement *pipeline = gst_pipeline_new(NULL);
    gchar *truth = picture_checksum("class-id=2 seed=5 first-frame=3 precision=f32 num-buffers=1");
    GstElement *sink = gst_element_factory_make("fakesink", NULL);
    GstSample *sample = NULL;
    gchar *sum;

    gst_object_ref(stress->source);
    gst_bin_remove(GST_BIN(stress->pipeline), stress->source);
    gst_bin_add_many(GST_BIN(pipeline), stress->source, sink, NULL);
    gst_object_unref(stress->source);
    fail_unless(gst_element_link(stress->source, sink));
    g_object_set(stress->source, "class-id", 2, "class-id-2", -1, "class-mix", 0.0, "seed",
                 (guint64)5, "drafting-steps", 0, "guidance", -1.0, "top-k", -1, "top-p", -1.0,
                 "temperature", -1.0, "more-smooth", FALSE, "keep-scales", -1, "variation",
                 (guint64)0, "hold", 1, "morph", 0, "loop", 0, "phase", 0, "first-frame",
                 (guint64)3, "progressive", FALSE, "anytime", FALSE, "min-drafting-steps", 0,
                 "is-live", FALSE, "num-buffers", 1, "batch-size", 1, "queue-depth", 1, NULL);
    gst_util_set_object_arg(G_OBJECT(stress->source), "precision", "f32");
    gst_element_set_state(pipeline, GST_STATE_PAUSED);
    fail_unless_equals_int(gst_element_get_state(pipeline, NULL, NULL, PATIENCE),
                           GST_STATE_CHANGE_SUCCESS);
    g_object_get(sink, "last-sample", &sample, NULL);
    fail_unless(sample != NULL);
    sum = sample_checksum(sample);
    fail_unless_equals_string(sum, truth);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(pipeline);
    g_free(truth);
    g_free(sum);
}

GST_START_TEST(test_stress)
{
    const gchar *wish = g_getenv("CODESRC_STRESS_SECONDS");
    gchar *launch = g_strdup_printf(
        "codesrc name=source model=\"%s\" ! video/x-raw,format=RGB,framerate=30/1 ! tee name=tee "
        "tee. ! queue ! codepaint name=paint model=\"%s\" ! fakesink async=false "
        "tee. ! queue ! fakesink async=false",
        tiny_model(), tiny_model());
    Stress stress = {.pipeline = gst_parse_launch(launch, NULL)};
    Thread threads[THREADS];
    GThread *running[THREADS];

    stress.source = gst_bin_get_by_name(GST_BIN(stress.pipeline), "source");
    stress.paint = gst_bin_get_by_name(GST_BIN(stress.pipeline), "paint");
    for (guint i = 0; i < THREADS; i++) {
        threads[i] = (Thread){&stress, i};
        running[i] = g_thread_new("stress", run, &threads[i]);
    }
    watch(&stress, wish ? atoi(wish) : DEFAULT_SECONDS);
    g_atomic_int_set(&stress.over, TRUE);
    for (guint i = 0; i < THREADS; i++)
        g_thread_join(running[i]);
    g_print("%d settings, %d seeks, %d states, %d elements\n", stress.steps[0], stress.steps[1],
            stress.steps[2], stress.steps[3]);
    gst_element_set_state(stress.pipeline, GST_STATE_NULL);
    check_usable(&stress);
    gst_object_unref(stress.source);
    gst_object_unref(stress.paint);
    gst_object_unref(stress.pipeline);
    g_free(launch);
}
GST_END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("stress");
    TCase *stress = tcase_create("stress");

    suite_add_tcase(suite, stress);
    tcase_add_test(stress, test_stress);
    return suite;
}
