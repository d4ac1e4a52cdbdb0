/* test_paint.c - codepaint: what it draws is what the engine draws, into frames of any size. */
#include <gst/controller/gstdirectcontrolbinding.h>
#include <gst/controller/gstinterpolationcontrolsource.h>

#include "painting.h"

#include "codesrc.h"

/* ---- what is drawn --------------------------------------------------------------- */

/* A picture, 3 * AREA bytes, repainted by the engine's own interface under the mask of PART. */
static void engine_repaints(guint8 *rgb, gint32 class_id, guint64 seed, guint64 frame)
{
    static float image[3 * AREA], mask[CELLS * CELLS];
    CodesrcPicture target = {rgb, 3 * SIDE};
    CodesrcModelOptions options;
    CodesrcGenerator *generator;
    CodesrcRequest request;
    CodesrcCanvas *canvas;
    CodesrcModel *model;
    CodesrcError error;

    for (guint i = 0; i < AREA; i++)
        for (guint c = 0; c < 3; c++)
            image[c * AREA + i] = rgb[3 * i + c] / 127.5f - 1.0f;
    for (guint y = 0; y < 2; y++)
        mask[y * CELLS + 1] = mask[y * CELLS + 2] = 1.0f;
    codesrc_model_options_init(&options);
    options.precision = "f32";
    options.threads = 1;
    model = codesrc_model_open(tiny_model(), &options, &error);
    fail_unless(model != NULL, "%s", error.text);
    generator = codesrc_generator_new(model, 1, 0, &error);
    canvas = codesrc_encode(generator, image, &error);
    codesrc_request_init(model, &request);
    request.class_id = class_id;
    request.seed = seed;
    request.frame = frame;
    request.canvas = canvas;
    request.mask = mask;
    fail_unless(codesrc_generate(generator, &request, 1, &target, &error), "%s", error.text);
    codesrc_canvas_free(canvas);
    codesrc_generator_free(generator);
    codesrc_model_unref(model);
}

/* The test picture with the engine's pixels in a rectangle of it. */
static void engine_paints(const GstVideoRectangle *rectangle, guint8 *rgba)
{
    guint8 rgb[3 * AREA];

    for (guint i = 0; i < 3 * AREA; i++)
        rgb[i] = component(i / 3 % SIDE, i / 3 / SIDE, i % 3);
    engine_repaints(rgb, 3, 5, 7);
    for (gint y = 0; y < SIDE; y++)
        for (gint x = 0; x < SIDE; x++)
            for (guint c = 0; c < 4; c++) {
                gboolean inside = x >= rectangle->x && x < rectangle->x + rectangle->w &&
                                  y >= rectangle->y && y < rectangle->y + rectangle->h;

                rgba[4 * (y * SIDE + x) + c] = c == 3   ? 255
                                               : inside ? rgb[3 * (y * SIDE + x) + c]
                                                        : component(x, y, c);
            }
}

GST_START_TEST(test_engine)
{
    guint8 truth[4 * AREA], found[4 * AREA];

    engine_paints(&(GstVideoRectangle){2, 0, 4, 4}, truth);
    painted(PART "class-id=3 seed=5", "RGB", 7, found);
    fail_unless(memcmp(truth, found, sizeof truth) == 0);
    /* A rectangle that touches the same cells, and no other cell. */
    engine_paints(&(GstVideoRectangle){3, 1, 2, 2}, truth);
    painted("mask=3,1,2,2 class-id=3 seed=5", "RGB", 7, found);
    fail_unless(memcmp(truth, found, sizeof truth) == 0);
    painted("mask=3,1,4,2 class-id=3 seed=5", "RGB", 7, found);
    fail_if(memcmp(truth, found, sizeof truth) == 0);
}
GST_END_TEST

/* ---- any size and format ----------------------------------------------------------- */

/* GStreamer's own scaling and conversion, from a buffer to a new one. */
static GstBuffer *convert(GstBuffer *buffer, GstVideoInfo *from, GstVideoInfo *to)
{
    GstVideoConverter *converter = gst_video_converter_new(from, to, NULL);
    GstBuffer *result = gst_buffer_new_allocate(NULL, GST_VIDEO_INFO_SIZE(to), NULL);
    GstVideoFrame a, b;

    fail_unless(gst_video_frame_map(&a, from, buffer, GST_MAP_READ));
    fail_unless(gst_video_frame_map(&b, to, result, GST_MAP_WRITE));
    gst_video_converter_frame(converter, &a, &b);
    gst_video_frame_unmap(&a);
    gst_video_frame_unmap(&b);
    gst_video_converter_free(converter);
    return result;
}

