/* gstcodepainter.c - buffers to draw into, and drawing. RGB buffers are written by the engine
 * itself, with whatever stride they have; the other formats are converted from one RGB picture that
 * the painter keeps. */
#include "gstcodepainter.h"

gboolean gst_code_painter_setup(GstCodePainter *painter, const GstVideoInfo *info)
{
    gst_code_painter_clear(painter);
    painter->info = *info;
    if (GST_VIDEO_INFO_FORMAT(info) == GST_VIDEO_FORMAT_RGB)
        return TRUE;

    gst_video_info_set_format(&painter->rgb_info, GST_VIDEO_FORMAT_RGB, GST_VIDEO_INFO_WIDTH(info),
                              GST_VIDEO_INFO_HEIGHT(info));
    /* A converter changes neither rate nor shape of pixels and refuses pairs that differ in them.
     */
    painter->rgb_info.fps_n = info->fps_n;
    painter->rgb_info.fps_d = info->fps_d;
    painter->converter = gst_video_converter_new(&painter->rgb_info, info, NULL);
    if (!painter->converter)
        return FALSE;
    painter->rgb = gst_buffer_new_allocate(NULL, GST_VIDEO_INFO_SIZE(&painter->rgb_info), NULL);
    return painter->rgb != NULL;
}

void gst_code_painter_clear(GstCodePainter *painter)
{
    g_clear_pointer(&painter->converter, gst_video_converter_free);
    gst_clear_buffer(&painter->rgb);
}

void gst_code_painter_choose_pool(const GstCodePainter *painter, GstQuery *query)
{
    gboolean proposed = gst_query_get_n_allocation_pools(query) > 0;
    guint size = GST_VIDEO_INFO_SIZE(&painter->info), min = 0, max = 0, proposed_size = 0;
    GstBufferPool *pool = NULL;
    GstStructure *config;
    GstCaps *caps;

    gst_query_parse_allocation(query, &caps, NULL);
    if (proposed)
        gst_query_parse_nth_allocation_pool(query, 0, &pool, &proposed_size, &min, &max);
    if (!pool)
        pool = gst_video_buffer_pool_new();
    size = MAX(size, proposed_size);

    config = gst_buffer_pool_get_config(pool);
    gst_buffer_pool_config_set_params(config, caps, size, min, max);
    if (gst_query_find_allocation_meta(query, GST_VIDEO_META_API_TYPE, NULL))
        gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_META);
    gst_buffer_pool_set_config(pool, config);

    if (proposed)
        gst_query_set_nth_allocation_pool(query, 0, pool, size, min, max);
    else
        gst_query_add_allocation_pool(query, pool, size, min, max);
    gst_object_unref(pool);
}

static gboolean map_frame(GstVideoFrame *frame, const GstVideoInfo *info, GstBuffer *buffer,
                          GstMapFlags flags, CodeError *error)
{
    if (gst_video_frame_map(frame, info, buffer, flags))
        return TRUE;
    error->status = CODE_FAILED;
    g_snprintf(error->text, sizeof error->text,
               "a video buffer of %" G_GSIZE_FORMAT " bytes cannot be mapped",
               gst_buffer_get_size(buffer));
    return FALSE;
}

/* Lets the engine draw into a buffer of RGB pixels. */
static gboolean draw_rgb(const GstVideoInfo *info, CodeGenerator *generator,
                         const CodeRequest *request, GstBuffer *buffer, CodeError *error)
{
    GstVideoFrame frame;
    CodePicture picture;
    gboolean drawn;

    if (!map_frame(&frame, info, buffer, GST_MAP_WRITE, error))
        return FALSE;
    picture.data = GST_VIDEO_FRAME_PLANE_DATA(&frame, 0);
    picture.stride = GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0);
    drawn = code_generate(generator, request, 1, &picture, error);
    gst_video_frame_unmap(&frame);
    return drawn;
}

static gboolean convert_rgb(GstCodePainter *painter, GstBuffer *buffer, CodeError *error)
{
    GstVideoFrame from, to;

    if (!map_frame(&from, &painter->rgb_info, painter->rgb, GST_MAP_READ, error))
        return FALSE;
    if (!map_frame(&to, &painter->info, buffer, GST_MAP_WRITE, error)) {
        gst_video_frame_unmap(&from);
        return FALSE;
    }
    gst_video_converter_frame(painter->converter, &from, &to);
    gst_video_frame_unmap(&to);
    gst_video_frame_unmap(&from);
    return TRUE;
}

/* Whether the buffer has bytes that no component of a pixel covers, at the end of rows for
 * instance. */
static gboolean has_padding(const GstVideoInfo *info, GstBuffer *buffer)
{
    gsize pixels = 0;

    for (guint i = 0; i < GST_VIDEO_INFO_N_COMPONENTS(info); i++)
        pixels += (gsize)GST_VIDEO_INFO_COMP_WIDTH(info, i) * GST_VIDEO_INFO_COMP_HEIGHT(info, i);
    return pixels != gst_buffer_get_size(buffer);
}

gboolean gst_code_painter_draw(GstCodePainter *painter, CodeGenerator *generator,
                               const CodeRequest *request, GstBuffer *buffer, CodeError *error)
{
    /* A buffer is a pure function of its request down to the last byte, and a pool's memory is not.
     */
    if (has_padding(&painter->info, buffer))
        gst_buffer_memset(buffer, 0, 0, -1);
    if (!painter->converter)
        return draw_rgb(&painter->info, generator, request, buffer, error);
    return draw_rgb(&painter->rgb_info, generator, request, painter->rgb, error) &&
           convert_rgb(painter, buffer, error);
}
