/* gstcodepace.h - keeping up with time: how long each scale takes, and how many drafting steps
 * there is time for. */
#ifndef GST_CODE_PACE_H
#define GST_CODE_PACE_H

#include <gst/gst.h>

#include "codesrc.h"

typedef struct GstCodePace {
    gint64 last;                       /* when the last scale was done, in microseconds */
    gdouble scale[CODESRC_MAX_SCALES]; /* microseconds that each takes, smoothed; 0: unknown */
    gdouble render;                    /* the same of a rendering */
    guint fewer;                       /* drafting steps that are left out */
    guint easy;                        /* pictures in a row that had time to spare */
} GstCodePace;

void gst_code_pace_begin(GstCodePace *pace);

/* A scale is done. */
void gst_code_pace_scale(GstCodePace *pace, guint scale);
void gst_code_pace_rendered(GstCodePace *pace, gdouble microseconds);

/* Whether the scale after `scale`, and showing it, would come after `deadline`. */
gboolean gst_code_pace_is_last(const GstCodePace *pace, guint scale, gint64 deadline);

/* A picture is done: `late` or not, and with how much of its time to spare, 0 .. 1. */
void gst_code_pace_done(GstCodePace *pace, gboolean late, gdouble spare);

/* The drafting steps to take, of those that the model serves with the same weights, from `least` to
 * `wanted`. */
guint gst_code_pace_steps(GstCodePace *pace, guint least, guint wanted, guint32 served);

#endif
