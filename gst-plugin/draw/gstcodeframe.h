/* gstcodeframe.h - what passes between the drawing thread, the batches that it draws, and the
 * element: finished frames, and the questions that drawing has for its element. */
#ifndef GST_CODE_FRAME_H
#define GST_CODE_FRAME_H

#include <gst/gst.h>

#include "codesrc.h"
#include "draw/gstcodetimeline.h"
#include "model/gstcodemotion.h"
#include "model/gstcodesettings.h"
#include "report/gstcoderecord.h"
#include "video/gstcodepixels.h"

/* A frame, drawn or failed. */
typedef struct GstCodeFrame {
    GstCodeTiming timing;
    guint serial; /* of the settings that it is drawn with */
    gboolean failed;
    CodesrcError error;   /* if it failed; otherwise: */
    GstCodeRecord record; /* how it was drawn */
    gboolean held;        /* shows the same as the frame drawn before it, and has no pixels */
    GstCodePixels pixels;
} GstCodeFrame;

/* A frame that failed before it was drawn. */
GstCodeFrame *gst_code_frame_failed(const CodesrcError *error);
void gst_code_frame_free(gpointer frame); /* a GstCodeFrame */

/* The frame after one that is thrown away may show the same; then it gets the pixels. `next` may be
 * NULL. */
void gst_code_frame_hand_down(GstCodeFrame *frame, GstCodeFrame *next);

/* What drawing asks its element. These are called without the element's locks. */
typedef struct GstCodeDrawOwner {
    gpointer user;

    /* A number that grows with each change of settings by the user. */
    guint (*serial)(gpointer user);

    /* The settings at a time of the stream, to be cleared. */
    GstCodeSettings (*settings)(gpointer user, GstClockTime pts);

    /* The memory and format of pictures. A change of these counts as a change of settings. */
    CodesrcOutput (*output)(gpointer user);

    /* The position in the segment before which a frame that is not yet drawn would be late. */
    GstClockTime (*earliest)(gpointer user, const GstSegment *segment);

    /* When a frame is due, on the clock of g_get_monotonic_time(); G_MAXINT64: at no fixed time. */
    gint64 (*deadline)(gpointer user, const GstSegment *segment, const GstCodeTiming *timing);

    /* Downstream's QoS proportion: above 1, frames arrive too slowly. */
    gdouble (*proportion)(gpointer user);
} GstCodeDrawOwner;

typedef struct GstCodeDrawSetup {
    guint depth;          /* frames that may wait; 0: draw on request */
    guint batch;          /* pictures drawn together */
    gboolean progressive; /* a frame after each scale */
    gboolean anytime;     /* at its deadline a picture is shown as far as it is drawn */
    GstCodeMotion motion; /* frames between pictures */
    gboolean live;
    gboolean overlaps; /* two batches under way: one is drafted while the other is rendered */
} GstCodeDrawSetup;

#endif
