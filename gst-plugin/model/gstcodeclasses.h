/* gstcodeclasses.h - a list of classes as a user writes it: ids and names, cycled through. */
#ifndef GST_CODE_CLASSES_H
#define GST_CODE_CLASSES_H

#include <gst/gst.h>

#include "codesrc.h"

/* Immutable and counted. NULL stands for no list. */
typedef struct GstCodeClasses GstCodeClasses;

/* `list`: entries between commas, or else one entry, which may hold commas. NULL and "" give
 * NULL. */
GstCodeClasses *gst_code_classes_new(const gchar *text, gboolean list);
GstCodeClasses *gst_code_classes_ref(GstCodeClasses *classes);
void gst_code_classes_unref(GstCodeClasses *classes);

const gchar *gst_code_classes_text(const GstCodeClasses *classes); /* as it was written */

/* The class of frame `frame`: entry number `frame` modulo the number of entries. */
gboolean gst_code_classes_at(const GstCodeClasses *classes, guint64 frame,
                             const CodesrcModel *model, gint32 *class_id, CodesrcError *error);

/* Whether the model has every class of the list. */
gboolean gst_code_classes_check(const GstCodeClasses *classes, const CodesrcModel *model,
                                CodesrcError *error);

/* Whether `class_id` is -1, a class of the model, or its "no class". */
gboolean gst_code_classes_check_id(gint32 class_id, const CodesrcModel *model, CodesrcError *error);

/* Whether `class_id_2` is -1 (none), a class of the model, or its "no class". */
gboolean gst_code_classes_check_second(gint32 class_id_2, const CodesrcModel *model,
                                       CodesrcError *error);

#endif
