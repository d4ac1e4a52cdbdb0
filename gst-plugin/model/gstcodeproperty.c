/* gstcodeproperty.c - walks tables of properties. */
#include "model/gstcodeproperty.h"

#include <string.h>

#include "line.h"
#include "model/gstcodeclasses.h"

static gpointer at(const GstCodeProperty *row, gconstpointer values)
{
    return (guint8 *)values + row->offset;
}

static gboolean is_class(const GstCodeProperty *row)
{
    return row->type == GST_CODE_CLASS_NAME || row->type == GST_CODE_CLASS_LIST;
}

/* ---- ranges ---------------------------------------------------------------------------------- */

static gboolean change_nothing(GParamSpec *spec, GValue *value)
{
    (void)spec, (void)value;
    return FALSE;
}

static void keep_values(gpointer klass, gpointer data)
{
    (void)data;
    G_PARAM_SPEC_CLASS(klass)->value_validate = change_nothing;
}

/* Like `base`, with a range to show and to map controllers to, but without GObject's own check,
 * which would drop a value outside it after a warning that no application sees: the element refuses
 * such a value with an error. Calls for a new type come from class_init, so one at a time. */
static GType unchecked(GType base)
{
    gchar *name = g_strconcat("GstCode", g_type_name(base), NULL);
    GType type = g_type_from_name(name);
    GTypeQuery query;

    if (!type) {
        g_type_query(base, &query);
        type = g_type_register_static_simple(base, g_intern_string(name), query.class_size,
                                             keep_values, query.instance_size, NULL, 0);
    }
    g_free(name);
    return type;
}

#define LIMITS(spec, range)                                                                        \
    ((spec)->minimum = (range).min, (spec)->maximum = (range).max,                                 \
     (spec)->default_value = (range).initial, G_PARAM_SPEC(spec))

static GParamSpec *make_number(const GstCodeProperty *row, GType base)
{
    gpointer spec =
        g_param_spec_internal(unchecked(base), row->name, row->nick, row->blurb, row->flags);

    switch (row->type) {
    case GST_CODE_INT:
        return LIMITS((GParamSpecInt *)spec, row->range.i);
    case GST_CODE_UINT:
        return LIMITS((GParamSpecUInt *)spec, row->range.u);
    case GST_CODE_UINT64:
        return LIMITS((GParamSpecUInt64 *)spec, row->range.u);
    default:
        return LIMITS((GParamSpecDouble *)spec, row->range.d);
    }
}

/* GStreamer reads "-3" as a huge number if a property has no sign: says so. */
static gboolean check_unsigned(const GstCodeProperty *row, guint64 u, gint64 with_sign,
                               CodesrcError *error)
{
    gchar read[40] = "";

    if (u >= row->range.u.min && u <= row->range.u.max)
        return TRUE;
    if (with_sign < 0)
        g_snprintf(read, sizeof read, " (as GStreamer reads %" G_GINT64_FORMAT ")", with_sign);
    g_snprintf(error->text, sizeof error->text,
               "%s %" G_GUINT64_FORMAT "%s, expected %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT,
               row->name, u, read, row->range.u.min, row->range.u.max);
    error->status = CODESRC_SETTINGS;
    return FALSE;
}

static gboolean check(const GstCodeProperty *row, gconstpointer field, CodesrcError *error)
{
    gdouble d;

    switch (row->type) {
    case GST_CODE_INT:
        if (*(const gint *)field >= row->range.i.min && *(const gint *)field <= row->range.i.max)
            return TRUE;
        g_snprintf(error->text, sizeof error->text,
                   "%s %d, expected %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, row->name,
                   *(const gint *)field, row->range.i.min, row->range.i.max);
        break;
    case GST_CODE_UINT64:
        return check_unsigned(row, *(const guint64 *)field, *(const gint64 *)field, error);
    case GST_CODE_UINT:
        return check_unsigned(row, *(const guint *)field, *(const gint *)field, error);
    case GST_CODE_DOUBLE:
        d = *(const gdouble *)field;
        if (d >= row->range.d.min && d <= row->range.d.max)
            return TRUE;
        g_snprintf(error->text, sizeof error->text, "%s %g, expected %g to %g", row->name, d,
                   row->range.d.min, row->range.d.max);
        break;
    default:
        return TRUE;
    }
    error->status = CODESRC_SETTINGS;
    return FALSE;
}

gboolean gst_code_properties_check(GstCodePropertyTable table, gconstpointer values,
                                   CodesrcError *error)
{
    for (guint i = 0; i < table.count; i++)
        if (!check(&table.rows[i], at(&table.rows[i], values), error))
            return FALSE;
    return TRUE;
}

