/* test_provenance.c - the record of a picture survives filters and encoders. It needs the plugins
 * of the machine and passes over those that are not there. */
#include "common.h"

static void check_meta(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
    GstCustomMeta *meta = gst_buffer_get_custom_meta(buffer, "GstCodeMeta");
    guint *count = data;

    (void)sink;
    (void)pad;
    fail_unless(meta != NULL);
    fail_unless_equals_string(
        gst_structure_get_string(gst_custom_meta_get_structure(meta), "model"), "sixteen");
    (*count)++;
}

static gboolean have(const gchar *name)
{
    GstElementFactory *factory = gst_element_factory_find(name);
    gboolean there = factory != NULL;

    gst_clear_object(&factory);
    return there;
}

/* Pictures of 16 x 16 pixels, which every encoder takes. */
static gchar *write_model(void)
{
    return write_file("sixteen.yaml",
                      "name: sixteen\n"
                      "patch_nums: [1, 2, 4, 8]\n"
                      "classes: 10\n"
                      "synthetic: 11\n"
                      "vae: {codes: 64, channels: 8, ch: 32, ch_mult: [1, 2], res_blocks: 1, "
                      "groups: 32}\n"
                      "drafter: {depth: 3, width: 128, heads: 2}\n"
                      "refiner: {depth: 2, width: 64, heads: 1}\n"
                      "defaults: {drafting_steps: 2}\n",
                      -1);
}

GST_START_TEST(test_survives)
{
    static const struct {
        const gchar *element, *chain;
    } chains[] = {
        {"videoconvert", "video/x-raw,format=RGB ! videoconvert ! video/x-raw,format=I420"},
        {"jpegenc", "jpegenc"},
        {"pngenc", "pngenc"},
        {"vp8enc", "vp8enc lag-in-frames=0"}};
    gchar *path = write_model();

    for (guint i = 0; i < G_N_ELEMENTS(chains); i++) {
        gchar *description = g_strdup_printf("model=\"%s\" num-buffers=3", path);
        guint count = 0;
        Player *player;

        if (!have(chains[i].element)) {
            g_print("no %s here\n", chains[i].element);
            g_free(description);
            continue;
        }
        player = player_new(description, chains[i].chain);
        g_signal_connect(player->sink, "handoff", G_CALLBACK(check_meta), &count);
        fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
        fail_unless_equals_int(count, 3);
        player_free(player);
        g_free(description);
    }
    g_free(path);
}
GST_END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("provenance");
    TCase *provenance = tcase_create("provenance");

    suite_add_tcase(suite, provenance);
    tcase_add_test(provenance, test_survives);
    return suite;
}
