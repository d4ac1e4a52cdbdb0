/* test_motion.c - films: pictures that stand still, become one another, repeat, or are variations
 * of one. */
#include "codesrc.h"
#include "common.h"

#include <gst/controller/gstdirectcontrolbinding.h>
#include <gst/controller/gstinterpolationcontrolsource.h>

#define FPS25 "video/x-raw,format=RGB,framerate=25/1"
#define BYTES (3 * TINY_SIDE * TINY_SIDE)
#define FLUSH (GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE)

static Player *played(const gchar *description)
{
    Player *player = player_new(description, FPS25);

    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    return player;
}

static const gchar *sum(Player *player, guint i)
{
    return player_frame(player, i)->checksum;
}

static gboolean same(Player *one, guint i, Player *other, guint j)
{
    return g_str_equal(sum(one, i), sum(other, j));
}

/* ---- frames between pictures ----------------------------------------------------- */

/* What the engine itself renders between pictures 0 and 1 of class 3, seed 5. */
static gchar *rendered_between(gdouble t)
{
    static guint8 pixels[BYTES];
    CodesrcModelOptions options;
    CodesrcError error;
    CodesrcModel *model;
    CodesrcGenerator *generator;
    CodesrcRequest requests[2];
    CodesrcFeatures *features[2];
    CodesrcPicture picture = {pixels, 3 * TINY_SIDE};

    codesrc_model_options_init(&options);
    model = codesrc_model_open(tiny_model(), &options, &error);
    generator = model ? codesrc_generator_new(model, 2, 0, &error) : NULL;
    fail_unless(generator != NULL, "%s", error.text);
    for (guint i = 0; i < 2; i++) {
        codesrc_request_init(model, &requests[i]);
        requests[i].class_id = 3;
        requests[i].seed = 5;
        requests[i].frame = i;
    }
    fail_unless(
        codesrc_generate_features(generator, requests, 2, features, &error) &&
            codesrc_render_between(generator, features[0], features[1], t, &picture, &error),
        "%s", error.text);
    codesrc_features_unref(features[0]);
    codesrc_features_unref(features[1]);
    codesrc_generator_free(generator);
    codesrc_model_unref(model);
    return g_compute_checksum_for_data(G_CHECKSUM_SHA256, pixels, BYTES);
}

/* Two frames of a picture, three on the way to the next. */
static void check_film(Player *film, Player *pictures, const gdouble t[3])
{
    for (guint i = 0; i < 12; i++) {
        const Frame *frame = player_frame(film, i);

        fail_unless_equals_uint64(frame->pts, i * 40 * GST_MSECOND);
        fail_unless_equals_uint64(frame->duration, 40 * GST_MSECOND);
        fail_unless_equals_uint64(frame->offset, i);
        if (i % 5 < 2)
            fail_unless(same(film, i, pictures, i / 5), "frame %u is not picture %u", i, i / 5);
        else
            fail_if(same(film, i, film, i - 1), "frame %u is the one before", i);
    }
    for (guint i = 0; i < 3; i++) {
        gchar *expected = rendered_between(t[i]);

        fail_unless_equals_string(sum(film, 2 + i), expected);
        g_free(expected);
    }
}

GST_START_TEST(test_film)
{
    static const gdouble linear[3] = {0.25, 0.5, 0.75}, smooth[3] = {0.15625, 0.5, 0.84375};
    Player *pictures = played("class-id=3 seed=5 num-buffers=3");
    Player *film = played("class-id=3 seed=5 hold=2 morph=3 num-buffers=12");

    check_film(film, pictures, smooth);
    player_free(film);
    film = played("class-id=3 seed=5 hold=2 morph=3 easing=linear queue-depth=0 "
                  "batch-size=4 num-buffers=12");
    check_film(film, pictures, linear);
    player_free(film);
    player_free(pictures);
}
GST_END_TEST

/* In each format, also in those of which rows have room between them. */
GST_START_TEST(test_formats)
{
    static const gchar *const formats[] = {"BGRx", "RGBx", "GBR", "I420", "NV12"};

    for (guint f = 0; f < G_N_ELEMENTS(formats); f++) {
        gchar *caps = g_strdup_printf("video/x-raw,format=%s,framerate=25/1", formats[f]);
        Player *film = player_new("class-id=3 hold=2 morph=1 num-buffers=6", caps);
        Player *pictures = player_new("class-id=3 num-buffers=2", caps);
        Player *middle = player_new("class-id=3 hold=2 morph=1 phase=2 num-buffers=1", caps);

        fail_unless_equals_int(player_play(film), GST_MESSAGE_EOS);
        fail_unless_equals_int(player_play(pictures), GST_MESSAGE_EOS);
        fail_unless_equals_int(player_play(middle), GST_MESSAGE_EOS);
        for (guint i = 0; i < 6; i++)
            fail_unless(i % 3 == 2 ? !same(film, i, pictures, 0) && !same(film, i, pictures, 1)
                                   : same(film, i, pictures, i / 3),
                        "%s, frame %u", formats[f], i);
        fail_unless(same(film, 2, middle, 0), "%s", formats[f]);
        player_free(middle);
        player_free(pictures);
        player_free(film);
        g_free(caps);
    }
}
GST_END_TEST

