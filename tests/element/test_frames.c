/* test_frames.c - what a frame shows: a function of its settings, seed and number, and of nothing
 * else. */
#include <gst/controller/gstdirectcontrolbinding.h>
#include <gst/controller/gstinterpolationcontrolsource.h>

#include "common.h"

GST_START_TEST(test_every_setting_matters)
{
    check_same("", "", TRUE);
    check_same("seed=1", "seed=2", FALSE);
    check_same("seed=18446744073709551615", "seed=18446744073709551615", TRUE);
    check_same("seed=18446744073709551615", "seed=18446744073709551614", FALSE);
    check_same("class-id=1", "class-id=2", FALSE);
    check_same("class-id=1", "class-id=10", FALSE);
    check_same("class-id=1 guidance=8", "class-id=1 guidance=0", FALSE);
    check_same("class-id=1 top-k=1", "class-id=1", FALSE);
    check_same("class-id=1 top-k=0 top-p=0", "class-id=1 top-k=0 top-p=0.2", FALSE);
    check_same("class-id=1 temperature=0.1", "class-id=1", FALSE);
    check_same("class-id=1 drafting-steps=1", "class-id=1 drafting-steps=4", FALSE);
}
GST_END_TEST

/* "The model's default" is what the manifest says. */
GST_START_TEST(test_defaults_are_the_models)
{
    check_same("class-id=1", "class-id=1 drafting-steps=2", TRUE);
    check_same("class-id=1", "class-id=1 guidance=1.5", TRUE);
    check_same("class-id=1", "class-id=1 top-k=20", TRUE);
    check_same("class-id=1", "class-id=1 more-smooth=true", FALSE);
    check_same("class-id=1 more-smooth=true", "class-id=1 more-smooth=true threads=3", TRUE);
    check_same("class-id=1", "class-id=1 top-p=0.95", TRUE);
    check_same("class-id=1",
               "class-id=1 guidance=-1 top-k=-1 top-p=-1 temperature=-1 drafting-steps=0", TRUE);
}
GST_END_TEST

/* Two elements at once, which share weights, give the same film. */
GST_START_TEST(test_two_instances)
{
    Player *one = player_new("seed=3 num-buffers=12", NULL);
    Player *two = player_new("seed=3 num-buffers=12", NULL);

    gst_element_set_state(two->pipeline, GST_STATE_PLAYING);
    fail_unless_equals_int(player_play(one), GST_MESSAGE_EOS);
    fail_unless_equals_int(player_play(two), GST_MESSAGE_EOS);
    for (guint i = 0; i < 12; i++)
        fail_unless_equals_string(player_frame(one, i)->checksum, player_frame(two, i)->checksum);
    player_free(one);
    player_free(two);
}
GST_END_TEST

/* Frame rate is a matter of time, not of pictures. */
GST_START_TEST(test_rate_changes_no_picture)
{
    Player *one = player_new("num-buffers=4", "video/x-raw,framerate=1/1");
    Player *two = player_new("num-buffers=4", "video/x-raw,framerate=60/1");

    fail_unless_equals_int(player_play(one), GST_MESSAGE_EOS);
    fail_unless_equals_int(player_play(two), GST_MESSAGE_EOS);
    for (guint i = 0; i < 4; i++)
        fail_unless_equals_string(player_frame(one, i)->checksum, player_frame(two, i)->checksum);
    player_free(one);
    player_free(two);
}
GST_END_TEST

/* In float32 every device draws the tokens of the reference, so pixels differ by rounding at
 * most. */
GST_START_TEST(test_devices_agree)
{
    GstSample *cpu = one_picture("class-id=4 device=auto precision=f32", NULL);
    GstSample *reference = one_picture("class-id=4 device=reference", NULL);
    GstMapInfo a, b;

    fail_unless(gst_buffer_map(gst_sample_get_buffer(cpu), &a, GST_MAP_READ));
    fail_unless(gst_buffer_map(gst_sample_get_buffer(reference), &b, GST_MAP_READ));
    fail_unless_equals_int(a.size, b.size);
    for (gsize i = 0; i < a.size; i++)
        fail_unless(ABS(a.data[i] - b.data[i]) <= 1);
    gst_buffer_unmap(gst_sample_get_buffer(cpu), &a);
    gst_buffer_unmap(gst_sample_get_buffer(reference), &b);
    gst_sample_unref(cpu);
    gst_sample_unref(reference);
}
GST_END_TEST

