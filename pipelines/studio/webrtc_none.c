/* webrtc_none.c - replaces webrtc.c if GStreamer's WebRTC library is missing: WebRTC is then
 * unavailable, and no session exists. */
#include "webrtc.h"

gboolean webrtc_available(void)
{
    return FALSE;
}

WebRtc *webrtc_new(const gchar *offer, const gchar *address, WebRtcAnswered answered, gpointer user)
{
    (void)offer, (void)address;
    answered(user, NULL, "this code-studio was built without WebRTC", FALSE);
    return NULL;
}

void webrtc_free(WebRtc *session)
{
    (void)session;
}

gboolean webrtc_answering(const WebRtc *session)
{
    (void)session;
    return FALSE;
}

void webrtc_offer(WebRtc *session, GstSample *sample)
{
    (void)session, (void)sample;
}

gboolean webrtc_failed(WebRtc *session)
{
    (void)session;
    return TRUE;
}
