/* test_hostile.c - code-studio and requests that no browser sends: each is refused with its code,
 * or its connection is closed, and takes no memory to speak of; and visitors who send none. */
#include "common.h"

#include <string.h>
#include <sys/resource.h>

#define HOST "Host: localhost\r\n"
#define JSON "POST /settings HTTP/1.1\r\n" HOST "Content-Type: application/json\r\n"

enum { MANY = 1 << 20, MOST_GROWTH = 16 << 10 /* KiB */ };

/* Descriptors that a small studio may open, the connections that it then takes, and more. */
enum { DESCRIPTORS = 64, PLACES = DESCRIPTORS / 2, CROWD = 80 };

/* Streams or pages, and pictures that wait to be drawn. */
enum { MOST_VIEWERS = 64, MOST_WAITING = 16 };

static Process *process;

/* ---- a connection ------------------------------------------------------------------ */

/* What comes back for these bytes, as far as `size` - 1 bytes; nothing if the connection ends. Who
 * is refused early may find it reset before all is sent. */
static void ask(const gchar *bytes, gsize length, gchar *answer, gsize size)
{
    GSocketClient *client = g_object_new(G_TYPE_SOCKET_CLIENT, "enable-proxy", FALSE, NULL);
    GSocketConnection *connection =
        g_socket_client_connect_to_uri(client, process->url, 80, NULL, NULL);

    g_assert_nonnull(connection);
    g_socket_set_timeout(g_socket_connection_get_socket(connection), 60);
    memset(answer, 0, size);
    g_output_stream_write_all(g_io_stream_get_output_stream(G_IO_STREAM(connection)), bytes, length,
                              NULL, NULL, NULL);
    g_input_stream_read_all(g_io_stream_get_input_stream(G_IO_STREAM(connection)), answer, size - 1,
                            NULL, NULL, NULL);
    g_object_unref(connection);
    g_object_unref(client);
}

/* `status`: its first digits; NULL: anything but success, since libsoup decides. */
static void expect(const gchar *label, const gchar *bytes, gsize length, const gchar *status)
{
    gchar answer[13];
    const gchar *came = answer + strlen("HTTP/1.x ");

    ask(bytes, length, answer, sizeof(answer));
    if (status ? !g_str_has_prefix(came, status) : *came == '2')
        g_error("%s: came \"%s\", expected %s", label, answer, status ? status : "a refusal");
}

/* ---- heads ------------------------------------------------------------------------- */

