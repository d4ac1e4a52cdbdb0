/* studio.h - the application: one generation, the settings that all viewers share, and the viewers
 * themselves. It knows no HTTP except the messages that it answers endlessly. Main thread only. */
#ifndef STUDIO_STUDIO_H
#define STUDIO_STUDIO_H

#include "generation.h"
#include "still.h"
#include "webrtc.h"

#include <libsoup/soup.h>

#define STUDIO_MAX_VIEWERS 64 /* pages and JPEG streams, each */
#define STUDIO_BOUNDARY    "picture"

typedef struct Studio Studio;

typedef struct StudioSetup {
    GenerationSetup generation;
    const gchar *address; /* for WebRTC; NULL: all addresses of this machine */
    gdouble rate;
} StudioSetup;

/* Takes over `facts`. NULL: `error` says why. */
Studio *studio_new(const StudioSetup *setup, Facts *facts, GError **error);
void studio_free(Studio *studio);

/* New references. */
json_t *studio_model(const Studio *studio);
json_t *studio_settings(const Studio *studio);
json_t *studio_state(const Studio *studio);

/* The last picture as JPEG, or NULL if there is none yet. */
GBytes *studio_jpeg(const Studio *studio);

/* A new reference: how the last picture was made, or null. */
json_t *studio_made(const Studio *studio);

/* Draws a single picture (still_draw): a frame, 0 by default, of the shared settings but for those
 * that `query` names, in JSON or, for a class, by name alone. FALSE: `error` says why (the caller
 * frees it), or is NULL if too many are waiting. */
gboolean studio_draw(Studio *studio, GHashTable *query, StillDone done, gpointer user,
                     gchar **error);

/* See settings_change. */
gboolean studio_change(Studio *studio, const gchar *text, gsize length, gchar **error);

/* Endless answers. FALSE: there are too many viewers, and nothing was answered. */
gboolean studio_add_page(Studio *studio, SoupServerMessage *message);
gboolean studio_add_jpeg(Studio *studio, SoupServerMessage *message);

/* Whether WebRTC is available. */
gboolean studio_has_webrtc(const Studio *studio);

/* Descriptors that the process needs for one more session and those that are being made. */
guint studio_webrtc_descriptors(const Studio *studio);

/* Begins a WebRTC session for the page with this id (from its first event), replacing any it has.
 * FALSE: there is no such page. */
gboolean studio_start_webrtc(Studio *studio, const gchar *page, const gchar *offer,
                             WebRtcAnswered answered, gpointer user);

#endif
