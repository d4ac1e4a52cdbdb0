/* test_cudacontext.c - who gets CUDA memory, in which context, and what is said where it cannot be
 * had. */
#include "cudamemory.h"

#include <glib/gstdio.h>

/* ---- caps ---------------------------------------------------------------------- */

static GstCaps *accepted; /* by the sink that answers with it */

static gboolean answer_caps(GstPad *pad, GstObject *parent, GstQuery *query)
{
    GstCaps *filter, *caps;

    if (GST_QUERY_TYPE(query) != GST_QUERY_CAPS)
        return gst_pad_query_default(pad, parent, query);
    gst_query_parse_caps(query, &filter);
    caps = filter ? gst_caps_intersect_full(filter, accepted, GST_CAPS_INTERSECT_FIRST)
                  : gst_caps_ref(accepted);
    gst_query_set_caps_result(query, caps);
    gst_caps_unref(caps);
    return TRUE;
}

/* What is negotiated with a sink that takes `caps`. */
static gchar *negotiated(const gchar *description, const gchar *caps)
{
    GstElement *source = tiny_source(), *sink = gst_element_factory_make("fakesink", NULL);
    GstElement *pipeline = gst_pipeline_new(NULL);
    GstPad *pad = gst_element_get_static_pad(sink, "sink");
    GstCaps *current;
    gchar *text;

    gst_util_set_object_arg(G_OBJECT(source), "device", description);
    g_object_set(source, "precision", "f32", NULL);
    accepted = gst_caps_from_string(caps);
    gst_pad_set_query_function(pad, answer_caps);
    gst_bin_add_many(GST_BIN(pipeline), source, sink, NULL);
    fail_unless(gst_element_link(source, sink));
    gst_element_set_state(pipeline, GST_STATE_PAUSED);
    fail_unless_equals_int(gst_element_get_state(pipeline, NULL, NULL, PATIENCE),
                           GST_STATE_CHANGE_SUCCESS);
    current = gst_pad_get_current_caps(pad);
    text = gst_caps_to_string(current);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_caps_unref(current);
    gst_clear_caps(&accepted);
    gst_object_unref(pad);
    gst_object_unref(pipeline);
    gst_object_unref(source);
    return text;
}

static void check_negotiated(const gchar *device, const gchar *caps, const gchar *memory,
                             const gchar *fields)
{
    gchar *text = negotiated(device, caps);

    fail_unless(g_str_has_prefix(text, memory), "%s for %s: %s", device, caps, text);
    fail_unless(strstr(text, fields) != NULL, "%s for %s: %s", device, caps, text);
    g_free(text);
}

/* CUDA memory is for those who ask for it, in whatever order they do; who takes anything gets what
 * anybody can read. */
GST_START_TEST(test_memory_is_chosen)
{
    check_negotiated("cuda", "ANY", "video/x-raw, ", "format=(string)RGB");
    check_negotiated("cuda", "video/x-raw(ANY)", "video/x-raw, ", "format=(string)RGB");
    check_negotiated("cuda", "video/x-raw", "video/x-raw, ", "format=(string)RGB");
    check_negotiated("cuda", "video/x-raw; " CUDA_MEMORY, CUDA_MEMORY ", ", "format=(string)NV12");
    check_negotiated("cuda", CUDA_MEMORY "; video/x-raw", CUDA_MEMORY ", ", "colorimetry=");
    check_negotiated("cuda", CUDA_MEMORY ",format={BGRA,NV12}", CUDA_MEMORY ", ",
                     "format=(string)NV12");
    check_negotiated("cuda", CUDA_MEMORY, CUDA_MEMORY ", ", "chroma-site=(string)jpeg");
    check_negotiated("cuda", "video/x-raw,format=I420; " CUDA_MEMORY ",format=GRAY8",
                     "video/x-raw, ", "chroma-site=(string)jpeg");
    check_negotiated("cpu", "video/x-raw; " CUDA_MEMORY, "video/x-raw, ", "format=(string)RGB");
    check_negotiated("cpu", CUDA_MEMORY "; video/x-raw", "video/x-raw, ", "format=(string)RGB");
}
GST_END_TEST

static void check_cannot_be_had(const gchar *description, const gchar *why)
{
    Player *player = player_new(description, CUDA_MEMORY);
    gchar *text;

    gst_element_set_state(player->pipeline, GST_STATE_PAUSED);
    text = expect_error(player->bus, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_INIT);
    fail_unless(strstr(text, "CUDAMemory") && strstr(text, why), "%s", text);
    g_free(text);
    player_free(player);
}

static gboolean offers_cuda(const gchar *device)
{
    GstElement *source = tiny_source();
    GstPad *pad = gst_element_get_static_pad(source, "src");
    gboolean offers;
    GstCaps *caps;
    gchar *text;

    g_object_set(source, "device", device, "precision", "f32", NULL);
    gst_element_set_state(source, GST_STATE_PAUSED);
    caps = gst_pad_query_caps(pad, NULL);
    text = gst_caps_to_string(caps);
    offers = strstr(text, "CUDAMemory") != NULL;
    g_free(text);
    gst_caps_unref(caps);
    gst_element_set_state(source, GST_STATE_NULL);
    gst_object_unref(pad);
    gst_object_unref(source);
    return offers;
}

