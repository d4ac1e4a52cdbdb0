/* test_caps.c - what is negotiated, and that every format shows the same picture as RGB. */
#include "common.h"

static GstStructure *negotiate(const gchar *caps)
{
    GstSample *sample = one_picture("", caps);
    GstStructure *structure =
        gst_structure_copy(gst_caps_get_structure(gst_sample_get_caps(sample), 0));

    gst_sample_unref(sample);
    return structure;
}

static void check_field(const gchar *caps, const gchar *field, const gchar *expected)
{
    GstStructure *structure = negotiate(caps);
    gchar *value = gst_value_serialize(gst_structure_get_value(structure, field));

    fail_unless_equals_string(value, expected);
    g_free(value);
    gst_structure_free(structure);
}

GST_START_TEST(test_defaults)
{
    check_field(NULL, "format", "RGB");
    check_field(NULL, "width", "8");
    check_field(NULL, "height", "8");
    check_field(NULL, "framerate", "1/1");
    check_field(NULL, "pixel-aspect-ratio", "1/1");
    check_field(NULL, "colorimetry", "sRGB");
    check_field(NULL, "interlace-mode", "progressive");
}
GST_END_TEST

GST_START_TEST(test_choices)
{
    check_field("video/x-raw,framerate=25/1", "framerate", "25/1");
    check_field("video/x-raw,framerate=[10/1,60/1]", "framerate", "10/1");
    check_field("video/x-raw,framerate=0/1", "framerate", "0/1");
    check_field("video/x-raw,format=I420", "colorimetry", "bt601");
    check_field("video/x-raw,format=NV12,colorimetry=bt709", "colorimetry", "bt709");
    check_field("video/x-raw,format=BGRx", "colorimetry", "sRGB");
    check_field("video/x-raw,format={NV12,GBR}", "format", "GBR"); /* the template's order */
    /* A colorimetry with a matrix is one of YUV, of whatever format. */
    check_field("video/x-raw,colorimetry=bt709", "format", "I420");
    check_field("video/x-raw,colorimetry=1:4:0:0", "format", "I420");
    check_field("video/x-raw,colorimetry={bt709,bt601}", "colorimetry", "bt601");
    check_field("video/x-raw,colorimetry={bt709,sRGB}", "format", "RGB");
    check_field("video/x-raw,colorimetry=1:1:5:1", "format", "RGB");
    check_field("video/x-raw,format=RGB,colorimetry=1:1:5:1", "colorimetry", "1:1:5:1");
}
GST_END_TEST

/* The template before a model is known, its size while it is. */
GST_START_TEST(test_query_follows_the_state)
{
    GstElement *source = tiny_source();
    GstPad *pad = gst_element_get_static_pad(source, "src");
    GstCaps *template = gst_pad_get_pad_template_caps(pad);
    GstCaps *caps = gst_pad_query_caps(pad, NULL);
    gint width;

    fail_unless(gst_caps_is_equal(caps, template));
    gst_caps_unref(caps);

    gst_element_set_state(source, GST_STATE_PAUSED);
    caps = gst_pad_query_caps(pad, NULL);
    fail_unless(gst_caps_is_subset(caps, template));
    fail_unless(gst_structure_get_int(gst_caps_get_structure(caps, 0), "width", &width));
    fail_unless_equals_int(width, TINY_SIDE);
    gst_caps_unref(caps);

    gst_element_set_state(source, GST_STATE_NULL);
    caps = gst_pad_query_caps(pad, NULL);
    fail_unless(gst_caps_is_equal(caps, template));
    gst_caps_unref(caps);
    gst_caps_unref(template);
    gst_object_unref(pad);
    gst_object_unref(source);
}
GST_END_TEST

GST_START_TEST(test_other_sizes_are_refused)
{
    static const struct {
        const gchar *caps, *expected;
    } refused[] = {{"video/x-raw,width=9", "expects 9 x 8: "},
                   {"video/x-raw,height=16", "expects 8 x 16: "},
                   {"video/x-raw,width=640,height=480", "expects 640 x 480: "}};
    Player *player;

    for (guint i = 0; i < G_N_ELEMENTS(refused); i++) {
        gchar *text;

        player = player_new("", refused[i].caps);
        gst_element_set_state(player->pipeline, GST_STATE_PAUSED);
        text = expect_error(player->bus, GST_CORE_ERROR, GST_CORE_ERROR_NEGOTIATION);
        fail_unless(strstr(text, "tiny have 8 x 8 pixels") && strstr(text, refused[i].expected) &&
                        strstr(text, "videoscale"),
                    "%s", text);
        g_free(text);
        player_free(player);
    }
    player = player_new("", "video/x-raw,pixel-aspect-ratio=4/3");
    gst_element_set_state(player->pipeline, GST_STATE_PAUSED);
    g_free(expect_error(player->bus, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED));
    player_free(player);
}
GST_END_TEST

