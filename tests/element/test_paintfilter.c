/* test_paintfilter.c - codepaint as a filter among filters: errors, caps, latency, states and
 * flushes. */
#include "painting.h"

/* ---- errors ---------------------------------------------------------------------- */

/* The change to PAUSED fails with this error, whose text holds `a` and `b`. */
static void refused(const gchar *name, const gchar *value, GQuark domain, gint code, const gchar *a,
                    const gchar *b)
{
    GstElement *paint = gst_object_ref_sink(gst_element_factory_make("codepaint", NULL));
    GstBus *bus = gst_bus_new();
    gchar *text;

    gst_element_set_bus(paint, bus);
    g_object_set(paint, "model", tiny_model(), NULL);
    gst_util_set_object_arg(G_OBJECT(paint), name, value);
    fail_unless_equals_int(gst_element_set_state(paint, GST_STATE_PAUSED),
                           GST_STATE_CHANGE_FAILURE);
    text = expect_error(bus, domain, code);
    fail_unless(strstr(text, a) && strstr(text, b), "%s", text);
    g_free(text);
    gst_element_set_state(paint, GST_STATE_NULL);
    gst_element_set_bus(paint, NULL);
    gst_object_unref(bus);
    gst_object_unref(paint);
}

GST_START_TEST(test_errors)
{
    static const gchar *const shapes[] = {"",        "1,2,3",     "1,2,3,4,5", "1,2,3,x",
                                          "1;2;3;4", "1,2,3,4 5", "rectangle", "1.5,2,3,4"};
    static const gchar *const negative[] = {"-1,0,2,2", "0,0,1,-1", "99999999999999999999,0,1,1"};

    for (guint i = 0; i < G_N_ELEMENTS(shapes); i++)
        refused("mask", shapes[i], GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, shapes[i],
                "x,y,width,height");
    for (guint i = 0; i < G_N_ELEMENTS(negative); i++)
        refused("mask", negative[i], GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, negative[i],
                "x,y,width,height");
    refused("class-id", "11", GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "class-id 11", "tiny");
    refused("drafting-steps", "9", GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "drafting", "9");
    refused("model", "nope", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND, "nope", "model");
    refused("device", "tpu", GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_INIT, "tpu", "device");
}
GST_END_TEST

/* A property that goes wrong while frames flow. */
GST_START_TEST(test_errors_later)
{
    static const struct {
        const gchar *name, *value, *text;
    } wrong[] = {{"mask", "5,5,4,4",
                  "mask \"5,5,4,4\" is not inside the frame: expected a "
                  "rectangle within 0,0,8,8"},
                 {"mask", "0,0,9,1", "mask \"0,0,9,1\""},
                 {"mask", "0,8,1,1", "mask \"0,8,1,1\""},
                 {"mask", "all", "mask \"all\""},
                 {"class-id", "50", "class-id 50"},
                 {"class-name", "fox", "fox"}};

    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        GstHarness *harness = painter(PART, "RGB");
        GstElement *paint = gst_harness_find_element(harness, "codepaint");
        GstBus *bus = gst_bus_new();
        gchar *text;

        gst_element_set_bus(paint, bus);
        gst_buffer_unref(gst_harness_push_and_pull(harness, picture("RGB", 0)));
        gst_util_set_object_arg(G_OBJECT(paint), wrong[i].name, wrong[i].value);
        fail_unless_equals_int(gst_harness_push(harness, picture("RGB", 1)), GST_FLOW_ERROR);
        text = expect_error(bus, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS);
        fail_unless(strstr(text, wrong[i].text) != NULL, "%s", text);
        g_free(text);
        gst_element_set_bus(paint, NULL);
        gst_object_unref(bus);
        gst_object_unref(paint);
        gst_harness_teardown(harness);
    }
}
GST_END_TEST

/* ---- a filter among filters ------------------------------------------------------ */

/* Frames of any size, in formats whose samples have bytes of their own. */
GST_START_TEST(test_caps)
{
    GstHarness *harness = painter("", "RGB");
    static const struct {
        const gchar *caps;
        gboolean taken;
    } rows[] = {{"video/x-raw,format=RGB,width=1920,height=1080,framerate=25/1", TRUE},
                {"video/x-raw,format=I420,width=17,height=1,framerate=0/1", TRUE},
                {"video/x-raw,format=P010_10LE,width=64,height=64,framerate=25/1", TRUE},
                {"video/x-raw,format=v210,width=64,height=64,framerate=25/1", FALSE},
                {"video/x-bayer,format=rggb,width=64,height=64,framerate=25/1", FALSE}};

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        GstCaps *caps = gst_caps_from_string(rows[i].caps);

        fail_unless_equals_int(gst_pad_peer_query_accept_caps(harness->srcpad, caps),
                               rows[i].taken);
        gst_caps_unref(caps);
    }
    gst_harness_teardown(harness);
}
GST_END_TEST

static guint8 squeeze(guint8 value)
{
    return (guint8)(16.5 + 219.0 * value / 255.0);
}

