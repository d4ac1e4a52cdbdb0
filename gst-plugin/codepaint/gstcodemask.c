/* gstcodemask.c - masks of pixels, and what they mean for cells and for the samples of a format. */
#include "codepaint/gstcodemask.h"

#include "line.h"

#include <string.h>

/* ---- the property ---------------------------------------------------------------------------- */

/* A whole number, and the spaces after it; moves `at` past them. */
static gboolean number(const gchar **at, gint64 *value)
{
    gchar *end;

    *value = g_ascii_strtoll(*at, &end, 10);
    if (end == *at)
        return FALSE;
    while (*end == ' ')
        end++;
    *at = end;
    return TRUE;
}

gboolean gst_code_mask_parse(const gchar *text, GstVideoRectangle *rectangle, CodesrcError *error)
{
    const gchar *at = text;
    gint64 v[4];
    gboolean good = TRUE;

    for (guint i = 0; good && i < G_N_ELEMENTS(v); i++) {
        good = number(&at, &v[i]) && *at == (i + 1 < G_N_ELEMENTS(v) ? ',' : '\0') && v[i] >= 0 &&
               v[i] <= G_MAXINT / 2;
        at += good && *at == ',';
    }
    if (!good) {
        error->status = CODESRC_SETTINGS;
        g_snprintf(error->text, sizeof error->text,
                   "mask \"%.*s\" is no rectangle: expected x,y,width,height in pixels, none of "
                   "them negative",
                   CODE_CUT(text, 100));
        return FALSE;
    }
    *rectangle = (GstVideoRectangle){(gint)v[0], (gint)v[1], (gint)v[2], (gint)v[3]};
    return TRUE;
}

gboolean gst_code_mask_check(const gchar *text, const GstVideoRectangle *rectangle,
                             const GstVideoInfo *info, CodesrcError *error)
{
    gint width = GST_VIDEO_INFO_WIDTH(info), height = GST_VIDEO_INFO_HEIGHT(info);

    if (rectangle->x + rectangle->w <= width && rectangle->y + rectangle->h <= height)
        return TRUE;
    error->status = CODESRC_SETTINGS;
    g_snprintf(error->text, sizeof error->text,
               "mask \"%.*s\" is not inside the frame: expected a rectangle within 0,0,%d,%d",
               CODE_CUT(text, 100), width, height);
    return FALSE;
}

/* ---- pixels ---------------------------------------------------------------------------------- */

gboolean gst_code_mask_from_rectangle(const GstVideoRectangle *rectangle, const GstVideoInfo *info,
                                      guint8 *mask)
{
    gint width = GST_VIDEO_INFO_WIDTH(info), height = GST_VIDEO_INFO_HEIGHT(info);

    memset(mask, 0, (gsize)width * height);
    for (gint y = rectangle->y; y < rectangle->y + rectangle->h; y++)
        memset(mask + (gsize)y * width + rectangle->x, 1, rectangle->w);
    return rectangle->w > 0 && rectangle->h > 0;
}

/* A sample of any depth in bits. */
static guint sample(const guint8 *at, const GstVideoFormatInfo *format, guint component)
{
    guint depth = GST_VIDEO_FORMAT_INFO_DEPTH(format, component);
    guint shift = GST_VIDEO_FORMAT_INFO_SHIFT(format, component), bytes = (depth + shift + 7) / 8;
    guint32 value = *at;

    if (bytes > 1)
        value =
            GST_VIDEO_FORMAT_INFO_IS_LE(format) ? GST_READ_UINT16_LE(at) : GST_READ_UINT16_BE(at);
    if (bytes > 2)
        value =
            GST_VIDEO_FORMAT_INFO_IS_LE(format) ? GST_READ_UINT32_LE(at) : GST_READ_UINT32_BE(at);
    return value >> shift & ((1u << depth) - 1);
}

