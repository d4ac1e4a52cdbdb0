/* gstcodestats.h - what the element has done so far, for the property `stats`, and how long a
 * picture takes, for latency. Any thread may use it. */
#ifndef GST_CODE_STATS_H
#define GST_CODE_STATS_H

#include <gst/gst.h>

#include "codesrc.h"
#include "report/gstcoderecord.h"

#define GST_CODE_STATS_RECENT 10 /* pictures that the latency is measured from */

typedef struct GstCodeStats {
    const gchar *name; /* of the structure */

    GMutex lock; /* of all that follows */
    GstCodeOrigin origin;
    guint batch;          /* pictures at a time */
    GstStructure *closed; /* what was to be told when the model was let go; NULL: it was not */
    guint64 processed, dropped;
    gboolean any; /* `last` is there */
    GstCodeRecord last;
    gdouble recent[GST_CODE_STATS_RECENT]; /* seconds from the beginning of a batch to its end */
    guint measured;
    GstClockTime latency; /* as told to the pipeline */
} GstCodeStats;

/* `name`: of the structure, static. */
void gst_code_stats_init(GstCodeStats *stats, const gchar *name);
void gst_code_stats_clear(GstCodeStats *stats);

/* A new stream of so many pictures at a time, with nothing done yet. */
void gst_code_stats_reset(GstCodeStats *stats, CodesrcModel *model, guint batch);

/* Lets the model go, and with it the device and the files that it keeps open. The property goes on
 * telling what it would have told. */
void gst_code_stats_close(GstCodeStats *stats);

/* The model whose weights draw from now on; it may be the same. */
void gst_code_stats_set_model(GstCodeStats *stats, CodesrcModel *model);

/* The model and its digest, with a reference for the caller; model NULL: none. */
GstCodeOrigin gst_code_stats_origin(GstCodeStats *stats);

/* One picture was put out. */
void gst_code_stats_processed(GstCodeStats *stats, const GstCodeRecord *record);
void gst_code_stats_dropped(GstCodeStats *stats, guint64 count);
void gst_code_stats_counts(GstCodeStats *stats, guint64 *processed, guint64 *dropped);

/* A batch took so long. */
void gst_code_stats_measure(GstCodeStats *stats, gdouble seconds);

/* How long the next one will take by experience; 0: nothing is known. */
GstClockTime gst_code_stats_expected(GstCodeStats *stats);

/* Updates the latency from what was measured. TRUE: it has changed so much that the pipeline should
 * hear of it. */
gboolean gst_code_stats_update_latency(GstCodeStats *stats);
GstClockTime gst_code_stats_latency(GstCodeStats *stats);

/* For the property. */
GstStructure *gst_code_stats_structure(GstCodeStats *stats);

/* The property itself, read-only, with the id that an element gives it. */
void gst_code_stats_install(GObjectClass *klass, guint id, const gchar *blurb);

#endif
