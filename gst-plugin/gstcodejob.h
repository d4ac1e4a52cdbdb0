/* gstcodejob.h - a few frames that are drawn in one call of the engine. */
#ifndef GST_CODE_JOB_H
#define GST_CODE_JOB_H

#include "gstcodeahead.h"
#include "gstcodepace.h"

typedef struct GstCodeJob {
    GstCodeWeights *weights;
    GstCodeStats *stats;
    GstCodeAheadOwner owner;
    gboolean progressive, anytime;
    guint scales; /* of the model */

    guint capacity; /* frames that there is room for */
    guint pictures, max_pictures;
    guint serial; /* of the settings at the beginning */
    CodeOutput output;
    GstSegment segment;

    GstCodePace pace;
    gint64 deadline; /* of the first frame */
    guint stopped;   /* anytime: scales after which the deadline ended it; 0: it did not */

    /* Of each frame. */
    guint count;
    GstCodePlace *place;
    GstCodeTimeline *before; /* the timeline that it is the next of */
    GstCodeDrawn **drawn;
    guint *picture; /* which of the pictures it shows */
    guint *scale;   /* how far that one has come */

    /* Of each picture. */
    CodeRequest *request;
    CodePicture *target;
} GstCodeJob;

GstCodeJob *gst_code_job_new(GstCodeWeights *weights, GstCodeStats *stats,
                             const GstCodeAheadOwner *owner, const GstCodeAheadSetup *setup);
void gst_code_job_free(GstCodeJob *job);

/* Empties it, for as many pictures at most. */
void gst_code_job_begin(GstCodeJob *job, guint serial, guint pictures, const GstSegment *segment);

/* Adds a frame. FALSE: there is no room. */
gboolean gst_code_job_add(GstCodeJob *job, const GstCodePlace *place,
                          const GstCodeTimeline *before);

/* Draws frames into `drawn`: all, or as many from the first on as the same weights can draw.
 * Returns their number; 0: the first has failed. */
guint gst_code_job_draw(GstCodeJob *job, CodeError *error);

#endif
