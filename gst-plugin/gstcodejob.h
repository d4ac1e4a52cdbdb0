/* gstcodejob.h - a few frames that are drawn in one call of the engine. On devices that overlap
 * calls another may be started before the last has ended. */
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
    CodesrcOutput output;
    GstSegment segment;

    GstCodePace *pace;           /* shared by all jobs */
    CodesrcGenerator *generator; /* that draws it */
    CodesrcTimes times;
    gint64 begun;    /* when it was, in microseconds */
    gint64 deadline; /* of the first frame */
    guint stopped;   /* anytime: scales after which the deadline ended it; 0: it did not */
    gboolean adapts; /* what comes next depends on how long this takes */

    /* Of each frame. */
    guint count;
    guint ready; /* how many of them are drawn: as many as the same weights can draw */
    GstCodePlace *place;
    GstCodeTimeline *before; /* the timeline that it is the next of */
    GstCodeDrawn **drawn;
    guint *picture; /* which of the pictures it shows */
    guint *scale;   /* how far that one has come */

    /* Of each picture. */
    CodesrcRequest *request;
    CodesrcPicture *target;
} GstCodeJob;

/* `pace` outlives it. */
GstCodeJob *gst_code_job_new(GstCodeWeights *weights, GstCodeStats *stats,
                             const GstCodeAheadOwner *owner, const GstCodeAheadSetup *setup,
                             GstCodePace *pace);
void gst_code_job_free(GstCodeJob *job);

/* Empties it, for as many pictures at most. */
void gst_code_job_reset(GstCodeJob *job, guint serial, guint pictures, const GstSegment *segment);

/* Adds a frame. FALSE: there is no room. */
gboolean gst_code_job_add(GstCodeJob *job, const GstCodePlace *place,
                          const GstCodeTimeline *before);

typedef enum GstCodeJobState {
    GST_CODE_JOB_FAILED, /* the first frame; and no job is under way any more */
    GST_CODE_JOB_LATER,  /* not beside the other one: it needs other weights, or goes elsewhere */
    GST_CODE_JOB_STARTED,
} GstCodeJobState;

/* Has the first `ready` frames drawn into `drawn`, beside another job that is under way, or NULL.
 */
GstCodeJobState gst_code_job_start(GstCodeJob *job, const GstCodeJob *beside, CodesrcError *error);

/* Waits for what was started. Jobs end in the order in which they were started. FALSE: the first
 * frame has failed, and no job is under way any more. */
gboolean gst_code_job_end(GstCodeJob *job, CodesrcError *error);

#endif
