/* common.c - models, recorded playing and pictures for the element's tests, and their main(). */
#include "common.h"

#include "../load.h"

#include <glib/gstdio.h>
#include <stdlib.h>

static gchar *folder;

static const gchar tiny_manifest[] =
    "name: tiny\n"
    "patch_nums: [1, 2, 3, 4]\n"
    "classes: 10\n"
    "synthetic: 11\n"
    "vae: {codes: 64, channels: 8, ch: 32, ch_mult: [1, 2], res_blocks: 1, groups: 32}\n"
    "drafter: {depth: 3, width: 128, heads: 2}\n"
    "refiner: {depth: 2, width: 64, heads: 1}\n"
    "defaults: {drafting_steps: 2, guidance: 1.5, top_k: 20, top_p: 0.95, temperature: 1.0}\n";

/* ThreadSanitizer makes everything many times slower, so a smaller model is as slow. */
#ifdef __SANITIZE_THREAD__
#define SLOW_VAE                                                                                   \
    "{codes: 256, channels: 16, ch: 8, ch_mult: [1, 1, 1, 1, 1], res_blocks: 1, groups: 8}"
#define SLOW_DRAFTER "{depth: 4, width: 128, heads: 2}"
#define SLOW_REFINER "{depth: 3, width: 128, heads: 2}"
#else
#define SLOW_VAE                                                                                   \
    "{codes: 1024, channels: 16, ch: 64, ch_mult: [1, 1, 2, 2, 4], res_blocks: 2, groups: 32}"
#define SLOW_DRAFTER "{depth: 12, width: 512, heads: 8}"
#define SLOW_REFINER "{depth: 8, width: 512, heads: 8}"
#endif

static const gchar slow_manifest[] =
    "name: slow\n"
    "patch_nums: [1, 2, 3, 4, 5, 6, 8, 10, 13, 16]\n"
    "classes: 10\n"
    "synthetic: 11\n"
    "vae: " SLOW_VAE "\n"
    "drafter: " SLOW_DRAFTER "\n"
    "refiner: " SLOW_REFINER "\n"
    "defaults: {drafting_steps: 8, guidance: 1.5, top_k: 20, top_p: 0.95, temperature: 1.0}\n";

const gchar *test_folder(void)
{
    if (!folder)
        folder = g_dir_make_tmp("codesrc-test-XXXXXX", NULL);
    g_assert_nonnull(folder);
    return folder;
}

gchar *write_file(const gchar *name, const gchar *contents, gssize size)
{
    gchar *path = g_build_filename(test_folder(), name, NULL);

    g_assert_true(g_file_set_contents(path, contents, size, NULL));
    return path;
}

static gchar *tiny_path, *slow_path;

const gchar *tiny_model(void)
{
    if (!tiny_path)
        tiny_path = write_file("tiny.yaml", tiny_manifest, -1);
    return tiny_path;
}

const gchar *slow_model(void)
{
    if (!slow_path)
        slow_path = write_file("slow.yaml", slow_manifest, -1);
    return slow_path;
}

/* Copies one of the files that the loaders' tests read into the folder. */
static void copy_data(const gchar *name)
{
    gchar *from = g_build_filename(g_getenv("CODESRC_TEST_DATA"), name, NULL);
    gchar *contents;
    gsize size;

    fail_unless(g_file_get_contents(from, &contents, &size, NULL), "%s", from);
    g_free(write_file(name, contents, size));
    g_free(contents);
    g_free(from);
}

gchar *write_pairs_model(void)
{
    copy_data("micro-vae.pth");
    copy_data("micro-drafter.safetensors");
    copy_data("micro-drafter-bf16.pth");
    copy_data("micro-refiner-with-buffers.pth");
    return write_file("pairs.yaml",
                      "name: pairs\n"
                      "patch_nums: [1, 2, 3]\n"
                      "classes: 4\n"
                      "vae: {file: micro-vae.pth}\n"
                      "pairs:\n"
                      "  - {steps: [1, 2], drafter: {file: micro-drafter.safetensors},\n"
                      "     refiner: {file: micro-refiner-with-buffers.pth}}\n"
                      "  - {steps: 3, drafter: {file: micro-drafter-bf16.pth},\n"
                      "     refiner: {file: micro-refiner-with-buffers.pth}}\n"
                      "defaults: {drafting_steps: 2}\n",
                      -1);
}

