/* test_cudamemory.c - pictures in CUDA memory are those of the host's memory, nothing of them comes
 * to the host, and everything is given back. */
#include "cudamemory.h"

#include <dlfcn.h>
#include <gst/check/gstharness.h>

/* ---- pictures ------------------------------------------------------------------ */

/* Buffers as they arrived, and their caps. */
typedef struct Film {
    GPtrArray *buffers;
    GstVideoInfo info;
    GstCaps *caps;
} Film;

static void on_handoff(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
    (void)sink;
    (void)pad;
    g_ptr_array_add(data, gst_buffer_ref(buffer));
}

static Film film_of(const gchar *description, const gchar *caps)
{
    Film film = {.buffers = g_ptr_array_new_with_free_func((GDestroyNotify)gst_buffer_unref)};
    Player *player = player_new(description, caps);
    GstPad *pad = gst_element_get_static_pad(player->sink, "sink");

    g_signal_connect(player->sink, "handoff", G_CALLBACK(on_handoff), film.buffers);
    fail_unless_equals_int(player_play(player), GST_MESSAGE_EOS);
    film.caps = gst_pad_get_current_caps(pad);
    fail_unless(film.caps && gst_video_info_from_caps(&film.info, film.caps));
    gst_object_unref(pad);
    player_free(player);
    return film;
}

static void film_clear(Film *film)
{
    g_ptr_array_unref(film->buffers);
    gst_caps_unref(film->caps);
}

static gint component(const GstVideoFrame *frame, guint c, gint x, gint y)
{
    const guint8 *data = GST_VIDEO_FRAME_COMP_DATA(frame, c);

    return data[y * GST_VIDEO_FRAME_COMP_STRIDE(frame, c) +
                x * GST_VIDEO_FRAME_COMP_PSTRIDE(frame, c)];
}

/* ---- what a picture has to be -------------------------------------------------- */

static void check_rgb(const GstVideoFrame *found, const GstVideoFrame *rgb)
{
    const GstVideoFormatInfo *format = found->info.finfo;

    for (gint at = 0; at < TINY_SIDE * TINY_SIDE * 3; at++) {
        gint c = at % 3, x = at / 3 % TINY_SIDE, y = at / 3 / TINY_SIDE;

        fail_unless_equals_int(component(found, c, x, y), component(rgb, c, x, y));
    }
    for (gint at = 0; GST_VIDEO_FORMAT_INFO_HAS_ALPHA(format) && at < TINY_SIDE * TINY_SIDE; at++)
        fail_unless_equals_int(component(found, 3, at % TINY_SIDE, at / TINY_SIDE), 255);
}

/* How a kind of NV12 is made, as the standards have it. */
typedef struct Yuv {
    const gchar *fields; /* of caps */
    gdouble kr, kb;
    gboolean full_range, cosited;
} Yuv;

/* Cb (1) or Cr (2) of a colour, without the offset, for a range of 1. */
static gdouble chroma_of(const Yuv *yuv, const gdouble rgb[3], guint c)
{
    gdouble luma = yuv->kr * rgb[0] + (1.0 - yuv->kr - yuv->kb) * rgb[1] + yuv->kb * rgb[2];

    return c == 1 ? (rgb[2] - luma) / 2.0 / (1.0 - yuv->kb)
                  : (rgb[0] - luma) / 2.0 / (1.0 - yuv->kr);
}

/* The mean colour that chroma sample (x, y) stands for: of 2 x 2 pixels, or of 3 x 2 with weights
 * 1 2 1. */
static void mean_colour(const Yuv *yuv, const GstVideoFrame *rgb, gint x, gint y, gdouble mean[3])
{
    for (guint c = 0; c < 3; c++) {
        mean[c] = 0.0;
        for (gint i = 0; i < 2; i++) {
            gint left = component(rgb, c, MAX(2 * x - 1, 0), 2 * y + i);
            gint middle = component(rgb, c, 2 * x, 2 * y + i);
            gint right = component(rgb, c, 2 * x + 1, 2 * y + i);

            mean[c] += yuv->cosited ? left + 2 * middle + right : 2 * middle + 2 * right;
        }
        mean[c] /= 8.0 * 255.0;
    }
}

/* Rounded, where that is not a matter of the last bit of a weight. */
static void check_value(gint found, gdouble exact, const gchar *what)
{
    fail_unless(ABS(MIN(exact, 255.0) - found) <= 0.51, "%s: %d instead of %f", what, found, exact);
}