GST_START_TEST(test_other_devices_make_none)
{
    fail_unless(offers_cuda("cuda"));
    fail_unless(!offers_cuda("cpu"));
    check_cannot_be_had("device=cpu", "\"cpu\"");
}
GST_END_TEST

/* As where libgstcuda is not installed: the module does not load. */
GST_START_TEST(test_without_the_module)
{
    gchar *modules = g_strdup(g_getenv("CODESRC_MODULE_PATH"));
    gchar *broken = write_file("libcodesrc-gstcuda.so", "", 0);
    gchar *path = g_strdup_printf("%s:%s", test_folder(), modules);
    GstSample *sample;

    g_setenv("CODESRC_MODULE_PATH", path, TRUE);
    fail_unless(!offers_cuda("cuda"));
    check_cannot_be_had(ON_DEVICE, "libcodesrc-gstcuda.so");
    sample = one_picture(ON_DEVICE, NULL);
    fail_unless(!cuda_memory(gst_sample_get_buffer(sample)));
    gst_sample_unref(sample);
    g_setenv("CODESRC_MODULE_PATH", modules, TRUE);
    fail_unless(offers_cuda("cuda"));
    g_remove(broken);
    g_free(path);
    g_free(broken);
    g_free(modules);
}
GST_END_TEST

/* ---- contexts ------------------------------------------------------------------ */

static GstCudaContext *given;   /* to whoever asks */
static GstBufferPool *proposed; /* NULL: none */
static gint asked;              /* atomic: how often the application was */

static GstCudaContext *context_new(guint device)
{
    GstCudaContext *context;

#ifdef CUDA_ON_CPU_DRIVER_H
    driver_on_cpu_set_devices(2);
#endif
    fail_unless(gst_cuda_load_library());
    gst_cuda_memory_init_once();
    context = gst_cuda_context_new(device);
    fail_unless(context != NULL);
    return context;
}

static gboolean answer_as_neighbour(GstPad *pad, GstObject *parent, GstQuery *query)
{
    GstCaps *caps;

    if (GST_QUERY_TYPE(query) == GST_QUERY_CONTEXT)
        return given && gst_cuda_handle_context_query(GST_ELEMENT(parent), query, given);
    if (GST_QUERY_TYPE(query) == GST_QUERY_ALLOCATION && proposed) {
        GstStructure *config = gst_buffer_pool_get_config(proposed);

        gst_query_parse_allocation(query, &caps, NULL);
        gst_buffer_pool_config_set_params(config, caps, 100, 2, 0);
        fail_unless(gst_buffer_pool_set_config(proposed, config));
        gst_query_add_allocation_pool(query, proposed, 100, 2, 0);
        return TRUE;
    }
    return gst_pad_query_default(pad, parent, query);
}

static GstBusSyncReply answer_as_application(GstBus *bus, GstMessage *message, gpointer data)
{
    (void)bus;
    (void)data;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_NEED_CONTEXT) {
        GstContext *holder = gst_context_new_cuda_context(given);

        g_atomic_int_inc(&asked);
        gst_element_set_context(GST_ELEMENT(GST_MESSAGE_SRC(message)), holder);
        gst_context_unref(holder);
    }
    return GST_BUS_PASS;
}

static Player *neighbour_new(void)
{
    Player *player = player_new(ON_DEVICE, CUDA_MEMORY);
    GstPad *pad = gst_element_get_static_pad(player->sink, "sink");

    gst_pad_set_query_function(pad, answer_as_neighbour);
    gst_object_unref(pad);
    return player;
}

/* The context that the first picture's memory is of. Buffer and pool as well, if asked for. */
static GstCudaContext *context_used(Player *player, GstBufferPool **pool)
{
    GstCudaContext *context;
    GstSample *sample;

    player_preroll(player);
    g_object_get(player->sink, "last-sample", &sample, NULL);
    fail_unless(sample != NULL && cuda_memory(gst_sample_get_buffer(sample)) != NULL);
    context = cuda_memory(gst_sample_get_buffer(sample))->context;
    if (pool)
        *pool = gst_sample_get_buffer(sample)->pool;
    gst_sample_unref(sample);
    return context;
}

GST_START_TEST(test_context_of_a_neighbour)
{
    Player *player = neighbour_new();
    GstBufferPool *used;

    given = context_new(0);
    fail_unless(context_used(player, NULL) == given);
    gst_element_set_state(player->pipeline, GST_STATE_NULL);

    proposed = gst_cuda_buffer_pool_new(given);
    fail_unless(context_used(player, &used) == given);
    fail_unless(used == proposed);
    player_free(player);
    gst_clear_object(&proposed);

    /* Of another context: its pool is not ours. */
    player = neighbour_new();
    gst_object_unref(given);
    given = context_new(0);
    proposed = gst_cuda_buffer_pool_new(given);
    gst_object_unref(given);
    given = context_new(0);
    fail_unless(context_used(player, &used) == given);
    fail_unless(used != proposed);
    player_free(player);
    gst_clear_object(&proposed);
    gst_clear_object(&given);
}
GST_END_TEST