/* ---- installing ------------------------------------------------------------------------------ */

static GParamSpec *make_spec(const GstCodeProperty *row)
{
    switch (row->type) {
    case GST_CODE_BOOLEAN:
        return g_param_spec_boolean(row->name, row->nick, row->blurb, row->range.on, row->flags);
    case GST_CODE_INT:
        return make_number(row, G_TYPE_PARAM_INT);
    case GST_CODE_UINT:
        return make_number(row, G_TYPE_PARAM_UINT);
    case GST_CODE_UINT64:
        return make_number(row, G_TYPE_PARAM_UINT64);
    case GST_CODE_DOUBLE:
        return make_number(row, G_TYPE_PARAM_DOUBLE);
    case GST_CODE_ENUM:
        return g_param_spec_enum(row->name, row->nick, row->blurb, row->enum_type(),
                                 (gint)row->range.i.initial, row->flags);
    default:
        return g_param_spec_string(row->name, row->nick, row->blurb, row->range.text, row->flags);
    }
}

void gst_code_properties_install(GstCodePropertyTable table, GObjectClass *klass)
{
    for (guint i = 0; i < table.count; i++)
        g_object_class_install_property(klass, table.rows[i].id, make_spec(&table.rows[i]));
}

/* ---- values ---------------------------------------------------------------------------------- */

static void set(const GstCodeProperty *row, gpointer field, const GValue *value)
{
    switch (row->type) {
    case GST_CODE_BOOLEAN:
        *(gboolean *)field = g_value_get_boolean(value);
        break;
    case GST_CODE_INT:
        *(gint *)field = g_value_get_int(value);
        break;
    case GST_CODE_UINT:
        *(guint *)field = g_value_get_uint(value);
        break;
    case GST_CODE_UINT64:
        *(guint64 *)field = g_value_get_uint64(value);
        break;
    case GST_CODE_DOUBLE:
        *(gdouble *)field = g_value_get_double(value);
        break;
    case GST_CODE_ENUM:
        *(gint *)field = g_value_get_enum(value);
        break;
    case GST_CODE_STRING:
        g_free(*(gchar **)field);
        *(gchar **)field = g_value_dup_string(value);
        break;
    case GST_CODE_CLASS_NAME:
    case GST_CODE_CLASS_LIST:
        gst_code_classes_unref(*(GstCodeClasses **)field);
        *(GstCodeClasses **)field =
            gst_code_classes_new(g_value_get_string(value), row->type == GST_CODE_CLASS_LIST);
        break;
    }
}

static void get(const GstCodeProperty *row, gconstpointer field, GValue *value)
{
    switch (row->type) {
    case GST_CODE_BOOLEAN:
        g_value_set_boolean(value, *(const gboolean *)field);
        break;
    case GST_CODE_INT:
        g_value_set_int(value, *(const gint *)field);
        break;
    case GST_CODE_UINT:
        g_value_set_uint(value, *(const guint *)field);
        break;
    case GST_CODE_UINT64:
        g_value_set_uint64(value, *(const guint64 *)field);
        break;
    case GST_CODE_DOUBLE:
        g_value_set_double(value, *(const gdouble *)field);
        break;
    case GST_CODE_ENUM:
        g_value_set_enum(value, *(const gint *)field);
        break;
    case GST_CODE_STRING:
        g_value_set_string(value, *(gchar *const *)field);
        break;
    case GST_CODE_CLASS_NAME:
    case GST_CODE_CLASS_LIST:
        g_value_set_string(value, gst_code_classes_text(*(GstCodeClasses *const *)field));
        break;
    }
}

static GType type_of(const GstCodeProperty *row)
{
    static const GType types[] = {[GST_CODE_BOOLEAN] = G_TYPE_BOOLEAN,
                                  [GST_CODE_INT] = G_TYPE_INT,
                                  [GST_CODE_UINT] = G_TYPE_UINT,
                                  [GST_CODE_UINT64] = G_TYPE_UINT64,
                                  [GST_CODE_DOUBLE] = G_TYPE_DOUBLE};

    if (row->type == GST_CODE_ENUM)
        return row->enum_type();
    return row->type < GST_CODE_ENUM ? types[row->type] : G_TYPE_STRING;
}

static const GstCodeProperty *find(GstCodePropertyTable table, guint id)
{
    for (guint i = 0; i < table.count; i++)
        if (table.rows[i].id == id)
            return &table.rows[i];
    return NULL;
}

