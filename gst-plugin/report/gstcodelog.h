/* gstcodelog.h - the categories of GST_DEBUG.
 *
 * WARNING and above: something an application should know, at the default level only if it is also
 * on the bus. INFO: once a stream. DEBUG: events, such as batches, seeks and drops. LOG: a line a
 * frame. TRACE: a line a stage of the engine. */
#ifndef GST_CODE_LOG_H
#define GST_CODE_LOG_H

#include <gst/gst.h>

GST_DEBUG_CATEGORY_EXTERN(gst_code_src_debug);    /* codesrc: the element */
GST_DEBUG_CATEGORY_EXTERN(gst_code_paint_debug);  /* codepaint: the element */
GST_DEBUG_CATEGORY_EXTERN(gst_code_draw_debug);   /* codesrc-draw: the drawing thread */
GST_DEBUG_CATEGORY_EXTERN(gst_code_engine_debug); /* codesrc-engine: stages of the engine */
GST_DEBUG_CATEGORY_EXTERN(gst_code_load_debug);   /* codesrc-load: models, weights, generators */

/* Once, before the first message. */
void gst_code_log_init(void);

#endif