static void test_heads(void)
{
    static const struct {
        const gchar *text, *status;
    } cases[] = {
        {"\1\2\3\r\n\r\n", "4"},
        {"GET\r\n\r\n", "4"},
        {"GET /model\r\n\r\n", "4"},
        {"GET /model HTTP/9.9\r\n" HOST "\r\n", NULL},
        {"GET /model HTTP/1.1\r\n\r\n", "4"},
        {"GET /model HTTP/1.0\r\n\r\n", "421"},
        {"GET /model HTTP/1.1\r\n" HOST "Host: evil.example\r\n\r\n", "4"},
        {"GET /%00 HTTP/1.1\r\n" HOST "\r\n", "4"},
        {"CONNECT evil.example:80 HTTP/1.1\r\n" HOST "\r\n", "4"},
        {"TRACE /model HTTP/1.1\r\n" HOST "\r\n", "405"},
        {JSON "\r\n{}", "411"},
        {JSON "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "411"},
        {JSON "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "4"},
        {JSON "Content-Length: x\r\n\r\n", "4"},
        {JSON "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{}", "100"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
        expect(cases[i].text, cases[i].text, strlen(cases[i].text), cases[i].status);
}

/* One connection, one request: what follows is not read. */
static void test_one_each(void)
{
    static const gchar twice[] = "GET /nothing HTTP/1.1\r\n" HOST "\r\n"
                                 "GET /nothing HTTP/1.1\r\n" HOST "\r\n";
    gchar answers[2000];
    const gchar *first;

    ask(twice, strlen(twice), answers, sizeof(answers));
    first = strstr(answers, "404 Not Found");
    g_assert_nonnull(first);
    g_assert_null(strstr(first + 1, "404 Not Found"));
}

/* ---- sizes ------------------------------------------------------------------------- */

/* `head`, `count` times `each`, and an empty line. */
static void expect_long(const gchar *head, const gchar *each, guint count, const gchar *status)
{
    GString *text = g_string_new(head);

    for (guint i = 0; i < count; i++)
        g_string_append(text, each);
    g_string_append(text, "\r\n\r\n");
    expect(head, text->str, text->len, status);
    g_string_free(text, TRUE);
}

static void test_sizes(void)
{
    guint64 before;

    json_decref(get_json(process, "/model"));
    before = process_memory(process);
    expect_long("GET /model HTTP/1.1\r\n" HOST "X: ", "x", 30000, "200");
    expect_long("GET /model HTTP/1.1\r\n" HOST "X: ", "x", 16 * MANY, "");
    expect_long("GET /model HTTP/1.1\r\n" HOST "X: x", "\r\nX: x", MANY, NULL);
    expect_long("GET /", "x", 16 * MANY, "");
    expect_long("\377", "\377", 16 * MANY, "");
    expect_long("GET /picture.png?a=1", "&a=1", 10000, "400"); /* no HTTP/1.1 */
    expect_long("POST / HTTP/1.1\r\n" HOST "Content-Length: 16777220\r\n\r\n", "x", 16 * MANY,
                "405");
    expect_long(JSON "Content-Length: 16777220\r\n\r\n", "x", 16 * MANY, "413");
    json_decref(get_json(process, "/model"));
    g_assert_cmpuint(process_memory(process), <, before + MOST_GROWTH);
}

/* ---- visitors ---------------------------------------------------------------------- */

static Process *start_small(const gchar *device)
{
    gchar *options = g_strdup_printf("--model %s --device %s", tiny_model(), device);
    struct rlimit usual, few;
    Process *small;

    g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &usual), ==, 0);
    few = usual;
    few.rlim_cur = DESCRIPTORS;
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &few), ==, 0);
    small = process_start(options);
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &usual), ==, 0);
    g_free(options);
    return small;
}

/* Connects from this address of the loopback interface. */
static GSocketConnection *come_from(const gchar *address, const Process *to)
{
    GSocketAddress *from = g_inet_socket_address_new_from_string(address, 0);
    GSocketClient *client =
        g_object_new(G_TYPE_SOCKET_CLIENT, "enable-proxy", FALSE, "local-address", from, NULL);
    GSocketConnection *visitor = g_socket_client_connect_to_uri(client, to->url, 80, NULL, NULL);

    g_assert_nonnull(visitor);
    g_object_unref(client);
    g_object_unref(from);
    return visitor;
}

static void send_request(GSocketConnection *visitor, const gchar *path)
{
    gchar *text = g_strdup_printf("GET %s HTTP/1.1\r\n" HOST "\r\n", path);

    g_output_stream_write_all(g_io_stream_get_output_stream(G_IO_STREAM(visitor)), text,
                              strlen(text), NULL, NULL, NULL);
    g_free(text);
}

/* The answer begins like this; "": there is none, and the connection ends. */
static void expect_answer(GSocketConnection *visitor, const gchar *expected)
{
    gchar answer[13] = "";

    g_input_stream_read_all(g_io_stream_get_input_stream(G_IO_STREAM(visitor)), answer, 12, NULL,
                            NULL, NULL);
    g_assert_cmpstr(answer, ==, expected);
}

/* Many who connect and ask for nothing, from one address or each from its own: the first of them
 * lose their places to those who come later, and whoever asks is served. */
