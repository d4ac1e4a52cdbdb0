/* gstcodeframerequest.h - the frame that the streaming thread needs next, and which frames answer
 * it. */
#ifndef GST_CODE_FRAME_REQUEST_H
#define GST_CODE_FRAME_REQUEST_H

#include "draw/gstcodeframe.h"

typedef struct GstCodeFrameRequest {
    GstCodeTiming timing;
    GstCodeTimeline timeline; /* that it is the next frame of */
    GstSegment segment;
    GstClockTime earliest; /* finished frames that begin before this are late; NONE: none are */
    gint64 until;          /* when to give up, on the clock of g_get_monotonic_time(), or earlier if
                            * the frame was passed over: later ones then stay in the queue.
                            * G_MAXINT64: never */
    guint serial;          /* drawn with these settings or later ones */
    guint left;            /* how many frames will be pulled at most, with this one */
    guint64 end;           /* the frame after the stream's last one; GST_CODE_NO_FRAME: no end */
    gboolean or_later;     /* a later frame will do */
} GstCodeFrameRequest;

/* Whether a frame at `timing`, drawn with the settings of `serial`, answers the request. */
gboolean gst_code_frame_request_fits(const GstCodeFrameRequest *request,
                                     const GstCodeTiming *timing, guint serial);

/* Whether a finished frame waited in the queue for so long that it is late. */
gboolean gst_code_frame_request_is_late(const GstCodeFrameRequest *request,
                                        const GstCodeFrame *frame);

/* Whether `frame`, the next one to come, shows that the requested one was passed over. */
gboolean gst_code_frame_request_is_passed(const GstCodeFrameRequest *request,
                                          const GstCodeFrame *frame);

#endif