/* The rate, if downstream leaves it open. */
GST_START_TEST(test_rate)
{
    GstSample *sample = one_picture("hold=1 morph=1", "video/x-raw");
    GstVideoInfo info;

    fail_unless(gst_video_info_from_caps(&info, gst_sample_get_caps(sample)));
    fail_unless_equals_int(info.fps_n, 25);
    fail_unless_equals_int(info.fps_d, 1);
    gst_sample_unref(sample);
}
GST_END_TEST

/* ---- memory ---------------------------------------------------------------------- */

static void keep(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
    (void)sink;
    (void)pad;
    g_ptr_array_add(data, gst_buffer_ref(buffer));
}

/* Frames in which a picture stands are the same memory, and no two pictures share any. */
GST_START_TEST(test_memory)
{
    Player *player = player_new("hold=3 morph=1 num-buffers=8", FPS25);
    GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)gst_buffer_unref);

    g_signal_connect(player->sink, "handoff", G_CALLBACK(keep), all);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    fail_unless_equals_int(all->len, 8);
    for (guint i = 1; i < all->len; i++) {
        gboolean stands = i % 4 == 1 || i % 4 == 2;

        fail_unless((gst_buffer_peek_memory(all->pdata[i], 0) ==
                     gst_buffer_peek_memory(all->pdata[i - 1], 0)) == stands,
                    "frame %u", i);
    }
    g_ptr_array_unref(all);
    player_free(player);
}
GST_END_TEST

/* A picture that stands longer than frames are drawn ahead is still drawn once. */
GST_START_TEST(test_long_hold)
{
    Player *player = player_new("hold=200 num-buffers=202", FPS25);
    GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)gst_buffer_unref);

    g_signal_connect(player->sink, "handoff", G_CALLBACK(keep), all);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    fail_unless_equals_int(all->len, 202);
    for (guint i = 1; i < all->len; i++)
        fail_unless((gst_buffer_peek_memory(all->pdata[i], 0) ==
                     gst_buffer_peek_memory(all->pdata[i - 1], 0)) == (i != 200),
                    "frame %u", i);
    g_ptr_array_unref(all);
    player_free(player);
}
GST_END_TEST

/* ---- time ------------------------------------------------------------------------ */

/* The frames of `player` are those of `truth`, by number. */
static void check_numbers(Player *player, Player *truth, guint begin, guint count)
{
    fail_unless_equals_int(player->frames->len, count);
    for (guint i = 0; i < count; i++) {
        const Frame *frame = player_frame(player, i);

        fail_unless(frame->offset >= begin && frame->offset < begin + count);
        fail_unless_equals_string(frame->checksum, sum(truth, (guint)frame->offset));
    }
}

/* From each frame on, and backwards. */
GST_START_TEST(test_seeks)
{
    Player *truth = played("seed=2 hold=3 morph=2 num-buffers=12");

    for (guint begin = 0; begin < 12; begin++) {
        Player *player = player_new("seed=2 hold=3 morph=2 num-buffers=12", FPS25);

        player_preroll(player);
        player_seek(player, 1.0, GST_FORMAT_TIME, FLUSH, begin * 40 * GST_MSECOND, -1);
        player_forget(player);
        fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
        check_numbers(player, truth, begin, 12 - begin);
        player_free(player);
    }
    for (guint stop = 1; stop <= 12; stop++) {
        Player *player = player_new("seed=2 hold=3 morph=2", FPS25);

        player_preroll(player);
        player_seek(player, -1.0, GST_FORMAT_TIME, FLUSH, 0, stop * 40 * GST_MSECOND);
        player_forget(player);
        fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
        check_numbers(player, truth, 0, stop);
        player_free(player);
    }
    player_free(truth);
}
GST_END_TEST

/* From the middle of a morph to the middle of the next one, and again without a flush. */
GST_START_TEST(test_segment_seek)
{
    GstSeekFlags flags[] = {FLUSH | GST_SEEK_FLAG_SEGMENT, GST_SEEK_FLAG_SEGMENT};
    Player *truth = played("seed=2 hold=3 morph=2 num-buffers=12");
    Player *player = player_new("seed=2 hold=3 morph=2", FPS25);

    player_preroll(player);
    for (guint i = 0; i < G_N_ELEMENTS(flags); i++) {
        player_seek(player, 1.0, GST_FORMAT_TIME, flags[i], 4 * 40 * GST_MSECOND,
                    9 * 40 * GST_MSECOND);
        if (i == 0)
            player_forget(player);
        fail_unless_equals_int(player_play(player), GST_MESSAGE_SEGMENT_DONE);
        check_numbers(player, truth, 4, 5);
        player_forget(player);
    }
    player_free(player);
    player_free(truth);
}
GST_END_TEST

