/* test_webrtc.c - offers of WebRTC sessions to code-studio, without a browser: which it refuses,
 * what its answer has, and how many sessions there may be. */
#include "common.h"

#include <string.h>
#include <sys/resource.h>

#define JSON  "Content-Type: application/json"
#define SDP   "Content-Type: application/sdp"
#define VIDEO "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n"
#define MEDIA VIDEO "a=rtpmap:96 VP8/90000\r\n"
#define SESSION                                                                                    \
    "a=ice-ufrag:abcd\r\na=ice-pwd:abcdabcdabcdabcdabcdabcd\r\na=fingerprint:sha-256 00\r\n"       \
    "a=setup:actpass\r\na=mid:0\r\n"
#define HEAD "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
#define GOOD HEAD MEDIA "a=recvonly\r\na=rtcp-mux\r\n" SESSION

/* Descriptors that a small studio may open, and more pages than these suffice for. */
enum { DESCRIPTORS = 256, PAGES = 16 };

static SoupSession *session;
static Process *process;

static void expect(const gchar *path, const gchar *headers, const gchar *body, guint status,
                   const gchar *text)
{
    Answer *answer = request(process, "POST", path, headers, body);

    if (answer->status != status || !strstr(answer->body, text))
        g_error("%s (%s) %.80s: came %u %s, expected %u and %s", path, headers, body,
                answer->status, answer->body, status, text);
    answer_free(answer);
}

/* The path that takes the offers of a new page, to be freed; the page ends with `stream`. */
static gchar *open_page(GInputStream **stream)
{
    gchar *id = open_events(process, session, stream);
    gchar *path = g_strconcat("/webrtc?page=", id, NULL);

    g_free(id);
    return path;
}

static void test_bad_offers(void)
{
    static const gchar *const cases[][2] = {
        {"hello", "not SDP"},
        {"", "not SDP"},
        {HEAD, "expected one, of video"},
        {HEAD MEDIA MEDIA, "expected one, of video"},
        {HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 96\r\n", "not video"},
        {HEAD MEDIA, "lacks ice-ufrag"},
        {HEAD VIDEO "a=rtpmap:96 H264/90000\r\n" SESSION, "no VP8"},
        {HEAD VIDEO "a=rtpmap:128 VP8/90000\r\n" SESSION, "no VP8"},
        {HEAD VIDEO "a=rtpmap:-18446744073709551520 VP8/90000\r\n" SESSION, "no VP8"},
    };
    GInputStream *stream;
    gchar *path = open_page(&stream);

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
        expect(path, SDP, cases[i][0], 400, cases[i][1]);
    expect("/webrtc?page=x", SDP, "v=0", 404, "page=x is no open page");
    expect("/webrtc", SDP, "v=0", 404, "the id that /events begins with");
    expect(path, JSON, "v=0", 415, "expected application/sdp");
    g_object_unref(stream);
    g_free(path);
}

/* Video to receive, at ports of UDP alone: one of TCP would take connections from anybody. */
static void test_answer(void)
{
    GInputStream *stream;
    gchar *path = open_page(&stream);
    Answer *answer = request(process, "POST", path, SDP, GOOD);

    g_assert_cmpuint(answer->status, ==, 201);
    g_assert_nonnull(strstr(answer->body, "a=rtpmap:96 VP8/90000"));
    g_assert_nonnull(strstr(answer->body, "a=sendonly"));
    g_assert_nonnull(strstr(answer->body, " UDP "));
    g_assert_null(strstr(answer->body, " TCP "));
    answer_free(answer);
    g_object_unref(stream);
    g_free(path);
}

/* A process that runs out of descriptors ends, so that sessions are refused before. */
static void test_descriptors(void)
{
    gchar *options = g_strdup_printf("--model %s --rate 0.1", tiny_model());
    GInputStream *streams[PAGES];
    struct rlimit usual, few;
    Process *all = process;
    guint made = 0;

    g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &usual), ==, 0);
    few = usual;
    few.rlim_cur = DESCRIPTORS;
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &few), ==, 0);
    process = process_start(options);
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &usual), ==, 0);
    for (guint i = 0; i < PAGES; i++) {
        gchar *path = open_page(&streams[i]);
        Answer *answer = request(process, "POST", path, SDP, GOOD);

        made += answer->status == 201;
        if (answer->status != 201) {
            g_assert_cmpuint(answer->status, ==, 503);
            g_assert_nonnull(strstr(answer->body, "too few descriptors"));
        }
        answer_free(answer);
        g_free(path);
    }
    g_test_message("%u sessions of %u descriptors", made, DESCRIPTORS);
    g_assert_cmpuint(made, >, 0);
    g_assert_cmpuint(made, <, PAGES);
    for (guint i = 0; i < PAGES; i++)
        g_object_unref(streams[i]);
    process_stop(process);
    process = all;
    g_free(options);
}

/* Without the elements. */
static void test_none(void)
{
    expect("/webrtc?page=x", SDP, "v=0", 501, "webrtcbin");
    g_test_skip("GStreamer's elements for WebRTC are not all here");
}

int main(int argc, char **argv)
{
    gchar *options;
    json_t *model;
    int failures;

    g_test_init(&argc, &argv, NULL);
    options = g_strdup_printf("--model %s --rate 0.1", tiny_model());
    process = process_start(options);
    session = soup_session_new_with_options("proxy-resolver", NULL, "max-conns", PAGES + 1,
                                            "max-conns-per-host", PAGES + 1, NULL);
    model = get_json(process, "/model");
    if (json_is_true(json_object_get(model, "webrtc"))) {
        g_test_add_func("/studio/webrtc/bad-offers", test_bad_offers);
        g_test_add_func("/studio/webrtc/answer", test_answer);
        g_test_add_func("/studio/webrtc/descriptors", test_descriptors);
    } else {
        g_test_add_func("/studio/webrtc/none", test_none);
    }
    json_decref(model);
    failures = g_test_run();
    process_stop(process);
    g_object_unref(session);
    g_free(options);
    return failures;
}
