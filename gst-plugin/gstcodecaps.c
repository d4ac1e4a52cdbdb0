/* gstcodecaps.c - narrows the template to a model's size and fixates frame rate and colours. */
#include "gstcodecaps.h"

GstCaps *gst_code_caps_narrow(GstCaps *caps, guint side)
{
    caps = gst_caps_make_writable(caps);
    gst_caps_set_simple(caps, "width", G_TYPE_INT, (gint)side, "height", G_TYPE_INT, (gint)side,
                        "pixel-aspect-ratio", GST_TYPE_FRACTION, 1, 1, NULL);
    return caps;
}

/* The colours that GStreamer assumes for a format and size where caps do not say: sRGB for the RGB
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

GstCaps *gst_code_caps_fixate(GstCaps *caps)
{
    GstStructure *structure;
    gchar *colorimetry;

    caps = gst_caps_make_writable(gst_caps_truncate(caps));
    structure = gst_caps_get_structure(caps, 0);
    gst_structure_fixate_field_string(structure, "format", "RGB");
    gst_structure_fixate_field_nearest_fraction(structure, "framerate", GST_CODE_DEFAULT_FPS, 1);

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
    if (gst_structure_has_field(structure, "chroma-site"))
        gst_structure_fixate_field_string(structure, "chroma-site", "jpeg");
    return caps;
}
