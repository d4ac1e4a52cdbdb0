/* gstcodegeneratorthread.h - makes a generator on a thread of its own, which takes a good part of a second
 * with a large model: whoever has to stop meanwhile can. */
#ifndef GST_CODE_GENERATOR_THREAD_H
#define GST_CODE_GENERATOR_THREAD_H

#include <gst/gst.h>

#include "codesrc.h"

typedef struct GstCodeGeneratorThread GstCodeGeneratorThread;

/* Begins to make a generator of `batch` pictures at a time. */
GstCodeGeneratorThread *gst_code_generator_thread_new(CodesrcModel *model, guint batch);

/* At any time: cancels what is under way and waits for its thread, some milliseconds. A generator
 * that nobody has taken goes too. NULL is allowed. */
void gst_code_generator_thread_free(GstCodeGeneratorThread *thread);

/* Waits for the generator. FALSE: *interrupted is not 0. Whoever sets that flag calls wake after
 * it. */
gboolean gst_code_generator_thread_wait(GstCodeGeneratorThread *thread, gint *interrupted);
void gst_code_generator_thread_wake(GstCodeGeneratorThread *thread);

/* Once it is finished: the generator, which is the caller's now, or NULL and the reason. */
CodesrcGenerator *gst_code_generator_thread_take(GstCodeGeneratorThread *thread,
                                                 CodesrcError *error);

#endif