/* The frame scaled to the model's size, repainted by the engine, and scaled back: to be
 * unreferenced. */
static GstBuffer *whole_repaint(GstBuffer *buffer, GstVideoInfo *info)
{
    GstBuffer *small, *result;
    GstVideoInfo rgb;
    GstMapInfo map;

    gst_video_info_set_format(&rgb, GST_VIDEO_FORMAT_RGB, SIDE, SIDE);
    rgb.fps_n = info->fps_n;
    small = convert(buffer, info, &rgb);
    fail_unless(gst_buffer_map(small, &map, GST_MAP_READWRITE));
    engine_repaints(map.data, 3, 5, 7);
    gst_buffer_unmap(small, &map);
    result = convert(small, &rgb, info);
    gst_buffer_unref(small);
    return result;
}

/* A frame of noise, as number 7. */
static GstBuffer *noise(const GstVideoInfo *info)
{
    GstBuffer *buffer = gst_buffer_new_allocate(NULL, GST_VIDEO_INFO_SIZE(info), NULL);
    guint32 state = 1;
    GstMapInfo map;

    fail_unless(gst_buffer_map(buffer, &map, GST_MAP_WRITE));
    for (gsize i = 0; i < map.size; i++)
        map.data[i] = (state = state * 1664525 + 1013904223) >> 24;
    gst_buffer_unmap(buffer, &map);
    GST_BUFFER_PTS(buffer) = 7 * FRAME;
    return buffer;
}

/* Each byte of a sample is that of `truth` if all pixels of the sample lie in the rectangle, which
 * must happen, and that of `before` if not. */
static void check_samples(GstVideoInfo *info, GstBuffer *stages[3], const GstVideoRectangle *r)
{
    GstVideoFrame before, truth, found;
    guint inside = 0;

    fail_unless(gst_video_frame_map(&before, info, stages[0], GST_MAP_READ));
    fail_unless(gst_video_frame_map(&truth, info, stages[1], GST_MAP_READ));
    fail_unless(gst_video_frame_map(&found, info, stages[2], GST_MAP_READ));
    for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS(info); c++)
        for (gint y = 0; y < GST_VIDEO_INFO_COMP_HEIGHT(info, c); y++)
            for (gint x = 0; x < GST_VIDEO_INFO_COMP_WIDTH(info, c); x++) {
                gint w = 1 << GST_VIDEO_FORMAT_INFO_W_SUB(info->finfo, c);
                gint h = 1 << GST_VIDEO_FORMAT_INFO_H_SUB(info->finfo, c);
                gboolean all = x * w >= r->x && (x + 1) * w <= r->x + r->w && y * h >= r->y &&
                               (y + 1) * h <= r->y + r->h;
                gsize at = (gsize)y * GST_VIDEO_INFO_COMP_STRIDE(info, c) +
                           (gsize)x * GST_VIDEO_INFO_COMP_PSTRIDE(info, c);
                GstVideoFrame *wanted = all ? &truth : &before;

                inside += all;
                fail_unless(((guint8 *)GST_VIDEO_FRAME_COMP_DATA(&found, c))[at] ==
                                ((guint8 *)GST_VIDEO_FRAME_COMP_DATA(wanted, c))[at],
                            "%s: component %u at %d,%d",
                            gst_video_format_to_string(GST_VIDEO_INFO_FORMAT(info)), c, x, y);
            }
    fail_unless(inside > 0);
    gst_video_frame_unmap(&before);
    gst_video_frame_unmap(&truth);
    gst_video_frame_unmap(&found);
}

/* At five times the model's width and three times its height, the rectangle lies in the same cells
 * as that of PART, and its edges inside samples of chroma. */
static void check_size(GstVideoFormat format)
{
    const GstVideoRectangle rectangle = {11, 1, 17, 9};
    GstHarness *harness = painter("mask=11,1,17,9 class-id=3 seed=5", "RGB");
    GstBuffer *stages[3];
    GstVideoInfo info;

    gst_video_info_set_format(&info, format, 5 * SIDE, 3 * SIDE);
    info.fps_n = 10;
    info.fps_d = 1;
    stages[0] = noise(&info);
    stages[1] = whole_repaint(stages[0], &info);
    gst_harness_set_src_caps(harness, gst_video_info_to_caps(&info));
    stages[2] = gst_harness_push_and_pull(harness, gst_buffer_copy_deep(stages[0]));
    fail_unless(stages[2] != NULL);
    check_samples(&info, stages, &rectangle);
    for (guint i = 0; i < G_N_ELEMENTS(stages); i++)
        gst_buffer_unref(stages[i]);
    gst_harness_teardown(harness);
}

