/* gstcodeload.h - weights, loaded on a thread and shared: elements that ask for the same manifest,
 * device, precision, threads and weights get the same load, finished or still under way. */
#ifndef GST_CODE_LOAD_H
#define GST_CODE_LOAD_H

#include <gst/gst.h>

#include "codesrc.h"
#include "model/gstcodemodelspec.h"

typedef struct GstCodeLoad GstCodeLoad;

typedef enum GstCodeLoadState {
    GST_CODE_LOAD_LOADING,     /* and it has progressed */
    GST_CODE_LOAD_INTERRUPTED, /* the caller's flag was set */
    GST_CODE_LOAD_READY,
    GST_CODE_LOAD_FAILED
} GstCodeLoadState;

/* Begins to load the weights for `steps` drafting steps, or joins a load of the same ones. `path`:
 * of the manifest; `spec`: as the user set it, apart from its model; `headers`: the model, opened
 * with headers_only. */
GstCodeLoad *gst_code_load_acquire(const gchar *path, const GstCodeModelSpec *spec, guint steps,
                                   const CodesrcModel *headers);

/* Gives the load up. The last user to do so stops it, if it is still under way, and frees it. NULL
 * is allowed. */
void gst_code_load_release(GstCodeLoad *load);

/* Where the load is now. */
GstCodeLoadState gst_code_load_state(GstCodeLoad *load);

/* Waits until the load has progressed well beyond *fraction, which is updated; until it ends; or
 * until *interrupted is not 0. After setting that flag, call gst_code_load_wake(). */
GstCodeLoadState gst_code_load_wait(GstCodeLoad *load, gint *interrupted, gdouble *fraction);
void gst_code_load_wake(void);

/* The model of a READY load, which belongs to it, or NULL and the reason of a FAILED one. */
CodesrcModel *gst_code_load_model(GstCodeLoad *load, CodesrcError *error);

#endif
