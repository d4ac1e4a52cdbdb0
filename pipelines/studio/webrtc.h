/* webrtc.h - one viewer over WebRTC: appsrc ! rtpvp8pay ! webrtcbin, a separate pipeline fed with
 * frames that are encoded once for all viewers. Its failures affect no other viewer. */
#ifndef STUDIO_WEBRTC_H
#define STUDIO_WEBRTC_H

#include <gst/gst.h>

/* More descriptors than a session opens on a machine with some addresses. */
#define WEBRTC_DESCRIPTORS 40

typedef struct WebRtc WebRtc;

/* Called once, on the main thread: with the answer (SDP with all candidates), or with NULL, the
 * reason, and whether it is the offer's fault. */
typedef void (*WebRtcAnswered)(gpointer user, const gchar *answer, const gchar *error,
                               gboolean offers_fault);

/* Whether the elements are available. */
gboolean webrtc_available(void);

/* Answers an offer (SDP). `address`: the one to listen on; NULL: all of this machine. */
WebRtc *webrtc_new(const gchar *offer, const gchar *address, WebRtcAnswered answered,
                   gpointer user);
/* Calls `answered` if it has not been called. */
void webrtc_free(WebRtc *session);

/* Whether its answer is not there yet, so that it may go on to open descriptors. */
gboolean webrtc_answering(const WebRtc *session);

/* Sends a VP8 frame without waiting. */
void webrtc_offer(WebRtc *session, GstSample *sample);
gboolean webrtc_failed(WebRtc *session);

#endif
