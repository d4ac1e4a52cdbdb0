/* gstcodemask.c - from pixels to the cells that a model draws. */
#include "codepaint/gstcodemask.h"

#define OPAQUE 128 /* alpha from which on a pixel is kept */

/* A whole number that something ends; moves on behind it. */
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

gboolean gst_code_mask_parse(const gchar *text, guint side, GstVideoRectangle *rectangle,
                             CodesrcError *error)
{
    const gchar *at = text;
    gint64 v[4];
    gboolean good = TRUE;

    for (guint i = 0; good && i < G_N_ELEMENTS(v); i++) {
        good = number(&at, &v[i]) && *at == (i + 1 < G_N_ELEMENTS(v) ? ',' : '\0');
        at += good && *at == ',';
    }
    error->status = CODESRC_SETTINGS;
    if (!good) {
        g_snprintf(error->text, sizeof error->text,
                   "mask \"%s\" is no rectangle: x,y,width,height in pixels was expected", text);
        return FALSE;
    }
    for (guint i = 0; i < 2; i++)
        good = good && v[i] >= 0 && v[i] <= side && v[i + 2] >= 0 && v[i + 2] <= side - v[i];
    if (!good) {
        g_snprintf(error->text, sizeof error->text,
                   "mask \"%s\" is not inside of the picture: a rectangle within 0,0,%u,%u was "
                   "expected",
                   text, side, side);
        return FALSE;
    }
    *rectangle = (GstVideoRectangle){(gint)v[0], (gint)v[1], (gint)v[2], (gint)v[3]};
    return TRUE;
}

guint gst_code_mask_cells(const CodesrcModelInfo *info)
{
    return info->patch_nums[info->scales - 1];
}

gboolean gst_code_mask_from_rectangle(const GstVideoRectangle *rectangle,
                                      const CodesrcModelInfo *info, gfloat *mask)
{
    guint cells = gst_code_mask_cells(info), cell = info->side / cells;
    gboolean any = rectangle->w > 0 && rectangle->h > 0;

    for (guint y = 0; y < cells; y++)
        for (guint x = 0; x < cells; x++) {
            gint left = (gint)(x * cell), top = (gint)(y * cell);
            gboolean touched = left < rectangle->x + rectangle->w &&
                               left + (gint)cell > rectangle->x &&
                               top < rectangle->y + rectangle->h && top + (gint)cell > rectangle->y;

            mask[y * cells + x] = any && touched;
        }
    return any;
}

gboolean gst_code_mask_from_alpha(const GstVideoFrame *frame, const CodesrcModelInfo *info,
                                  gfloat *mask)
{
    guint cells = gst_code_mask_cells(info), cell = info->side / cells;
    const guint8 *alpha = GST_VIDEO_FRAME_COMP_DATA(frame, GST_VIDEO_COMP_A);
    guint step = GST_VIDEO_FRAME_COMP_PSTRIDE(frame, GST_VIDEO_COMP_A);
    gsize stride = GST_VIDEO_FRAME_COMP_STRIDE(frame, GST_VIDEO_COMP_A);
    gboolean any = FALSE;

    for (guint i = 0; i < cells * cells; i++)
        mask[i] = 0.0f;
    for (guint y = 0; y < info->side; y++)
        for (guint x = 0; x < info->side; x++)
            if (alpha[y * stride + x * step] < OPAQUE) {
                mask[y / cell * cells + x / cell] = 1.0f;
                any = TRUE;
            }
    return any;
}
