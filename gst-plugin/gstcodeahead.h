/* gstcodeahead.h - draws pictures on a thread of its own, ahead of the streaming thread and several
 * at a time.
 *
 * The thread walks along the timeline by itself. What it has drawn waits in a queue until it is
 * wanted; what turns out to be wanted no more, after a seek or a change of settings, is thrown
 * away. So nothing that is drawn ahead can be seen from outside, but for the time that it saves. */
#ifndef GST_CODE_AHEAD_H
#define GST_CODE_AHEAD_H

#include <gst/gst.h>

#include "codesrc.h"
#include "gstcodepixels.h"
#include "gstcoderecord.h"
#include "gstcodesettings.h"
#include "gstcodestats.h"
#include "gstcodetimeline.h"
#include "gstcodeweights.h"

typedef struct GstCodeAhead GstCodeAhead;

/* What the thread asks its element. It calls these without the element's locks. */
typedef struct GstCodeAheadOwner {
    gpointer user;

    /* A number that grows with each change of settings by the user. */
    guint (*serial)(gpointer user);

    /* The settings at a time of the stream, to be cleared. */
    GstCodeSettings (*settings)(gpointer user, GstClockTime pts);

    /* Where pictures go, and how they lie there. Who changes that counts as a change of settings.
     */
    CodesrcOutput (*output)(gpointer user);

    /* The position in the segment before which a frame that is yet to be drawn comes too late. */
    GstClockTime (*earliest)(gpointer user, const GstSegment *segment);

    /* When a frame is due, in g_get_monotonic_time()'s time; G_MAXINT64: at no certain time. */
    gint64 (*deadline)(gpointer user, const GstSegment *segment, const GstCodePlace *place);

    /* How much slower than needed downstream says that frames come; 1: neither. */
    gdouble (*proportion)(gpointer user);
} GstCodeAheadOwner;

typedef struct GstCodeAheadSetup {
    guint depth;          /* pictures that may wait; 0: draw when asked */
    guint batch;          /* pictures at a time */
    gboolean progressive; /* a frame after each scale */
    gboolean anytime;     /* at the deadline, as far as it is */
    gboolean overlaps;    /* two batches under way: one is drafted while another is rendered */
} GstCodeAheadSetup;

/* A frame, drawn or failed. */
typedef struct GstCodeDrawn {
    GstCodePlace place;
    guint serial;
    gboolean failed;
    CodesrcError error; /* where it has failed; else: */
    GstCodeRecord record;
    GstCodePixels pixels;
} GstCodeDrawn;

/* What the streaming thread wants next. */
typedef struct GstCodeWant {
    GstCodePlace place;
    GstCodeTimeline timeline; /* that it is the next of */
    GstSegment segment;
    GstClockTime
        earliest;      /* what waits and begins before this has come too late; NONE: nothing has */
    guint serial;      /* drawn with these settings or later ones */
    guint left;        /* how many frames will be wanted at most, with this one */
    gboolean or_later; /* a later frame will do */
} GstCodeWant;

/* `weights` are opened; they and `stats` outlive it. */
GstCodeAhead *gst_code_ahead_new(GstCodeWeights *weights, GstCodeStats *stats,
                                 const GstCodeAheadOwner *owner, const GstCodeAheadSetup *setup);

/* Stops what is under way, without waiting for its end. NULL is allowed. */
void gst_code_ahead_free(GstCodeAhead *ahead);

/* Waits for the frame. NULL: interrupted. Give it back when it has been put out. */
GstCodeDrawn *gst_code_ahead_want(GstCodeAhead *ahead, const GstCodeWant *want);
void gst_code_ahead_give_back(GstCodeAhead *ahead, GstCodeDrawn *drawn);

/* Any thread: while TRUE, nothing is drawn and nobody waits. */
void gst_code_ahead_interrupt(GstCodeAhead *ahead, gboolean interrupted);

/* Forgets what waits. */
void gst_code_ahead_flush(GstCodeAhead *ahead);

#endif
