/* gstcodecaps.c - narrows the template to a model's size, chooses the kind of memory, and fixates
 * frame rate and colours. */
#include "video/gstcodecaps.h"

GstCaps *gst_code_caps_narrow(GstCaps *caps, guint side)
{
    caps = gst_caps_make_writable(caps);
    gst_caps_set_simple(caps, "width", G_TYPE_INT, (gint)side, "height", G_TYPE_INT, (gint)side,
                        "pixel-aspect-ratio", GST_TYPE_FRACTION, 1, 1, NULL);
    return caps;
}

/* ---- memory ---------------------------------------------------------------------------------- */

static gboolean in_cuda(const GstCaps *caps, guint i)
{
    GstCapsFeatures *features = gst_caps_get_features(caps, i);

    return features && !gst_caps_features_is_any(features) &&
           gst_caps_features_contains(features, GST_CODE_CUDA_MEMORY);
}

gboolean gst_code_caps_in_cuda(const GstCaps *caps)
{
    return !gst_caps_is_empty(caps) && !gst_caps_is_any(caps) && in_cuda(caps, 0);
}

/* Whether any structure, or one that is not, is in CUDA memory. */
static gboolean has(const GstCaps *caps, gboolean cuda)
{
    for (guint i = 0; i < gst_caps_get_size(caps); i++)
        if (in_cuda(caps, i) == cuda)
            return TRUE;
    return FALSE;
}

gboolean gst_code_caps_all_in_cuda(const GstCaps *caps)
{
    return !gst_caps_is_any(caps) && has(caps, TRUE) && !has(caps, FALSE);
}

static GstCaps *keep(GstCaps *caps, gboolean cuda)
{
    caps = gst_caps_make_writable(caps);
    for (guint i = gst_caps_get_size(caps); i-- > 0;)
        if (in_cuda(caps, i) != cuda)
            gst_caps_remove_structure(caps, i);
    return caps;
}

GstCaps *gst_code_caps_without_cuda(GstCaps *caps)
{
    return keep(caps, FALSE);
}

GstCaps *gst_code_caps_choose_memory(GstCaps *caps, const GstCaps *peer)
{
    gboolean asked = peer && !gst_caps_is_any(peer) && has(peer, TRUE);

    return has(caps, TRUE) && has(caps, FALSE) ? keep(caps, asked) : caps;
}

/* ---- fields ---------------------------------------------------------------------------------- */

/* The colours that GStreamer assumes for a format and size if caps do not say: sRGB for the RGB
 * formats; BT.601 for small YUV pictures, which is also what VP8 means by YUV, and BT.709 above 576
 * lines. Free with g_free. */
static gchar *default_colorimetry(const GstStructure *structure)
{
    const gchar *name = gst_structure_get_string(structure, "format");
    GstVideoFormat format = name ? gst_video_format_from_string(name) : GST_VIDEO_FORMAT_UNKNOWN;
    GstVideoInfo info;
    gint width, height;

    if (format == GST_VIDEO_FORMAT_UNKNOWN || !gst_structure_get_int(structure, "width", &width) ||
        !gst_structure_get_int(structure, "height", &height) ||
        !gst_video_info_set_format(&info, format, width, height))
        return NULL;
    return gst_video_colorimetry_to_string(&info.colorimetry);
}

static gboolean has_chroma(const GstStructure *structure)
{
    const gchar *name = gst_structure_get_string(structure, "format");
    const GstVideoFormatInfo *info =
        gst_video_format_get_info(name ? gst_video_format_from_string(name) : 0);

    return info && GST_VIDEO_FORMAT_INFO_IS_YUV(info);
}

/* Whether downstream takes no colorimetry but those of YUV formats, all of which have a matrix. */
static gboolean wants_yuv(const GstStructure *structure)
{
    GstVideoColorimetry colours;
    GstStructure *choice;
    const gchar *text;
    gboolean wants;

    if (!gst_structure_has_field(structure, "colorimetry"))
        return FALSE;
    choice = gst_structure_copy(structure);
    gst_structure_fixate_field_string(choice, "colorimetry", "sRGB");
    text = gst_structure_get_string(choice, "colorimetry");
    wants = text && gst_video_colorimetry_from_string(&colours, text) &&
            gst_video_color_matrix_get_Kr_Kb(colours.matrix, &(gdouble){0}, &(gdouble){0});
    gst_structure_free(choice);
    return wants;
}

static const gchar *preferred_format(const GstCaps *caps)
{
    if (gst_code_caps_in_cuda(caps))
        return "NV12";
    return wants_yuv(gst_caps_get_structure(caps, 0)) ? "I420" : "RGB";
}

GstCaps *gst_code_caps_fixate(GstCaps *caps, gint fps)
{
    GstStructure *structure;
    gchar *colorimetry;

    caps = gst_caps_make_writable(gst_caps_truncate(caps));
    structure = gst_caps_get_structure(caps, 0);
    gst_structure_fixate_field_string(structure, "format", preferred_format(caps));
    gst_structure_fixate_field_nearest_fraction(structure, "framerate", fps, 1);

    colorimetry = default_colorimetry(structure);
    if (colorimetry && gst_structure_has_field(structure, "colorimetry"))
        gst_structure_fixate_field_string(structure, "colorimetry", colorimetry);
    else if (colorimetry)
        gst_structure_set(structure, "colorimetry", G_TYPE_STRING, colorimetry, NULL);
    g_free(colorimetry);

    if (gst_structure_has_field(structure, "interlace-mode"))
        gst_structure_fixate_field_string(structure, "interlace-mode", "progressive");
    else
        gst_structure_set(structure, "interlace-mode", G_TYPE_STRING, "progressive", NULL);
    /* Between the pixels, which GStreamer assumes if caps do not say. */
    if (gst_structure_has_field(structure, "chroma-site"))
        gst_structure_fixate_field_string(structure, "chroma-site", "jpeg");
    else if (has_chroma(structure))
        gst_structure_set(structure, "chroma-site", G_TYPE_STRING, "jpeg", NULL);
    return caps;
}
