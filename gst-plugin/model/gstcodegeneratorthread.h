/* gstcodegeneratorthread.h - makes a generator on a thread of its own, because that takes a good
 * part of a second with a large model and must be possible to stop. */
#ifndef GST_CODE_GENERATOR_THREAD_H
#define GST_CODE_GENERATOR_THREAD_H

#include <gst/gst.h>

#include "codesrc.h"

typedef struct GstCodeGeneratorThread GstCodeGeneratorThread;

/* Begins to make a generator that draws `batch` pictures together. */
GstCodeGeneratorThread *gst_code_generator_thread_new(CodesrcModel *model, guint batch);

/* At any time: cancels the work and joins the thread, which takes milliseconds. Frees a generator
 * that was not taken. NULL is allowed. */
void gst_code_generator_thread_free(GstCodeGeneratorThread *thread);

/* Cancels the work, without waiting for it. */
void gst_code_generator_thread_cancel(GstCodeGeneratorThread *thread);

/* Waits until the generator is finished. FALSE: *interrupted was not 0, if only for a moment, or is
 * not 0 now. After setting that flag, call wake. */
gboolean gst_code_generator_thread_wait(GstCodeGeneratorThread *thread, gint *interrupted);
void gst_code_generator_thread_wake(GstCodeGeneratorThread *thread);

/* Once it is finished: the generator, now the caller's, or NULL and the reason. */
CodesrcGenerator *gst_code_generator_thread_take(GstCodeGeneratorThread *thread,
                                                 CodesrcError *error);

#endif
