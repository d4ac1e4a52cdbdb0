/* test_painted.c - what codepaint tells of a frame that it has painted: its meta, and `stats`. */
#include "painting.h"

#include "codesrc.h"

static GstStructure *read_stats(GstHarness *harness)
{
    GstElement *paint = gst_harness_find_element(harness, "codepaint");
    GstStructure *stats;

    g_object_get(paint, "stats", &stats, NULL);
    fail_unless(stats != NULL);
    gst_object_unref(paint);
    return stats;
}

static void check_counts(GstHarness *harness, guint64 processed, guint64 dropped)
{
    GstStructure *stats = read_stats(harness);
    guint64 found[2];

    fail_unless(gst_structure_get(stats, "processed", G_TYPE_UINT64, &found[0], "dropped",
                                  G_TYPE_UINT64, &found[1], NULL));
    fail_unless_equals_uint64(found[0], processed);
    fail_unless_equals_uint64(found[1], dropped);
    gst_structure_free(stats);
}

static const GstStructure *record_of(GstBuffer *buffer)
{
    GstCustomMeta *meta = gst_buffer_get_custom_meta(buffer, "GstCodeMeta");

    return meta ? gst_custom_meta_get_structure(meta) : NULL;
}

/* The digest that the engine itself gives these weights. */
static gchar *true_digest(void)
{
    CodesrcModelOptions options;
    CodesrcModel *model;
    CodesrcError error;
    gchar *digest;

    codesrc_model_options_init(&options);
    options.precision = "f32";
    model = codesrc_model_open(tiny_model(), &options, &error);
    fail_unless(model != NULL, "%s", error.text);
    digest = g_strdup(codesrc_model_info(model)->digest);
    codesrc_model_unref(model);
    return digest;
}

/* Everything that frame 7, painted with these settings, has to know. */
static void check_record(const GstStructure *record)
{
    gint class_id, class_id_2, top_k;
    guint64 seed, frame;
    guint steps, scale, scales;
    gdouble mix, guidance, top_p, seconds;
    gchar *digest = true_digest();

    fail_unless(gst_structure_get(
        record, "class-id", G_TYPE_INT, &class_id, "class-id-2", G_TYPE_INT, &class_id_2,
        "class-mix", G_TYPE_DOUBLE, &mix, "seed", G_TYPE_UINT64, &seed, "frame", G_TYPE_UINT64,
        &frame, "drafting-steps", G_TYPE_UINT, &steps, "guidance", G_TYPE_DOUBLE, &guidance,
        "top-k", G_TYPE_INT, &top_k, "top-p", G_TYPE_DOUBLE, &top_p, "scale", G_TYPE_UINT, &scale,
        "scales", G_TYPE_UINT, &scales, "seconds", G_TYPE_DOUBLE, &seconds, NULL));
    fail_unless_equals_int(class_id, 3);
    fail_unless_equals_int(class_id_2, 7);
    fail_unless_equals_float(mix, 0.25);
    fail_unless_equals_uint64(seed, 5);
    fail_unless_equals_uint64(frame, 7 + 4);
    fail_unless_equals_int(steps, 2);
    fail_unless_equals_float(guidance, 0.5);
    fail_unless_equals_int(top_k, 20);
    fail_unless_equals_float(top_p, 0.95);
    fail_unless_equals_int(scale, TINY_SCALES);
    fail_unless_equals_int(scales, TINY_SCALES);
    fail_unless(seconds > 0.0);
    fail_unless_equals_string(gst_structure_get_string(record, "model"), "tiny");
    fail_unless_equals_string(gst_structure_get_string(record, "model-digest"), digest);
    fail_unless_equals_string(gst_structure_get_string(record, "class-name"), "");
    fail_unless_equals_string(gst_structure_get_string(record, "precision"), "f32");
    fail_unless_equals_string(gst_structure_get_string(record, "mask"), "2,0,4,4");
    g_free(digest);
}