GST_START_TEST(test_loop)
{
    Player *film = played("seed=3 hold=2 morph=2 loop=3 num-buffers=26");
    Player *endless = played("seed=3 hold=2 morph=2 num-buffers=13");

    for (guint i = 0; i < 14; i++)
        fail_unless(same(film, i, film, i + 12), "frame %u does not repeat", i);
    for (guint i = 0; i < 10; i++)
        fail_unless(same(film, i, endless, i), "frame %u is another one without loop", i);
    fail_if(same(film, 12, endless, 12), "picture 3 is picture 0 without loop");
    player_free(endless);
    player_free(film);
}
GST_END_TEST

/* New settings hold from the next frame on, in the middle of a film, too. */
GST_START_TEST(test_new_settings)
{
    Player *old = played("class-id=1 hold=4 morph=4 num-buffers=8");
    Player *new = played("class-id=2 hold=4 morph=4 num-buffers=8");
    Player *player = player_new("class-id=1 hold=4 morph=4 num-buffers=8", FPS25);

    player_preroll(player);
    g_object_set(player->source, "class-id", 2, NULL);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    fail_unless(same(player, 0, old, 0));
    for (guint i = 2; i < 8; i++) /* the second may be on its way already */
        fail_unless(same(player, i, new, i), "frame %u", i);
    player_free(player);
    player_free(new);
    player_free(old);
}
GST_END_TEST

/* A schedule is read for each picture, at its first frame, also where the picture is only the one
 * that the film is on its way to. */
GST_START_TEST(test_schedule)
{
    Player *list = played("seed=6 classes=\"1,2,5\" hold=2 morph=2 num-buffers=12");
    Player *player = player_new("seed=6 hold=2 morph=2 num-buffers=12", FPS25);
    GstControlSource *control = gst_interpolation_control_source_new();
    static const gint classes[] = {1, 2, 5, 1};

    g_object_set(control, "mode", GST_INTERPOLATION_MODE_NONE, NULL);
    for (guint i = 0; i < 4; i++)
        gst_timed_value_control_source_set(GST_TIMED_VALUE_CONTROL_SOURCE(control),
                                           i * 160 * GST_MSECOND, classes[i]);
    gst_object_add_control_binding(
        GST_OBJECT(player->source),
        gst_direct_control_binding_new_absolute(GST_OBJECT(player->source), "class-id", control));
    gst_object_unref(control);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    for (guint i = 0; i < 12; i++)
        fail_unless(same(player, i, list, i), "frame %u", i);
    player_free(player);
    player_free(list);
}
GST_END_TEST

/* ---- variations ------------------------------------------------------------------ */

GST_START_TEST(test_variations)
{
    check_same("seed=4 first-frame=6", "seed=4 first-frame=6 keep-scales=2", TRUE);
    check_same("seed=4 first-frame=6", "seed=4 first-frame=6 keep-scales=4 variation=3", TRUE);
    check_same("class-id=3 seed=4 first-frame=9",
               "class-id=3 seed=4 first-frame=6 keep-scales=0 variation=3", TRUE);
    check_same("seed=4 first-frame=6", "seed=4 first-frame=6 keep-scales=2 variation=1", FALSE);
    check_same("seed=4 first-frame=6 keep-scales=2 variation=2",
               "seed=4 first-frame=6 keep-scales=2 variation=1", FALSE);
}
GST_END_TEST

GST_START_TEST(test_stream_of_variations)
{
    Player *player = played("seed=4 first-frame=6 keep-scales=2 num-buffers=4");

    for (guint i = 0; i < 4; i++) {
        gchar *description = g_strdup_printf("seed=4 first-frame=6 keep-scales=2 variation=%u", i);
        gchar *checksum = picture_checksum(description);

        fail_unless_equals_string(sum(player, i), checksum);
        g_free(checksum);
        g_free(description);
    }
    player_free(player);
}
GST_END_TEST

/* ---- records --------------------------------------------------------------------- */

/* The element's properties in a launch line. */
static gchar *properties_of(const gchar *line)
{
    const gchar *first = line + strlen("gst-launch-1.0 codesrc ");

    fail_unless(g_str_has_prefix(line, "gst-launch-1.0 codesrc "), "%s", line);
    return g_strndup(first, (gsize)(strstr(line, " ! ") - first));
}