GST_START_TEST(test_context_of_the_application)
{
    Player *player = player_new(ON_DEVICE, CUDA_MEMORY);
    GstContext *holder;

    given = context_new(0);
    asked = 0;
    gst_bus_set_sync_handler(player->bus, answer_as_application, NULL, NULL);
    fail_unless(context_used(player, NULL) == given);
    fail_unless_equals_int(g_atomic_int_get(&asked), 1);
    player_free(player);

    player = player_new(ON_DEVICE, CUDA_MEMORY);
    holder = gst_context_new_cuda_context(given);
    gst_element_set_context(player->pipeline, holder); /* before there is anything to use it */
    fail_unless(context_used(player, NULL) == given);
    player_free(player);

    player = player_new(ON_DEVICE, CUDA_MEMORY);
    gst_element_set_context(player->source, holder);
    fail_unless(context_used(player, NULL) == given);
    player_free(player);
    gst_context_unref(holder);
    gst_clear_object(&given);
}
GST_END_TEST

/* Who makes a context tells the others, and answers who asks. */
GST_START_TEST(test_own_context_is_shared)
{
    Player *player = player_new(ON_DEVICE, CUDA_MEMORY);
    GstCudaContext *used = context_used(player, NULL), *heard = NULL;
    GstMessage *message =
        gst_bus_timed_pop_filtered(player->bus, PATIENCE, GST_MESSAGE_HAVE_CONTEXT);
    GstPad *pad = gst_element_get_static_pad(player->sink, "sink");
    GstQuery *query = gst_query_new_context(GST_CUDA_CONTEXT_TYPE);
    GstContext *holder;

    fail_unless(message != NULL);
    gst_message_parse_have_context(message, &holder);
    gst_structure_get(gst_context_get_structure(holder), GST_CUDA_CONTEXT_TYPE,
                      GST_TYPE_CUDA_CONTEXT, &heard, NULL);
    fail_unless(heard == used);
    gst_clear_object(&heard);
    gst_context_unref(holder);
    gst_message_unref(message);

    fail_unless(gst_pad_peer_query(pad, query));
    gst_query_parse_context(query, &holder);
    gst_structure_get(gst_context_get_structure(holder), GST_CUDA_CONTEXT_TYPE,
                      GST_TYPE_CUDA_CONTEXT, &heard, NULL);
    fail_unless(heard == used);
    gst_clear_object(&heard);
    gst_query_unref(query);
    gst_object_unref(pad);
    player_free(player);
}
GST_END_TEST

#ifdef CUDA_ON_CPU_DRIVER_H /* which has a second device */

GST_START_TEST(test_context_of_another_device)
{
    Player *player = neighbour_new();
    guint device;
    gchar *text;

    given = context_new(1);
    gst_element_set_state(player->pipeline, GST_STATE_PAUSED);
    text = expect_error(player->bus, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS);
    fail_unless(strstr(text, "cuda-device-id 1, expected 0") != NULL, "%s", text);
    g_free(text);
    gst_element_set_state(player->pipeline, GST_STATE_NULL);
    gst_bus_set_flushing(player->bus, TRUE);
    gst_bus_set_flushing(player->bus, FALSE);

    /* So is a pool. */
    proposed = gst_cuda_buffer_pool_new(given);
    gst_object_unref(given);
    given = NULL;
    gst_element_set_state(player->pipeline, GST_STATE_PAUSED);
    text = expect_error(player->bus, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS);
    fail_unless(strstr(text, "cuda-device-id 1, expected 0") != NULL, "%s", text);
    g_free(text);
    player_free(player);
    gst_clear_object(&proposed);

    /* What an application, or a bin with elements on several devices, gives is not taken. */
    given = context_new(1);
    player = player_new(ON_DEVICE, CUDA_MEMORY);
    gst_bus_set_sync_handler(player->bus, answer_as_application, NULL, NULL);
    g_object_get(context_used(player, NULL), "cuda-device-id", &device, NULL);
    fail_unless_equals_int(device, 0);
    player_free(player);
    gst_clear_object(&given);
}
GST_END_TEST

#endif

Suite *make_suite(void)
{
    Suite *suite = suite_create("cudacontext");
    TCase *cuda = tcase_create("cudacontext");

    suite_add_tcase(suite, cuda);
    tcase_add_test(cuda, test_memory_is_chosen);
    tcase_add_test(cuda, test_other_devices_make_none);
    tcase_add_test(cuda, test_without_the_module);
    tcase_add_test(cuda, test_context_of_a_neighbour);
    tcase_add_test(cuda, test_context_of_the_application);
    tcase_add_test(cuda, test_own_context_is_shared);
#ifdef CUDA_ON_CPU_DRIVER_H
    tcase_add_test(cuda, test_context_of_another_device);
#endif
    return suite;
}
