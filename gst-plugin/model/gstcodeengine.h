/* gstcodeengine.h - one element's use of the engine: the properties of model and frames, the
 * weights and the statistics. Both elements start, stop and end in the same way, which is stated
 * here. */
#ifndef GST_CODE_ENGINE_H
#define GST_CODE_ENGINE_H

#include <gst/gst.h>

#include "codesrc.h"
#include "model/gstcodemodelspec.h"
#include "model/gstcodesettings.h"
#include "model/gstcodeweights.h"
#include "report/gstcodestats.h"

typedef struct GstCodeEngine {
    GstElement *element; /* not owned */

    /* Guarded by the element's object lock. */
    GstCodeModelSpec spec;
    GstCodeSettings settings;
    guint64 late; /* bits of properties set since the start that had to be set before it */

    GstCodeStats stats;     /* has its own lock */
    GstCodeWeights weights; /* between start and stop: the streaming thread's */
} GstCodeEngine;

/* `stats`: name of the structure of statistics, static. */
void gst_code_engine_init(GstCodeEngine *engine, GstElement *element, const gchar *stats);
void gst_code_engine_clear(GstCodeEngine *engine);

/* For class_init, set_property and get_property, the latter two with the object lock held. */
void gst_code_engine_install(GObjectClass *klass);
gboolean gst_code_engine_set(GstCodeEngine *engine, guint id, const GValue *value);
gboolean gst_code_engine_get(const GstCodeEngine *engine, guint id, GValue *value);

/* TRUE if a property has to wait for the next start; once for each property between two starts. */
gboolean gst_code_engine_is_late(GstCodeEngine *engine, const GParamSpec *spec);

/* From READY to PAUSED: opens the model that the properties name, checks the settings, begins to
 * load the weights, and resets the statistics. FALSE: nothing is left open, and the error is on the
 * bus. */
gboolean gst_code_engine_start(GstCodeEngine *engine);

/* From PAUSED to READY. The weights stay, for the next start. */
void gst_code_engine_stop(GstCodeEngine *engine);

/* From READY to NULL: lets go of weights and device. */
void gst_code_engine_forget(GstCodeEngine *engine);

/* Posts an error of the engine. Without locks, since the bus may call back into the element. */
void gst_code_engine_post_error(const GstCodeEngine *engine, const CodesrcError *error);

/* A copy of the settings as they are now, to be cleared. */
GstCodeSettings gst_code_engine_settings(const GstCodeEngine *engine);

/* What the headers of the started model say. */
const CodesrcModelInfo *gst_code_engine_info(const GstCodeEngine *engine);

#endif
