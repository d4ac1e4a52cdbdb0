/* gstcoderecord.c - a picture's record as a structure, a meta, tags and a launch line. */
#include "report/gstcoderecord.h"

#include "model/gstcodemodelspec.h"
#include "model/gstcodesettings.h"

static const gchar *class_name(const CodesrcModelInfo *info, gint32 class_id)
{
    if ((guint)class_id >= info->classes)
        return "";
    return info->class_names ? info->class_names[class_id] : "";
}

/* The properties that choose this model and device again. They own nothing. */
static GstCodeModelSpec spec_of(const CodesrcModelInfo *info, const gchar *model)
{
    return (GstCodeModelSpec){.model = (gchar *)model,
                              .device = (gchar *)info->device,
                              .precision = (gchar *)info->precision};
}

static gchar *mask_text(const GstVideoRectangle *mask)
{
    if (mask->w == 0 || mask->h == 0)
        return g_strdup("alpha");
    return g_strdup_printf("%d,%d,%d,%d", mask->x, mask->y, mask->w, mask->h);
}

/* The settings of the stream whose frame this is: a film begins with another picture than the one
 * that its frame shows. */
static GstCodeSettings settings_of(const GstCodeRecord *record, const CodesrcModelInfo *info)
{
    GstCodeSettings settings = gst_code_settings_of_request(&record->request, info);

    if (record->film.motion.hold > 0 && settings.keep_scales >= 0)
        settings.variation -= record->film.moment.from;
    else if (record->film.motion.hold > 0)
        settings.first_frame -= record->film.moment.from;
    return settings;
}

/* The motion of a stream whose first frame is this one. */
static GstCodeMotion motion_of(const GstCodeFilm *film)
{
    GstCodeMotion motion = film->motion;

    motion.phase += film->frame;
    return motion;
}

/* A list of classes for a film between pictures of two: picture n has class n modulo the length.
 * The others do not matter, as only this frame is drawn, so the shortest list will do that tells
 * the two apart. */
static void append_classes(GString *line, const GstCodeRecord *record, guint64 first_frame)
{
    const GstCodeFilm *film = &record->film;
    guint64 from = film->moment.from, to = film->moment.to;
    guint64 apart = from > to ? from - to : to - from;
    guint length = 2, next;

    if (film->motion.hold == 0 || film->next.class_id == record->request.class_id || apart == 0)
        return;
    while (apart % length == 0)
        length++;
    next = (guint)((first_frame + to) % length);
    g_string_append(line, " classes=\"");
    for (guint i = 0; i < length; i++)
        g_string_append_printf(line, "%s%d", i ? "," : "",
                               i == next ? film->next.class_id : record->request.class_id);
    g_string_append_c(line, '"');
}

/* An element with the properties that draw the picture. */
static GString *element_line(const gchar *element, const GstCodeRecord *record,
                             const CodesrcModelInfo *info, const gchar *model)
{
    GstCodeModelSpec spec = spec_of(info, model);
    GstCodeSettings settings = settings_of(record, info);
    GstCodeMotion motion = motion_of(&record->film);
    GString *line = g_string_new(element);

    gst_code_properties_append(gst_code_model_spec_properties, &spec, line);
    gst_code_properties_append(gst_code_settings_properties, &settings, line);
    append_classes(line, record, settings.first_frame);
    if (motion.hold > 0)
        gst_code_properties_append(gst_code_motion_properties, &motion, line);
    return line;
}

static gchar *paint_line(const GstCodeRecord *record, const CodesrcModelInfo *info)
{
    GString *line = element_line("codepaint", record, info, info->path);
    gchar *mask = mask_text(&record->mask);

    if (g_ascii_isdigit(*mask))
        g_string_append_printf(line, " mask=%s", mask);
    g_free(mask);
    return g_string_free(line, FALSE);
}

static GString *source_line(const GstCodeRecord *record, const CodesrcModelInfo *info,
                            const gchar *model)
{
    GString *line = element_line("gst-launch-1.0 codesrc", record, info, model);

    g_string_append_printf(line,
                           " ! video/x-raw,framerate=0/1 ! videoconvert ! pngenc ! "
                           "filesink location=frame-%" G_GUINT64_FORMAT ".png",
                           record->request.frame);
    return line;
}

