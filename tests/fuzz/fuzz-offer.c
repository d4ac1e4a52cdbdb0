/* fuzz-offer.c - a page's offer of a WebRTC session to the studio: what is accepted has a payload
 * type and no candidate. */
#include "fuzz.h"
#include "offer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gchar *text = g_strndup((const gchar *)data, size);
    gint payload = -1;
    const gchar *error;
    GstSDPMessage *sdp = offer_read(text, &payload, &error);

    fuzz_promise(!sdp == (error != NULL), "who is refused learns why");
    if (sdp) {
        const GstSDPMedia *media = gst_sdp_message_get_media(sdp, 0);

        fuzz_promise(payload >= 0 && payload < 128, "a payload type");
        fuzz_promise(gst_sdp_message_medias_len(sdp) == 1 &&
                         !gst_sdp_media_get_attribute_val(media, "candidate"),
                     "one medium, without candidates");
        gst_sdp_message_free(sdp);
    }
    g_free(text);
    return 0;
}
