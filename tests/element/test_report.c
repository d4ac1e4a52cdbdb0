/* test_report.c - what codesrc reports: statistics, launch lines, and the lines of GST_DEBUG. */
#include "common.h"

#define FPS30 "video/x-raw,framerate=30/1"

static Player *played(const gchar *description)
{
    Player *player = player_new(description, FPS30);

    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    return player;
}

/* ---- stats --------------------------------------------------------------------- */

GST_START_TEST(test_stats)
{
    static const gchar *const others[] = {
        "latency",  "device", "precision", "threads", "class-name", "class-id-2",  "class-mix",
        "guidance", "top-k",  "top-p",     "scale",   "scales",     "launch-line", "weight-bytes"};
    Player *player = played("class-id=4 seed=7 num-buffers=5");
    GstStructure *stats, *later;
    guint64 processed, dropped, seed, frame, bytes;
    gdouble seconds, drafter, refiner, vae;
    gint class_id;
    guint steps;

    g_object_get(player->source, "stats", &stats, NULL);
    fail_unless(gst_structure_get(
        stats, "processed", G_TYPE_UINT64, &processed, "dropped", G_TYPE_UINT64, &dropped, "seed",
        G_TYPE_UINT64, &seed, "frame", G_TYPE_UINT64, &frame, "planned-bytes", G_TYPE_UINT64,
        &bytes, "seconds", G_TYPE_DOUBLE, &seconds, "seconds-drafter", G_TYPE_DOUBLE, &drafter,
        "seconds-refiner", G_TYPE_DOUBLE, &refiner, "seconds-vae", G_TYPE_DOUBLE, &vae, "class-id",
        G_TYPE_INT, &class_id, "drafting-steps", G_TYPE_UINT, &steps, NULL));
    fail_unless_equals_uint64(processed, 5);
    fail_unless_equals_uint64(dropped, 0);
    fail_unless_equals_uint64(seed, 7);
    fail_unless_equals_uint64(frame, 4);
    fail_unless_equals_int(class_id, 4);
    fail_unless_equals_int(steps, 2);
    fail_unless(bytes > 1000);
    fail_unless(seconds > 0.0 && drafter > 0.0 && refiner > 0.0 && vae > 0.0);
    fail_unless(drafter + refiner + vae <= seconds * 1.01);
    fail_unless_equals_string(gst_structure_get_string(stats, "model"), "tiny");
    fail_unless_equals_int(strlen(gst_structure_get_string(stats, "model-digest")), 16);
    for (guint i = 0; i < G_N_ELEMENTS(others); i++)
        fail_unless(gst_structure_has_field(stats, others[i]), "%s", others[i]);
    /* The model is let go in NULL, not what is known of it. */
    gst_element_set_state(player->pipeline, GST_STATE_NULL);
    g_object_get(player->source, "stats", &later, NULL);
    fail_unless(gst_structure_is_equal(stats, later));
    gst_structure_free(later);
    gst_structure_free(stats);
    player_free(player);
}
GST_END_TEST

/* The launch line, run up to its pictures, gives the bytes of the frame that it is about. */
GST_START_TEST(test_launch_line)
{
    Player *player =
        played("seed=7 num-buffers=12 guidance=0.3 top-p=0.7 temperature=0.9 more-smooth=true");
    GstStructure *stats;
    const gchar *line;
    gchar *model, *description;
    Player *again;

    g_object_get(player->source, "stats", &stats, NULL);
    line = gst_structure_get_string(stats, "launch-line");
    fail_unless(g_str_has_prefix(line, "gst-launch-1.0 codesrc model="), "%s", line);
    model = g_strndup(line + strlen("gst-launch-1.0 codesrc "),
                      strstr(line, " ! ") - line - strlen("gst-launch-1.0 codesrc "));
    description = g_strdup_printf("%s num-buffers=1", model);
    again = played(description);
    fail_unless_equals_string(player_frame(again, 0)->checksum, player_frame(player, 11)->checksum);
    player_free(again);
    g_free(description);
    g_free(model);
    gst_structure_free(stats);
    player_free(player);
}
GST_END_TEST

/* ---- tags ------------------------------------------------------------------------ */

/* The COMMENT of the stream, to be freed; NULL: it has no tags. */
static gchar *comment_of(const gchar *properties)
{
    Player *player = player_new(properties, FPS30);
    GstPad *pad = gst_element_get_static_pad(player->sink, "sink");
    GstEvent *event;
    GstTagList *list;
    gchar *comment = NULL;

    player_preroll(player);
    event = gst_pad_get_sticky_event(pad, GST_EVENT_TAG, 0);
    if (event) {
        gst_event_parse_tag(event, &list);
        fail_unless(gst_tag_list_get_string(list, GST_TAG_COMMENT, &comment));
        gst_event_unref(event);
    }
    gst_object_unref(pad);
    player_free(player);
    return comment;
}