gboolean gst_code_properties_set(GstCodePropertyTable table, gpointer values, guint id,
                                 const GValue *value)
{
    const GstCodeProperty *row = find(table, id);

    if (row)
        set(row, at(row, values), value);
    return row != NULL;
}

gboolean gst_code_properties_get(GstCodePropertyTable table, gconstpointer values, guint id,
                                 GValue *value)
{
    const GstCodeProperty *row = find(table, id);

    if (row)
        get(row, at(row, values), value);
    return row != NULL;
}

void gst_code_properties_init(GstCodePropertyTable table, gpointer values)
{
    for (guint i = 0; i < table.count; i++) {
        GParamSpec *spec = g_param_spec_ref_sink(make_spec(&table.rows[i]));

        set(&table.rows[i], at(&table.rows[i], values), g_param_spec_get_default_value(spec));
        g_param_spec_unref(spec);
    }
}

void gst_code_properties_clear(GstCodePropertyTable table, gpointer values)
{
    for (guint i = 0; i < table.count; i++) {
        gpointer field = at(&table.rows[i], values);

        if (is_class(&table.rows[i]))
            g_clear_pointer((GstCodeClasses **)field, gst_code_classes_unref);
        else if (table.rows[i].type == GST_CODE_STRING)
            g_clear_pointer((gchar **)field, g_free);
    }
}

void gst_code_properties_own(GstCodePropertyTable table, gpointer values)
{
    for (guint i = 0; i < table.count; i++) {
        gpointer field = at(&table.rows[i], values);

        if (is_class(&table.rows[i]))
            gst_code_classes_ref(*(GstCodeClasses **)field);
        else if (table.rows[i].type == GST_CODE_STRING)
            *(gchar **)field = g_strdup(*(gchar **)field);
    }
}

/* ---- recipes --------------------------------------------------------------------------------- */

/* The value, if the recipe has the property. To be unset. */
static gboolean recipe_value(const GstCodeProperty *row, gconstpointer values, gboolean all,
                             GValue *value)
{
    GParamSpec *spec;
    gboolean initial;

    if (row->recipe == GST_CODE_NOT_IN_RECIPE)
        return FALSE;
    g_value_init(value, type_of(row));
    get(row, at(row, values), value);
    if (all || row->recipe == GST_CODE_IN_RECIPE)
        return TRUE;
    spec = g_param_spec_ref_sink(make_spec(row));
    initial = g_param_value_defaults(spec, value);
    g_param_spec_unref(spec);
    if (initial)
        g_value_unset(value);
    return !initial;
}

/* If need be in double quotes, which both a shell and gst_parse_launch() take away. */
static void append_text(GString *line, const gchar *text)
{
    gsize plain = text ? strspn(text, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-_./") : 0;

    if (plain > 0 && !text[plain]) {
        g_string_append(line, text);
        return;
    }
    g_string_append_c(line, '"');
    for (; text && *text; text++) {
        if (strchr("\"\\$`", *text))
            g_string_append_c(line, '\\');
        g_string_append_c(line, *text);
    }
    g_string_append_c(line, '"');
}

static void append_double(GString *line, gdouble value)
{
    gchar format[8], number[G_ASCII_DTOSTR_BUF_SIZE];

    g_snprintf(format, sizeof format, "%%.%dg", code_line_digits(value));
    g_string_append(line, g_ascii_formatd(number, sizeof number, format, value));
}

static void append_value(GString *line, const GstCodeProperty *row, const GValue *value)
{
    gchar *text;

    if (row->type == GST_CODE_DOUBLE) {
        append_double(line, g_value_get_double(value));
    } else if (row->type >= GST_CODE_STRING) {
        append_text(line, g_value_get_string(value));
    } else {
        text = gst_value_serialize(value);
        g_string_append(line, text);
        g_free(text);
    }
}

void gst_code_properties_append(GstCodePropertyTable table, gconstpointer values, GString *line)
{
    for (guint i = 0; i < table.count; i++) {
        GValue value = G_VALUE_INIT;

        if (!recipe_value(&table.rows[i], values, FALSE, &value))
            continue;
        g_string_append_printf(line, " %s=", table.rows[i].name);
        append_value(line, &table.rows[i], &value);
        g_value_unset(&value);
    }
}

void gst_code_properties_describe(GstCodePropertyTable table, gconstpointer values,
                                  GstStructure *structure)
{
    for (guint i = 0; i < table.count; i++) {
        const GstCodeProperty *row = &table.rows[i];
        GValue value = G_VALUE_INIT;

        if (recipe_value(row, values, TRUE, &value))
            gst_structure_take_value(structure, row->field ? row->field : row->name, &value);
    }
}