/* The launch line of the last frame draws that frame, whatever is on both sides of it. */
static void check_launch_line(const gchar *description, guint frames)
{
    gchar *all = g_strdup_printf("%s num-buffers=%u", description, frames);
    Player *film = played(all), *again;
    GstStructure *stats;
    gchar *properties, *one;

    g_object_get(film->source, "stats", &stats, NULL);
    properties = properties_of(gst_structure_get_string(stats, "launch-line"));
    one = g_strdup_printf("%s num-buffers=1", properties);
    again = played(one);
    fail_unless(same(again, 0, film, frames - 1), "%s", properties);
    player_free(again);
    g_free(one);
    g_free(properties);
    gst_structure_free(stats);
    player_free(film);
    g_free(all);
}

GST_START_TEST(test_launch_lines)
{
    for (guint frames = 1; frames <= 9; frames++)
        check_launch_line("seed=8 first-frame=5 hold=2 morph=2", frames);
    /* From the last picture of a loop to its first, whose places in it are both odd, or even. */
    for (guint frames = 12; frames <= 13; frames++)
        check_launch_line("seed=8 first-frame=5 loop=3 hold=2 morph=2", frames);
    check_launch_line("seed=8 classes=\"1,4,2\" hold=1 morph=3 easing=linear phase=1", 6);
    check_launch_line("seed=8 first-frame=5 keep-scales=2 hold=1 morph=3", 7);
}
GST_END_TEST

static void check_meta(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
    GstCustomMeta *meta = gst_buffer_get_custom_meta(buffer, "GstCodeMeta");
    const GstStructure *record = gst_custom_meta_get_structure(meta);
    guint64 number = GST_BUFFER_OFFSET(buffer), frame, next, phase;
    gdouble t;
    guint hold, morph;

    (void)sink;
    (void)pad;
    fail_unless(gst_structure_get(record, "frame", G_TYPE_UINT64, &frame, "next-frame",
                                  G_TYPE_UINT64, &next, "t", G_TYPE_DOUBLE, &t, "hold", G_TYPE_UINT,
                                  &hold, "morph", G_TYPE_UINT, &morph, "phase", G_TYPE_UINT64,
                                  &phase, NULL));
    fail_unless(gst_structure_has_field(record, "next-class-id"));
    fail_if(gst_structure_has_field(record, "input"));
    fail_unless_equals_uint64(frame, 7 + number / 3);
    fail_unless_equals_uint64(next, number % 3 == 2 ? frame + 1 : frame);
    fail_unless_equals_float(t, number % 3 == 2 ? 0.5 : 0.0);
    fail_unless(hold == 2 && morph == 1 && phase == number);
    (*(guint *)data)++;
}

GST_START_TEST(test_meta)
{
    Player *player = player_new("first-frame=7 hold=2 morph=1 num-buffers=7", FPS25);
    guint count = 0;

    g_signal_connect(player->sink, "handoff", G_CALLBACK(check_meta), &count);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    fail_unless_equals_int(count, 7);
    player_free(player);
}
GST_END_TEST

/* ---- refusals -------------------------------------------------------------------- */

static void check_refused(const gchar *description, const gchar *expected)
{
    Player *player = player_new(description, FPS25);
    gchar *text;

    gst_element_set_state(player->pipeline, GST_STATE_PLAYING);
    text = expect_error(player->bus, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS);
    fail_unless(strstr(text, expected) != NULL, "%s", text);
    g_free(text);
    player_free(player);
}

GST_START_TEST(test_refused)
{
    check_refused("hold=0", "hold 0, expected 1 to");
    check_refused("progressive=true morph=2", "progressive with hold 1, morph 2");
    check_refused("keep-scales=17", "keep-scales 17, expected -1 to 16");
    check_refused("keep-scales=9", "keep-scales 9, expected -1 (no variations) or 0 to 4");
}
GST_END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("motion");
    TCase *motion = tcase_create("motion");

    suite_add_tcase(suite, motion);
    tcase_add_test(motion, test_film);
    tcase_add_test(motion, test_formats);
    tcase_add_test(motion, test_rate);
    tcase_add_test(motion, test_memory);
    tcase_add_test(motion, test_long_hold);
    tcase_add_test(motion, test_seeks);
    tcase_add_test(motion, test_segment_seek);
    tcase_add_test(motion, test_loop);
    tcase_add_test(motion, test_new_settings);
    tcase_add_test(motion, test_schedule);
    tcase_add_test(motion, test_variations);
    tcase_add_test(motion, test_stream_of_variations);
    tcase_add_test(motion, test_launch_lines);
    tcase_add_test(motion, test_meta);
    tcase_add_test(motion, test_refused);
    return suite;
}