/* ---- formats ------------------------------------------------------------------- */

/* A mapped picture; `finish` releases it. */
typedef struct Picture {
    GstSample *sample;
    GstVideoFrame frame;
} Picture;

static Picture picture_new(const gchar *format)
{
    gchar *caps = g_strdup_printf("video/x-raw,format=%s", format);
    Picture picture = {.sample = one_picture("class-id=3 seed=5", caps)};
    GstVideoInfo info;

    fail_unless(gst_video_info_from_caps(&info, gst_sample_get_caps(picture.sample)));
    fail_unless(gst_video_frame_map(&picture.frame, &info, gst_sample_get_buffer(picture.sample),
                                    GST_MAP_READ));
    g_free(caps);
    return picture;
}

static void picture_free(Picture *picture)
{
    gst_video_frame_unmap(&picture->frame);
    gst_sample_unref(picture->sample);
}

static guint8 component(const Picture *picture, guint c, guint x, guint y)
{
    const guint8 *data = GST_VIDEO_FRAME_COMP_DATA(&picture->frame, c);

    return data[y * GST_VIDEO_FRAME_COMP_STRIDE(&picture->frame, c) +
                x * GST_VIDEO_FRAME_COMP_PSTRIDE(&picture->frame, c)];
}

GST_START_TEST(test_rgb_formats)
{
    static const gchar *const formats[] = {"BGRx", "RGBx", "GBR"};
    Picture rgb = picture_new("RGB");

    for (guint i = 0; i < G_N_ELEMENTS(formats); i++) {
        Picture other = picture_new(formats[i]);

        for (guint at = 0; at < TINY_SIDE * TINY_SIDE * 3; at++) {
            guint c = at % 3, x = at / 3 % TINY_SIDE, y = at / 3 / TINY_SIDE;

            fail_unless_equals_int(component(&other, c, x, y), component(&rgb, c, x, y));
        }
        picture_free(&other);
    }
    picture_free(&rgb);
}
GST_END_TEST

/* RGB in the range of video has 16 for black and 235 for full. */
GST_START_TEST(test_rgb_in_the_range_of_video)
{
    static const gchar *const formats[] = {"RGB", "BGRx", "RGBx", "GBR"};
    Picture rgb = picture_new("RGB");

    for (guint i = 0; i < G_N_ELEMENTS(formats); i++) {
        gchar *caps = g_strdup_printf("%s,colorimetry=2:1:7:1", formats[i]);
        Picture other = picture_new(caps);

        for (guint at = 0; at < TINY_SIDE * TINY_SIDE * 3; at++) {
            guint c = at % 3, x = at / 3 % TINY_SIDE, y = at / 3 / TINY_SIDE;
            gint expected = (gint)(16.5 + 219.0 * component(&rgb, c, x, y) / 255.0);

            fail_unless_equals_int(component(&other, c, x, y), expected);
        }
        picture_free(&other);
        g_free(caps);
    }
    picture_free(&rgb);
}
GST_END_TEST

/* Limited-range BT.601 of one pixel, in floating point. */
static void expected_yuv(gdouble r, gdouble g, gdouble b, gdouble yuv[3])
{
    gdouble y = (0.299 * r + 0.587 * g + 0.114 * b) / 255.0;

    yuv[0] = 16.0 + 219.0 * y;
    yuv[1] = 128.0 + 224.0 * (b / 255.0 - y) / 1.772;
    yuv[2] = 128.0 + 224.0 * (r / 255.0 - y) / 1.402;
}