/* No path of the machine that made the film, unless it is asked for. */
GST_START_TEST(test_tags)
{
    gchar *recipe = comment_of("seed=7"), *full = comment_of("seed=7 tags=full");

    fail_unless(strstr(recipe, " model=tiny ") && strstr(recipe, " seed=7 "), "%s", recipe);
    fail_unless(strstr(recipe, " # model-digest=") && !strstr(recipe, test_folder()), "%s", recipe);
    fail_unless(strstr(full, tiny_model()) && !strstr(full, "#"), "%s", full);
    fail_unless(comment_of("tags=none") == NULL);
    g_free(full);
    g_free(recipe);
}
GST_END_TEST

/* ---- GST_DEBUG ------------------------------------------------------------------ */

/* Lines of our categories, "category message" each. */
static GMutex lines_lock;
static GPtrArray *lines;

static void collect(GstDebugCategory *category, GstDebugLevel level, const gchar *file,
                    const gchar *function, gint line, GObject *object, GstDebugMessage *message,
                    gpointer data) G_GNUC_NO_INSTRUMENT;

static void collect(GstDebugCategory *category, GstDebugLevel level, const gchar *file,
                    const gchar *function, gint line, GObject *object, GstDebugMessage *message,
                    gpointer data)
{
    const gchar *name = gst_debug_category_get_name(category);

    (void)level, (void)file, (void)function, (void)line, (void)object, (void)data;
    if (!g_str_has_prefix(name, "code"))
        return;
    g_mutex_lock(&lines_lock);
    g_ptr_array_add(lines, g_strdup_printf("%s %s", name, gst_debug_message_get(message)));
    g_mutex_unlock(&lines_lock);
}

static guint count_lines(const gchar *category, const gchar *text)
{
    guint count = 0;

    for (guint i = 0; i < lines->len; i++) {
        const gchar *line = g_ptr_array_index(lines, i);

        count += g_str_has_prefix(line, category) && strstr(line, text) != NULL;
    }
    return count;
}

/* Plays twelve frames, six of them again after a seek, through codepaint, with a threshold as in
 * GST_DEBUG. */
