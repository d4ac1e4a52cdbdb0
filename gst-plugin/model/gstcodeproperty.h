/* gstcodeproperty.h - one description of each property, from which it is installed, set and read,
 * and from which the launch line and the meta that draw a picture again are written. */
#ifndef GST_CODE_PROPERTY_H
#define GST_CODE_PROPERTY_H

#include <gst/gst.h>

#include "codesrc.h"

typedef enum GstCodePropertyType {
    GST_CODE_BOOLEAN,    /* gboolean */
    GST_CODE_INT,        /* gint */
    GST_CODE_UINT,       /* guint */
    GST_CODE_UINT64,     /* guint64 */
    GST_CODE_DOUBLE,     /* gdouble */
    GST_CODE_ENUM,       /* gint */
    GST_CODE_STRING,     /* gchar *, owned */
    GST_CODE_CLASS_NAME, /* GstCodeClasses *, owned: one name */
    GST_CODE_CLASS_LIST, /* GstCodeClasses *, owned: a list */
} GstCodePropertyType;

/* When a property may change. */
#define GST_CODE_READ_AT_START                                                                     \
    (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY)
#define GST_CODE_READ_EACH_FRAME                                                                   \
    (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING)
#define GST_CODE_CONTROLLED (GST_CODE_READ_EACH_FRAME | GST_PARAM_CONTROLLABLE)

/* Whether a recipe, which draws a picture again, has the property. */
typedef enum GstCodeRecipe {
    GST_CODE_NOT_IN_RECIPE,
    GST_CODE_IN_RECIPE,
    GST_CODE_IN_RECIPE_IF_SET, /* if it differs from its default */
} GstCodeRecipe;

typedef struct GstCodeProperty {
    guint id;
    GstCodePropertyType type;
    const gchar *name, *nick, *blurb;
    union {
        struct {
            gint64 min, max, initial;
        } i; /* INT; ENUM, without the limits */
        struct {
            guint64 min, max, initial;
        } u; /* UINT, UINT64 */
        struct {
            gdouble min, max, initial;
        } d;
        const gchar *text; /* STRING: the default */
        gboolean on;       /* BOOLEAN: the default */
    } range;
    GType (*enum_type)(void); /* of ENUM */
    gsize offset;             /* in the struct that has the value */
    GParamFlags flags;
    GstCodeRecipe recipe;
    const gchar *field; /* its name in the meta; NULL: that of the property */
} GstCodeProperty;

typedef struct GstCodePropertyTable {
    const GstCodeProperty *rows;
    guint count;
} GstCodePropertyTable;

void gst_code_properties_install(GstCodePropertyTable table, GObjectClass *klass);

/* Sets all values of a zeroed struct to their defaults. */
void gst_code_properties_init(GstCodePropertyTable table, gpointer values);

/* Frees the values that are owned. */
void gst_code_properties_clear(GstCodePropertyTable table, gpointer values);

/* Takes references to, or copies of, the owned values of a struct that was copied bytewise. */
void gst_code_properties_own(GstCodePropertyTable table, gpointer values);

/* For set_property and get_property. FALSE: the table has no property of that id. */
gboolean gst_code_properties_set(GstCodePropertyTable table, gpointer values, guint id,
                                 const GValue *value);
gboolean gst_code_properties_get(GstCodePropertyTable table, gconstpointer values, guint id,
                                 GValue *value);

/* Checks numbers against their ranges, which GObject leaves to the element. FALSE:
 * CODESRC_SETTINGS, with a text that names the property, the value and the range. */
gboolean gst_code_properties_check(GstCodePropertyTable table, gconstpointer values,
                                   CodesrcError *error);

/* Appends " name=value" for each property of the recipe, as gst-launch-1.0 and a shell read it. */
void gst_code_properties_append(GstCodePropertyTable table, gconstpointer values, GString *line);

/* Sets a field for each property of the recipe, with the property's type. */
void gst_code_properties_describe(GstCodePropertyTable table, gconstpointer values,
                                  GstStructure *structure);

#endif
