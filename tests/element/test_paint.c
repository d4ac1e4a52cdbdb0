/* test_paint.c - codepaint: what it draws is what the engine draws, and it is a good filter. */
#include <gst/controller/gstdirectcontrolbinding.h>
#include <gst/controller/gstinterpolationcontrolsource.h>

#include "painting.h"

#include "codesrc.h"

/* ---- what is drawn --------------------------------------------------------------- */

/* The same through the engine's own interface, and nothing of it through the element's code. */
static void engine_paints(gint32 class_id, guint64 seed, guint64 frame, guint8 *rgba)
{
    static float image[3 * AREA], mask[CELLS * CELLS];
    static uint8_t pixels[3 * AREA];
    CodesrcPicture target = {pixels, 3 * SIDE};
    CodesrcModelOptions options;
    CodesrcGenerator *generator;
    CodesrcRequest request;
    CodesrcCanvas *canvas;
    CodesrcModel *model;
    CodesrcError error;

    for (guint i = 0; i < AREA; i++)
        for (guint c = 0; c < 3; c++)
            image[c * AREA + i] = component(i % SIDE, i / SIDE, c) / 127.5f - 1.0f;
    for (guint y = 0; y < 2; y++)
        mask[y * CELLS + 1] = mask[y * CELLS + 2] = 1.0f;
    codesrc_model_options_init(&options);
    options.precision = "f32";
    options.threads = 1;
    model = codesrc_model_open(tiny_model(), &options, &error);
    fail_unless(model != NULL, "%s", error.text);
    generator = codesrc_generator_new(model, 1, 0, &error);
    canvas = codesrc_encode(generator, image, &error);
    codesrc_request_init(model, &request);
    request.class_id = class_id;
    request.seed = seed;
    request.frame = frame;
    request.canvas = canvas;
    request.mask = mask;
    fail_unless(codesrc_generate(generator, &request, 1, &target, &error), "%s", error.text);
    for (guint i = 0; i < AREA; i++) {
        memcpy(rgba + 4 * i, pixels + 3 * i, 3);
        rgba[4 * i + 3] = 255;
    }
    codesrc_canvas_free(canvas);
    codesrc_generator_free(generator);
    codesrc_model_unref(model);
}

GST_START_TEST(test_engine)
{
    guint8 truth[4 * AREA], found[4 * AREA];

    engine_paints(3, 5, 7, truth);
    painted(PART "class-id=3 seed=5", "RGB", 7, found);
    fail_unless(memcmp(truth, found, sizeof truth) == 0);
    /* Any rectangle that touches the same cells, and no other cell. */
    painted("mask=3,1,2,2 class-id=3 seed=5", "RGB", 7, found);
    fail_unless(memcmp(truth, found, sizeof truth) == 0);
    painted("mask=3,1,4,2 class-id=3 seed=5", "RGB", 7, found);
    fail_if(memcmp(truth, found, sizeof truth) == 0);
}
GST_END_TEST

GST_START_TEST(test_what_it_depends_on)
{
    static const gchar *const others[] = {"class-id=4 seed=5", "class-id=3 seed=6",
                                          "class-id=3 seed=5 top-k=1",
                                          "class-id=3 seed=5 class-id-2=7 class-mix=0.5"};
    guint8 truth[4 * AREA], found[4 * AREA];

    painted(PART "class-id=3 seed=5", "RGB", 7, truth);
    painted(PART "class-id=3 seed=5", "RGB", 7, found);
    fail_unless(memcmp(truth, found, sizeof truth) == 0, "a second run");
    painted(PART "class-id=3 seed=5 first-frame=4", "RGB", 3, found);
    fail_unless(memcmp(truth, found, sizeof truth) == 0, "first-frame");
    painted(PART "class-id=3 seed=5", "RGB", 8, found);
    fail_if(memcmp(truth, found, sizeof truth) == 0, "another frame");
    for (guint i = 0; i < G_N_ELEMENTS(others); i++) {
        gchar *properties = g_strconcat(PART, others[i], NULL);

        painted(properties, "RGB", 7, found);
        fail_if(memcmp(truth, found, sizeof truth) == 0, "%s", others[i]);
        g_free(properties);
    }
}
GST_END_TEST