/* The gst-launch-1.0 line that writes this picture into a file; of codepaint the part of a line
 * that paints the same into a frame that is the first to come. Free with g_free. */
static gchar *launch_line(const GstCodeRecord *record, const CodesrcModelInfo *info)
{
    if (record->painted)
        return paint_line(record, info);
    return g_string_free(source_line(record, info, info->path), FALSE);
}

static void describe_film(const GstCodeFilm *film, GstStructure *structure)
{
    GstCodeMotion motion = motion_of(film);

    if (motion.hold == 0)
        return;
    gst_code_properties_describe(gst_code_motion_properties, &motion, structure);
    gst_structure_set(structure, "t", G_TYPE_DOUBLE, film->moment.t, "next-frame", G_TYPE_UINT64,
                      film->next.frame, "next-class-id", G_TYPE_INT, film->next.class_id, NULL);
}

void gst_code_record_describe(const GstCodeRecord *record, const CodesrcModelInfo *info,
                              GstStructure *structure)
{
    GstCodeModelSpec spec = spec_of(info, info->name);
    GstCodeSettings settings = gst_code_settings_of_request(&record->request, info);
    gchar *line = launch_line(record, info);

    gst_code_properties_describe(gst_code_model_spec_properties, &spec, structure);
    gst_code_properties_describe(gst_code_settings_properties, &settings, structure);
    gst_structure_set(structure, "model-digest", G_TYPE_STRING, record->digest, "class-name",
                      G_TYPE_STRING, class_name(info, record->request.class_id), "scale",
                      G_TYPE_UINT, record->scales, "scales", G_TYPE_UINT, info->scales, "seconds",
                      G_TYPE_DOUBLE, record->seconds, "launch-line", G_TYPE_STRING, line, NULL);
    g_free(line);
    describe_film(&record->film, structure);
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

void gst_code_record_attach(const GstCodeRecord *record, const CodesrcModelInfo *info,
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
    gst_code_record_describe(record, info, structure);
    if (input) {
        gst_structure_set(structure, "input", GST_TYPE_STRUCTURE, input, NULL);
        gst_structure_free(input);
    }
}

GType gst_code_tags_get_type(void)
{
    static const GEnumValue values[] = {
        {GST_CODE_TAGS_FULL, "The launch line, with the path of the model", "full"},
        {GST_CODE_TAGS_RECIPE, "The launch line, with the model's name and digest", "recipe"},
        {GST_CODE_TAGS_NONE, "No tags", "none"},
        {0, NULL, NULL}};
    static gsize type;

    if (g_once_init_enter(&type))
        g_once_init_leave(&type, g_enum_register_static("GstCodeTags", values));
    return type;
}

/* A file that is published must not name folders of the machine that made it. */
static gchar *tag_line(const GstCodeRecord *record, const CodesrcModelInfo *info, GstCodeTags tags)
{
    gboolean full = tags == GST_CODE_TAGS_FULL;
    GString *line = source_line(record, info, full ? info->path : info->name);

    if (!full)
        g_string_append_printf(line, " # model-digest=%s", record->digest);
    return g_string_free(line, FALSE);
}

GstTagList *gst_code_record_tags(const GstCodeRecord *record, const CodesrcModelInfo *info,
                                 GstCodeTags tags)
{
    GstTagList *list;
    gchar *line;

    if (tags == GST_CODE_TAGS_NONE)
        return NULL;
    line = tag_line(record, info, tags);
    list = gst_tag_list_new(GST_TAG_APPLICATION_NAME, "codesrc " PACKAGE_VERSION, GST_TAG_TITLE,
                            info->name, GST_TAG_COMMENT, line, NULL);
    if (*info->license)
        gst_tag_list_add(list, GST_TAG_MERGE_REPLACE, GST_TAG_LICENSE, info->license, NULL);
    gst_tag_list_set_scope(list, GST_TAG_SCOPE_STREAM);
    g_free(line);
    return list;
}
