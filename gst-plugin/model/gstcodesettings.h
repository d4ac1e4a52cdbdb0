/* gstcodesettings.h - the properties that determine what a frame shows. Each frame may have
 * others. */
#ifndef GST_CODE_SETTINGS_H
#define GST_CODE_SETTINGS_H

#include <gst/gst.h>

#include "codesrc.h"
#include "model/gstcodeclasses.h"
#include "model/gstcodeproperty.h"

/* Property ids of these settings; those of the model follow at GST_CODE_SETTINGS_LAST. */
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
    GST_CODE_SETTINGS_MORE_SMOOTH,
    GST_CODE_SETTINGS_TEMPERATURE,
    GST_CODE_SETTINGS_KEEP_SCALES,
    GST_CODE_SETTINGS_VARIATION,
    GST_CODE_SETTINGS_LAST
};

typedef struct GstCodeSettings {
    gint class_id;        /* -1: random for each frame */
    guint drafting_steps; /* 0: the model's default */
    guint64 seed;
    gdouble guidance; /* this and the next three: negative for the model's default */
    gint top_k;
    gdouble top_p;
    gdouble temperature;        /* the same for all scales */
    GstCodeClasses *class_name; /* overrides class_id; NULL: not set */
    GstCodeClasses *classes;    /* overrides both; NULL: not set */
    gint class_id_2;            /* blended with the class that these choose; -1: none */
    gdouble class_mix;          /* share of class_id_2, 0..1 */
    gboolean more_smooth;       /* a blend of codes in place of the drawn code */
    guint min_drafting_steps;   /* if time is short; 0: never fewer */
    guint64 first_frame;        /* number of the picture at time 0 */
    gint keep_scales;  /* the stream shows variations that share so many scales; -1: it does not */
    guint64 variation; /* number of the variation at time 0; 0: first_frame itself */
} GstCodeSettings;

/* Those of both elements; and min-drafting-steps, which codesrc alone has. */
extern const GstCodePropertyTable gst_code_settings_properties, gst_code_pace_properties;

void gst_code_settings_init(GstCodeSettings *settings);
void gst_code_settings_clear(GstCodeSettings *settings);

/* A copy, to be cleared, of settings that the object lock of `element` guards. */
GstCodeSettings gst_code_settings_read(const GstCodeSettings *settings, GstElement *element);

/* The settings that make the model draw `request` again, with its class chosen. They own
 * nothing. */
GstCodeSettings gst_code_settings_of_request(const CodesrcRequest *request,
                                             const CodesrcModelInfo *info);

/* The drafting steps that `settings` mean with this model. */
guint gst_code_settings_steps(const GstCodeSettings *settings, const CodesrcModel *model);

/* Whether each number is in its property's range, which is the same for all models. */
gboolean gst_code_settings_in_range(const GstCodeSettings *settings, CodesrcError *error);

/* Whether the model can draw this, as far as its headers show. */
gboolean gst_code_settings_check(const GstCodeSettings *settings, const CodesrcModel *model,
                                 CodesrcError *error);

/* The engine's request for the picture of the stream's frame `frame`, with its class chosen. FALSE:
 * the model has no such class. */
gboolean gst_code_settings_request(const GstCodeSettings *settings, const CodesrcModel *model,
                                   guint64 frame, CodesrcRequest *request, CodesrcError *error);

#endif
