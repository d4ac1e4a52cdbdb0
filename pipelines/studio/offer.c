/* offer.c - reads a page's offer of a WebRTC session. */
#include "offer.h"

#include <string.h>

enum { PAYLOAD_TYPES = 128 };

/* The payload type that the medium gives VP8, -1 if none. */
static gint vp8_payload(const GstSDPMedia *media)
{
    for (guint i = 0; i < gst_sdp_media_attributes_len(media); i++) {
        const GstSDPAttribute *attribute = gst_sdp_media_get_attribute(media, i);
        gchar *end;
        guint64 payload;

        if (strcmp(attribute->key, "rtpmap") || !attribute->value ||
            !g_ascii_isdigit(*attribute->value))
            continue;
        payload = g_ascii_strtoull(attribute->value, &end, 10);
        if (payload < PAYLOAD_TYPES && !g_ascii_strcasecmp(end, " VP8/90000"))
            return (gint)payload;
    }
    return -1;
}

static void drop_candidates(GstSDPMedia *media)
{
    for (guint i = gst_sdp_media_attributes_len(media); i > 0; i--)
        if (!strcmp(gst_sdp_media_get_attribute(media, i - 1)->key, "candidate"))
            gst_sdp_media_remove_attribute(media, i - 1);
}

/* NULL, or the fault of an offer. */
static const gchar *check(const GstSDPMessage *sdp, gint *payload)
{
    static const gchar *const needed[] = {"ice-ufrag", "ice-pwd", "fingerprint", "setup", "mid"};
    const GstSDPMedia *media;

    if (gst_sdp_message_medias_len(sdp) != 1)
        return "the offer has no medium or several, expected one, of video";
    media = gst_sdp_message_get_media(sdp, 0);
    if (g_strcmp0(gst_sdp_media_get_media(media), "video"))
        return "the offer's medium is not video";
    for (guint i = 0; i < G_N_ELEMENTS(needed); i++)
        if (!gst_sdp_media_get_attribute_val(media, needed[i]) &&
            !gst_sdp_message_get_attribute_val(sdp, needed[i]))
            return "the offer lacks ice-ufrag, ice-pwd, fingerprint, setup or mid";
    *payload = vp8_payload(media);
    return *payload < 0 ? "the offer has no VP8, expected it among its codecs" : NULL;
}

GstSDPMessage *offer_read(const gchar *text, gint *payload, const gchar **error)
{
    GstSDPMessage *sdp;

    *error = "the offer is not SDP";
    if (!g_utf8_validate(text, -1, NULL) || !g_str_has_prefix(text, "v=0") ||
        gst_sdp_message_new_from_text(text, &sdp) != GST_SDP_OK)
        return NULL;
    *error = check(sdp, payload);
    if (*error) {
        gst_sdp_message_free(sdp);
        return NULL;
    }
    drop_candidates((GstSDPMedia *)gst_sdp_message_get_media(sdp, 0));
    return sdp;
}