GST_START_TEST(test_record)
{
    GstHarness *harness = painter(
        PART "class-id=3 class-id-2=7 class-mix=0.25 seed=5 first-frame=4 guidance=0.5", "RGB");
    GstBuffer *buffer;
    GstStructure *stats;
    gdouble seconds, drafter, refiner, vae;
    guint64 planned, weights;

    check_counts(harness, 0, 0);
    buffer = gst_harness_push_and_pull(harness, picture("RGB", 7));
    fail_unless(record_of(buffer) != NULL);
    check_record(record_of(buffer));
    fail_if(gst_structure_has_field(record_of(buffer), "input"), "the input had no record");
    stats = read_stats(harness);
    check_record(stats);
    fail_unless(gst_structure_get(
        stats, "seconds", G_TYPE_DOUBLE, &seconds, "seconds-drafter", G_TYPE_DOUBLE, &drafter,
        "seconds-refiner", G_TYPE_DOUBLE, &refiner, "seconds-vae", G_TYPE_DOUBLE, &vae,
        "planned-bytes", G_TYPE_UINT64, &planned, "weight-bytes", G_TYPE_UINT64, &weights, NULL));
    fail_unless(drafter > 0.0 && refiner > 0.0 && vae > 0.0);
    fail_unless(drafter + refiner + vae <= seconds * 1.01);
    fail_unless(planned > weights && weights > 1000);
    check_counts(harness, 1, 0);
    gst_structure_free(stats);
    gst_buffer_unref(buffer);
    gst_harness_teardown(harness);
}
GST_END_TEST

/* The part of a line, as it stands, paints the first frame that comes as that one was painted. */
static void check_line(const gchar *properties, const gchar *format, const gchar *mask)
{
    GstHarness *harness = painter(properties, format), *again;
    GstBuffer *buffer = gst_harness_push_and_pull(harness, picture(format, 7));
    guint8 truth[4 * AREA], found[4 * AREA];
    gchar *caps = g_strdup_printf("video/x-raw,format=%s,width=%d,height=%d,framerate=10/1", format,
                                  SIDE, SIDE);
    const gchar *line;

    fail_unless_equals_string(gst_structure_get_string(record_of(buffer), "mask"), mask);
    line = gst_structure_get_string(record_of(buffer), "launch-line");
    fail_unless(g_str_has_prefix(line, "codepaint model="), "%s", line);
    again = gst_harness_new_parse(line);
    gst_harness_set_src_caps_str(again, caps);
    components(gst_harness_push_and_pull(again, picture(format, GST_BUFFER_OFFSET_NONE)), format,
               found);
    components(buffer, format, truth);
    fail_unless(memcmp(truth, found, sizeof truth) == 0, "%s", properties);
    gst_harness_teardown(again);
    gst_harness_teardown(harness);
    g_free(caps);
}

GST_START_TEST(test_launch_line)
{
    check_line(PART "class-id=3 seed=5 top-p=0.7 guidance=0.3", "RGB", "2,0,4,4");
    check_line(PART "seed=9 first-frame=4", "BGRx", "2,0,4,4");
    check_line("class-id=3 class-id-2=7 class-mix=0.4", "RGBA", "alpha");
    check_line(PART "seed=9 first-frame=4 hold=2 morph=4", "RGB", "2,0,4,4");
}
GST_END_TEST

/* The record reaches another program whole: unixfdsink sends metas in this form. */
static void check_serialized(GstBuffer *buffer)
{
#if GST_CHECK_VERSION(1, 24, 0)
    GstBuffer *other = gst_buffer_new();
    GByteArray *bytes = g_byte_array_new();
    guint32 used;

    fail_unless(gst_meta_serialize_simple(
        (GstMeta *)gst_buffer_get_custom_meta(buffer, "GstCodeMeta"), bytes));
    fail_unless(gst_meta_deserialize(other, bytes->data, bytes->len, &used) != NULL);
    fail_unless_equals_int(used, bytes->len);
    fail_unless(gst_structure_is_equal(record_of(other), record_of(buffer)));
    g_byte_array_unref(bytes);
    gst_buffer_unref(other);
#else
    (void)buffer;
#endif
}

