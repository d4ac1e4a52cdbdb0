/* test_cudafailures.c - a CUDA device without memory, and one that breaks while two batches are
 * under way: named errors, and an element that goes on when the device does. Emulated alone. */
#include <dlfcn.h>

#include "common.h"

#define ON_DEVICE "device=cuda precision=f32 class-id=3 seed=5"
#define PLENTY    ((size_t)64 << 30)

enum { FRAMES = 9 };

/* A function of the emulated runtime that stands in the module. */
static gpointer emulated(const gchar *function)
{
    gchar **folders = g_strsplit(g_getenv("CODESRC_MODULE_PATH"), ":", -1);
    gchar *path = g_build_filename(folders[1], "libcodesrc-cuda.so", NULL);
    gpointer module = dlopen(path, RTLD_LAZY); /* for good */
    gpointer found = module ? dlsym(module, function) : NULL;

    fail_unless(found != NULL, "%s in %s", function, path);
    g_free(path);
    g_strfreev(folders);
    return found;
}

static void set_memory(size_t bytes)
{
    ((void (*)(size_t))(guintptr)emulated("cuda_on_cpu_set_memory"))(bytes);
}

static size_t memory_used(void)
{
    return ((size_t(*)(void))(guintptr)emulated("cuda_on_cpu_memory_used"))();
}

/* After so many launches more; negative: heals it. */
static void break_device(int launches)
{
    ((void (*)(int))(guintptr)emulated("cuda_on_cpu_break"))(launches);
}

static Player *cuda_player(const gchar *more)
{
    gchar *description = g_strdup_printf(ON_DEVICE " num-buffers=9 %s", more);
    Player *player = player_new(description, "video/x-raw,format=RGB,framerate=30/1");

    g_free(description);
    return player;
}

/* The frames that have to come. Its model is given up at the end: an element that shared it would
 * share a device that is lost. */
static Player *played(void)
{
    Player *player = cuda_player("");

    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    fail_unless_equals_int(player->frames->len, FRAMES);
    gst_element_set_state(player->pipeline, GST_STATE_NULL);
    return player;
}

/* The error of a player that is set to PLAYING; then it is in NULL. */
static void check_error(Player *player, GQuark domain, gint code, const gchar *words)
{
    gchar *text;

    gst_element_set_state(player->pipeline, GST_STATE_PLAYING);
    text = expect_error(player->bus, domain, code);
    fail_unless(strstr(text, "CUDA device 0 (emulated 0)") && strstr(text, words), "%s", text);
    g_free(text);
    gst_element_set_state(player->pipeline, GST_STATE_NULL);
}

/* For the weights, and for what a larger batch takes. */
GST_START_TEST(test_no_memory)
{
    Player *truth = played(), *player = cuda_player("");

    set_memory(1000);
    check_error(player, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT, "memory");
    set_memory(PLENTY);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    player_check(player, truth, FRAMES);

    gst_element_set_state(player->pipeline, GST_STATE_READY);
    set_memory(memory_used() + 1000);
    g_object_set(player->source, "batch-size", 32, NULL);
    check_error(player, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT, "memory");
    set_memory(PLENTY);
    player_forget(player);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    player_check(player, truth, FRAMES);
    player_free(player);
    player_free(truth);
}
GST_END_TEST

/* Everything that was put out is right, the first reason is told, and a device that works again is
 * taken again. */
GST_START_TEST(test_broken)
{
    static const gchar *const ways[] = {"", "batch-size=3 queue-depth=6"};
    Player *truth = played();

    for (guint i = 0; i < G_N_ELEMENTS(ways); i++) {
        Player *player = cuda_player(ways[i]);

        player_preroll(player);
        break_device(100);
        check_error(player, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_FAILED, "illegal memory access");
        fail_unless(player->frames->len < FRAMES, "%u frames", player->frames->len);
        player_check(player, truth, player->frames->len);
        break_device(-1);
        player_forget(player);
        fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
        player_check(player, truth, FRAMES);
        player_free(player);
    }
    player_free(truth);
}
GST_END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("cudafailures");
    TCase *failures = tcase_create("cudafailures");

    suite_add_tcase(suite, failures);
    tcase_add_test(failures, test_no_memory);
    tcase_add_test(failures, test_broken);
    return suite;
}