static void check_nv12(const GstVideoFrame *found, const GstVideoFrame *rgb, const Yuv *yuv)
{
    gdouble y_range = yuv->full_range ? 255.0 : 219.0, c_range = yuv->full_range ? 255.0 : 224.0;
    gdouble kg = 1.0 - yuv->kr - yuv->kb, mean[3];

    for (gint at = 0; at < TINY_SIDE * TINY_SIDE; at++) {
        gint x = at % TINY_SIDE, y = at / TINY_SIDE;
        gdouble luma = yuv->kr * component(rgb, 0, x, y) + kg * component(rgb, 1, x, y) +
                       yuv->kb * component(rgb, 2, x, y);

        check_value(component(found, 0, x, y),
                    (yuv->full_range ? 0.0 : 16.0) + y_range * luma / 255.0, yuv->fields);
    }
    for (gint at = 0; at < TINY_SIDE * TINY_SIDE / 4; at++) {
        gint x = at % (TINY_SIDE / 2), y = at / (TINY_SIDE / 2);

        mean_colour(yuv, rgb, x, y, mean);
        for (guint c = 1; c < 3; c++)
            check_value(component(found, c, x, y), 128.0 + c_range * chroma_of(yuv, mean, c),
                        yuv->fields);
    }
}

/* Each buffer of a film in CUDA memory against the RGB one of the same number; yuv: of NV12. */
static void check_film(Film *film, const Film *rgb, const Yuv *yuv)
{
    fail_unless(gst_caps_features_contains(gst_caps_get_features(film->caps, 0),
                                           GST_CAPS_FEATURE_MEMORY_CUDA_MEMORY));
    fail_unless_equals_int(film->buffers->len, rgb->buffers->len);
    for (guint i = 0; i < film->buffers->len; i++) {
        GstBuffer *buffer = g_ptr_array_index(film->buffers, i);
        GstVideoFrame found, expected;

        fail_unless(cuda_memory(buffer) != NULL);
        fail_unless(gst_video_frame_map(&found, &film->info, buffer, GST_MAP_READ));
        fail_unless(gst_video_frame_map(&expected, (GstVideoInfo *)&rgb->info,
                                        g_ptr_array_index(rgb->buffers, i), GST_MAP_READ));
        if (yuv)
            check_nv12(&found, &expected, yuv);
        else
            check_rgb(&found, &expected);
        gst_video_frame_unmap(&found);
        gst_video_frame_unmap(&expected);
    }
}

GST_START_TEST(test_rgb_formats)
{
    static const gchar *const formats[] = {"RGBA", "BGRA", "RGBx", "BGRx",
                                           "ARGB", "ABGR", "RGB",  "BGR"};
    Film rgb = film_of(ON_DEVICE " num-buffers=2", "video/x-raw,format=RGB");
    Player *player;

    for (guint i = 0; i < G_N_ELEMENTS(formats); i++) {
        gchar *caps = g_strdup_printf(CUDA_MEMORY ",format=%s", formats[i]);
        Film film = film_of(ON_DEVICE " num-buffers=2", caps);

        fail_unless_equals_string(GST_VIDEO_INFO_NAME(&film.info), formats[i]);
        check_film(&film, &rgb, NULL);
        film_clear(&film);
        g_free(caps);
    }
    film_clear(&rgb);
    /* The device makes full range, and calls it nothing else. */
    player = player_new(ON_DEVICE, CUDA_MEMORY ",format=RGBA,colorimetry=(string)2:1:7:1");
    gst_element_set_state(player->pipeline, GST_STATE_PAUSED);
    g_free(expect_error(player->bus, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED));
    player_free(player);
}
GST_END_TEST

GST_START_TEST(test_nv12)
{
    static const Yuv kinds[] = {
        {"", 0.299, 0.114, FALSE, FALSE}, /* as GStreamer has it where caps do not say */
        {",colorimetry=bt601", 0.299, 0.114, FALSE, FALSE},
        {",colorimetry=bt709", 0.2126, 0.0722, FALSE, FALSE},
        {",colorimetry=bt709,chroma-site=mpeg2", 0.2126, 0.0722, FALSE, TRUE},
        {",colorimetry=(string)1:4:0:0", 0.299, 0.114, TRUE, FALSE},
    };
    Film rgb = film_of(ON_DEVICE " num-buffers=2", "video/x-raw,format=RGB");

    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        gchar *caps = g_strconcat(CUDA_MEMORY ",format=NV12", kinds[i].fields, NULL);
        Film film = film_of(ON_DEVICE " num-buffers=2", caps);

        check_film(&film, &rgb, &kinds[i]);
        film_clear(&film);
        g_free(caps);
    }
    film_clear(&rgb);
}
GST_END_TEST