/* What a property is set to holds from the next frame on. */
GST_START_TEST(test_changes_while_playing)
{
    Player *player = player_new("class-id=1 num-buffers=40", NULL);
    Player *other = player_new("class-id=2 num-buffers=40", NULL);

    player_preroll(player);
    g_object_set(player->source, "class-id", 2, NULL);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    fail_unless_equals_int(player_play(other), GST_MESSAGE_EOS);
    fail_if(g_str_equal(player_frame(player, 0)->checksum, player_frame(other, 0)->checksum));
    fail_unless_equals_string(player_frame(player, 39)->checksum,
                              player_frame(other, 39)->checksum);
    player_free(player);
    player_free(other);
}
GST_END_TEST

/* A schedule of classes: class n in second n, exactly, and by seeking too. */
GST_START_TEST(test_controlled_classes)
{
    Player *player = player_new("num-buffers=6", "video/x-raw,framerate=1/1");
    GstControlSource *schedule = gst_interpolation_control_source_new();
    gchar *sought;

    g_object_set(schedule, "mode", GST_INTERPOLATION_MODE_NONE, NULL);
    for (guint i = 0; i < 6; i++)
        gst_timed_value_control_source_set(GST_TIMED_VALUE_CONTROL_SOURCE(schedule), i * GST_SECOND,
                                           i);
    fail_unless(gst_object_add_control_binding(
        GST_OBJECT(player->source),
        gst_direct_control_binding_new_absolute(GST_OBJECT(player->source), "class-id", schedule)));
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    for (guint i = 0; i < 6; i++) {
        gchar *description = g_strdup_printf("class-id=%u num-buffers=%u", i, i + 1);
        Player *plain = player_new(description, NULL);

        fail_unless_equals_int(player_play(plain), GST_MESSAGE_EOS);
        fail_unless_equals_string(player_frame(player, i)->checksum,
                                  player_frame(plain, i)->checksum);
        player_free(plain);
        g_free(description);
    }

    sought = g_strdup(player_frame(player, 4)->checksum);
    gst_element_set_state(player->pipeline, GST_STATE_READY);
    player_forget(player);
    player_preroll(player);
    player_seek(player, 1.0, GST_FORMAT_DEFAULT, GST_SEEK_FLAG_FLUSH, 4, 5);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    fail_unless_equals_string(player_frame(player, 0)->checksum, sought);
    g_free(sought);
    gst_object_unref(schedule);
    player_free(player);
}
GST_END_TEST

/* Steps that other weights serve: they are loaded between two frames, forth and back. */
GST_START_TEST(test_other_weights_for_other_steps)
{
    gchar *path = write_pairs_model();
    gchar *description = g_strdup_printf("model=\"%s\" class-id=1 num-buffers=6", path);
    gchar *with_two = g_strdup_printf("%s drafting-steps=2", description);
    gchar *with_three = g_strdup_printf("%s drafting-steps=3", description);
    Player *two = player_new(with_two, "video/x-raw,framerate=1/1");
    Player *three = player_new(with_three, "video/x-raw,framerate=1/1");
    Player *both = player_new(description, "video/x-raw,framerate=1/1");
    GstControlSource *schedule = gst_interpolation_control_source_new();

    g_object_set(schedule, "mode", GST_INTERPOLATION_MODE_NONE, NULL);
    for (guint i = 0; i < 6; i++)
        gst_timed_value_control_source_set(GST_TIMED_VALUE_CONTROL_SOURCE(schedule), i * GST_SECOND,
                                           2 + i / 2 % 2);
    fail_unless(gst_object_add_control_binding(
        GST_OBJECT(both->source), gst_direct_control_binding_new_absolute(
                                      GST_OBJECT(both->source), "drafting-steps", schedule)));
    fail_unless_equals_int(player_play(two), GST_MESSAGE_EOS);
    fail_unless_equals_int(player_play(three), GST_MESSAGE_EOS);
    fail_unless_equals_int(player_play(both), GST_MESSAGE_EOS);
    for (guint i = 0; i < 6; i++)
        fail_unless_equals_string(player_frame(both, i)->checksum,
                                  player_frame(i / 2 % 2 ? three : two, i)->checksum);
    fail_if(g_str_equal(player_frame(two, 0)->checksum, player_frame(three, 0)->checksum));
    gst_object_unref(schedule);
    player_free(two);
    player_free(three);
    player_free(both);
    g_free(with_two);
    g_free(with_three);
    g_free(description);
    g_free(path);
}
GST_END_TEST

