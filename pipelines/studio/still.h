/* still.h - single pictures on request, as PNG, whatever the shared generation is drawing: a frame
 * that a viewer keeps, the one before it, a download.
 *
 *     codesrc ! video/x-raw,format=RGB,framerate=0/1 ! appsink
 *
 * The element shares its weights with the generation's. A thread of its own draws one picture after
 * another. Call everything here on the main thread; answers arrive there too. */
#ifndef STUDIO_STILL_H
#define STUDIO_STILL_H

#include "generation.h"

#define STILL_MOST_WAITING 16

typedef struct Still Still;

/* Either a PNG, with the launch line that draws it again as its Comment, and the GstCodeMeta of the
 * picture, or an error. All belong to the caller of the callback. */
typedef void (*StillDone)(gpointer user, GBytes *png, const GstStructure *made, const gchar *error);

/* NULL: an element is missing, `error` names it. */
Still *still_new(const GenerationSetup *setup, GError **error);

/* Ends the drawing thread. Pictures that it has not drawn by then are not answered. */
void still_free(Still *still);

/* Draws frame `frame` of these settings. FALSE: STILL_MOST_WAITING others are waiting, and `done`
 * is not called. */
gboolean still_draw(Still *still, const Settings *settings, guint64 frame, StillDone done,
                    gpointer user);

#endif