static void log_of(const gchar *threshold)
{
    GstElement *pipeline;
    GstBus *bus;
    gchar *launch = g_strdup_printf(
        "codesrc model=\"%s\" name=source num-buffers=12 batch-size=2 ! %s,format=RGB ! "
        "codepaint model=\"%s\" mask=0,0,4,4 ! fakesink",
        tiny_model(), FPS30, tiny_model());
    GstMessage *message;

    lines = g_ptr_array_new_with_free_func(g_free);
    gst_debug_set_threshold_from_string(threshold, TRUE);
    gst_debug_remove_log_function(gst_debug_log_default);
    gst_debug_add_log_function(collect, NULL, NULL);
    pipeline = gst_parse_launch(launch, NULL);
    bus = gst_element_get_bus(pipeline);
    gst_element_set_state(pipeline, GST_STATE_PAUSED);
    gst_element_get_state(pipeline, NULL, NULL, GST_CLOCK_TIME_NONE);
    fail_unless(
        gst_element_seek_simple(pipeline, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, GST_SECOND / 5));
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    message = gst_bus_timed_pop_filtered(bus, PATIENCE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    fail_unless(message && GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS);
    gst_message_unref(message);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(bus);
    gst_object_unref(pipeline);
    gst_debug_remove_log_function(collect);
    gst_debug_set_threshold_from_string("", TRUE);
    g_free(launch);
}

static void forget_lines(void)
{
    g_ptr_array_unref(lines);
}

/* Nothing without GST_DEBUG, and no warning about a film that plays as it should. */
GST_START_TEST(test_silent)
{
    static const gchar *const thresholds[] = {"", "*:3"};

    for (guint i = 0; i < G_N_ELEMENTS(thresholds); i++) {
        log_of(thresholds[i]);
        fail_unless_equals_int(lines->len, 0);
        forget_lines();
    }
}
GST_END_TEST

/* DEBUG of the elements' own categories: a line an event, none a frame. */
GST_START_TEST(test_speaks)
{
    log_of("codesrc:5,codepaint:5");
    fail_unless(count_lines("codesrc ", "READY to PAUSED") == 1);
    fail_unless(count_lines("codesrc ", "PAUSED to READY") == 1);
    fail_unless(count_lines("codesrc ", "caps video/x-raw") == 1);
    fail_unless(count_lines("codesrc ", "seek to") >= 1);
    fail_unless(count_lines("codepaint ", "READY to PAUSED") == 1);
    fail_unless(count_lines("codepaint ", "caps video/x-raw") == 1);
    fail_unless(count_lines("code", "frame 7 at") == 0, "a line a frame");
    fail_unless(count_lines("codesrc-", "") == 0);
    forget_lines();
}
GST_END_TEST

/* The drawing thread and the loading ones have categories of their own. */
GST_START_TEST(test_speaks_of_drawing)
{
    guint begun, ended;

    log_of("codesrc*:5");
    begun = count_lines("codesrc-draw ", "begins: N = 2");
    ended = count_lines("codesrc-draw ", " us, of which drafter");
    fail_unless(begun >= 4 && ended >= 4 && ended <= begun, "%u begun, %u ended", begun, ended);
    fail_unless(count_lines("codesrc-draw ", "drawing from frame 6 on") >= 1);
    fail_unless(count_lines("codesrc-load ", "model tiny of") == 2);
    fail_unless(count_lines("codesrc-load ", "loaded ") == 1, "they share the weights");
    fail_unless(count_lines("codesrc-load ", "sharing ") == 1);
    fail_unless(count_lines("codesrc-load ", "generator for 2 pictures ready") == 1);
    fail_unless(count_lines("codesrc-engine ", "") == 0);
    forget_lines();
}
GST_END_TEST

/* LOG: a line a frame. TRACE: a line a stage. */
GST_START_TEST(test_speaks_of_frames)
{
    gchar text[40];

    log_of("codesrc:6,codepaint:6,codesrc-engine:7");
    for (guint n = 6; n < 12; n++) {
        g_snprintf(text, sizeof text, "frame %u at 0:00:00.", n);
        fail_unless(count_lines("codesrc ", text) >= 1, "%s", text);
        g_snprintf(text, sizeof text, "painted frame %u as class", n);
        fail_unless(count_lines("codepaint ", text) >= 1, "%s", text);
    }
    fail_unless(count_lines("codesrc-engine ", "drafter, scale 1: pictures 0 to ") >= 6);
    fail_unless(count_lines("codesrc-engine ", "refiner, scale 3: pictures 0 to ") >= 6);
    forget_lines();
}
GST_END_TEST

/* ---- properties that come too late ------------------------------------------------ */

/* It waits for the next start, and is reported once. */
GST_START_TEST(test_too_late)
{
    Player *player = player_new("num-buffers=2", FPS30);
    GstQuery *query = gst_query_new_seeking(GST_FORMAT_TIME);
    gboolean live, seekable;

    player_preroll(player);
    lines = g_ptr_array_new_with_free_func(g_free);
    gst_debug_set_threshold_from_string("codesrc:2", TRUE);
    gst_debug_remove_log_function(gst_debug_log_default);
    gst_debug_add_log_function(collect, NULL, NULL);
    for (guint i = 0; i < 3; i++)
        g_object_set(player->source, "is-live", TRUE, "batch-size", 2u, NULL);
    fail_unless(count_lines("codesrc ", "is-live takes effect when the element next leaves") == 1);
    fail_unless(count_lines("codesrc ", "batch-size takes effect") == 1);
    fail_unless_equals_int(lines->len, 2);
    g_object_get(player->source, "is-live", &live, NULL);
    fail_unless(live, "the property is the one set");
    fail_unless(gst_element_query(player->source, query));
    gst_query_parse_seeking(query, NULL, &seekable, NULL, NULL);
    fail_unless(seekable, "it acts at once");
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    fail_unless_equals_int(player->frames->len, 2);

    gst_element_set_state(player->pipeline, GST_STATE_READY);
    fail_unless_equals_int(gst_element_set_state(player->pipeline, GST_STATE_PAUSED),
                           GST_STATE_CHANGE_NO_PREROLL);
    gst_debug_remove_log_function(collect);
    gst_debug_set_threshold_from_string("", TRUE);
    gst_query_unref(query);
    forget_lines();
    player_free(player);
}
GST_END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("report");
    TCase *report = tcase_create("report");

    suite_add_tcase(suite, report);
    tcase_add_test(report, test_stats);
    tcase_add_test(report, test_launch_line);
    tcase_add_test(report, test_tags);
    tcase_add_test(report, test_silent);
    tcase_add_test(report, test_speaks);
    tcase_add_test(report, test_speaks_of_drawing);
    tcase_add_test(report, test_speaks_of_frames);
    tcase_add_test(report, test_too_late);
    return suite;
}
