/* test_blend.c - blends of two classes: their ends, a morph by schedule, and the record of one. */
#include <gst/controller/gstdirectcontrolbinding.h>
#include <gst/controller/gstinterpolationcontrolsource.h>

#include "common.h"

#define FPS10  "video/x-raw,framerate=10/1"
#define STEPS  10
#define FRAMES "num-buffers=11"

GST_START_TEST(test_ends)
{
    check_same("class-id=3", "class-id=3 class-id-2=7", TRUE);
    check_same("class-id=3", "class-id=3 class-id-2=7 class-mix=0", TRUE);
    check_same("class-id=7", "class-id=3 class-id-2=7 class-mix=1", TRUE);
    check_same("class-id=7", "classes=3,4 class-id-2=7 class-mix=1", TRUE);
    check_same("class-id=3", "class-id=3 class-mix=0.5", TRUE);
    check_same("class-id=3", "class-id=3 class-id-2=7 class-mix=0.5", FALSE);
    check_same("class-id=7", "class-id=3 class-id-2=7 class-mix=0.5", FALSE);
    check_same("class-id=7 class-id-2=3 class-mix=0.5", "class-id=3 class-id-2=7 class-mix=0.5",
               TRUE);
    check_same("class-id=3 class-id-2=10 class-mix=0.5", "class-id=3", FALSE);
}
GST_END_TEST

/* ---- a morph --------------------------------------------------------------------- */

static void keep_mix(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
    GstCustomMeta *meta = gst_buffer_get_custom_meta(buffer, "GstCodeMeta");
    gdouble mix = -1.0;

    (void)sink;
    (void)pad;
    fail_unless(meta != NULL);
    fail_unless(gst_structure_get_double(gst_custom_meta_get_structure(meta), "class-mix", &mix));
    g_array_append_val((GArray *)data, mix);
}

/* From class 3 to class 7 in STEPS frames and one. */
static Player *morph(const gchar *more)
{
    gchar *description = g_strdup_printf("class-id=3 class-id-2=7 %s", more);
    Player *player = player_new(description, FPS10);
    GstControlSource *source = gst_interpolation_control_source_new();
    GstTimedValueControlSource *schedule = GST_TIMED_VALUE_CONTROL_SOURCE(source);

    g_object_set(schedule, "mode", GST_INTERPOLATION_MODE_LINEAR, NULL);
    gst_timed_value_control_source_set(schedule, 0, 0.0);
    gst_timed_value_control_source_set(schedule, GST_SECOND, 1.0);
    fail_unless(gst_object_add_control_binding(
        GST_OBJECT(player->source),
        gst_direct_control_binding_new_absolute(GST_OBJECT(player->source), "class-mix", source)));
    gst_object_unref(source);
    g_free(description);
    return player;
}

GST_START_TEST(test_morph)
{
    static const gchar *const ways[] = {FRAMES, FRAMES " batch-size=4", FRAMES " queue-depth=0"};

    for (guint way = 0; way < G_N_ELEMENTS(ways); way++) {
        Player *player = morph(ways[way]);
        GArray *mixes = g_array_new(FALSE, FALSE, sizeof(gdouble));

        g_signal_connect(player->sink, "handoff", G_CALLBACK(keep_mix), mixes);
        fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
        fail_unless_equals_int(player->frames->len, STEPS + 1);
        for (guint i = 0; i <= STEPS; i++) {
            gdouble mix = g_array_index(mixes, gdouble, i);
            gchar *pure = g_strdup_printf("class-id=%u first-frame=%u", i ? 7 : 3, i);
            gchar *blend =
                g_strdup_printf("class-id=3 class-id-2=7 class-mix=%.17g first-frame=%u", mix, i);
            gchar *found = picture_checksum(i % STEPS ? blend : pure);

            fail_unless(ABS(mix - i / (gdouble)STEPS) < 1e-9, "frame %u: mix %g", i, mix);
            fail_unless_equals_string(player_frame(player, i)->checksum, found);
            g_free(found);
            g_free(pure);
            g_free(blend);
        }
        g_array_unref(mixes);
        player_free(player);
    }
}
GST_END_TEST

