/* gstcoderecord.h - how one picture came to be: everything that it takes to make it again, and what
 * it took to make it. */
#ifndef GST_CODE_RECORD_H
#define GST_CODE_RECORD_H

#include <gst/gst.h>

#include "code.h"

/* Name of the custom meta on every buffer. */
#define GST_CODE_META "GstCodeMeta"

typedef struct GstCodeRecord {
    CodeRequest request; /* with its class drawn, so never -1 */
    guint scales;        /* finished ones; the model's number of scales: the whole picture */
    CodeTimes times;     /* of its batch */
    gdouble seconds;     /* that this picture took, its share of the batch */
    gchar digest[17];    /* CodeModelInfo.digest of the weights */
} GstCodeRecord;

/* The model that drew, with or without its weights. */
typedef struct GstCodeOrigin {
    CodeModel *model;
} GstCodeOrigin;

/* Sets the fields model, model-digest, class-id, class-name, class-id-2, class-mix, seed, frame,
 * drafting-steps, guidance, top-k, top-p, precision, device, scale, scales, seconds and
 * launch-line. */
void gst_code_record_describe(const GstCodeRecord *record, const GstCodeOrigin *origin,
                              GstStructure *structure);

/* The gst-launch-1.0 line that writes this picture into a file. Free with g_free. */
gchar *gst_code_record_launch_line(const GstCodeRecord *record, const GstCodeOrigin *origin);

/* Once for each process, before the first attach. */
void gst_code_record_register_meta(void);
void gst_code_record_attach(const GstCodeRecord *record, const GstCodeOrigin *origin,
                            GstBuffer *buffer);

/* A tag list with the recipe, for the stream that begins with this picture. */
GstTagList *gst_code_record_tags(const GstCodeRecord *record, const GstCodeOrigin *origin);

#endif