GST_START_TEST(test_any_size)
{
    GstElementFactory *factory = gst_element_factory_find("codepaint");
    const GList *pads = gst_element_factory_get_static_pad_templates(factory);
    GstCaps *caps = gst_static_pad_template_get_caps(pads->data);
    const GValue *formats = gst_structure_get_value(gst_caps_get_structure(caps, 0), "format");

    fail_unless(gst_value_list_get_size(formats) > 40);
    for (guint i = 0; i < gst_value_list_get_size(formats); i++)
        check_size(
            gst_video_format_from_string(g_value_get_string(gst_value_list_get_value(formats, i))));
    gst_caps_unref(caps);
    gst_object_unref(factory);
}
GST_END_TEST

/* ---- what it depends on ------------------------------------------------------------ */

GST_START_TEST(test_what_it_depends_on)
{
    static const gchar *const others[] = {"class-id=4 seed=5", "class-id=3 seed=6",
                                          "class-id=3 seed=5 top-k=1",
                                          "class-id=3 seed=5 class-id-2=7 class-mix=0.5"};
    guint8 truth[4 * AREA], found[4 * AREA];

    painted(PART "class-id=3 seed=5", "RGB", 7, truth);
    painted(PART "class-id=3 seed=5", "RGB", 7, found);
    fail_unless(memcmp(truth, found, sizeof truth) == 0, "a second run");
    painted(PART "class-id=3 seed=5 first-frame=4", "RGB", 3, found);
    fail_unless(memcmp(truth, found, sizeof truth) == 0, "first-frame");
    painted(PART "class-id=3 seed=5", "RGB", 8, found);
    fail_if(memcmp(truth, found, sizeof truth) == 0, "another frame");
    for (guint i = 0; i < G_N_ELEMENTS(others); i++) {
        gchar *properties = g_strconcat(PART, others[i], NULL);

        painted(properties, "RGB", 7, found);
        fail_if(memcmp(truth, found, sizeof truth) == 0, "%s", others[i]);
        g_free(properties);
    }
}
GST_END_TEST

/* The painted part is a film of its own: two frames of a picture, one half-way to the next. */
GST_START_TEST(test_motion)
{
    static const gchar *const film = PART "class-id=3 seed=5 hold=2 morph=1 loop=2";
    guint8 pictures[2][4 * AREA], found[6][4 * AREA];

    for (guint i = 0; i < 2; i++)
        painted(PART "class-id=3 seed=5", "RGB", i, pictures[i]);
    for (guint i = 0; i < 6; i++) {
        /* The frame outside the mask is the same in each of them. */
        painted(film, "RGB", i, found[i]);
        if (i % 3 < 2)
            fail_unless(memcmp(found[i], pictures[i / 3], sizeof found[i]) == 0, "frame %u", i);
        else
            fail_if(memcmp(found[i], pictures[0], sizeof found[i]) == 0 ||
                        memcmp(found[i], pictures[1], sizeof found[i]) == 0,
                    "frame %u", i);
    }
    /* Half-way there and half-way back. */
    fail_unless(memcmp(found[2], found[5], sizeof found[2]) == 0);
    for (guint i = 0; i < AREA; i++)
        if (component(i % SIDE, i / SIDE, 3) == 255)
            fail_unless(memcmp(&found[2][4 * i], &pictures[0][4 * i], 4) == 0, "pixel %u", i);
}
GST_END_TEST

/* A schedule from one class to another, by the time of the frame: its ends are the classes. */
GST_START_TEST(test_schedule)
{
    static const gchar *const ends[] = {PART "class-id=3", PART "class-id=7"};
    GstHarness *harness = painter(PART "class-id=3 class-id-2=7", "RGB");
    GstElement *paint = gst_harness_find_element(harness, "codepaint");
    GstControlSource *source = gst_interpolation_control_source_new();
    guint8 truth[4 * AREA], found[4 * AREA];

    g_object_set(source, "mode", GST_INTERPOLATION_MODE_LINEAR, NULL);
    gst_timed_value_control_source_set(GST_TIMED_VALUE_CONTROL_SOURCE(source), 0, 0.0);
    gst_timed_value_control_source_set(GST_TIMED_VALUE_CONTROL_SOURCE(source), GST_SECOND, 1.0);
    fail_unless(gst_object_add_control_binding(
        GST_OBJECT(paint),
        gst_direct_control_binding_new_absolute(GST_OBJECT(paint), "class-mix", source)));
    gst_object_unref(source);
    for (guint i = 0; i < G_N_ELEMENTS(ends); i++) {
        GstBuffer *buffer = picture("RGB", i * GST_SECOND / FRAME);

        buffer = gst_harness_push_and_pull(harness, buffer);
        fail_unless(buffer != NULL);
        components(buffer, "RGB", found);
        painted(ends[i], "RGB", i * GST_SECOND / FRAME, truth);
        fail_unless(memcmp(truth, found, sizeof truth) == 0, "end %u", i);
    }
    gst_object_unref(paint);
    gst_harness_teardown(harness);
}
GST_END_TEST