static gchar *digest(const gchar *description)
{
    GstSample *sample = one_picture(description, NULL);
    GstCustomMeta *meta = gst_buffer_get_custom_meta(gst_sample_get_buffer(sample), "GstCodeMeta");
    GstStructure *structure = gst_custom_meta_get_structure(meta);
    gchar *text = g_strdup(gst_structure_get_string(structure, "model-digest"));

    fail_unless_equals_int(strlen(text), 16);
    gst_sample_unref(sample);
    return text;
}

/* A buffer's meta tells which weights drew it, not what the model is called. */
GST_START_TEST(test_digest)
{
    gchar *path = write_pairs_model();
    gchar *two = g_strdup_printf("model=\"%s\" drafting-steps=2", path);
    gchar *three = g_strdup_printf("model=\"%s\" drafting-steps=3 device=reference", path);
    gchar *before[] = {digest(two), digest(three)}, *after[2];
    gchar *bytes, *file = g_build_filename(test_folder(), "micro-drafter.safetensors", NULL);
    gsize size;

    fail_if(g_str_equal(before[0], before[1]));
    /* One bit of the last value of the drafter that serves two steps. */
    fail_unless(g_file_get_contents(file, &bytes, &size, NULL));
    bytes[size - 1] ^= 1;
    g_free(write_file("micro-drafter.safetensors", bytes, size));
    after[0] = digest(two);
    after[1] = digest(three);
    fail_if(g_str_equal(after[0], before[0]));
    fail_unless_equals_string(after[1], before[1]);
    for (guint i = 0; i < 2; i++) {
        g_free(before[i]);
        g_free(after[i]);
    }
    g_free(bytes);
    g_free(file);
    g_free(two);
    g_free(three);
    g_free(path);
}
GST_END_TEST

/* Class -1 is one class for each frame, which its own number repeats. */
GST_START_TEST(test_random_classes)
{
    Player *any = player_new("num-buffers=8", NULL);
    guint matches = 0;

    fail_unless_equals_int(player_play(any), GST_MESSAGE_EOS);
    for (guint id = 0; id < TINY_CLASSES; id++) {
        gchar *description = g_strdup_printf("class-id=%u num-buffers=8", id);
        Player *player = player_new(description, NULL);

        fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
        for (guint i = 0; i < 8; i++)
            matches +=
                g_str_equal(player_frame(any, i)->checksum, player_frame(player, i)->checksum);
        player_free(player);
        g_free(description);
    }
    fail_unless_equals_int(matches, 8);
    player_free(any);
}
GST_END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("frames");
    TCase *frames = tcase_create("frames");

    suite_add_tcase(suite, frames);
    tcase_add_test(frames, test_every_setting_matters);
    tcase_add_test(frames, test_defaults_are_the_models);
    tcase_add_test(frames, test_two_instances);
    tcase_add_test(frames, test_rate_changes_no_picture);
    tcase_add_test(frames, test_devices_agree);
    tcase_add_test(frames, test_changes_while_playing);
    tcase_add_test(frames, test_controlled_classes);
    tcase_add_test(frames, test_other_weights_for_other_steps);
    tcase_add_test(frames, test_digest);
    tcase_add_test(frames, test_random_classes);
    return suite;
}