/* A schedule from one class to another, by the time of the frame: its ends are the classes. */
GST_START_TEST(test_schedule)
{
    static const gchar *const ends[] = {PART "class-id=3", PART "class-id=7"};
    GstHarness *harness = painter(PART "class-id=3 class-id-2=7", "RGB");
    GstElement *paint = gst_harness_find_element(harness, "codepaint");
    GstControlSource *source = gst_interpolation_control_source_new();
    guint8 truth[4 * AREA], found[4 * AREA];

    g_object_set(source, "mode", GST_INTERPOLATION_MODE_LINEAR, NULL);
    gst_timed_value_control_source_set(GST_TIMED_VALUE_CONTROL_SOURCE(source), 0, 0.0);
    gst_timed_value_control_source_set(GST_TIMED_VALUE_CONTROL_SOURCE(source), GST_SECOND, 1.0);
    fail_unless(gst_object_add_control_binding(
        GST_OBJECT(paint),
        gst_direct_control_binding_new_absolute(GST_OBJECT(paint), "class-mix", source)));
    gst_object_unref(source);
    for (guint i = 0; i < G_N_ELEMENTS(ends); i++) {
        GstBuffer *buffer = picture("RGB", 7);

        GST_BUFFER_PTS(buffer) = i * GST_SECOND;
        buffer = gst_harness_push_and_pull(harness, buffer);
        fail_unless(buffer != NULL);
        components(buffer, "RGB", found);
        painted(ends[i], "RGB", 7, truth);
        fail_unless(memcmp(truth, found, sizeof truth) == 0, "end %u", i);
    }
    gst_object_unref(paint);
    gst_harness_teardown(harness);
}
GST_END_TEST

/* All formats show the same, opaque picture, and alpha is a mask like another. */
GST_START_TEST(test_formats_and_alpha)
{
    static const gchar *const formats[] = {"RGB",  "BGR",  "RGBx", "BGRx", "GBR",
                                           "RGBA", "BGRA", "ARGB", "ABGR"};
    guint8 truth[4 * AREA], found[4 * AREA];

    painted(PART "class-id=3 seed=5", "RGB", 7, truth);
    for (guint i = 0; i < G_N_ELEMENTS(formats); i++) {
        painted(PART "class-id=3 seed=5", formats[i], 7, found);
        fail_unless(memcmp(truth, found, sizeof truth) == 0, "%s", formats[i]);
        if (!strchr(formats[i], 'A'))
            continue;
        painted("class-id=3 seed=5", formats[i], 7, found);
        fail_unless(memcmp(truth, found, sizeof truth) == 0, "alpha of %s", formats[i]);
    }
}
GST_END_TEST

/* With the bundled model, which has learnt to keep what it encodes: far from the mask the picture
 * is the one that went in; under it, it is not. */
GST_START_TEST(test_keeps)
{
    const gchar *caps = "video/x-raw,format=RGB,width=256,height=256,framerate=1/1";
    GstHarness *source = gst_harness_new_parse("codesrc class-id=10 num-buffers=1");
    GstHarness *paint = gst_harness_new_parse("codepaint mask=0,128,128,128 class-id=14 seed=1");
    gdouble kept = 0.0, drawn = 0.0;
    GstBuffer *before, *after;
    GstMapInfo a, b;

    gst_harness_set_sink_caps_str(source, caps);
    gst_harness_play(source);
    before = gst_harness_pull(source);
    gst_harness_set_src_caps_str(paint, caps);
    after = gst_harness_push_and_pull(paint, gst_buffer_copy_deep(before));
    fail_unless(after != NULL);
    gst_buffer_map(before, &a, GST_MAP_READ);
    gst_buffer_map(after, &b, GST_MAP_READ);
    for (guint y = 0; y < 256; y++)
        for (guint x = 0; x < 3 * 256; x++) {
            gdouble difference = ABS((gint)a.data[y * 768 + x] - (gint)b.data[y * 768 + x]);

            if (y < 96) /* two rows of cells away */
                kept += difference / (96 * 768);
            else if (y >= 128 && x < 3 * 128)
                drawn += difference / (128 * 384);
        }
    gst_buffer_unmap(before, &a);
    gst_buffer_unmap(after, &b);
    fail_unless(kept < 8.0 && drawn > 2.0 * kept, "kept differs by %g, drawn by %g", kept, drawn);
    gst_buffer_unref(before);
    gst_buffer_unref(after);
    gst_harness_teardown(source);
    gst_harness_teardown(paint);
}
GST_END_TEST

GST_START_TEST(test_nothing_to_do)
{
    static const gchar *const empty[] = {"", "mask=0,0,0,0", "mask=8,8,0,0", "mask=3,3,0,4"};
    guint8 found[4 * AREA];

    for (guint i = 0; i < G_N_ELEMENTS(empty); i++) {
        GstHarness *harness = painter(empty[i], "RGB");
        GstBuffer *in = picture("RGB", 0), *out;

        out = gst_harness_push_and_pull(harness, gst_buffer_ref(in));
        fail_unless(out == in, "\"%s\": not passed on", empty[i]);
        gst_buffer_unref(in);
        gst_buffer_unref(out);
        gst_harness_teardown(harness);
    }
    /* Nothing transparent, but for what a rectangle of nothing goes before. */
    painted("mask=0,0,0,0", "RGBA", 0, found);
    for (guint i = 0; i < AREA; i++)
        for (guint c = 0; c < 4; c++)
            fail_unless_equals_int(found[4 * i + c], component(i % SIDE, i / SIDE, c));
}
GST_END_TEST

/* ---- numbers of frames ----------------------------------------------------------- */

