/* gstcodeframe.c - finished frames. */
#include "draw/gstcodeframe.h"

GstCodeFrame *gst_code_frame_failed(const CodesrcError *error)
{
    GstCodeFrame *frame = g_new0(GstCodeFrame, 1);

    frame->failed = TRUE;
    frame->error = *error;
    return frame;
}

void gst_code_frame_free(gpointer data)
{
    GstCodeFrame *frame = data;

    gst_code_pixels_clear(&frame->pixels);
    g_free(frame);
}

void gst_code_frame_hand_down(GstCodeFrame *frame, GstCodeFrame *next)
{
    GstCodePixels pixels = frame->pixels;

    if (!next || !next->held || frame->held)
        return;
    frame->pixels = next->pixels;
    next->pixels = pixels;
    next->held = FALSE;
}
