/* test_interfaces.c - presets and URIs. */
#include "common.h"

static void check_preset(const gchar *name, guint steps, gdouble guidance)
{
    GstElement *source = tiny_source();
    guint got_steps;
    gdouble got_guidance;

    fail_unless(gst_preset_load_preset(GST_PRESET(source), name), "%s", name);
    g_object_get(source, "drafting-steps", &got_steps, "guidance", &got_guidance, NULL);
    fail_unless_equals_int(got_steps, steps);
    fail_unless_equals_float(got_guidance, guidance);
    gst_object_unref(source);
}

/* It changes the film alone. */
static void check_film_preset(const gchar *name, guint hold, guint morph)
{
    GstElement *source = tiny_source();
    guint got_hold, got_morph, steps;

    g_object_set(source, "drafting-steps", 3, NULL);
    fail_unless(gst_preset_load_preset(GST_PRESET(source), name), "%s", name);
    g_object_get(source, "hold", &got_hold, "morph", &got_morph, "drafting-steps", &steps, NULL);
    fail_unless_equals_int(got_hold, hold);
    fail_unless_equals_int(got_morph, morph);
    fail_unless_equals_int(steps, 3);
    gst_object_unref(source);
}

GST_START_TEST(test_presets)
{
    static const gchar *const names[] = {"draft", "balanced", "quality", "calm", "flow", "slides"};
    GstElement *source = tiny_source();
    gchar **found = gst_preset_get_preset_names(GST_PRESET(source));
    gchar *comment;

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        fail_unless(g_strv_contains((const gchar *const *)found, names[i]));
        fail_unless(gst_preset_get_meta(GST_PRESET(source), names[i], "comment", &comment));
        g_free(comment);
        fail_if(gst_preset_delete_preset(GST_PRESET(source), names[i]));
        fail_if(gst_preset_save_preset(GST_PRESET(source), names[i]));
    }
    fail_if(gst_preset_load_preset(GST_PRESET(source), "no such preset"));
    g_strfreev(found);
    gst_object_unref(source);
    check_preset("draft", 1, 0.0);
    check_preset("balanced", 0, -1.0);
    check_preset("quality", TINY_SCALES, -1.0);
    check_film_preset("calm", 100, 75);
    check_film_preset("flow", 1, 49);
    check_film_preset("slides", 113, 12);
}
GST_END_TEST

GST_START_TEST(test_uri)
{
    GError *error = NULL;
    GstElement *source = gst_element_make_from_uri(
        GST_URI_SRC, "code://golden%20retriever?seed=7&drafting-steps=3&top-p=0.5", NULL, &error);
    gchar *name, *uri;
    guint64 seed;
    guint steps;
    gdouble top_p;
    gint id;

    fail_unless(source != NULL && error == NULL);
    gst_object_ref_sink(source);
    g_object_get(source, "class-name", &name, "seed", &seed, "drafting-steps", &steps, "top-p",
                 &top_p, NULL);
    fail_unless_equals_string(name, "golden retriever");
    fail_unless_equals_uint64(seed, 7);
    fail_unless_equals_int(steps, 3);
    fail_unless_equals_float(top_p, 0.5);
    uri = gst_uri_handler_get_uri(GST_URI_HANDLER(source));
    fail_unless_equals_string(uri, "code://golden%20retriever?seed=7&drafting-steps=3&top-p=0.5");
    g_free(uri);
    g_free(name);

    fail_unless(gst_uri_handler_set_uri(GST_URI_HANDLER(source), "code://5", NULL));
    g_object_get(source, "class-id", &id, NULL);
    fail_unless_equals_int(id, 5);
    fail_unless(gst_uri_handler_set_uri(GST_URI_HANDLER(source), "code://", NULL));
    gst_object_unref(source);
}
GST_END_TEST