/* The host's converter, which is not ours, makes nearly the same of the same picture. */
GST_START_TEST(test_nv12_beside_the_converter)
{
    Film cuda = film_of(ON_DEVICE " num-buffers=1", CUDA_MEMORY ",format=NV12");
    Film host = film_of(ON_DEVICE " num-buffers=1", "video/x-raw,format=NV12");
    GstVideoFrame found, expected;

    fail_unless(gst_video_colorimetry_is_equal(&cuda.info.colorimetry, &host.info.colorimetry));
    fail_unless_equals_int(cuda.info.chroma_site, host.info.chroma_site);
    fail_unless(
        gst_video_frame_map(&found, &cuda.info, g_ptr_array_index(cuda.buffers, 0), GST_MAP_READ));
    fail_unless(gst_video_frame_map(&expected, &host.info, g_ptr_array_index(host.buffers, 0),
                                    GST_MAP_READ));
    for (guint c = 0; c < 3; c++)
        for (gint y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT(&found, c); y++)
            for (gint x = 0; x < GST_VIDEO_FRAME_COMP_WIDTH(&found, c); x++)
                fail_unless(ABS(component(&found, c, x, y) - component(&expected, c, x, y)) <= 2,
                            "component %u at %d, %d: %d and %d", c, x, y,
                            component(&found, c, x, y), component(&expected, c, x, y));
    gst_video_frame_unmap(&found);
    gst_video_frame_unmap(&expected);
    film_clear(&cuda);
    film_clear(&host);
}
GST_END_TEST

/* Ahead, in batches, coarse to fine, films: what is drawn comes where it belongs. */
GST_START_TEST(test_ways_of_drawing)
{
    static const gchar *const ways[] = {"num-buffers=4 batch-size=3", "num-buffers=2 queue-depth=0",
                                        "num-buffers=5 progressive=true",
                                        "num-buffers=7 hold=2 morph=2"};

    for (guint i = 0; i < G_N_ELEMENTS(ways); i++) {
        gchar *description = g_strconcat(ON_DEVICE " ", ways[i], NULL);
        Film rgb = film_of(description, "video/x-raw,format=RGB");
        Film film = film_of(description, CUDA_MEMORY ",format=BGRA");

        check_film(&film, &rgb, NULL);
        film_clear(&film);
        film_clear(&rgb);
        g_free(description);
    }
}
GST_END_TEST

#ifdef CUDA_ON_CPU_DRIVER_H /* which counts, and fails when it is told to */

/* ---- copies -------------------------------------------------------------------- */

static size_t count_of(const gchar *function)
{
    gchar **folders = g_strsplit(g_getenv("CODESRC_MODULE_PATH"), ":", -1);
    gchar *path = g_build_filename(folders[1], "libcodesrc-cuda.so", NULL);
    void *module = dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
    size_t (*count)(void) = NULL;
    size_t counted;

    fail_unless(module != NULL, "%s is not loaded", path);
    *(void **)&count = dlsym(module, function);
    fail_unless(count != NULL);
    counted = count();
    dlclose(module);
    g_free(path);
    g_strfreev(folders);
    return counted;
}

/* Bytes that came to the host while `frames` frames were played, the first one aside. */
static size_t downloaded(const gchar *caps, guint frames)
{
    gchar *launch =
        g_strdup_printf("codesrc name=source model=\"%s\" num-buffers=%u queue-depth=0 " ON_DEVICE
                        " ! %s ! fakesink name=sink",
                        tiny_model(), frames + 1, caps);
    GstElement *pipeline = gst_parse_launch(launch, NULL);
    GstBus *bus = gst_element_get_bus(pipeline);
    GstMessage *message;
    size_t before;

    gst_element_set_state(pipeline, GST_STATE_PAUSED);
    fail_unless_equals_int(gst_element_get_state(pipeline, NULL, NULL, PATIENCE),
                           GST_STATE_CHANGE_SUCCESS);
    before = count_of("cuda_on_cpu_downloaded") + driver_on_cpu_downloaded();
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    message = gst_bus_timed_pop_filtered(bus, PATIENCE, GST_MESSAGE_EOS);
    fail_unless(message != NULL);
    gst_message_unref(message);
    before = count_of("cuda_on_cpu_downloaded") + driver_on_cpu_downloaded() - before;
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(bus);
    gst_object_unref(pipeline);
    g_free(launch);
    return before;
}

/* Tokens alone come to the host, for the engine to see that all could be sampled: those of scales
 * of side 1, 2, 3 and 4. */
GST_START_TEST(test_no_pixels_come_to_the_host)
{
    const size_t tokens = 4 * (1 + 4 + 9 + 16) * sizeof(gint32);

    fail_unless_equals_int(downloaded(CUDA_MEMORY ",format=NV12", 4), tokens);
    fail_unless_equals_int(downloaded(CUDA_MEMORY ",format=RGBA", 4), tokens);
    fail_unless_equals_int(downloaded("video/x-raw,format=RGB", 4),
                           tokens + 4 * 3 * TINY_SIDE * TINY_SIDE);
    fail_unless_equals_int(driver_on_cpu_uploaded(), 0);
}
GST_END_TEST

