/* gstcodeload.h - weights, loaded on a thread and shared: elements that ask for the same manifest,
 * device, precision, threads and weights get the same load, be it finished or still under way. */
#ifndef GST_CODE_LOAD_H
#define GST_CODE_LOAD_H

#include <gst/gst.h>

#include "codesrc.h"

typedef struct GstCodeLoad GstCodeLoad;

typedef enum GstCodeLoadState {
    GST_CODE_LOAD_LOADING,     /* some more has been read */
    GST_CODE_LOAD_INTERRUPTED, /* the caller's flag was set */
    GST_CODE_LOAD_READY,
    GST_CODE_LOAD_FAILED
} GstCodeLoadState;

/* Begins to load the weights that `headers` (a model opened with headers_only) plans for, or joins
 * a load of the same ones. `path` is the manifest's, `device`, `precision`, `threads` and
 * `cuda_device_id` as the user put them. */
GstCodeLoad *gst_code_load_acquire(const gchar *path, const gchar *device, const gchar *precision,
                                   guint threads, gint cuda_device_id, guint drafting_steps,
                                   const CodesrcModel *headers);

/* Gives the load up. The last one to do so stops it, where it is still under way, and frees it.
 * NULL is allowed. */
void gst_code_load_release(GstCodeLoad *load);

/* Where the load is now. */
GstCodeLoadState gst_code_load_state(GstCodeLoad *load);

/* Waits until the load has advanced a good deal beyond *fraction, which is updated; until it
 * ends; or until *interrupted is not 0. Whoever sets that flag calls gst_code_load_wake() after it.
 */
GstCodeLoadState gst_code_load_wait(GstCodeLoad *load, gint *interrupted, gdouble *fraction);
void gst_code_load_wake(void);

/* The model of a READY load, which belongs to it, or NULL and the reason of a FAILED one. */
CodesrcModel *gst_code_load_model(GstCodeLoad *load, CodesrcError *error);

#endif
