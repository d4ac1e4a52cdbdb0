/* gstcodepixels.c - memory for pictures, and what video formats mean to the engine. */
#include "video/gstcodepixels.h"

#include "video/gstcodewriter.h"

static gboolean format_of(const GstVideoInfo *info, CodesrcFormat *format)
{
    switch (GST_VIDEO_INFO_FORMAT(info)) {
    case GST_VIDEO_FORMAT_NV12:
        *format = CODESRC_NV12;
        return TRUE;
    case GST_VIDEO_FORMAT_RGB:
        *format = CODESRC_RGB;
        return TRUE;
    case GST_VIDEO_FORMAT_BGR:
        *format = CODESRC_BGR;
        return TRUE;
    case GST_VIDEO_FORMAT_RGBA:
    case GST_VIDEO_FORMAT_RGBx:
        *format = CODESRC_RGBA;
        return TRUE;
    case GST_VIDEO_FORMAT_BGRA:
    case GST_VIDEO_FORMAT_BGRx:
        *format = CODESRC_BGRA;
        return TRUE;
    case GST_VIDEO_FORMAT_ARGB:
        *format = CODESRC_ARGB;
        return TRUE;
    case GST_VIDEO_FORMAT_ABGR:
        *format = CODESRC_ABGR;
        return TRUE;
    default:
        return FALSE;
    }
}

gboolean gst_code_output_from_info(CodesrcOutput *output, const GstVideoInfo *info)
{
    const GstVideoColorimetry *colours = &GST_VIDEO_INFO_COLORIMETRY(info);
    GstVideoChromaSite site = GST_VIDEO_INFO_CHROMA_SITE(info);

    *output = (CodesrcOutput){.on_device = TRUE};
    if (!format_of(info, &output->format))
        return FALSE;
    if (output->format != CODESRC_NV12)
        return colours->range != GST_VIDEO_COLOR_RANGE_16_235;
    output->yuv.full_range = colours->range == GST_VIDEO_COLOR_RANGE_0_255;
    output->yuv.cosited_x = (site & GST_VIDEO_CHROMA_SITE_H_COSITED) != 0;
    output->yuv.cosited_y = (site & GST_VIDEO_CHROMA_SITE_V_COSITED) != 0;
    /* Chroma that changes its place from line to line is for interlaced video. */
    return !(site & GST_VIDEO_CHROMA_SITE_ALT_LINE) &&
           gst_video_color_matrix_get_Kr_Kb(colours->matrix, &output->yuv.kr, &output->yuv.kb);
}

gboolean gst_code_output_equal(const CodesrcOutput *a, const CodesrcOutput *b)
{
    const CodesrcYuv *x = &a->yuv, *y = &b->yuv;

    if (!a->on_device || !b->on_device)
        return a->on_device == b->on_device;
    return a->format == b->format && x->kr == y->kr && x->kb == y->kb &&
           x->full_range == y->full_range && x->cosited_x == y->cosited_x &&
           x->cosited_y == y->cosited_y;
}

static gboolean allocate(GstCodePixels *pixels, CodesrcModel *model, CodesrcError *error)
{
    guint side = codesrc_model_info(model)->side;

    pixels->picture.stride = pixels->output.on_device ? codesrc_output_row(&pixels->output, side)
                                                      : GST_CODE_STRIDE(side);
    if (!pixels->output.on_device) {
        pixels->picture.data = g_malloc0(pixels->picture.stride * side);
        return TRUE;
    }
    pixels->picture.data = codesrc_device_alloc(
        model, pixels->picture.stride * codesrc_output_rows(&pixels->output, side), error);
    if (pixels->picture.data)
        pixels->model = codesrc_model_ref(model);
    return pixels->picture.data != NULL;
}

gboolean gst_code_pixels_prepare(GstCodePixels *pixels, const CodesrcOutput *output,
                                 CodesrcModel *model, CodesrcError *error)
{
    if (pixels->picture.data && gst_code_output_equal(&pixels->output, output))
        return TRUE;
    gst_code_pixels_clear(pixels);
    pixels->output = *output;
    return allocate(pixels, model, error);
}

void gst_code_pixels_clear(GstCodePixels *pixels)
{
    if (pixels->model)
        codesrc_device_free(pixels->model, pixels->picture.data);
    else
        g_free(pixels->picture.data);
    codesrc_model_unref(pixels->model);
    *pixels = (GstCodePixels){0};
}