static void crowd_in(const Process *small, gboolean of_one)
{
    GSocketConnection *quiet = come_from("127.0.0.2", small), *crowd[CROWD];

    for (guint i = 0; i < CROWD; i++) {
        gchar *address = g_strdup_printf("127.0.1.%u", of_one ? 1 : 1 + i);

        crowd[i] = come_from(address, small);
        g_free(address);
    }
    json_decref(get_json(small, "/model"));
    for (guint i = 0; i <= CROWD - PLACES; i++)
        expect_answer(crowd[i], "");
    send_request(crowd[CROWD - 1], "/model");
    expect_answer(crowd[CROWD - 1], "HTTP/1.1 200");
    if (of_one) {
        send_request(quiet, "/model");
        expect_answer(quiet, "HTTP/1.1 200");
    }
    for (guint i = 0; i < CROWD; i++)
        g_object_unref(crowd[i]);
    g_object_unref(quiet);
}

static void test_idle(void)
{
    Process *small = start_small("cpu");

    crowd_in(small, TRUE);
    crowd_in(small, FALSE);
    /* Others ask, and leave before the answer is read. */
    for (guint i = 0; i < 5 * CROWD; i++) {
        GSocketConnection *visitor = come_from("127.0.0.1", small);

        send_request(visitor, "/studio.js");
        g_object_unref(visitor);
        if (i % 16 == 0)
            json_decref(get_json(small, "/model"));
    }
    json_decref(get_json(small, "/model"));
    process_stop(small);
}

/* Viewers keep their places: who comes once all are taken is refused. No such device draws, so no
 * picture is on its way when the studio ends. */
static void test_full(void)
{
    Process *small = start_small("none");
    GSocketConnection *viewers[PLACES], *late;

    for (guint i = 0; i < PLACES; i++) {
        viewers[i] = come_from("127.0.0.1", small);
        send_request(viewers[i], "/stream.mjpeg");
        expect_answer(viewers[i], "HTTP/1.1 200");
    }
    late = come_from("127.0.0.2", small);
    expect_answer(late, "HTTP/1.1 503");
    g_object_unref(late);
    for (guint i = 0; i < PLACES; i++)
        g_object_unref(viewers[i]);
    process_stop(small);
}

/* One visitor more of this path: the last is refused. Those before it are let in, or are not asked
 * whether they are. */
static void crowd_at(const gchar *options, const gchar *path, guint before)
{
    Process *studio = process_start(options);
    GSocketConnection *visitors[MOST_VIEWERS], *late;

    for (guint i = 0; i < before; i++) {
        visitors[i] = come_from("127.0.0.1", studio);
        send_request(visitors[i], path);
        if (before == MOST_VIEWERS)
            expect_answer(visitors[i], "HTTP/1.1 200");
    }
    json_decref(get_json(studio, "/model"));
    late = come_from("127.0.0.1", studio);
    send_request(late, path);
    expect_answer(late, "HTTP/1.1 503");
    g_object_unref(late);
    for (guint i = 0; i < before; i++)
        g_object_unref(visitors[i]);
    process_stop(studio);
}

/* No such device draws a stream; the plain loops draw a picture for so long that the others wait,
 * three times as many as may. */
static void test_most(void)
{
    gchar *none = g_strdup_printf("--model %s --device none", tiny_model());

    crowd_at(none, "/stream.mjpeg", MOST_VIEWERS);
    crowd_at(none, "/events", MOST_VIEWERS);
    crowd_at("--model vistas --device reference --threads 1", "/picture.png", 3 * MOST_WAITING);
    g_free(none);
}

int main(int argc, char **argv)
{
    gchar *options;
    int failures;

    g_test_init(&argc, &argv, NULL);
    options = g_strdup_printf("--model %s", tiny_model());
    process = process_start(options);
    g_test_add_func("/studio/hostile/heads", test_heads);
    g_test_add_func("/studio/hostile/one-each", test_one_each);
    g_test_add_func("/studio/hostile/sizes", test_sizes);
    g_test_add_func("/studio/hostile/idle-visitors", test_idle);
    g_test_add_func("/studio/hostile/full", test_full);
    g_test_add_func("/studio/hostile/most", test_most);
    failures = g_test_run();
    process_stop(process);
    g_free(options);
    return failures;
}
