/* generation.h - the one pipeline that all viewers share: codesrc, and two encoders.
 *
 *     codesrc is-live=true ! caps ! tee ! queue ! jpegenc ! appsink
 *                                   tee ! queue ! videoconvert ! vp8enc ! appsink
 *
 * It knows no viewers, so none can stall it. Call everything here on the main thread; callbacks
 * arrive there too. A separate thread changes states, because a live codesrc loads its weights in
 * a state change. */
#ifndef STUDIO_GENERATION_H
#define STUDIO_GENERATION_H

#include "settings.h"

#include <gst/gst.h>

typedef struct Generation Generation;

/* An encoded picture, valid during the call. `made` is codesrc's GstCodeMeta. */
typedef struct Picture {
    GBytes *jpeg;
    const GstStructure *made;
    guint64 number; /* 1 for the first frame of this process, and so on */
} Picture;

typedef struct GenerationListener {
    void (*picture)(gpointer user, const Picture *picture);
    void (*encoded)(gpointer user, GstSample *sample); /* VP8, each frame a key frame */
    void (*failed)(gpointer user, const gchar *text);
    gpointer user;
} GenerationListener;

typedef struct GenerationSetup {
    const gchar *model, *device, *precision; /* NULL: codesrc's defaults */
    guint threads;                           /* 0: codesrc's default */
    guint scales;                            /* of the model: frames of a coarse-to-fine picture */
    gboolean webrtc;                         /* whether to encode VP8 at all */
} GenerationSetup;

/* NULL: an element is missing, `error` names it. Generates nothing before generation_play. */
Generation *generation_new(const GenerationSetup *setup, const Settings *settings,
                           const GenerationListener *listener, GError **error);
/* Ends the generating thread; no callback follows. */
void generation_free(Generation *generation);

/* Generates while TRUE, pauses while FALSE. After a failure it tries again. */
void generation_play(Generation *generation, gboolean play);
/* Takes effect with the next picture. */
void generation_set(Generation *generation, const Settings *settings);
/* gst_parse_launch, but an error leaves no half of a pipeline, and says how to get a missing
 * element. */
GstElement *generation_parse(const gchar *description, GError **error);

/* Sets the properties of a codesrc. */
void generation_choose_model(GstElement *source, const GenerationSetup *setup);
void generation_choose_picture(GstElement *source, const Settings *settings);

/* codesrc's `stats`; free with gst_structure_free. */
GstStructure *generation_stats(Generation *generation);

#endif