gboolean gst_code_mask_from_alpha(const GstVideoFrame *frame, guint8 *mask)
{
    const GstVideoFormatInfo *format = frame->info.finfo;
    const guint8 *alpha = GST_VIDEO_FRAME_COMP_DATA(frame, GST_VIDEO_COMP_A);
    guint step = GST_VIDEO_FRAME_COMP_PSTRIDE(frame, GST_VIDEO_COMP_A);
    gsize stride = GST_VIDEO_FRAME_COMP_STRIDE(frame, GST_VIDEO_COMP_A);
    guint width = GST_VIDEO_FRAME_WIDTH(frame), height = GST_VIDEO_FRAME_HEIGHT(frame);
    guint opaque = (1u << GST_VIDEO_FORMAT_INFO_DEPTH(format, GST_VIDEO_COMP_A)) / 2;
    gboolean any = FALSE;

    for (guint y = 0; y < height; y++)
        for (guint x = 0; x < width; x++) {
            gboolean masked =
                sample(alpha + y * stride + x * step, format, GST_VIDEO_COMP_A) < opaque;

            mask[(gsize)y * width + x] = masked;
            any = any || masked;
        }
    return any;
}

void gst_code_mask_to_cells(const guint8 *mask, const GstVideoInfo *info, guint cells,
                            gfloat *result)
{
    guint64 width = GST_VIDEO_INFO_WIDTH(info), height = GST_VIDEO_INFO_HEIGHT(info);

    for (guint i = 0; i < cells * cells; i++)
        result[i] = 0.0f;
    for (guint64 y = 0; y < height; y++)
        for (guint64 x = 0; x < width; x++) {
            if (!mask[y * width + x])
                continue;
            /* A pixel of a small frame stretches over several cells. */
            for (guint64 v = y * cells / height; v * height < (y + 1) * cells; v++)
                for (guint64 u = x * cells / width; u * width < (x + 1) * cells; u++)
                    result[v * cells + u] = 1.0f;
        }
}

/* Whether all pixels that the sample at x, y of a component belongs to are masked. */
static gboolean is_masked(const guint8 *mask, const GstVideoFrame *frame, guint component, guint x,
                          guint y)
{
    guint w = GST_VIDEO_FORMAT_INFO_W_SUB(frame->info.finfo, component);
    guint h = GST_VIDEO_FORMAT_INFO_H_SUB(frame->info.finfo, component);
    guint width = GST_VIDEO_FRAME_WIDTH(frame), height = GST_VIDEO_FRAME_HEIGHT(frame);

    for (guint v = y << h; v < MIN((y + 1) << h, height); v++)
        for (guint u = x << w; u < MIN((x + 1) << w, width); u++)
            if (!mask[(gsize)v * width + u])
                return FALSE;
    return TRUE;
}

void gst_code_mask_copy(const guint8 *mask, const GstVideoFrame *from, GstVideoFrame *to)
{
    const GstVideoFormatInfo *format = to->info.finfo;

    for (guint c = 0; c < GST_VIDEO_FRAME_N_COMPONENTS(to); c++) {
        guint bytes =
            (GST_VIDEO_FORMAT_INFO_DEPTH(format, c) + GST_VIDEO_FORMAT_INFO_SHIFT(format, c) + 7) /
            8;
        guint step = GST_VIDEO_FRAME_COMP_PSTRIDE(to, c);

        for (gint y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT(to, c); y++) {
            const guint8 *source = (const guint8 *)GST_VIDEO_FRAME_COMP_DATA(from, c) +
                                   (gsize)y * GST_VIDEO_FRAME_COMP_STRIDE(from, c);
            guint8 *target = (guint8 *)GST_VIDEO_FRAME_COMP_DATA(to, c) +
                             (gsize)y * GST_VIDEO_FRAME_COMP_STRIDE(to, c);

            for (gint x = 0; x < GST_VIDEO_FRAME_COMP_WIDTH(to, c); x++)
                if (is_masked(mask, to, c, x, y))
                    memcpy(target + (gsize)x * step, source + (gsize)x * step, bytes);
        }
    }
}