/* All formats show the same, opaque picture, and alpha is a mask like another. */
GST_START_TEST(test_formats_and_alpha)
{
    static const gchar *const formats[] = {"RGB",  "BGR",  "RGBx", "BGRx", "GBR",
                                           "RGBA", "BGRA", "ARGB", "ABGR"};
    guint8 truth[4 * AREA], found[4 * AREA];

    painted(PART "class-id=3 seed=5", "RGB", 7, truth);
    for (guint i = 0; i < G_N_ELEMENTS(formats); i++) {
        painted(PART "class-id=3 seed=5", formats[i], 7, found);
        fail_unless(memcmp(truth, found, sizeof truth) == 0, "%s", formats[i]);
        if (!strchr(formats[i], 'A'))
            continue;
        painted("class-id=3 seed=5", formats[i], 7, found);
        fail_unless(memcmp(truth, found, sizeof truth) == 0, "alpha of %s", formats[i]);
    }
}
GST_END_TEST

/* With the bundled model: outside the mask the picture is the one that went in, to the last byte;
 * under it, it is not. */
GST_START_TEST(test_keeps)
{
    const gchar *caps = "video/x-raw,format=RGB,width=256,height=256,framerate=1/1";
    GstHarness *source = gst_harness_new_parse("codesrc class-id=10 num-buffers=1");
    GstHarness *paint = gst_harness_new_parse("codepaint mask=0,128,128,128 class-id=14 seed=1");
    gdouble kept = 0.0, drawn = 0.0;
    GstBuffer *before, *after;
    GstMapInfo a, b;

    gst_harness_set_sink_caps_str(source, caps);
    gst_harness_play(source);
    before = gst_harness_pull(source);
    gst_harness_set_src_caps_str(paint, caps);
    after = gst_harness_push_and_pull(paint, gst_buffer_copy_deep(before));
    fail_unless(after != NULL);
    gst_buffer_map(before, &a, GST_MAP_READ);
    gst_buffer_map(after, &b, GST_MAP_READ);
    for (guint y = 0; y < 256; y++)
        for (guint x = 0; x < 3 * 256; x++) {
            gdouble difference = ABS((gint)a.data[y * 768 + x] - (gint)b.data[y * 768 + x]);

            if (y >= 128 && x < 3 * 128)
                drawn += difference / (128 * 384);
            else
                kept += difference;
        }
    gst_buffer_unmap(before, &a);
    gst_buffer_unmap(after, &b);
    fail_unless(kept == 0.0 && drawn > 16.0, "kept differs by %g, drawn by %g", kept, drawn);
    gst_buffer_unref(before);
    gst_buffer_unref(after);
    gst_harness_teardown(source);
    gst_harness_teardown(paint);
}
GST_END_TEST

GST_START_TEST(test_nothing_to_do)
{
    static const gchar *const empty[] = {"", "mask=0,0,0,0", "mask=8,8,0,0", "mask=3,3,0,4"};
    guint8 found[4 * AREA];

    for (guint i = 0; i < G_N_ELEMENTS(empty); i++) {
        GstHarness *harness = painter(empty[i], "RGB");
        GstBuffer *in = picture("RGB", 0), *out;

        out = gst_harness_push_and_pull(harness, gst_buffer_ref(in));
        fail_unless(out == in, "\"%s\": not passed on", empty[i]);
        gst_buffer_unref(in);
        gst_buffer_unref(out);
        gst_harness_teardown(harness);
    }
    /* Nothing transparent, but for what a rectangle of nothing goes before. */
    painted("mask=0,0,0,0", "RGBA", 0, found);
    for (guint i = 0; i < AREA; i++)
        for (guint c = 0; c < 4; c++)
            fail_unless_equals_int(found[4 * i + c], component(i % SIDE, i / SIDE, c));
}
GST_END_TEST

/* ---- numbers of frames ----------------------------------------------------------- */

static void push(GstHarness *harness, guint64 offset, guint8 *rgba)
{
    GstBuffer *buffer = picture("RGB", offset);

    GST_BUFFER_PTS(buffer) = GST_CLOCK_TIME_NONE;
    buffer = gst_harness_push_and_pull(harness, buffer);
    fail_unless(buffer != NULL);
    components(buffer, "RGB", rgba);
}