/* The test picture in the range of video, or the same pixels in full range. */
static GstBuffer *picture_in_range(gboolean of_video)
{
    GstBuffer *buffer = picture("RGB", 0);
    GstMapInfo map;

    fail_unless(gst_buffer_map(buffer, &map, GST_MAP_READWRITE));
    for (gsize i = 0; i < map.size; i++) {
        map.data[i] = squeeze(map.data[i]);
        if (!of_video)
            map.data[i] = (guint8)(0.5 + (map.data[i] - 16) * 255.0 / 219.0);
    }
    gst_buffer_unmap(buffer, &map);
    return buffer;
}

/* RGB in the range of video is read, and painted, in that range. */
GST_START_TEST(test_range_of_video)
{
    static const gchar *const formats[] = {"RGB", "RGB,colorimetry=2:1:7:1"};
    guint8 found[2][4 * AREA];

    for (guint i = 0; i < 2; i++) {
        GstHarness *harness = painter(PART "class-id=3", formats[i]);

        components(gst_harness_push_and_pull(harness, picture_in_range(i == 1)), "RGB", found[i]);
        gst_harness_teardown(harness);
    }
    for (guint i = 0; i < 4 * AREA; i++)
        if (i % 4 < 3)
            fail_unless_equals_int(found[1][i], squeeze(found[0][i]));
}
GST_END_TEST

GST_START_TEST(test_latency)
{
    GstHarness *harness = painter(PART, "RGB");
    GstElement *paint = gst_harness_find_element(harness, "codepaint");
    GstBus *bus = gst_bus_new();
    GstMessage *message;

    gst_element_set_bus(paint, bus);
    gst_harness_set_upstream_latency(harness, GST_MSECOND);
    fail_unless_equals_uint64(gst_harness_query_latency(harness), GST_MSECOND);
    gst_buffer_unref(gst_harness_push_and_pull(harness, picture("RGB", 0)));
    message = gst_bus_pop_filtered(bus, GST_MESSAGE_LATENCY);
    fail_unless(message != NULL);
    gst_message_unref(message);
    fail_unless(gst_harness_query_latency(harness) > GST_MSECOND);
    gst_element_set_bus(paint, NULL);
    gst_object_unref(bus);
    gst_object_unref(paint);
    gst_harness_teardown(harness);
}
GST_END_TEST

static GstElement *pipeline(const gchar *model, const gchar *source, const gchar *paint)
{
    gchar *launch =
        g_strdup_printf("codesrc model=\"%s\" %s ! codepaint model=\"%s\" %s ! fakesink", model,
                        source, model, paint);
    GstElement *made = gst_parse_launch(launch, NULL);

    fail_unless(made != NULL);
    g_free(launch);
    return made;
}

