/* gstcodesettings.h - the properties that say what a frame shows, which may change for each frame.
 */
#ifndef GST_CODE_SETTINGS_H
#define GST_CODE_SETTINGS_H

#include <gst/gst.h>

#include "codesrc.h"
#include "model/gstcodeclasses.h"

/* Property ids of these settings; an element's own begin at GST_CODE_SETTINGS_LAST. */
enum {
    GST_CODE_SETTINGS_CLASS_ID = 1,
    GST_CODE_SETTINGS_DRAFTING_STEPS,
    GST_CODE_SETTINGS_SEED,
    GST_CODE_SETTINGS_GUIDANCE,
    GST_CODE_SETTINGS_TOP_K,
    GST_CODE_SETTINGS_TOP_P,
    GST_CODE_SETTINGS_CLASS_NAME,
    GST_CODE_SETTINGS_CLASSES,
    GST_CODE_SETTINGS_FIRST_FRAME,
    GST_CODE_SETTINGS_MIN_DRAFTING_STEPS,
    GST_CODE_SETTINGS_CLASS_ID_2,
    GST_CODE_SETTINGS_CLASS_MIX,
    GST_CODE_SETTINGS_LAST
};

typedef struct GstCodeSettings {
    gint class_id;        /* -1: drawn for each frame */
    guint drafting_steps; /* 0: the model's default */
    guint64 seed;
    gdouble guidance; /* the last three: negative for the model's default */
    gint top_k;
    gdouble top_p;
    GstCodeClasses *class_name; /* one name; goes before class_id */
    GstCodeClasses *classes;    /* goes before both */
    gint class_id_2;            /* blended with whichever of these it is; -1: none */
    gdouble class_mix;          /* how much of class_id_2, 0..1 */
    guint min_drafting_steps;   /* where there is no time for more; 0: never fewer */
    guint64 first_frame;        /* number of the picture at time 0 */
} GstCodeSettings;

void gst_code_settings_init(GstCodeSettings *settings);
void gst_code_settings_clear(GstCodeSettings *settings);
GstCodeSettings gst_code_settings_copy(const GstCodeSettings *settings); /* to be cleared */

/* A copy, to be cleared, of settings that the object lock of `element` guards. */
GstCodeSettings gst_code_settings_read(const GstCodeSettings *settings, GstElement *element);
void gst_code_settings_install(GObjectClass *klass);
void gst_code_settings_install_pace(GObjectClass *klass); /* min-drafting-steps */

/* For set_property and get_property, under the lock that guards `settings`. FALSE: not one of
 * these. */
gboolean gst_code_settings_set(GstCodeSettings *settings, guint id, const GValue *value);
gboolean gst_code_settings_get(const GstCodeSettings *settings, guint id, GValue *value);

/* The drafting steps that `settings` come to with this model. */
guint gst_code_settings_steps(const GstCodeSettings *settings, const CodesrcModel *model);

/* Whether the model can draw this, as far as it can be told before the weights are there. */
gboolean gst_code_settings_check(const GstCodeSettings *settings, const CodesrcModel *model,
                                 CodesrcError *error);

/* The engine's request for the picture of the stream's frame `frame`, with its class drawn. FALSE:
 * the model has no such class. */
gboolean gst_code_settings_request(const GstCodeSettings *settings, const CodesrcModel *model,
                                   guint64 frame, CodesrcRequest *request, CodesrcError *error);

#endif