/* Whatever is in the folder: tests run in processes of their own, and what they write is not known
 * here. */
static void remove_files(void)
{
    GDir *dir = g_dir_open(test_folder(), 0, NULL);
    const gchar *name;

    while (dir && (name = g_dir_read_name(dir))) {
        gchar *path = g_build_filename(test_folder(), name, NULL);

        g_remove(path);
        g_free(path);
    }
    g_clear_pointer(&dir, g_dir_close);
    g_rmdir(test_folder());
    g_free(tiny_path);
    g_free(slow_path);
    g_free(folder);
}

GstElement *tiny_source(void)
{
    GstElement *source = gst_element_factory_make("codesrc", NULL);

    fail_unless(source != NULL);
    g_object_set(source, "model", tiny_model(), NULL);
    return gst_object_ref_sink(source);
}

void check_at_once(gint64 begin)
{
    gint64 took = g_get_monotonic_time() - begin;
    gint64 most = (gint64)(100 * G_TIME_SPAN_MILLISECOND * busy());

    g_print("took %.1f of %.1f ms\n", took / 1000.0, most / 1000.0);
    fail_unless(took < most, "%" G_GINT64_FORMAT " us", took);
}

/* ---- players ------------------------------------------------------------------- */

static gchar *buffer_checksum(GstBuffer *buffer)
{
    GstMapInfo map;
    gchar *checksum;

    fail_unless(gst_buffer_map(buffer, &map, GST_MAP_READ));
    checksum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, map.data, map.size);
    gst_buffer_unmap(buffer, &map);
    return checksum;
}

static void on_handoff(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
    Player *player = data;
    Frame frame = {
        .pts = GST_BUFFER_PTS(buffer),
        .duration = GST_BUFFER_DURATION(buffer),
        .offset = GST_BUFFER_OFFSET(buffer),
        .offset_end = GST_BUFFER_OFFSET_END(buffer),
        .discont = GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT),
        .checksum = buffer_checksum(buffer),
    };

    (void)sink;
    (void)pad;
    g_mutex_lock(&player->lock);
    g_array_append_val(player->frames, frame);
    g_mutex_unlock(&player->lock);
}

static void clear_frame(gpointer frame)
{
    g_free(((Frame *)frame)->checksum);
}

Player *player_new(const gchar *description, const gchar *caps)
{
    Player *player = g_new0(Player, 1);
    gchar *launch = g_strdup_printf("codesrc name=source model=\"%s\" %s ! %s ! fakesink "
                                    "name=sink signal-handoffs=true",
                                    tiny_model(), description, caps ? caps : "video/x-raw");
    GError *error = NULL;

    player->pipeline = gst_parse_launch(launch, &error);
    fail_unless(player->pipeline != NULL && error == NULL, "%s: %s", launch,
                error ? error->message : "");
    g_free(launch);
    player->source = gst_bin_get_by_name(GST_BIN(player->pipeline), "source");
    player->sink = gst_bin_get_by_name(GST_BIN(player->pipeline), "sink");
    player->bus = gst_element_get_bus(player->pipeline);
    player->frames = g_array_new(FALSE, FALSE, sizeof(Frame));
    g_array_set_clear_func(player->frames, clear_frame);
    g_mutex_init(&player->lock);
    g_signal_connect(player->sink, "handoff", G_CALLBACK(on_handoff), player);
    return player;
}

void player_free(Player *player)
{
    fail_unless_equals_int(gst_element_set_state(player->pipeline, GST_STATE_NULL),
                           GST_STATE_CHANGE_SUCCESS);
    gst_object_unref(player->source);
    gst_object_unref(player->sink);
    gst_object_unref(player->bus);
    gst_object_unref(player->pipeline);
    g_array_unref(player->frames);
    g_mutex_clear(&player->lock);
    g_free(player);
}

void player_preroll(Player *player)
{
    GstStateChangeReturn result = gst_element_set_state(player->pipeline, GST_STATE_PAUSED);

    if (result == GST_STATE_CHANGE_ASYNC)
        result = gst_element_get_state(player->pipeline, NULL, NULL, PATIENCE);
    fail_unless_equals_int(result, GST_STATE_CHANGE_SUCCESS);
}