static void push_at(GstHarness *harness, GstClockTime pts, guint64 offset, guint8 *rgba)
{
    GstBuffer *buffer = picture("RGB", offset);

    GST_BUFFER_PTS(buffer) = pts;
    buffer = gst_harness_push_and_pull(harness, buffer);
    fail_unless(buffer != NULL);
    components(buffer, "RGB", rgba);
}

/* The number of a frame is its stream time by the rate, rounded, whatever its offset says and from
 * wherever the stream is played. */
GST_START_TEST(test_number_from_time)
{
    GstHarness *harness = painter(PART "class-id=3", "RGB");
    guint8 truth[4 * AREA], found[4 * AREA];
    GstSegment segment;

    painted(PART "class-id=3", "RGB", 12, truth);
    push_at(harness, 12 * FRAME, GST_BUFFER_OFFSET_NONE, found);
    fail_unless(memcmp(truth, found, sizeof truth) == 0, "no offset");
    push_at(harness, 12 * FRAME - FRAME / 3, 192, found);
    fail_unless(memcmp(truth, found, sizeof truth) == 0, "an offset in bytes");
    push_at(harness, 13 * FRAME, 12, found);
    fail_if(memcmp(truth, found, sizeof truth) == 0, "frame 13");
    flush_starts(harness);
    gst_harness_push_event(harness, gst_event_new_flush_stop(TRUE));
    /* A container whose time stamps begin at an hour, sought to half a second. */
    gst_segment_init(&segment, GST_FORMAT_TIME);
    segment.start = segment.position = 3600 * GST_SECOND + 5 * FRAME;
    segment.time = 5 * FRAME;
    gst_harness_push_event(harness, gst_event_new_segment(&segment));
    push_at(harness, 3600 * GST_SECOND + 12 * FRAME, GST_BUFFER_OFFSET_NONE, found);
    fail_unless(memcmp(truth, found, sizeof truth) == 0, "after a seek");
    gst_harness_teardown(harness);
}
GST_END_TEST

/* An appsrc that was not told its format has a segment in bytes. */
GST_START_TEST(test_segment_in_bytes)
{
    GstHarness *harness = painter(PART "class-id=3", "RGB");
    guint8 truth[4 * AREA], found[4 * AREA];
    GstSegment segment;

    painted(PART "class-id=3", "RGB", 5, truth);
    gst_segment_init(&segment, GST_FORMAT_BYTES);
    gst_harness_push_event(harness, gst_event_new_segment(&segment));
    push_at(harness, 9 * FRAME, 5, found);
    fail_unless(memcmp(truth, found, sizeof truth) == 0, "it is numbered by its offset");
    gst_harness_teardown(harness);
}
GST_END_TEST

/* Without times, frames are numbered by their offsets, and without those counted. */
GST_START_TEST(test_numbers)
{
    GstHarness *harness = painter(PART "class-id=3", "RGB");
    guint8 first[4 * AREA], second[4 * AREA], found[4 * AREA];

    push(harness, GST_BUFFER_OFFSET_NONE, first);
    push(harness, GST_BUFFER_OFFSET_NONE, second);
    fail_if(memcmp(first, second, sizeof first) == 0, "two frames are the same");
    push(harness, 0, found);
    fail_unless(memcmp(first, found, sizeof first) == 0, "offset 0 is not the first frame");
    push(harness, GST_BUFFER_OFFSET_NONE, found);
    fail_unless(memcmp(second, found, sizeof first) == 0, "it is not counted on from an offset");
    flush_starts(harness);
    flush_stops(harness);
    push(harness, GST_BUFFER_OFFSET_NONE, found);
    fail_unless(memcmp(first, found, sizeof first) == 0, "a flush does not count from 0 again");
    fail_unless(gst_harness_push_event(harness, gst_event_new_eos()));
    gst_harness_teardown(harness);
}
GST_END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("paint");
    TCase *paint = tcase_create("paint");

    suite_add_tcase(suite, paint);
    tcase_add_test(paint, test_engine);
    tcase_add_test(paint, test_any_size);
    tcase_add_test(paint, test_what_it_depends_on);
    tcase_add_test(paint, test_motion);
    tcase_add_test(paint, test_schedule);
    tcase_add_test(paint, test_formats_and_alpha);
    tcase_add_test(paint, test_keeps);
    tcase_add_test(paint, test_nothing_to_do);
    tcase_add_test(paint, test_number_from_time);
    tcase_add_test(paint, test_segment_in_bytes);
    tcase_add_test(paint, test_numbers);
    return suite;
}
