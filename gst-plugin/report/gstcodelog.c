/* gstcodelog.c - registers the categories of GST_DEBUG. */
#include "report/gstcodelog.h"

GST_DEBUG_CATEGORY(gst_code_src_debug);
GST_DEBUG_CATEGORY(gst_code_paint_debug);
GST_DEBUG_CATEGORY(gst_code_draw_debug);
GST_DEBUG_CATEGORY(gst_code_engine_debug);
GST_DEBUG_CATEGORY(gst_code_load_debug);

void gst_code_log_init(void)
{
    GST_DEBUG_CATEGORY_INIT(gst_code_src_debug, "codesrc", 0, "pictures from VAR models");
    GST_DEBUG_CATEGORY_INIT(gst_code_paint_debug, "codepaint", 0, "repainted parts of frames");
    GST_DEBUG_CATEGORY_INIT(gst_code_draw_debug, "codesrc-draw", 0, "drawing ahead of the stream");
    GST_DEBUG_CATEGORY_INIT(gst_code_engine_debug, "codesrc-engine", 0, "stages of the engine");
    GST_DEBUG_CATEGORY_INIT(gst_code_load_debug, "codesrc-load", 0, "loading models");
}