/* The frames of a morph by seeking and backwards. */
GST_START_TEST(test_morph_sought)
{
    Player *plain = morph(FRAMES), *player = morph("");

    fail_unless_equals_int(player_play(plain), GST_MESSAGE_EOS);
    player_preroll(player);
    player_seek(player, 1.0, GST_FORMAT_DEFAULT, GST_SEEK_FLAG_FLUSH, 6, 8);
    player_forget(player);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    player_seek(player, -1.0, GST_FORMAT_DEFAULT, GST_SEEK_FLAG_FLUSH, 0, STEPS + 1);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    fail_unless(player->frames->len >= STEPS + 2, "%u frames", player->frames->len);
    for (guint i = 0; i < player->frames->len; i++) {
        const Frame *frame = player_frame(player, i);

        fail_unless_equals_string(frame->checksum,
                                  player_frame(plain, (guint)frame->offset)->checksum);
    }
    player_free(player);
    player_free(plain);
}
GST_END_TEST

/* ---- the record ------------------------------------------------------------------ */

/* Stats have both, and the launch line makes the picture again. */
GST_START_TEST(test_record)
{
    Player *player = player_new(
        "class-id=3 class-id-2=7 class-mix=0.3 seed=5 first-frame=2 num-buffers=1", NULL);
    GstStructure *stats;
    gchar *line, *end, *again, *rest;
    gdouble mix;
    gint class_id;

    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    g_object_get(player->source, "stats", &stats, NULL);
    fail_unless(gst_structure_get(stats, "class-id-2", G_TYPE_INT, &class_id, "class-mix",
                                  G_TYPE_DOUBLE, &mix, "launch-line", G_TYPE_STRING, &line, NULL));
    fail_unless_equals_int(class_id, 7);
    fail_unless_equals_float(mix, 0.3);
    rest = strstr(line, "class-id=");
    end = strstr(line, " !");
    fail_unless(rest != NULL && end != NULL && rest < end, "%s", line);
    *end = '\0';
    again = picture_checksum(rest);
    fail_unless_equals_string(again, player_frame(player, 0)->checksum);
    g_free(again);
    g_free(line);
    gst_structure_free(stats);
    player_free(player);
}
GST_END_TEST

GST_START_TEST(test_uri)
{
    GstElement *source =
        gst_element_make_from_uri(GST_URI_SRC, "code://3?class-id-2=7&class-mix=0.25", NULL, NULL);
    gdouble mix;
    gint class_id;

    fail_unless(source != NULL);
    gst_object_ref_sink(source);
    g_object_get(source, "class-id-2", &class_id, "class-mix", &mix, NULL);
    fail_unless_equals_int(class_id, 7);
    fail_unless_equals_float(mix, 0.25);
    gst_object_unref(source);
}
GST_END_TEST

/* ---- errors ---------------------------------------------------------------------- */

GST_START_TEST(test_no_such_class)
{
    Player *player = player_new("class-id=3 class-id-2=11", NULL);
    gchar *text;

    fail_unless_equals_int(gst_element_set_state(player->pipeline, GST_STATE_PAUSED),
                           GST_STATE_CHANGE_FAILURE);
    text = expect_error(player->bus, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS);
    fail_unless(strstr(text, "class-id-2 11") && strstr(text, "-1 (none)"), "%s", text);
    g_free(text);
    player_free(player);

    player = player_new("class-id=3", NULL);
    player_preroll(player);
    g_object_set(player->source, "class-id-2", 99, NULL);
    gst_element_set_state(player->pipeline, GST_STATE_PLAYING);
    text = expect_error(player->bus, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS);
    fail_unless(strstr(text, "class-id-2 99") != NULL, "%s", text);
    g_free(text);
    player_free(player);
}
GST_END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("blend");
    TCase *blend = tcase_create("blend");

    suite_add_tcase(suite, blend);
    tcase_add_test(blend, test_ends);
    tcase_add_test(blend, test_morph);
    tcase_add_test(blend, test_morph_sought);
    tcase_add_test(blend, test_record);
    tcase_add_test(blend, test_uri);
    tcase_add_test(blend, test_no_such_class);
    return suite;
}
