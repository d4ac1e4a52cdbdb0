/* gstcodeclasses.c - splits a list of classes and asks the model for the names in it. */
#include "model/gstcodeclasses.h"

#include "line.h"

struct GstCodeClasses {
    gchar *text;
    gchar **entries; /* at least one, without spaces around them */
    guint count;
    gboolean list;
};

GstCodeClasses *gst_code_classes_new(const gchar *text, gboolean list)
{
    GstCodeClasses *classes;

    if (!text || !*text)
        return NULL;
    classes = g_atomic_rc_box_new0(GstCodeClasses);
    classes->text = g_strdup(text);
    classes->list = list;
    classes->entries = g_strsplit(text, ",", list ? -1 : 1);
    classes->count = g_strv_length(classes->entries);
    for (guint i = 0; i < classes->count; i++)
        g_strstrip(classes->entries[i]);
    return classes;
}

GstCodeClasses *gst_code_classes_ref(GstCodeClasses *classes)
{
    return classes ? g_atomic_rc_box_acquire(classes) : NULL;
}

static void classes_clear(gpointer data)
{
    GstCodeClasses *classes = data;

    g_free(classes->text);
    g_strfreev(classes->entries);
}

void gst_code_classes_unref(GstCodeClasses *classes)
{
    if (classes)
        g_atomic_rc_box_release_full(classes, classes_clear);
}

const gchar *gst_code_classes_text(const GstCodeClasses *classes)
{
    return classes ? classes->text : NULL;
}

/* -1 has a meaning of its own for each property. */
static gboolean check(const gchar *property, gint32 class_id, const gchar *minus_one,
                      const CodesrcModel *model, CodesrcError *error)
{
    const CodesrcModelInfo *info = codesrc_model_info(model);

    if (class_id == -1 || (class_id >= 0 && (guint)class_id <= info->classes))
        return TRUE;
    error->status = CODESRC_SETTINGS;
    g_snprintf(
        error->text, sizeof error->text,
        "%s %d is not a class of the model %s: expected -1 (%s), 0 to %u (a class) or %u (no "
        "class)",
        property, class_id, info->name, minus_one, info->classes - 1, info->classes);
    return FALSE;
}

gboolean gst_code_classes_check_id(gint32 class_id, const CodesrcModel *model, CodesrcError *error)
{
    return check("class-id", class_id, "any", model, error);
}

gboolean gst_code_classes_check_second(gint32 class_id_2, const CodesrcModel *model,
                                       CodesrcError *error)
{
    return check("class-id-2", class_id_2, "none", model, error);
}

static gboolean refuse_empty(const GstCodeClasses *classes, guint i, CodesrcError *error)
{
    error->status = CODESRC_SETTINGS;
    if (classes->list)
        g_snprintf(error->text, sizeof error->text,
                   "entry %u of %u of classes \"%.*s\" is empty: expected an id or a name", i + 1,
                   classes->count, CODE_CUT(classes->text, 200));
    else
        g_snprintf(error->text, sizeof error->text,
                   "class-name \"%.*s\" is empty: expected an id or a name",
                   CODE_CUT(classes->text, 200));
    return FALSE;
}

/* A whole number is an id, anything else a name. */
static gboolean resolve(const GstCodeClasses *classes, guint i, const CodesrcModel *model,
                        gint32 *class_id, CodesrcError *error)
{
    const gchar *entry = classes->entries[i];
    gchar *end;
    gint64 id = g_ascii_strtoll(entry, &end, 10);

    if (!*entry)
        return refuse_empty(classes, i, error);
    if (end == entry || *end)
        return codesrc_model_find_class(model, entry, class_id, error);
    *class_id = (gint32)CLAMP(id, G_MININT32, G_MAXINT32);
    return gst_code_classes_check_id(*class_id, model, error);
}

gboolean gst_code_classes_at(const GstCodeClasses *classes, guint64 frame,
                             const CodesrcModel *model, gint32 *class_id, CodesrcError *error)
{
    return resolve(classes, frame % classes->count, model, class_id, error);
}

gboolean gst_code_classes_check(const GstCodeClasses *classes, const CodesrcModel *model,
                                CodesrcError *error)
{
    gint32 class_id;

    for (guint i = 0; i < classes->count; i++)
        if (!resolve(classes, i, model, &class_id, error))
            return FALSE;
    return TRUE;
}