/* What passes unchanged keeps the record that it has; what is painted has it as its input's. */
GST_START_TEST(test_input)
{
    static const gchar *const masks[] = {"mask=0,0,0,0", PART};

    for (guint i = 0; i < G_N_ELEMENTS(masks); i++) {
        GstHarness *paint = painter("class-id=3 seed=5", "RGB"), *source;
        gchar *launch = g_strdup_printf("codesrc model=\"%s\" class-id=8 seed=6", tiny_model());
        GstElement *element = gst_harness_find_element(paint, "codepaint");
        GstStructure *before, *input = NULL;
        GstBuffer *buffer;
        gint class_id;

        gst_util_set_object_arg(G_OBJECT(element), "mask", i ? "2,0,4,4" : "0,0,0,0");
        source = gst_harness_new_parse(launch);
        gst_harness_set_sink_caps_str(source, "video/x-raw,format=RGB,framerate=10/1");
        gst_harness_play(source);
        buffer = gst_harness_pull(source);
        before = gst_structure_copy(record_of(buffer));
        buffer = gst_harness_push_and_pull(paint, buffer);
        gst_structure_get(record_of(buffer), "input", GST_TYPE_STRUCTURE, &input, NULL);
        fail_unless(gst_structure_get_int(record_of(buffer), "class-id", &class_id));
        if (i == 0) {
            fail_unless(gst_structure_is_equal(record_of(buffer), before), "%s", masks[i]);
        } else {
            fail_unless_equals_int(class_id, 3);
            fail_unless(input && gst_structure_is_equal(input, before), "%s", masks[i]);
        }
        check_counts(paint, i, 0);
        check_serialized(buffer);
        gst_clear_structure(&input);
        gst_structure_free(before);
        gst_buffer_unref(buffer);
        gst_object_unref(element);
        gst_harness_teardown(source);
        gst_harness_teardown(paint);
        g_free(launch);
    }
}
GST_END_TEST

/* A frame that downstream would have too late is dropped before it is painted, and counted. */
GST_START_TEST(test_late)
{
    GstHarness *harness = painter(PART, "RGB");
    GstBuffer *buffer;

    gst_buffer_unref(gst_harness_push_and_pull(harness, picture("RGB", 0)));
    gst_harness_push_upstream_event(
        harness, gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 2.0, GST_SECOND, GST_SECOND));
    fail_unless_equals_int(gst_harness_push(harness, picture("RGB", 1)), GST_FLOW_OK);
    fail_unless_equals_int(gst_harness_buffers_in_queue(harness), 0);
    check_counts(harness, 1, 1);
    buffer = picture("RGB", 2);
    GST_BUFFER_PTS(buffer) = 3 * GST_SECOND;
    buffer = gst_harness_push_and_pull(harness, buffer);
    fail_unless(buffer != NULL);
    gst_buffer_unref(buffer);
    check_counts(harness, 2, 1);
    gst_harness_teardown(harness);
}
GST_END_TEST

/* `stats` begins anew when the element leaves READY, and can be read at any time. */
GST_START_TEST(test_anew)
{
    GstHarness *harness = painter(PART, "RGB");
    GstElement *paint = gst_harness_find_element(harness, "codepaint");
    GstElement *idle = gst_object_ref_sink(gst_element_factory_make("codepaint", NULL));
    GstStructure *stats;

    g_object_get(idle, "stats", &stats, NULL);
    fail_unless(gst_structure_has_name(stats, "codepaint-stats"));
    fail_if(gst_structure_has_field(stats, "model"));
    gst_structure_free(stats);
    gst_object_unref(idle);
    gst_buffer_unref(gst_harness_push_and_pull(harness, picture("RGB", 0)));
    check_counts(harness, 1, 0);
    gst_element_set_state(paint, GST_STATE_READY);
    check_counts(harness, 1, 0);
    gst_element_set_state(paint, GST_STATE_PAUSED);
    check_counts(harness, 0, 0);
    gst_object_unref(paint);
    gst_harness_teardown(harness);
}
GST_END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("painted");
    TCase *painted_case = tcase_create("painted");

    suite_add_tcase(suite, painted_case);
    tcase_add_test(painted_case, test_record);
    tcase_add_test(painted_case, test_launch_line);
    tcase_add_test(painted_case, test_input);
    tcase_add_test(painted_case, test_late);
    tcase_add_test(painted_case, test_anew);
    return suite;
}
