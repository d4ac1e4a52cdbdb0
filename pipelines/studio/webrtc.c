/* webrtc.c - answers one offer, and sends frames to the page that made it. */
#include "webrtc.h"

#include "offer.h"

#include <gst/app/gstappsrc.h>
#include <gst/webrtc/webrtc.h>

#include <string.h>

#define PATIENCE 10 /* seconds for an answer */

struct WebRtc {
    gatomicrefcount users; /* the owner, and callbacks in progress */
    GstElement *pipeline, *frames, *peer;
    gint settled; /* whether an answer is on its way to the main thread */

    /* Main thread only. */
    WebRtcAnswered answered; /* NULL when it was called */
    gpointer user;
    GstSample *last;
    guint timeout;
};

static WebRtc *session_ref(WebRtc *session)
{
    g_atomic_ref_count_inc(&session->users);
    return session;
}

static void session_unref(gpointer data)
{
    WebRtc *session = data;

    if (!g_atomic_ref_count_dec(&session->users))
        return;
    g_clear_object(&session->frames);
    g_clear_object(&session->peer);
    g_clear_object(&session->pipeline);
    g_free(session);
}

gboolean webrtc_available(void)
{
    static const gchar *const names[] = {"webrtcbin", "nicesrc",   "dtlsenc",
                                         "srtpenc",   "rtpvp8pay", "vp8enc"};
    gboolean available = TRUE;

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        GstElementFactory *factory = gst_element_factory_find(names[i]);

        available = available && factory;
        g_clear_object(&factory);
    }
    return available;
}

/* ---- the answer -------------------------------------------------------------------- */

typedef struct Result {
    WebRtc *session;
    gchar *answer, *error;
    gboolean offers_fault;
} Result;

static void settle_now(WebRtc *session, const gchar *answer, const gchar *error,
                       gboolean offers_fault)
{
    WebRtcAnswered answered = session->answered;

    session->answered = NULL;
    g_clear_handle_id(&session->timeout, g_source_remove);
    if (answered)
        answered(session->user, answer, error, offers_fault);
}

static gboolean on_result(gpointer data)
{
    Result *result = data;

    settle_now(result->session, result->answer, result->error, result->offers_fault);
    return G_SOURCE_REMOVE;
}

static void result_free(gpointer data)
{
    Result *result = data;

    session_unref(result->session);
    g_free(result->answer);
    g_free(result->error);
    g_free(result);
}

/* From any thread; the first one counts. Takes the texts. */
static void settle(WebRtc *session, gchar *answer, gchar *error, gboolean offers_fault)
{
    Result *result;

    if (!g_atomic_int_compare_and_exchange(&session->settled, FALSE, TRUE)) {
        g_free(answer);
        g_free(error);
        return;
    }
    result = g_new(Result, 1);
    *result = (Result){session_ref(session), answer, error, offers_fault};
    g_idle_add_full(G_PRIORITY_DEFAULT, on_result, result, result_free);
}

static gboolean on_timeout(gpointer data)
{
    WebRtc *session = data;

    session->timeout = 0;
    settle(session, NULL, g_strdup("WebRTC found no answer to the offer in time"), FALSE);
    return G_SOURCE_REMOVE;
}

/* All candidates are in the description when gathering is complete. */
static void on_gathering(GstElement *peer, GParamSpec *spec, gpointer data)
{
    GstWebRTCSessionDescription *local = NULL;
    GstWebRTCICEGatheringState state;

    (void)spec;
    g_object_get(peer, "ice-gathering-state", &state, NULL);
    if (state != GST_WEBRTC_ICE_GATHERING_STATE_COMPLETE)
        return;
    g_object_get(peer, "local-description", &local, NULL);
    if (!local)
        return;
    settle(data, gst_sdp_message_as_text(local->sdp), NULL, FALSE);
    gst_webrtc_session_description_free(local);
}

/* A promise's reply, or NULL after settling with its error. */
static const GstStructure *reply_of(WebRtc *session, GstPromise *promise)
{
    const GstStructure *reply = NULL;
    GError *error = NULL;

    if (gst_promise_wait(promise) != GST_PROMISE_RESULT_REPLIED)
        return NULL;
    reply = gst_promise_get_reply(promise);
    if (reply && gst_structure_get(reply, "error", G_TYPE_ERROR, &error, NULL)) {
        settle(session, NULL, g_strdup_printf("the offer: %s", error->message), TRUE);
        g_error_free(error);
        return NULL;
    }
    return reply;
}

static void on_answer(GstPromise *promise, gpointer data)
{
    WebRtc *session = data;
    const GstStructure *reply = reply_of(session, promise);
    GstWebRTCSessionDescription *answer = NULL;

    if (reply &&
        gst_structure_get(reply, "answer", GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &answer, NULL)) {
        g_signal_emit_by_name(session->peer, "set-local-description", answer, NULL);
        gst_webrtc_session_description_free(answer);
    }
    gst_promise_unref(promise);
}

static void on_remote_set(GstPromise *promise, gpointer data)
{
    WebRtc *session = data;

    reply_of(session, promise);
    if (!g_atomic_int_get(&session->settled))
        g_signal_emit_by_name(
            session->peer, "create-answer", NULL,
            gst_promise_new_with_change_func(on_answer, session_ref(session), session_unref));
    gst_promise_unref(promise);
}

/* ---- the pipeline ------------------------------------------------------------------ */

static gboolean send_last(gpointer data)
{
    WebRtc *session = data;

    if (session->last)
        webrtc_offer(session, session->last);
    return G_SOURCE_REMOVE;
}

