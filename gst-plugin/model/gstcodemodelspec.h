/* gstcodemodelspec.h - the properties that say which model draws and on what, read when an element goes
 * from READY to PAUSED. */
#ifndef GST_CODE_MODEL_SPEC_H
#define GST_CODE_MODEL_SPEC_H

#include <gst/gst.h>

#include "model/gstcodesettings.h"

#define GST_CODE_DEFAULT_MODEL "vistas" /* where `model` is not set */

/* Property ids of these, after those of settings; an element's own begin at GST_CODE_MODEL_SPEC_LAST. */
enum {
    GST_CODE_MODEL_SPEC_MODEL = GST_CODE_SETTINGS_LAST,
    GST_CODE_MODEL_SPEC_DEVICE,
    GST_CODE_MODEL_SPEC_PRECISION,
    GST_CODE_MODEL_SPEC_THREADS,
    GST_CODE_MODEL_SPEC_CUDA_DEVICE_ID,
    GST_CODE_MODEL_SPEC_LAST
};

/* What is asked for, as the properties have it. */
typedef struct GstCodeModelSpec {
    gchar *model, *device, *precision;
    guint threads, batch;
    gint cuda_device_id; /* -1: any */
} GstCodeModelSpec;

void gst_code_model_spec_init(GstCodeModelSpec *spec);
void gst_code_model_spec_clear(GstCodeModelSpec *spec);
void gst_code_model_spec_install(GObjectClass *klass);

/* With the defaults in place of what is not set; to be cleared. */
GstCodeModelSpec gst_code_model_spec_copy(const GstCodeModelSpec *spec);

/* For set_property and get_property, under the lock that guards `spec`. FALSE: not one of these. */
gboolean gst_code_model_spec_set(GstCodeModelSpec *spec, guint id, const GValue *value);
gboolean gst_code_model_spec_get(const GstCodeModelSpec *spec, guint id, GValue *value);

#endif
