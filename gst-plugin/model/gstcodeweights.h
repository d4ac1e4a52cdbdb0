/* gstcodeweights.h - the model of one element: which weights its properties choose, the wait for
 * them, and the generator made of them.
 *
 * One thread at a time uses it (the state change, then the one that draws); interrupt is for any.
 */
#ifndef GST_CODE_WEIGHTS_H
#define GST_CODE_WEIGHTS_H

#include <gst/gst.h>

#include "codesrc.h"
#include "model/gstcodegeneratorthread.h"
#include "model/gstcodeload.h"
#include "model/gstcodemodelspec.h"

typedef struct GstCodeWeights {
    GstElement *element; /* posts the messages; not owned */
    GstCodeModelSpec spec;
    gchar *path;           /* of the manifest; NULL: not found */
    CodesrcModel *headers; /* the model without its weights; NULL: closed */
    gboolean announced;    /* a PROGRESS start is still to be answered */
    gint interrupted;      /* atomic */

    /* Load and generator outlive a close, so that the next open finds them. At most one of maker
     * and generator, both of the load's model. */
    GstCodeLoad *load;
    GMutex lock; /* of the two below against interrupt */
    GstCodeGeneratorThread *generator_thread;
    CodesrcGenerator *generator;
    guint batch; /* that they are for */
} GstCodeWeights;

void gst_code_weights_init(GstCodeWeights *weights, GstElement *element);
void gst_code_weights_clear(GstCodeWeights *weights);

/* Finds the model, reads its headers and has the weights for `steps` drafting steps (0: the model's
 * default) loaded. From here on `headers` tells size and classes. */
gboolean gst_code_weights_open(GstCodeWeights *weights, const GstCodeModelSpec *spec, guint steps,
                               CodesrcError *error);

/* The same with the properties of the element, which its object lock guards, as they are now; and
 * checks the settings. */
gboolean gst_code_weights_open_for(GstCodeWeights *weights, const GstCodeModelSpec *spec,
                                   const GstCodeSettings *settings, CodesrcError *error);

/* Posts an error of the element's, with the model and the device that it opened, or was to. */
void gst_code_weights_post_error(const GstCodeWeights *weights, const CodesrcError *error);

/* Makes sure that `headers` and the weights are those for `steps`, which may take a new load. */
gboolean gst_code_weights_select(GstCodeWeights *weights, guint steps, CodesrcError *error);

/* Waits for the weights, posting progress. NULL on failure; CODESRC_CANCELLED: interrupted. */
CodesrcGenerator *gst_code_weights_await(GstCodeWeights *weights, CodesrcError *error);

/* Once they have been awaited: the digest of the weights. */
const gchar *gst_code_weights_digest(GstCodeWeights *weights);

/* While `interrupted` is TRUE, waiting and generating fail at once with CODESRC_CANCELLED. */
void gst_code_weights_interrupt(GstCodeWeights *weights, gboolean interrupted);

/* For a generator that was cancelled for itself alone: lets it go on. FALSE: it is interrupted. */
gboolean gst_code_weights_resume(GstCodeWeights *weights);

/* The opposite of open. Cancels a load, or the making of a generator, that is under way; what is
 * finished stays until it is forgotten. No thread is left behind. */
void gst_code_weights_close(GstCodeWeights *weights);
void gst_code_weights_forget(GstCodeWeights *weights);

#endif