/* Frames sent before there was a connection are lost. */
static void on_connection(GstElement *peer, GParamSpec *spec, gpointer data)
{
    GstWebRTCPeerConnectionState state;

    (void)spec;
    g_object_get(peer, "connection-state", &state, NULL);
    if (state == GST_WEBRTC_PEER_CONNECTION_STATE_CONNECTED)
        g_idle_add_full(G_PRIORITY_DEFAULT, send_last, session_ref(data), session_unref);
}

/* By UDP alone: a TCP port would take any number of connections from anybody, each a descriptor of
 * this process. */
static void listen_at(GstElement *peer, const gchar *address)
{
    GObject *ice = NULL;
    gboolean added;

    g_object_get(peer, "ice-agent", &ice, NULL);
    if (ice)
        g_object_set(ice, "ice-tcp", FALSE, NULL);
    if (ice && address)
        g_signal_emit_by_name(ice, "add-local-ip-address", address, &added);
    g_clear_object(&ice);
}

static void only_send(GstElement *peer)
{
    GstWebRTCRTPTransceiver *transceiver = NULL;

    g_signal_emit_by_name(peer, "get-transceiver", 0, &transceiver);
    if (transceiver)
        g_object_set(transceiver, "direction", GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_SENDONLY, NULL);
    g_clear_object(&transceiver);
}

static void build(WebRtc *session, gint payload)
{
    gchar *description =
        g_strdup_printf("appsrc name=frames is-live=true format=time do-timestamp=true "
                        "max-buffers=2 leaky-type=downstream caps=video/x-vp8 ! rtpvp8pay pt=%d ! "
                        "application/x-rtp,media=video,encoding-name=VP8,clock-rate=90000,"
                        "payload=%d ! webrtcbin name=peer bundle-policy=max-bundle",
                        payload, payload);

    session->pipeline = gst_parse_launch(description, NULL);
    session->frames = gst_bin_get_by_name(GST_BIN(session->pipeline), "frames");
    session->peer = gst_bin_get_by_name(GST_BIN(session->pipeline), "peer");
    g_free(description);
}

static void negotiate(WebRtc *session, GstSDPMessage *sdp)
{
    GstWebRTCSessionDescription *offer =
        gst_webrtc_session_description_new(GST_WEBRTC_SDP_TYPE_OFFER, sdp);

    g_signal_emit_by_name(
        session->peer, "set-remote-description", offer,
        gst_promise_new_with_change_func(on_remote_set, session_ref(session), session_unref));
    gst_webrtc_session_description_free(offer);
}

WebRtc *webrtc_new(const gchar *text, const gchar *address, WebRtcAnswered answered, gpointer user)
{
    WebRtc *session = g_new0(WebRtc, 1);
    const gchar *error;
    gint payload;
    GstSDPMessage *sdp = offer_read(text, &payload, &error);

    g_atomic_ref_count_init(&session->users);
    session->answered = answered;
    session->user = user;
    if (!sdp) {
        settle(session, NULL, g_strdup(error), TRUE);
        return session;
    }
    build(session, payload);
    listen_at(session->peer, address);
    only_send(session->peer);
    g_signal_connect_data(session->peer, "notify::ice-gathering-state", G_CALLBACK(on_gathering),
                          session_ref(session), (GClosureNotify)(void (*)(void))session_unref, 0);
    g_signal_connect_data(session->peer, "notify::connection-state", G_CALLBACK(on_connection),
                          session_ref(session), (GClosureNotify)(void (*)(void))session_unref, 0);
    session->timeout = g_timeout_add_seconds(PATIENCE, on_timeout, session);
    gst_element_set_state(session->pipeline, GST_STATE_PLAYING);
    negotiate(session, sdp);
    return session;
}

void webrtc_free(WebRtc *session)
{
    if (!session)
        return;
    if (session->pipeline) {
        gst_element_set_state(session->pipeline, GST_STATE_NULL);
        g_signal_handlers_disconnect_by_data(session->peer, session);
    }
    gst_mini_object_replace((GstMiniObject **)&session->last, (GstMiniObject *)NULL);
    settle_now(session, NULL, "the page has left", FALSE);
    session_unref(session);
}

gboolean webrtc_answering(const WebRtc *session)
{
    return session->answered != NULL;
}

void webrtc_offer(WebRtc *session, GstSample *sample)
{
    GstBuffer *buffer;

    if (!session->pipeline)
        return;
    gst_mini_object_replace((GstMiniObject **)&session->last, (GstMiniObject *)sample);
    buffer = gst_buffer_copy(gst_sample_get_buffer(sample));
    GST_BUFFER_PTS(buffer) = GST_BUFFER_DTS(buffer) = GST_CLOCK_TIME_NONE;
    gst_app_src_set_caps(GST_APP_SRC(session->frames), gst_sample_get_caps(sample));
    gst_app_src_push_buffer(GST_APP_SRC(session->frames), buffer);
}

gboolean webrtc_failed(WebRtc *session)
{
    GstWebRTCPeerConnectionState state;

    if (webrtc_answering(session)) /* it has to be told why first */
        return FALSE;
    if (!session->pipeline)
        return TRUE;
    g_object_get(session->peer, "connection-state", &state, NULL);
    return state == GST_WEBRTC_PEER_CONNECTION_STATE_FAILED ||
           state == GST_WEBRTC_PEER_CONNECTION_STATE_CLOSED;
}
