/* gstcodeprefetch.h - draws pictures on a thread of its own, ahead of the streaming thread and
 * several at a time.
 *
 * The thread follows the timeline by itself. Finished frames wait in a queue until the streaming
 * thread pulls them; frames that a seek or a change of settings made useless are thrown away. So
 * prefetching shows from outside only in the time that it saves. */
#ifndef GST_CODE_PREFETCH_H
#define GST_CODE_PREFETCH_H

#include "draw/gstcodeframe.h"
#include "draw/gstcodeframerequest.h"
#include "model/gstcodeweights.h"
#include "report/gstcodestats.h"

typedef struct GstCodePrefetch GstCodePrefetch;

/* `weights` are opened; they and `stats` outlive it. */
GstCodePrefetch *gst_code_prefetch_new(GstCodeWeights *weights, GstCodeStats *stats,
                                       const GstCodeDrawOwner *owner,
                                       const GstCodeDrawSetup *setup);

/* Cancels what is under way and joins the thread. NULL is allowed. */
void gst_code_prefetch_free(GstCodePrefetch *prefetch);

/* Waits for the frame. NULL: interrupted, or time is up, as `time_is_up` says. Recycle it
 * once it is pushed. */
GstCodeFrame *gst_code_prefetch_pull(GstCodePrefetch *prefetch, const GstCodeFrameRequest *request,
                                     gboolean *time_is_up);
void gst_code_prefetch_recycle(GstCodePrefetch *prefetch, GstCodeFrame *frame);

/* Any thread: while TRUE, nothing is drawn and pull does not wait. */
void gst_code_prefetch_interrupt(GstCodePrefetch *prefetch, gboolean interrupted);

/* Throws away the finished frames and the frames under way. */
void gst_code_prefetch_flush(GstCodePrefetch *prefetch);

#endif
