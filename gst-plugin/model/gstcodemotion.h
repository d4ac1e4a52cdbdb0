/* gstcodemotion.h - films of pictures that stand still for some frames and become the next picture
 * in others: which pictures a frame is between. */
#ifndef GST_CODE_MOTION_H
#define GST_CODE_MOTION_H

#include <gst/gst.h>

#include "model/gstcodeproperty.h"

typedef enum GstCodeEasing {
    GST_CODE_EASING_LINEAR, /* the same step from each frame to the next */
    GST_CODE_EASING_SMOOTH, /* slowly away from a picture and slowly towards the next */
} GstCodeEasing;

GType gst_code_easing_get_type(void);

/* The properties that make a film of pictures. Picture n stands in `hold` frames, and `morph`
 * frames lead to picture n + 1. */
typedef struct GstCodeMotion {
    guint hold;    /* at least 1 */
    guint morph;   /* 0: the next picture follows at once */
    guint loop;    /* pictures of a film that repeats; 0: it does not */
    gint easing;   /* GstCodeEasing */
    guint64 phase; /* frames of the film that the stream leaves out at its beginning */
} GstCodeMotion;

/* Ids of these properties: beyond those of all others. */
enum {
    GST_CODE_MOTION_HOLD = 48,
    GST_CODE_MOTION_MORPH,
    GST_CODE_MOTION_LOOP,
    GST_CODE_MOTION_EASING,
    GST_CODE_MOTION_PHASE,
};

extern const GstCodePropertyTable gst_code_motion_properties;

/* Frame 0 of a film shows picture 0 of the stream, which is picture number first-frame. */
typedef struct GstCodeMoment {
    guint64 from, to; /* pictures of the stream; `to` comes after `from` */
    gdouble t;        /* 0 .. 1: how far on the way; 0: `from` stands */
    guint64 content;  /* the same for frames next to each other that show the same */
} GstCodeMoment;

/* Whether frames and pictures are not simply the same. */
gboolean gst_code_motion_flows(const GstCodeMotion *motion);

/* What frame `frame` of the stream shows. */
GstCodeMoment gst_code_motion_at(const GstCodeMotion *motion, guint64 frame);

/* The first frame of the stream that shows picture `picture`, in the first round of a loop; 0 if
 * the phase leaves it out. */
guint64 gst_code_motion_first(const GstCodeMotion *motion, guint64 picture);

#endif