/* To EOS with a model that both elements share, again and again, and up and down. */
GST_START_TEST(test_states)
{
    GstElement *made = pipeline(tiny_model(), "num-buffers=3", PART);
    GstBus *bus = gst_element_get_bus(made);

    for (guint i = 0; i < 10; i++) {
        GstMessage *message;

        gst_element_set_state(made, GST_STATE_PLAYING);
        message = gst_bus_timed_pop_filtered(bus, PATIENCE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
        fail_unless(message != NULL && GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS);
        gst_message_unref(message);
        fail_unless_equals_int(
            gst_element_set_state(made, i % 2 ? GST_STATE_NULL : GST_STATE_READY),
            GST_STATE_CHANGE_SUCCESS);
        gst_element_set_state(made, GST_STATE_PAUSED);
        fail_unless_equals_int(gst_element_set_state(made, GST_STATE_NULL),
                               GST_STATE_CHANGE_SUCCESS);
    }
    gst_object_unref(bus);
    gst_object_unref(made);
}
GST_END_TEST

/* Somebody who waits for PROGRESS to end, as gst-launch-1.0 does, need not send a frame: none comes
 * from a live source before PLAYING, and one without a mask does not need the weights. Flushes
 * meanwhile begin the wait anew. */
static void progress_ends(guint flushes)
{
    GstElement *paint = gst_object_ref_sink(gst_element_factory_make("codepaint", NULL));
    GstPad *pad = gst_element_get_static_pad(paint, "sink");
    GstBus *bus = gst_bus_new();
    GstProgressType type = GST_PROGRESS_TYPE_START;

    gst_element_set_bus(paint, bus);
    g_object_set(paint, "model", slow_model(), NULL);
    gst_element_set_state(paint, GST_STATE_PAUSED);
    for (guint i = 0; i < flushes; i++) {
        gst_pad_send_event(pad, gst_event_new_flush_start());
        g_usleep(1000 * i);
        gst_pad_send_event(pad, gst_event_new_flush_stop(TRUE));
    }
    while (type != GST_PROGRESS_TYPE_COMPLETE) {
        GstMessage *message = gst_bus_timed_pop_filtered(bus, PATIENCE, GST_MESSAGE_PROGRESS);

        fail_unless(message != NULL, "it has no end");
        gst_message_parse_progress(message, &type, NULL, NULL);
        gst_message_unref(message);
    }
    gst_element_set_state(paint, GST_STATE_NULL);
    gst_element_set_bus(paint, NULL);
    gst_object_unref(pad);
    gst_object_unref(bus);
    gst_object_unref(paint);
}

GST_START_TEST(test_progress)
{
    progress_ends(0);
    progress_ends(20);
}
GST_END_TEST

/* A stop does not wait for the load, nor for the picture. */
GST_START_TEST(test_stop)
{
    static const guint after[] = {1, 200, 2500};

    for (guint i = 0; i < G_N_ELEMENTS(after); i++) {
        gchar *launch =
            g_strdup_printf("fakesrc sizetype=fixed sizemax=196608 filltype=zero format=time ! "
                            "video/x-raw,format=RGB,width=256,height=256,framerate=30/1 ! "
                            "codepaint model=\"%s\" mask=0,0,128,128 ! fakesink",
                            slow_model());
        GstElement *made = gst_parse_launch(launch, NULL);
        gint64 begin;

        fail_unless(made != NULL);
        gst_element_set_state(made, GST_STATE_PLAYING);
        g_usleep(1000 * after[i]);
        begin = g_get_monotonic_time();
        fail_unless_equals_int(gst_element_set_state(made, GST_STATE_NULL),
                               GST_STATE_CHANGE_SUCCESS);
        check_at_once(begin);
        gst_object_unref(made);
        g_free(launch);
    }
}
GST_END_TEST

/* A flush ends the picture that is being drawn, and the next one comes. */
static gpointer push_one(gpointer data)
{
    return GINT_TO_POINTER(gst_harness_push(data, picture("RGB", 0)));
}

GST_START_TEST(test_flush)
{
    GstHarness *harness = painter(PART, "RGB");

    for (guint i = 0; i < 50; i++) {
        GThread *thread = g_thread_new("push", push_one, harness);
        GstFlowReturn flow;

        g_usleep(g_random_int_range(0, 2000));
        flush_starts(harness);
        flow = GPOINTER_TO_INT(g_thread_join(thread)); /* as upstream does before it ends a flush */
        flush_stops(harness);
        fail_unless(flow == GST_FLOW_OK || flow == GST_FLOW_FLUSHING, "%d", flow);
    }
    while (gst_harness_buffers_in_queue(harness))
        gst_buffer_unref(gst_harness_pull(harness));
    gst_buffer_unref(gst_harness_push_and_pull(harness, picture("RGB", 0)));
    gst_harness_teardown(harness);
}
GST_END_TEST

GST_START_TEST(test_properties)
{
    static const gchar *const any_time[] = {"class-id", "class-id-2", "class-mix", "drafting-steps",
                                            "seed",     "guidance",   "top-k",     "top-p"};
    GstElement *paint = gst_object_ref_sink(gst_element_factory_make("codepaint", NULL));
    GObjectClass *klass = G_OBJECT_GET_CLASS(paint);
    gchar *mask, *model, *device;

    g_object_get(paint, "mask", &mask, "model", &model, "device", &device, NULL);
    fail_unless(mask == NULL && model == NULL);
    fail_unless_equals_string(device, "auto");
    g_free(device);
    g_object_set(paint, "mask", "1,2,3,4", "class-name", "owl", "threads", 3u, NULL);
    g_object_get(paint, "mask", &mask, NULL);
    fail_unless_equals_string(mask, "1,2,3,4");
    g_free(mask);
    for (guint i = 0; i < G_N_ELEMENTS(any_time); i++)
        fail_unless(g_object_class_find_property(klass, any_time[i])->flags &
                    GST_PARAM_CONTROLLABLE);
    fail_unless(g_object_class_find_property(klass, "is-live") == NULL);
    fail_unless(g_object_class_find_property(klass, "min-drafting-steps") == NULL);
    gst_object_unref(paint);
}
GST_END_TEST

/* A buffer of which nothing is known. */
GST_START_TEST(test_no_caps)
{
    GstHarness *harness = gst_harness_new("codepaint");
    GstSegment segment;

    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_harness_play(harness);
    gst_harness_push_event(harness, gst_event_new_stream_start("test"));
    gst_harness_push_event(harness, gst_event_new_segment(&segment));
    fail_unless_equals_int(gst_harness_push(harness, gst_buffer_new_allocate(NULL, 192, NULL)),
                           GST_FLOW_NOT_NEGOTIATED);
    gst_harness_teardown(harness);
}
GST_END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("paintfilter");
    TCase *filter = tcase_create("paintfilter");

    suite_add_tcase(suite, filter);
    tcase_add_test(filter, test_errors);
    tcase_add_test(filter, test_errors_later);
    tcase_add_test(filter, test_caps);
    tcase_add_test(filter, test_range_of_video);
    tcase_add_test(filter, test_latency);
    tcase_add_test(filter, test_states);
    tcase_add_test(filter, test_progress);
    tcase_add_test(filter, test_stop);
    tcase_add_test(filter, test_flush);
    tcase_add_test(filter, test_properties);
    tcase_add_test(filter, test_no_caps);
    return suite;
}