/* Whatever was allocated in a context goes before the context does. */
GST_START_TEST(test_everything_is_given_back)
{
    Film film = film_of(ON_DEVICE " num-buffers=3", CUDA_MEMORY);

    fail_unless(driver_on_cpu_memory_used() > 0);
    fail_unless_equals_int(driver_on_cpu_contexts(), 1);
    film_clear(&film);
    fail_unless_equals_int(driver_on_cpu_memory_used(), 0);
    fail_unless_equals_int(driver_on_cpu_contexts(), 0);
}
GST_END_TEST

GST_START_TEST(test_a_copy_that_fails)
{
    Player *player = player_new(ON_DEVICE, CUDA_MEMORY);
    gchar *text;

    driver_on_cpu_fail_copy(2); /* the chroma of the first picture: nothing is downloaded yet */
    gst_element_set_state(player->pipeline, GST_STATE_PAUSED);
    driver_on_cpu_fail_copy(0);
    text = expect_error(player->bus, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_FAILED);
    fail_unless(strstr(text, "copying a picture") != NULL, "%s", text);
    driver_on_cpu_fail_copy(-1);
    g_free(text);
    player_free(player);
}
GST_END_TEST

#endif

/* ---- caps that change ---------------------------------------------------------- */

/* Pulls until a buffer of the format comes, which has to be frame OFFSET of the film. */
static void pull_format(GstHarness *harness, GstVideoFormat format, const Film *rgb)
{
    for (guint i = 0; i < 16; i++) {
        GstBuffer *buffer = gst_harness_pull(harness);
        GstCudaMemory *memory = cuda_memory(buffer);
        guint64 frame = GST_BUFFER_OFFSET(buffer);
        gboolean came = memory && GST_VIDEO_INFO_FORMAT(&memory->info) == format;

        if (came && format != GST_VIDEO_FORMAT_NV12) {
            GstVideoFrame found, expected;

            fail_unless(frame < rgb->buffers->len);
            fail_unless(gst_video_frame_map(&found, &memory->info, buffer, GST_MAP_READ));
            fail_unless(gst_video_frame_map(&expected, (GstVideoInfo *)&rgb->info,
                                            g_ptr_array_index(rgb->buffers, frame), GST_MAP_READ));
            check_rgb(&found, &expected);
            gst_video_frame_unmap(&found);
            gst_video_frame_unmap(&expected);
        }
        gst_buffer_unref(buffer);
        if (came)
            return;
    }
    fail("%s did not come", gst_video_format_to_string(format));
}

GST_START_TEST(test_caps_change)
{
    Film rgb = film_of(ON_DEVICE " num-buffers=16", "video/x-raw,format=RGB");
    GstElement *source = tiny_source();
    GstHarness *harness;

    g_object_set(source, "device", "cuda", "precision", "f32", "class-id", 3, "seed", (guint64)5,
                 "batch-size", 2, NULL);
    harness = gst_harness_new_with_element(source, NULL, "src");
    gst_harness_set_blocking_push_mode(harness);
    gst_harness_set_sink_caps_str(harness, CUDA_MEMORY ",format=NV12");
    gst_harness_play(harness);
    pull_format(harness, GST_VIDEO_FORMAT_NV12, &rgb);
    gst_harness_set_sink_caps_str(harness, CUDA_MEMORY ",format=BGRA");
    pull_format(harness, GST_VIDEO_FORMAT_BGRA, &rgb);
    gst_harness_set_sink_caps_str(harness, CUDA_MEMORY ",format=RGB");
    pull_format(harness, GST_VIDEO_FORMAT_RGB, &rgb);
    gst_harness_teardown(harness);
    gst_object_unref(source);
    film_clear(&rgb);
}
GST_END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("cudamemory");
    TCase *cuda = tcase_create("cudamemory");

    suite_add_tcase(suite, cuda);
    tcase_add_test(cuda, test_rgb_formats);
    tcase_add_test(cuda, test_nv12);
    tcase_add_test(cuda, test_nv12_beside_the_converter);
    tcase_add_test(cuda, test_ways_of_drawing);
    tcase_add_test(cuda, test_caps_change);
#ifdef CUDA_ON_CPU_DRIVER_H
    tcase_add_test(cuda, test_no_pixels_come_to_the_host);
    tcase_add_test(cuda, test_everything_is_given_back);
    tcase_add_test(cuda, test_a_copy_that_fails);
#endif
    return suite;
}
