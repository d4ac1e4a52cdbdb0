/* gstcodemodelspec.h - the properties that determine the model and the device that runs it, read
 * when an element goes from READY to PAUSED. */
#ifndef GST_CODE_MODEL_SPEC_H
#define GST_CODE_MODEL_SPEC_H

#include <gst/gst.h>

#include "codesrc.h"
#include "model/gstcodesettings.h"

#define GST_CODE_DEFAULT_MODEL "vistas" /* if `model` is not set */

/* Property ids, after those of settings; an element's own begin at GST_CODE_MODEL_SPEC_LAST. */
enum {
    GST_CODE_MODEL_SPEC_MODEL = GST_CODE_SETTINGS_LAST,
    GST_CODE_MODEL_SPEC_DEVICE,
    GST_CODE_MODEL_SPEC_PRECISION,
    GST_CODE_MODEL_SPEC_THREADS,
    GST_CODE_MODEL_SPEC_CUDA_DEVICE_ID,
    GST_CODE_MODEL_SPEC_LAST
};

typedef struct GstCodeModelSpec {
    gchar *model, *device, *precision;
    guint threads;
    gint cuda_device_id; /* -1: any */
    guint batch;         /* pictures drawn together; does not concern the weights */
} GstCodeModelSpec;

extern const GstCodePropertyTable gst_code_model_spec_properties;

void gst_code_model_spec_init(GstCodeModelSpec *spec);
void gst_code_model_spec_clear(GstCodeModelSpec *spec);

/* A copy with defaults for strings that are not set, to be cleared. */
GstCodeModelSpec gst_code_model_spec_copy(const GstCodeModelSpec *spec);

/* Whether the two mean the same device, apart from their models. */
gboolean gst_code_model_spec_same_device(const GstCodeModelSpec *a, const GstCodeModelSpec *b);

/* The engine's options for the weights of `steps` drafting steps; they point into `spec`. */
CodesrcModelOptions gst_code_model_spec_options(const GstCodeModelSpec *spec, guint steps);

#endif
