/* gstcodestats.h - what the element has done so far, for the property `stats`, and how long a
 * picture takes, for latency. Any thread may use it. */
#ifndef GST_CODE_STATS_H
#define GST_CODE_STATS_H

#include <gst/gst.h>

#include "code.h"
#include "gstcoderecord.h"

#define GST_CODE_STATS_RECENT 10 /* pictures that the latency is measured from */

typedef struct GstCodeStats {
    GMutex lock; /* of all that follows */
    GstCodeOrigin origin;
    guint64 processed, dropped;
    gboolean any; /* `last` is there */
    GstCodeRecord last;
    gdouble recent[GST_CODE_STATS_RECENT]; /* seconds from the beginning of a batch to its end */
    guint measured;
    GstClockTime latency; /* as told to the pipeline */
} GstCodeStats;

void gst_code_stats_init(GstCodeStats *stats);
void gst_code_stats_clear(GstCodeStats *stats);

/* A new stream, with nothing done yet. NULL: no model is open. */
void gst_code_stats_reset(GstCodeStats *stats, CodeModel *model);

/* The model whose weights draw from now on; it may be the same. */
void gst_code_stats_set_model(GstCodeStats *stats, CodeModel *model);

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

/* For the property. `name`: of the structure; `batch`: pictures at a time. */
GstStructure *gst_code_stats_structure(GstCodeStats *stats, const gchar *name, guint batch);

/* The property itself, read-only, with the id that an element gives it. */
void gst_code_stats_install(GObjectClass *klass, guint id, const gchar *blurb);

#endif