/* Sources without a URI have no URI in common, from which their streams would get the same id. */
GST_START_TEST(test_no_uri)
{
    Player *players[] = {player_new("seed=1", NULL), player_new("seed=2", NULL)};
    gchar *id[2];

    fail_unless(gst_uri_handler_get_uri(GST_URI_HANDLER(players[0]->source)) == NULL);
    for (guint i = 0; i < 2; i++) {
        GstPad *pad = gst_element_get_static_pad(players[i]->source, "src");

        player_preroll(players[i]);
        id[i] = gst_pad_get_stream_id(pad);
        gst_object_unref(pad);
        player_free(players[i]);
    }
    fail_unless(id[0] && id[1] && strcmp(id[0], id[1]), "both are %s", id[0]);
    g_free(id[0]);
    g_free(id[1]);
}
GST_END_TEST

/* A URI sets all that it can say, whatever the one before it said. */
GST_START_TEST(test_second_uri)
{
    static const struct {
        const gchar *uri, *name;
        gint id, count;
        guint64 seed;
    } uris[] = {{"code://aurora?seed=7&num-buffers=3", "aurora", -1, 3, 7},
                {"code://3/?seed=8", NULL, 3, -1, 8},
                {"code://?queue-depth=5&", NULL, -1, -1, 0},
                {"code://sea%20shore?class-id=2", "sea shore", 2, -1, 0},
                {"code://", NULL, -1, -1, 0}};
    GstElement *source = tiny_source();

    for (guint i = 0; i < G_N_ELEMENTS(uris); i++) {
        gchar *name, *model;
        gint id, count;
        guint64 seed;
        guint depth;

        fail_unless(gst_uri_handler_set_uri(GST_URI_HANDLER(source), uris[i].uri, NULL), "%s",
                    uris[i].uri);
        g_object_get(source, "class-name", &name, "class-id", &id, "num-buffers", &count, "seed",
                     &seed, "queue-depth", &depth, "model", &model, NULL);
        fail_unless_equals_string(name, uris[i].name);
        fail_unless_equals_int(id, uris[i].id);
        fail_unless_equals_int(count, uris[i].count);
        fail_unless_equals_uint64(seed, uris[i].seed);
        fail_unless_equals_int(depth, i == 2 ? 5 : 2);
        fail_unless(model == NULL);
        g_free(name);
    }
    gst_object_unref(source);
}
GST_END_TEST

GST_START_TEST(test_wrong_uris)
{
    static const gchar *const wrong[] = {
        "code://5?speed=3", "code://5?seed",        "code://5?seed=many",
        "code://5?stats=1", "code://%zz",           "code:",
        "code:?seed=1",     "code:volcano",         "code:///volcano",
        "code://%FF",       "code://5?classes=%FF", "code://5#x",
        "code://5:80",      "code://me@5",          "code://5/6",
        "code:/",           "code://5?parent=x",    "code://99999999999",
        "code://%zz/5"};
    GstElement *source = tiny_source();
    GError *late = NULL;
    guint64 seed;

    g_object_set(source, "seed", (guint64)31, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        GError *error = NULL;

        fail_if(gst_uri_handler_set_uri(GST_URI_HANDLER(source), wrong[i], &error), "%s", wrong[i]);
        fail_unless(g_error_matches(error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI));
        fail_unless(g_utf8_validate(error->message, -1, NULL), "%s", wrong[i]);
        g_error_free(error);
    }
    g_object_get(source, "seed", &seed, NULL);
    fail_unless_equals_uint64(seed, 31);
    gst_element_set_state(source, GST_STATE_PAUSED);
    fail_if(gst_uri_handler_set_uri(GST_URI_HANDLER(source), "code://5", &late));
    fail_unless(g_error_matches(late, GST_URI_ERROR, GST_URI_ERROR_BAD_STATE));
    g_error_free(late);
    gst_element_set_state(source, GST_STATE_NULL);
    gst_object_unref(source);
}
GST_END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("interfaces");
    TCase *interfaces = tcase_create("interfaces");

    suite_add_tcase(suite, interfaces);
    tcase_add_test(interfaces, test_presets);
    tcase_add_test(interfaces, test_uri);
    tcase_add_test(interfaces, test_no_uri);
    tcase_add_test(interfaces, test_second_uri);
    tcase_add_test(interfaces, test_wrong_uris);
    return suite;
}