GstMessageType player_play(Player *player)
{
    GstMessage *message;
    GstMessageType type;

    fail_unless(gst_element_set_state(player->pipeline, GST_STATE_PLAYING) !=
                GST_STATE_CHANGE_FAILURE);
    message = gst_bus_timed_pop_filtered(
        player->bus, PATIENCE, GST_MESSAGE_EOS | GST_MESSAGE_SEGMENT_DONE | GST_MESSAGE_ERROR);
    fail_unless(message != NULL, "playing did not end");
    type = GST_MESSAGE_TYPE(message);
    gst_message_unref(message);
    return type;
}

void player_seek(Player *player, gdouble rate, GstFormat format, GstSeekFlags flags, gint64 start,
                 gint64 stop)
{
    fail_unless(gst_element_seek(player->pipeline, rate, format, flags, GST_SEEK_TYPE_SET, start,
                                 GST_SEEK_TYPE_SET, stop));
    if (flags & GST_SEEK_FLAG_FLUSH)
        fail_unless_equals_int(gst_element_get_state(player->pipeline, NULL, NULL, PATIENCE),
                               GST_STATE_CHANGE_SUCCESS);
}

const Frame *player_frame(Player *player, guint i)
{
    fail_unless(i < player->frames->len, "frame %u of %u", i, player->frames->len);
    return &g_array_index(player->frames, Frame, i);
}

void player_forget(Player *player)
{
    g_mutex_lock(&player->lock);
    g_array_set_size(player->frames, 0);
    g_mutex_unlock(&player->lock);
}

void player_check(Player *player, Player *truth, guint count)
{
    fail_unless_equals_int(player->frames->len, count);
    for (guint n = 0; n < count; n++) {
        const Frame *frame = player_frame(player, n), *right = player_frame(truth, n);

        fail_unless_equals_uint64(frame->offset, right->offset);
        fail_unless_equals_uint64(frame->pts, right->pts);
        fail_unless_equals_string(frame->checksum, right->checksum);
    }
}

/* ---- pictures and errors ------------------------------------------------------- */

GstSample *one_picture(const gchar *description, const gchar *caps)
{
    Player *player = player_new(description, caps);
    GstSample *sample = NULL;

    player_preroll(player);
    g_object_get(player->sink, "last-sample", &sample, NULL);
    fail_unless(sample != NULL);
    player_free(player);
    return sample;
}

gchar *sample_checksum(GstSample *sample)
{
    gchar *checksum = buffer_checksum(gst_sample_get_buffer(sample));

    gst_sample_unref(sample);
    return checksum;
}

gchar *picture_checksum(const gchar *description)
{
    return sample_checksum(one_picture(description, NULL));
}

void check_same(const gchar *one, const gchar *other, gboolean same)
{
    gchar *a = picture_checksum(one), *b = picture_checksum(other);

    fail_unless(g_str_equal(a, b) == same, "\"%s\" and \"%s\" are %s", one, other,
                same ? "different" : "the same");
    g_free(a);
    g_free(b);
}

gchar *expect_error(GstBus *bus, GQuark domain, gint code)
{
    GstMessage *message = gst_bus_timed_pop_filtered(bus, PATIENCE, GST_MESSAGE_ERROR);
    GError *error;
    gchar *text, *debug;

    fail_unless(message != NULL, "no error came");
    gst_message_parse_error(message, &error, &debug);
    fail_unless(error->domain == domain && error->code == code,
                "%s %d came instead of %s %d: %s (%s)", g_quark_to_string(error->domain),
                error->code, g_quark_to_string(domain), code, error->message, debug);
    text = g_strdup(error->message);
    g_error_free(error);
    g_free(debug);
    gst_message_unref(message);
    return text;
}

int main(int argc, char **argv)
{
    int failures;

    gst_check_init(&argc, &argv);
    /* Written before the suite forks, so that each test finds them and none leaves any behind. */
    tiny_model();
    slow_model();
    failures = gst_check_run_suite(make_suite(), "element", __FILE__);
    remove_files();
    return failures;
}