static void push(GstHarness *harness, guint64 offset, guint8 *rgba)
{
    GstBuffer *buffer = gst_harness_push_and_pull(harness, picture("RGB", offset));

    fail_unless(buffer != NULL);
    components(buffer, "RGB", rgba);
}

static void flush_starts(GstHarness *harness)
{
    fail_unless(gst_harness_push_event(harness, gst_event_new_flush_start()));
}

static void flush_stops(GstHarness *harness)
{
    GstSegment segment;

    gst_segment_init(&segment, GST_FORMAT_TIME);
    fail_unless(gst_harness_push_event(harness, gst_event_new_flush_stop(TRUE)));
    fail_unless(gst_harness_push_event(harness, gst_event_new_segment(&segment)));
}

GST_START_TEST(test_numbers)
{
    GstHarness *harness = painter(PART "class-id=3", "RGB");
    guint8 first[4 * AREA], second[4 * AREA], found[4 * AREA];

    push(harness, GST_BUFFER_OFFSET_NONE, first);
    push(harness, GST_BUFFER_OFFSET_NONE, second);
    fail_if(memcmp(first, second, sizeof first) == 0, "two frames are the same");
    push(harness, 0, found);
    fail_unless(memcmp(first, found, sizeof first) == 0, "offset 0 is not the first frame");
    push(harness, GST_BUFFER_OFFSET_NONE, found);
    fail_unless(memcmp(second, found, sizeof first) == 0, "it is not counted on from an offset");
    flush_starts(harness);
    flush_stops(harness);
    push(harness, GST_BUFFER_OFFSET_NONE, found);
    fail_unless(memcmp(first, found, sizeof first) == 0, "a flush does not begin anew");
    fail_unless(gst_harness_push_event(harness, gst_event_new_eos()));
    gst_harness_teardown(harness);
}
GST_END_TEST

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
    static const gchar *const places[] = {"0,0,9,1", "-1,0,2,2", "7,7,2,1",
                                          "0,9,0,0", "0,0,1,-1", "99999999999999999999,0,1,1"};

    for (guint i = 0; i < G_N_ELEMENTS(shapes); i++)
        refused("mask", shapes[i], GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, shapes[i],
                "x,y,width,height");
    for (guint i = 0; i < G_N_ELEMENTS(places); i++)
        refused("mask", places[i], GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, places[i],
                "within 0,0,8,8");
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
    } wrong[] = {{"mask", "5,5,4,4", "mask \"5,5,4,4\""},
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

GST_START_TEST(test_caps)
{
    GstHarness *harness = painter("", "RGB");
    GstCaps *caps = gst_pad_peer_query_caps(harness->srcpad, NULL);
    GstCaps *other = gst_caps_from_string("video/x-raw,format=RGB,width=16,height=16");

    for (guint i = 0; i < gst_caps_get_size(caps); i++) {
        gint width = 0, height = 0;

        gst_structure_get_int(gst_caps_get_structure(caps, i), "width", &width);
        gst_structure_get_int(gst_caps_get_structure(caps, i), "height", &height);
        fail_unless(width == SIDE && height == SIDE, "%d x %d", width, height);
    }
    fail_if(gst_pad_peer_query_accept_caps(harness->srcpad, other));
    gst_caps_unref(other);
    other = gst_caps_from_string("video/x-raw,format=I420,width=8,height=8");
    fail_if(gst_caps_can_intersect(caps, other));
    gst_caps_unref(other);
    gst_caps_unref(caps);
    gst_harness_teardown(harness);
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
        message =
            gst_bus_timed_pop_filtered(bus, 20 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
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
        GstElement *made = pipeline(slow_model(), "", "mask=0,0,128,128");

        gst_element_set_state(made, GST_STATE_PLAYING);
        g_usleep(1000 * after[i]);
        fail_unless_equals_int(gst_element_set_state(made, GST_STATE_NULL),
                               GST_STATE_CHANGE_SUCCESS);
        gst_object_unref(made);
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

Suite *make_suite(void)
{
    Suite *suite = suite_create("paint");
    TCase *paint = tcase_create("paint");

    suite_add_tcase(suite, paint);
    tcase_add_test(paint, test_engine);
    tcase_add_test(paint, test_what_it_depends_on);
    tcase_add_test(paint, test_schedule);
    tcase_add_test(paint, test_formats_and_alpha);
    tcase_add_test(paint, test_keeps);
    tcase_add_test(paint, test_nothing_to_do);
    tcase_add_test(paint, test_numbers);
    tcase_add_test(paint, test_errors);
    tcase_add_test(paint, test_errors_later);
    tcase_add_test(paint, test_caps);
    tcase_add_test(paint, test_latency);
    tcase_add_test(paint, test_states);
    tcase_add_test(paint, test_progress);
    tcase_add_test(paint, test_stop);
    tcase_add_test(paint, test_flush);
    tcase_add_test(paint, test_properties);
    return suite;
}
