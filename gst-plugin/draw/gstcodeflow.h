/* gstcodeflow.h - renders frames between pictures, and keeps the pictures' features for the frames
 * that follow. */
#ifndef GST_CODE_FLOW_H
#define GST_CODE_FLOW_H

#include "draw/gstcodetimeline.h"
#include "model/gstcodemotion.h"
#include "model/gstcodeweights.h"
#include "report/gstcoderecord.h"

typedef struct GstCodeFlow GstCodeFlow;

/* The request of a picture of the stream; also selects the weights that draw it. */
typedef gboolean (*GstCodeFlowAsk)(gpointer user, guint64 picture, CodesrcRequest *request,
                                   CodesrcError *error);

/* The frame at one moment. */
typedef struct GstCodeFlowFrame {
    GstCodeMoment moment;
    guint serial; /* of the settings: features drawn with others are drawn again */
    const CodesrcOutput *output;
    const CodesrcPicture *picture;
    CodesrcRequest from, to; /* filled in; `to` equals `from` if t is 0 */
    CodesrcTimes times;      /* filled in: of the drafting, if any, and the rendering */
} GstCodeFlowFrame;

/* The frame that was rendered last. */
typedef struct GstCodeFlowLast {
    gboolean any;
    guint serial;
    GstCodeRecord record;
} GstCodeFlowLast;

/* `weights` outlive it. `ahead`: the first picture is drafted together with the second, so that a
 * live stream does not stop between them. */
GstCodeFlow *gst_code_flow_new(GstCodeWeights *weights, const GstCodeMotion *motion,
                               gboolean ahead);
void gst_code_flow_free(GstCodeFlow *flow); /* NULL is allowed */

const GstCodeMotion *gst_code_flow_motion(const GstCodeFlow *flow);

/* For its user to fill in after each rendering, and to clear when the stream goes on elsewhere. */
GstCodeFlowLast *gst_code_flow_last(GstCodeFlow *flow);

/* Passes over the frames of a live film whose pictures cannot be drafted in time. A frame whose
 * pictures are there is in time from `earliest` on. Without this, a film whose pictures take longer
 * to draft than they stand would never get any further. Returns how many it passed over. */
guint64 gst_code_flow_skip(const GstCodeFlow *flow, GstCodeTimeline *timeline,
                           const GstSegment *segment, GstClockTime earliest, guint serial);

/* Renders a frame, and drafts the pictures on both sides of it unless it still has them. */
gboolean gst_code_flow_render(GstCodeFlow *flow, GstCodeFlowFrame *frame, GstCodeFlowAsk ask,
                              gpointer user, CodesrcError *error);

#endif
