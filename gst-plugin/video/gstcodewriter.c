/* gstcodewriter.c - buffers for pictures, and the conversion. Pictures are RGB: a buffer of RGB
 * gets a copy, with whatever stride it has, and other formats go through a converter. */
#include "video/gstcodewriter.h"

/* Whether frames are pictures as they are. */
static gboolean is_plain(const GstCodeWriter *writer)
{
    return GST_VIDEO_INFO_FORMAT(&writer->info) == GST_VIDEO_FORMAT_RGB &&
           GST_VIDEO_INFO_WIDTH(&writer->info) == GST_VIDEO_INFO_WIDTH(&writer->rgb_info) &&
           GST_VIDEO_INFO_HEIGHT(&writer->info) == GST_VIDEO_INFO_HEIGHT(&writer->rgb_info);
}

/* A converter leaves the range of RGB as it is, and so do those of downstream. */
static void setup_range(GstCodeWriter *writer)
{
    GstVideoColorRange range = writer->info.colorimetry.range;

    if (!GST_VIDEO_INFO_IS_RGB(&writer->info))
        return;
    writer->rgb_info.colorimetry.range = range;
    if (range == GST_VIDEO_COLOR_RANGE_16_235)
        writer->levels = g_malloc0(GST_VIDEO_INFO_SIZE(&writer->rgb_info));
}

gboolean gst_code_writer_setup(GstCodeWriter *writer, const GstVideoInfo *info, guint side)
{
    gst_code_writer_clear(writer);
    writer->info = *info;
    gst_video_info_set_format(&writer->rgb_info, GST_VIDEO_FORMAT_RGB, side, side);
    setup_range(writer);
    if (is_plain(writer))
        return TRUE;
    /* A converter changes neither rate nor fields and refuses pairs that differ in them. */
    writer->rgb_info.interlace_mode = info->interlace_mode;
    writer->rgb_info.fps_n = info->fps_n;
    writer->rgb_info.fps_d = info->fps_d;
    writer->converter = gst_video_converter_new(&writer->rgb_info, info, NULL);
    return writer->converter != NULL;
}

gboolean gst_code_writer_setup_reading(GstCodeWriter *writer)
{
    if (is_plain(writer))
        return TRUE;
    writer->reader = gst_video_converter_new(&writer->info, &writer->rgb_info, NULL);
    return writer->reader != NULL;
}

void gst_code_writer_clear(GstCodeWriter *writer)
{
    g_clear_pointer(&writer->reader, gst_video_converter_free);
    g_clear_pointer(&writer->converter, gst_video_converter_free);
    g_clear_pointer(&writer->levels, g_free);
}

void gst_code_writer_choose_pool(const GstCodeWriter *writer, GstQuery *query)
{
    gboolean proposed = gst_query_get_n_allocation_pools(query) > 0;
    guint size = GST_VIDEO_INFO_SIZE(&writer->info), min = 0, max = 0, proposed_size = 0;
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

gboolean gst_code_writer_map(GstVideoFrame *frame, const GstVideoInfo *info, GstBuffer *buffer,
                             GstMapFlags flags, CodesrcError *error)
{
    if (gst_video_frame_map(frame, info, buffer, flags))
        return TRUE;
    error->status = CODESRC_FAILED;
    g_snprintf(error->text, sizeof error->text,
               "a video buffer of %" G_GSIZE_FORMAT " bytes cannot be mapped",
               gst_buffer_get_size(buffer));
    return FALSE;
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

/* Pixels in memory as a frame. */
static gboolean map_pixels(const GstCodeWriter *writer, gpointer pixels, gboolean write,
                           GstVideoFrame *frame, CodesrcError *error)
{
    gsize size = GST_VIDEO_INFO_SIZE(&writer->rgb_info);
    GstBuffer *buffer = gst_buffer_new_wrapped_full(write ? 0 : GST_MEMORY_FLAG_READONLY, pixels,
                                                    size, 0, size, NULL, NULL);
    gboolean mapped = gst_code_writer_map(frame, &writer->rgb_info, buffer,
                                          write ? GST_MAP_WRITE : GST_MAP_READ, error);

    gst_buffer_unref(buffer); /* the frame has one of its own */
    return mapped;
}

/* The picture in the range of video. */
static const guint8 *squeeze(const GstCodeWriter *writer, const guint8 *pixels)
{
    gsize size = GST_VIDEO_INFO_SIZE(&writer->rgb_info);

    for (gsize i = 0; i < size; i++)
        writer->levels[i] = (guint8)(16 + (219 * pixels[i] + 127) / 255);
    return writer->levels;
}

static void stretch(const GstCodeWriter *writer, guint8 *pixels)
{
    gsize size = GST_VIDEO_INFO_SIZE(&writer->rgb_info);

    for (gsize i = 0; i < size; i++)
        pixels[i] = (guint8)((255 * (CLAMP(pixels[i], 16, 235) - 16) + 109) / 219);
}

static void transfer(GstVideoConverter *converter, const GstVideoFrame *from, GstVideoFrame *to)
{
    if (converter)
        gst_video_converter_frame(converter, from, to);
    else
        gst_video_frame_copy(to, from);
}

static gboolean write_frame(GstCodeWriter *writer, const guint8 *pixels, GstVideoFrame *frame,
                            CodesrcError *error)
{
    GstVideoFrame from;

    if (writer->levels)
        pixels = squeeze(writer, pixels);
    if (!map_pixels(writer, (gpointer)pixels, FALSE, &from, error))
        return FALSE;
    transfer(writer->converter, &from, frame);
    gst_video_frame_unmap(&from);
    return TRUE;
}

gboolean gst_code_writer_read_frame(GstCodeWriter *writer, const GstVideoFrame *frame,
                                    guint8 *pixels, CodesrcError *error)
{
    GstVideoFrame to;

    if (!map_pixels(writer, pixels, TRUE, &to, error))
        return FALSE;
    transfer(writer->reader, frame, &to);
    gst_video_frame_unmap(&to);
    if (writer->levels)
        stretch(writer, pixels);
    return TRUE;
}

gboolean gst_code_writer_write(GstCodeWriter *writer, const guint8 *pixels, GstBuffer *buffer,
                               CodesrcError *error)
{
    GstVideoFrame frame;
    gboolean painted;

    /* A buffer is a pure function of its request down to the last byte, and a pool's memory is not.
     */
    if (has_padding(&writer->info, buffer))
        gst_buffer_memset(buffer, 0, 0, -1);
    if (!gst_code_writer_map(&frame, &writer->info, buffer, GST_MAP_WRITE, error))
        return FALSE;
    painted = write_frame(writer, pixels, &frame, error);
    gst_video_frame_unmap(&frame);
    return painted;
}
