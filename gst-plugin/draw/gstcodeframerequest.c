/* gstcodeframerequest.c - which frames answer a request. */
#include "draw/gstcodeframerequest.h"

gboolean gst_code_frame_request_fits(const GstCodeFrameRequest *request,
                                     const GstCodeTiming *timing, guint serial)
{
    GstCodeTiming expected = request->timing;

    if ((gint)(serial - request->serial) < 0)
        return FALSE;
    if (timing->frame > request->timing.frame && request->or_later)
        gst_code_timeline_locate(&request->timeline, &request->segment, timing->frame, &expected);
    return timing->frame == expected.frame && timing->pts == expected.pts &&
           timing->duration == expected.duration;
}

gboolean gst_code_frame_request_is_late(const GstCodeFrameRequest *request,
                                        const GstCodeFrame *frame)
{
    return request->or_later && !frame->failed && GST_CLOCK_TIME_IS_VALID(request->earliest) &&
           frame->timing.pts < request->earliest;
}

gboolean gst_code_frame_request_is_passed(const GstCodeFrameRequest *request,
                                          const GstCodeFrame *frame)
{
    return request->until != G_MAXINT64 && !frame->failed &&
           frame->timing.frame > request->timing.frame &&
           gst_code_frame_request_fits(request, &frame->timing, frame->serial);
}
