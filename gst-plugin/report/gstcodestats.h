/* gstcodestats.h - counters and times of an element: for the property `stats`, and for the latency.
 * Any thread may use it. */
#ifndef GST_CODE_STATS_H
#define GST_CODE_STATS_H

#include <gst/gst.h>

#include "codesrc.h"
#include "report/gstcoderecord.h"

#define GST_CODE_STATS_RECENT 10 /* pictures that the latency is measured from */

typedef struct GstCodeStats {
    const gchar *name; /* of the structure */

    GMutex lock;          /* of all that follows */
    CodesrcModel *model;  /* headers of the one that draws; NULL: none */
    guint batch;          /* pictures at a time */
    GstStructure *closed; /* the statistics when the model was closed; NULL: it is open */
    guint64 processed, dropped, repeated;
    gboolean any; /* `last` is there */
    GstCodeRecord last;
    gdouble recent[GST_CODE_STATS_RECENT]; /* seconds from the beginning of a batch to its end */
    guint measured;
    GstClockTime latency; /* as reported to the pipeline */
} GstCodeStats;

/* `name`: of the structure, static. */
void gst_code_stats_init(GstCodeStats *stats, const gchar *name);
void gst_code_stats_clear(GstCodeStats *stats);

/* Begins to count for a new stream, drawn in batches of so many pictures. */
void gst_code_stats_reset(GstCodeStats *stats, CodesrcModel *model, guint batch);

/* Lets go of the model, its device and its open files. The property keeps its last value. */
void gst_code_stats_close(GstCodeStats *stats);

/* Sets the model whose weights draw from now on; it may be the same. */
void gst_code_stats_set_model(GstCodeStats *stats, CodesrcModel *model);

/* The model that draws, with a reference for the caller; NULL: none. */
CodesrcModel *gst_code_stats_model(GstCodeStats *stats);

/* One picture was pushed. */
void gst_code_stats_processed(GstCodeStats *stats, const GstCodeRecord *record);
void gst_code_stats_dropped(GstCodeStats *stats, guint64 count);
void gst_code_stats_repeated(GstCodeStats *stats);
void gst_code_stats_counts(GstCodeStats *stats, guint64 *processed, guint64 *dropped);

/* A batch took this long. */
void gst_code_stats_measure(GstCodeStats *stats, gdouble seconds);

/* How long the next batch takes at most, as far as is known, with some headroom; 0: unknown. */
GstClockTime gst_code_stats_expected(GstCodeStats *stats);

/* Updates the latency from the measurements. TRUE: it changed so much that the pipeline has to
 * know. */
gboolean gst_code_stats_update_latency(GstCodeStats *stats);
GstClockTime gst_code_stats_latency(GstCodeStats *stats);

/* For the property. */
GstStructure *gst_code_stats_structure(GstCodeStats *stats);

/* The property itself, read-only, with the id that an element gives it. */
void gst_code_stats_install(GObjectClass *klass, guint id, const gchar *blurb);

#endif