GST_START_TEST(test_yuv_formats)
{
    static const gchar *const formats[] = {"I420", "NV12"};
    Picture rgb = picture_new("RGB");

    for (guint i = 0; i < G_N_ELEMENTS(formats); i++) {
        Picture other = picture_new(formats[i]);
        gdouble chroma[2] = {0.0, 0.0}, expected_chroma[2] = {0.0, 0.0};

        for (guint at = 0; at < TINY_SIDE * TINY_SIDE; at++) {
            guint x = at % TINY_SIDE, y = at / TINY_SIDE;
            gdouble yuv[3];

            expected_yuv(component(&rgb, 0, x, y), component(&rgb, 1, x, y),
                         component(&rgb, 2, x, y), yuv);
            fail_unless(ABS(component(&other, 0, x, y) - yuv[0]) <= 2.0);
            for (guint c = 0; c < 2; c++) {
                expected_chroma[c] += yuv[1 + c];
                chroma[c] += component(&other, 1 + c, x / 2, y / 2);
            }
        }
        /* How chroma is filtered is the converter's choice; its mean is not. */
        for (guint c = 0; c < 2; c++)
            fail_unless(ABS(chroma[c] - expected_chroma[c]) <= 6.0 * TINY_SIDE * TINY_SIDE,
                        "%s: %f, %f", formats[i], chroma[c], expected_chroma[c]);
        picture_free(&other);
    }
    picture_free(&rgb);
}
GST_END_TEST

/* ---- strides ------------------------------------------------------------------- */

/* Downstream's own pool, with rows much longer than the picture's. */
static gboolean answer_allocation(GstPad *pad, GstObject *parent, GstQuery *query)
{
    GstVideoAlignment align;
    GstBufferPool *pool;
    GstStructure *config;
    GstVideoInfo info;
    GstCaps *caps;

    if (GST_QUERY_TYPE(query) != GST_QUERY_ALLOCATION)
        return gst_pad_query_default(pad, parent, query);
    gst_query_parse_allocation(query, &caps, NULL);
    fail_unless(gst_video_info_from_caps(&info, caps));
    gst_video_alignment_reset(&align);
    align.padding_right = 57;
    align.padding_bottom = 3;
    pool = gst_video_buffer_pool_new();
    config = gst_buffer_pool_get_config(pool);
    gst_buffer_pool_config_set_params(config, caps, info.size, 2, 4);
    gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_META);
    gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_ALIGNMENT);
    gst_buffer_pool_config_set_video_alignment(config, &align);
    fail_unless(gst_buffer_pool_set_config(pool, config));
    gst_query_add_allocation_pool(query, pool, info.size, 2, 4);
    gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, NULL);
    gst_object_unref(pool);
    return TRUE;
}

static void check_stride(const gchar *format)
{
    gchar *caps = g_strdup_printf("video/x-raw,format=%s", format);
    Player *player = player_new("class-id=3 seed=5", caps);
    GstPad *pad = gst_element_get_static_pad(player->sink, "sink");
    Picture plain = picture_new(format), padded;
    GstVideoInfo info;

    gst_pad_set_query_function(pad, answer_allocation);
    player_preroll(player);
    g_object_get(player->sink, "last-sample", &padded.sample, NULL);
    fail_unless(gst_video_info_from_caps(&info, gst_sample_get_caps(padded.sample)));
    fail_unless(gst_buffer_get_video_meta(gst_sample_get_buffer(padded.sample)) != NULL);
    fail_unless(gst_video_frame_map(&padded.frame, &info, gst_sample_get_buffer(padded.sample),
                                    GST_MAP_READ));
    fail_unless(GST_VIDEO_FRAME_PLANE_STRIDE(&padded.frame, 0) >
                GST_VIDEO_FRAME_PLANE_STRIDE(&plain.frame, 0));
    for (guint c = 0; c < 3; c++)
        for (gint y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT(&plain.frame, c); y++)
            for (gint x = 0; x < GST_VIDEO_FRAME_COMP_WIDTH(&plain.frame, c); x++)
                fail_unless_equals_int(component(&padded, c, x, y), component(&plain, c, x, y));
    picture_free(&padded);
    picture_free(&plain);
    gst_object_unref(pad);
    player_free(player);
    g_free(caps);
}

GST_START_TEST(test_strides)
{
    check_stride("RGB");
    check_stride("BGRx");
    check_stride("I420");
    check_stride("NV12");
}
GST_END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("caps");
    TCase *caps = tcase_create("caps");

    suite_add_tcase(suite, caps);
    tcase_add_test(caps, test_defaults);
    tcase_add_test(caps, test_choices);
    tcase_add_test(caps, test_query_follows_the_state);
    tcase_add_test(caps, test_other_sizes_are_refused);
    tcase_add_test(caps, test_rgb_formats);
    tcase_add_test(caps, test_rgb_in_the_range_of_video);
    tcase_add_test(caps, test_yuv_formats);
    tcase_add_test(caps, test_strides);
    return suite;
}
