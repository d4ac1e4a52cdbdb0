/* gstcodepixels.c - memory for pictures, and what video formats mean to the engine. */
#include "gstcodepixels.h"

#include "gstcodepainter.h"

static gboolean format_of(const GstVideoInfo *info, CodeFormat *format)
{
    switch (GST_VIDEO_INFO_FORMAT(info)) {
    case GST_VIDEO_FORMAT_NV12:
        *format = CODE_NV12;
        return TRUE;
    case GST_VIDEO_FORMAT_RGB:
        *format = CODE_RGB;
        return TRUE;
    case GST_VIDEO_FORMAT_BGR:
        *format = CODE_BGR;
        return TRUE;
    case GST_VIDEO_FORMAT_RGBA:
    case GST_VIDEO_FORMAT_RGBx:
        *format = CODE_RGBA;
        return TRUE;
    case GST_VIDEO_FORMAT_BGRA:
    case GST_VIDEO_FORMAT_BGRx:
        *format = CODE_BGRA;
        return TRUE;
    case GST_VIDEO_FORMAT_ARGB:
        *format = CODE_ARGB;
        return TRUE;
    case GST_VIDEO_FORMAT_ABGR:
        *format = CODE_ABGR;
        return TRUE;
    default:
        return FALSE;
    }
}

gboolean gst_code_output_from_info(CodeOutput *output, const GstVideoInfo *info)
{
    const GstVideoColorimetry *colours = &GST_VIDEO_INFO_COLORIMETRY(info);
    GstVideoChromaSite site = GST_VIDEO_INFO_CHROMA_SITE(info);

    *output = (CodeOutput){.on_device = TRUE};
    if (!format_of(info, &output->format))
        return FALSE;
    if (output->format != CODE_NV12)
        return TRUE;
    output->yuv.full_range = colours->range == GST_VIDEO_COLOR_RANGE_0_255;
    output->yuv.cosited_x = (site & GST_VIDEO_CHROMA_SITE_H_COSITED) != 0;
    output->yuv.cosited_y = (site & GST_VIDEO_CHROMA_SITE_V_COSITED) != 0;
    /* Chroma that changes its place from line to line is for interlaced video. */
    return !(site & GST_VIDEO_CHROMA_SITE_ALT_LINE) &&
           gst_video_color_matrix_get_Kr_Kb(colours->matrix, &output->yuv.kr, &output->yuv.kb);
}

gboolean gst_code_output_equal(const CodeOutput *a, const CodeOutput *b)
{
    const CodeYuv *x = &a->yuv, *y = &b->yuv;

    if (!a->on_device || !b->on_device)
        return a->on_device == b->on_device;
    return a->format == b->format && x->kr == y->kr && x->kb == y->kb &&
           x->full_range == y->full_range && x->cosited_x == y->cosited_x &&
           x->cosited_y == y->cosited_y;
}

static gboolean allocate(GstCodePixels *pixels, CodeModel *model, CodeError *error)
{
    guint side = code_model_info(model)->side;

    pixels->picture.stride =
        pixels->output.on_device ? code_output_row(&pixels->output, side) : GST_CODE_STRIDE(side);
    if (!pixels->output.on_device) {
        pixels->picture.data = g_malloc0(pixels->picture.stride * side);
        return TRUE;
    }
    pixels->picture.data = code_device_alloc(
        model, pixels->picture.stride * code_output_rows(&pixels->output, side), error);
    if (pixels->picture.data)
        pixels->model = code_model_ref(model);
    return pixels->picture.data != NULL;
}

gboolean gst_code_pixels_prepare(GstCodePixels *pixels, const CodeOutput *output, CodeModel *model,
                                 CodeError *error)
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
        code_device_free(pixels->model, pixels->picture.data);
    else
        g_free(pixels->picture.data);
    code_model_unref(pixels->model);
    *pixels = (GstCodePixels){0};
}
