/* gstcoderecord.h - how one picture was made: everything needed to make it again, and the time it
 * took. */
#ifndef GST_CODE_RECORD_H
#define GST_CODE_RECORD_H

#include <gst/video/video.h>

#include "codesrc.h"
#include "model/gstcodemotion.h"

/* Name of the custom meta on every buffer with a picture. */
#define GST_CODE_META "GstCodeMeta"

/* A frame of a film, between two pictures or on one. */
typedef struct GstCodeFilm {
    GstCodeMotion motion; /* hold 0: not a film */
    guint64 frame;        /* of the stream */
    GstCodeMoment moment;
    CodesrcRequest next; /* of the picture that the frame leads to; at t = 0, the picture itself */
} GstCodeFilm;

typedef struct GstCodeRecord {
    CodesrcRequest request; /* with its class chosen, so never -1, and without canvas and mask */
    guint scales;           /* finished ones; the model's number of scales: the whole picture */
    CodesrcTimes times;     /* of its batch */
    gdouble seconds;        /* that this picture took, its share of the batch */
    gchar digest[17];       /* CodesrcModelInfo.digest of the weights */

    GstCodeFilm film;

    /* Of codepaint: */
    gboolean painted;       /* into a frame from upstream */
    GstVideoRectangle mask; /* the repainted part; empty: the transparent pixels */
} GstCodeRecord;

/* In the functions below, `info` is of the model that drew. */

/* Sets a field for each property of model and frame that a recipe has, with `frame` for
 * first-frame, and model-digest, class-name, scale, scales, seconds and launch-line; of codepaint
 * also mask; of a film also a field for each property of its motion, t, next-frame and
 * next-class-id. */
void gst_code_record_describe(const GstCodeRecord *record, const CodesrcModelInfo *info,
                              GstStructure *structure);

/* Once for each process, before the first attach. */
void gst_code_record_register_meta(void);

/* A record that the buffer has already becomes the field `input` of this one. */
void gst_code_record_attach(const GstCodeRecord *record, const CodesrcModelInfo *info,
                            GstBuffer *buffer);

/* What the tags of a stream say about its making. */
typedef enum GstCodeTags {
    GST_CODE_TAGS_FULL,   /* the launch line, with the path of the model */
    GST_CODE_TAGS_RECIPE, /* the same, with the model's name and digest instead */
    GST_CODE_TAGS_NONE,
} GstCodeTags;

GType gst_code_tags_get_type(void);

/* A tag list for the stream that begins with this picture. NULL: no tags. */
GstTagList *gst_code_record_tags(const GstCodeRecord *record, const CodesrcModelInfo *info,
                                 GstCodeTags tags);

#endif
