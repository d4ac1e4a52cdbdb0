/* webrtc.h - one viewer over WebRTC: appsrc ! rtpvp8pay ! webrtcbin, a pipeline of its own that is
 * fed with frames encoded once for all. What happens to it touches no other viewer. */
#ifndef STUDIO_WEBRTC_H
#define STUDIO_WEBRTC_H

#include <gst/gst.h>

typedef struct WebRtc WebRtc;

/* Called once, on the main thread: with the answer (SDP with all candidates), or with NULL and what
 * is wrong, which is the offer's fault or not. */
typedef void (*WebRtcAnswered)(gpointer user, const gchar *answer, const gchar *error,
                               gboolean offers_fault);

/* Whether the elements are there. */
gboolean webrtc_available(void);

/* Answers an offer (SDP). `address`: the one to be reached at, or NULL for all of this machine's.
 */
WebRtc *webrtc_new(const gchar *offer, const gchar *address, WebRtcAnswered answered,
                   gpointer user);
/* `answered` is called if it was not. */
void webrtc_free(WebRtc *session);

/* Sends a VP8 frame. Waits for nothing. */
void webrtc_offer(WebRtc *session, GstSample *sample);
gboolean webrtc_failed(WebRtc *session);

#endif
