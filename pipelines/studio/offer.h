/* offer.h - reads a page's offer of a WebRTC session. */
#ifndef STUDIO_OFFER_H
#define STUDIO_OFFER_H

#include <gst/sdp/sdp.h>

/* An offer of one video that takes VP8, without its candidates: the browser connects to ours, and
 * an offer cannot make this machine send packets to addresses of its choice. `payload`: the payload
 * type of VP8, 0..127. Free with gst_sdp_message_free. NULL: `error`, which is static, says what is
 * wrong. */
GstSDPMessage *offer_read(const gchar *text, gint *payload, const gchar **error);

#endif
