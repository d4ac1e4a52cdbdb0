/* gstcodebatch.h - the frames that one call of the engine draws. On devices that overlap calls, a
 * second batch may start before the first has ended. */
#ifndef GST_CODE_BATCH_H
#define GST_CODE_BATCH_H

#include "draw/gstcodeflow.h"
#include "draw/gstcodeframe.h"
#include "draw/gstcodepace.h"
#include "model/gstcodeweights.h"
#include "report/gstcodestats.h"

typedef struct GstCodeBatch GstCodeBatch;

/* `weights`, `stats`, `pace` and `flow`, which all batches share, outlive it. `flow` NULL: each
 * frame shows a picture of its own, or a scale of it. */
GstCodeBatch *gst_code_batch_new(GstCodeWeights *weights, GstCodeStats *stats,
                                 const GstCodeDrawOwner *owner, const GstCodeDrawSetup *setup,
                                 GstCodePace *pace, GstCodeFlow *flow);
void gst_code_batch_free(GstCodeBatch *batch);

/* ---- its frames: they are the caller's ---- */

/* Begins an empty batch of at most `pictures` pictures. */
void gst_code_batch_reset(GstCodeBatch *batch, guint serial, guint pictures,
                          const GstSegment *segment);

/* Whether the batch has room for the frame at `timing`. */
gboolean gst_code_batch_has_room(const GstCodeBatch *batch, const GstCodeTiming *timing);

/* Adds `frame`, to be drawn for `timing`. `before`: the timeline that it is the next frame of. */
void gst_code_batch_add(GstCodeBatch *batch, const GstCodeTiming *timing,
                        const GstCodeTimeline *before, GstCodeFrame *frame);

guint gst_code_batch_count(const GstCodeBatch *batch);
GstCodeFrame *gst_code_batch_frame(const GstCodeBatch *batch, guint i);

/* The timeline that frame `i` is the next frame of. */
const GstCodeTimeline *gst_code_batch_before(const GstCodeBatch *batch, guint i);

/* Removes the last frame and returns it. */
GstCodeFrame *gst_code_batch_pop(GstCodeBatch *batch);

/* ---- drawing ---- */

typedef enum GstCodeBatchState {
    GST_CODE_BATCH_FAILED, /* at its first frame; no batch is under way any more */
    GST_CODE_BATCH_LATER,  /* cannot overlap the batch under way: other weights or other output */
    GST_CODE_BATCH_STARTED,
} GstCodeBatchState;

/* Starts drawing, next to `other`, a batch that is under way, or NULL. Draws the first *ready
 * frames only, if the others need other weights. */
GstCodeBatchState gst_code_batch_start(GstCodeBatch *batch, const GstCodeBatch *other, guint *ready,
                                       CodesrcError *error);

/* Waits for a started batch. Batches end in the order in which they started. FALSE: the first frame
 * failed, and no batch is under way any more. */
gboolean gst_code_batch_end(GstCodeBatch *batch, CodesrcError *error);

/* Once started: the drafting steps of the next batch depend on how long this one takes. */
gboolean gst_code_batch_adapts(const GstCodeBatch *batch);

#endif
