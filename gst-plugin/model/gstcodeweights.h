/* gstcodeweights.h - the model of one element: the weights that its properties choose, the wait for
 * them, and the generator made of them.
 *
 * One thread at a time uses it (the state change, then the drawing thread); interrupt is for
 * any. */
#ifndef GST_CODE_WEIGHTS_H
#define GST_CODE_WEIGHTS_H

#include <gst/gst.h>

#include "codesrc.h"
#include "model/gstcodeexit.h"
#include "model/gstcodegeneratorthread.h"
#include "model/gstcodeload.h"
#include "model/gstcodemodelspec.h"

typedef struct GstCodeWeights {
    GstElement *element; /* posts the messages; not owned */
    GstCodeModelSpec spec;
    gchar *path;           /* of the manifest; NULL: it was not found */
    CodesrcModel *headers; /* the model without its weights; NULL: closed */
    gboolean announced;    /* PROGRESS has started and not ended */
    gint interrupted;      /* atomic */

    /* Load and generator outlive a close, so that the next open finds them. At most one of the
     * thread and the generator exists, both of the load's model. */
    GstCodeLoad *load;
    GMutex lock; /* of the two below against interrupt */
    GstCodeGeneratorThread *generator_thread;
    CodesrcGenerator *generator;
    GstCodeExitHook exit_hook;
    guint batch; /* pictures that they draw together */
} GstCodeWeights;

void gst_code_weights_init(GstCodeWeights *weights, GstElement *element);
void gst_code_weights_clear(GstCodeWeights *weights);

/* Finds the model, reads its headers and has the weights for `steps` drafting steps (0: the model's
 * default) loaded. From here on `headers` has size and classes. */
gboolean gst_code_weights_open(GstCodeWeights *weights, const GstCodeModelSpec *spec, guint steps,
                               CodesrcError *error);

/* Posts an error, with the model and the device that the element opened or meant to open. */
void gst_code_weights_post_error(const GstCodeWeights *weights, const CodesrcError *error);

/* Makes sure that `headers` and the weights are those for `steps`, which may take a new load. */
gboolean gst_code_weights_select(GstCodeWeights *weights, guint steps, CodesrcError *error);

/* Waits for the weights, posting progress. NULL on failure; CODESRC_CANCELLED: interrupted. */
CodesrcGenerator *gst_code_weights_await(GstCodeWeights *weights, CodesrcError *error);

/* Once they have been awaited: the digest of the weights. */
const gchar *gst_code_weights_digest(GstCodeWeights *weights);

/* While `interrupted` is TRUE, waiting and generating fail at once with CODESRC_CANCELLED. */
void gst_code_weights_interrupt(GstCodeWeights *weights, gboolean interrupted);

/* Lets a generator go on that its user cancelled. FALSE: it is interrupted as well. */
gboolean gst_code_weights_resume(GstCodeWeights *weights);

/* The opposite of open. Cancels a load, or the making of a generator, that is under way. Finished
 * ones stay until they are forgotten. No thread is left behind. */
void gst_code_weights_close(GstCodeWeights *weights);
void gst_code_weights_forget(GstCodeWeights *weights);

#endif
