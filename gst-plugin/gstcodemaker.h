/* gstcodemaker.h - makes a generator on a thread of its own, which takes a good part of a second
 * with a large model: whoever has to stop meanwhile can. */
#ifndef GST_CODE_MAKER_H
#define GST_CODE_MAKER_H

#include <gst/gst.h>

#include "codesrc.h"

typedef struct GstCodeMaker GstCodeMaker;

/* Begins to make a generator of `batch` pictures at a time. */
GstCodeMaker *gst_code_maker_new(CodesrcModel *model, guint batch);

/* At any time: cancels what is under way and waits for its thread, some milliseconds. A generator
 * that nobody has taken goes too. NULL is allowed. */
void gst_code_maker_free(GstCodeMaker *maker);

/* Waits for the generator. FALSE: *interrupted is not 0. Whoever sets that flag calls wake after
 * it. */
gboolean gst_code_maker_wait(GstCodeMaker *maker, gint *interrupted);
void gst_code_maker_wake(GstCodeMaker *maker);

/* Once it is finished: the generator, which is the caller's now, or NULL and the reason. */
CodesrcGenerator *gst_code_maker_take(GstCodeMaker *maker, CodesrcError *error);

#endif
