/* gstcodeflow.h - renders frames between pictures, and keeps the pictures' features for the frames
 * that follow. */
#ifndef GST_CODE_FLOW_H
#define GST_CODE_FLOW_H

#include "model/gstcodemotion.h"
#include "model/gstcodeweights.h"

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

/* `weights` outlive it. `ahead`: the first picture is drafted together with the second, so that a
 * live stream does not stop between them. */
GstCodeFlow *gst_code_flow_new(GstCodeWeights *weights, const GstCodeMotion *motion,
                               gboolean ahead);
void gst_code_flow_free(GstCodeFlow *flow); /* NULL is allowed */

const GstCodeMotion *gst_code_flow_motion(const GstCodeFlow *flow);

/* Renders a frame, and drafts the pictures on both sides of it unless it still has them. */
gboolean gst_code_flow_render(GstCodeFlow *flow, GstCodeFlowFrame *frame, GstCodeFlowAsk ask,
                              gpointer user, CodesrcError *error);

#endif
