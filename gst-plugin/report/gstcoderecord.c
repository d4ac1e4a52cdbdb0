/* gstcoderecord.c - a picture's record as a structure, a meta, tags and a launch line. */
#include "report/gstcoderecord.h"

#include <string.h>

static const gchar *class_name(const CodesrcModelInfo *info, gint32 class_id)
{
    if ((guint)class_id >= info->classes)
        return "";
    return info->class_names ? info->class_names[class_id] : "";
}

static gboolean is_blend(const CodesrcRequest *request)
{
    return request->class_id_2 != CODESRC_CLASS_NONE && request->class_mix > 0.0;
}

/* Doubles are written so that reading them gives the same number. */
static void append_double(GString *line, const gchar *name, gdouble value)
{
    gchar text[G_ASCII_DTOSTR_BUF_SIZE];

    g_string_append_printf(line, " %s=%s", name, g_ascii_dtostr(text, sizeof text, value));
}

/* In double quotes, which both a shell and gst_parse_launch() take away. */
static gchar *quote(const gchar *text)
{
    GString *quoted = g_string_new("\"");

    for (; *text; text++) {
        if (strchr("\"\\$`", *text))
            g_string_append_c(quoted, '\\');
        g_string_append_c(quoted, *text);
    }
    g_string_append_c(quoted, '"');
    return g_string_free(quoted, FALSE);
}

static gchar *mask_text(const GstVideoRectangle *mask)
{
    if (mask->w == 0 || mask->h == 0)
        return g_strdup("alpha");
    return g_strdup_printf("%d,%d,%d,%d", mask->x, mask->y, mask->w, mask->h);
}

/* An element with the properties that draw the picture. */
static GString *element_line(const gchar *element, const GstCodeRecord *record,
                             const CodesrcModelInfo *info)
{
    const CodesrcRequest *request = &record->request;
    gchar *path = quote(info->path);
    GString *line = g_string_new(element);

    g_string_append_printf(line,
                           " model=%s class-id=%d seed=%" G_GUINT64_FORMAT
                           " first-frame=%" G_GUINT64_FORMAT " drafting-steps=%u top-k=%u",
                           path, request->class_id, request->seed, request->frame,
                           request->settings.drafting_steps, request->settings.top_k);
    if (is_blend(request)) {
        g_string_append_printf(line, " class-id-2=%d", request->class_id_2);
        append_double(line, "class-mix", request->class_mix);
    }
    append_double(line, "top-p", request->settings.top_p);
    append_double(line, "guidance", request->settings.guidance);
    g_string_append_printf(line, " device=%s precision=%s", info->device, info->precision);
    g_free(path);
    return line;
}

static gchar *paint_line(const GstCodeRecord *record, const CodesrcModelInfo *info)
{
    GString *line = element_line("codepaint", record, info);
    gchar *mask = mask_text(&record->mask);

    if (g_ascii_isdigit(*mask))
        g_string_append_printf(line, " mask=%s", mask);
    g_free(mask);
    return g_string_free(line, FALSE);
}

gchar *gst_code_record_launch_line(const GstCodeRecord *record, const GstCodeOrigin *origin)
{
    const CodesrcModelInfo *info = codesrc_model_info(origin->model);
    GString *line;

    if (record->painted)
        return paint_line(record, info);
    line = element_line("gst-launch-1.0 codesrc", record, info);
    g_string_append_printf(line,
                           " ! video/x-raw,framerate=0/1 ! videoconvert ! pngenc ! "
                           "filesink location=frame-%" G_GUINT64_FORMAT ".png",
                           record->request.frame);
    return g_string_free(line, FALSE);
}

void gst_code_record_describe(const GstCodeRecord *record, const GstCodeOrigin *origin,
                              GstStructure *structure)
{
    const CodesrcModelInfo *info = codesrc_model_info(origin->model);
    const CodesrcRequest *request = &record->request;
    gchar *line = gst_code_record_launch_line(record, origin);

    gst_structure_set(structure, "model", G_TYPE_STRING, info->name, "model-digest", G_TYPE_STRING,
                      record->digest, "class-id", G_TYPE_INT, request->class_id, "class-name",
                      G_TYPE_STRING, class_name(info, request->class_id), "class-id-2", G_TYPE_INT,
                      request->class_id_2, "class-mix", G_TYPE_DOUBLE, request->class_mix, "seed",
                      G_TYPE_UINT64, request->seed, "frame", G_TYPE_UINT64, request->frame,
                      "drafting-steps", G_TYPE_UINT, request->settings.drafting_steps, "guidance",
                      G_TYPE_DOUBLE, request->settings.guidance, "top-k", G_TYPE_UINT,
                      request->settings.top_k, "top-p", G_TYPE_DOUBLE, request->settings.top_p,
                      "precision", G_TYPE_STRING, info->precision, "device", G_TYPE_STRING,
                      info->device, "scale", G_TYPE_UINT, record->scales, "scales", G_TYPE_UINT,
                      info->scales, "seconds", G_TYPE_DOUBLE, record->seconds, "launch-line",
                      G_TYPE_STRING, line, NULL);
    g_free(line);
    if (record->painted) {
        gchar *mask = mask_text(&record->mask);

        gst_structure_set(structure, "mask", G_TYPE_STRING, mask, NULL);
        g_free(mask);
    }
}

void gst_code_record_register_meta(void)
{
    static const gchar *tags[] = {NULL};

    /* Without tags it is about nothing that a filter changes, so filters and encoders keep it. */
    if (!gst_meta_get_info(GST_CODE_META))
        gst_meta_register_custom(GST_CODE_META, tags, NULL, NULL, NULL);
}

void gst_code_record_attach(const GstCodeRecord *record, const GstCodeOrigin *origin,
                            GstBuffer *buffer)
{
    GstCustomMeta *meta = gst_buffer_get_custom_meta(buffer, GST_CODE_META);
    GstStructure *input = NULL, *structure;

    if (meta) {
        input = gst_structure_copy(gst_custom_meta_get_structure(meta));
        gst_buffer_remove_meta(buffer, (GstMeta *)meta);
    }
    meta = gst_buffer_add_custom_meta(buffer, GST_CODE_META);
    structure = gst_custom_meta_get_structure(meta);
    gst_code_record_describe(record, origin, structure);
    if (input) {
        gst_structure_set(structure, "input", GST_TYPE_STRUCTURE, input, NULL);
        gst_structure_free(input);
    }
}

GstTagList *gst_code_record_tags(const GstCodeRecord *record, const GstCodeOrigin *origin)
{
    const CodesrcModelInfo *info = codesrc_model_info(origin->model);
    gchar *line = gst_code_record_launch_line(record, origin);
    GstTagList *tags = gst_tag_list_new(GST_TAG_APPLICATION_NAME, "codesrc " PACKAGE_VERSION,
                                        GST_TAG_TITLE, info->name, GST_TAG_COMMENT, line, NULL);

    if (*info->license)
        gst_tag_list_add(tags, GST_TAG_MERGE_REPLACE, GST_TAG_LICENSE, info->license, NULL);
    gst_tag_list_set_scope(tags, GST_TAG_SCOPE_STREAM);
    g_free(line);
    return tags;
}
