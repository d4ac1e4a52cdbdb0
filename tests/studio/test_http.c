/* test_http.c - every endpoint of code-studio, and what it refuses. */
#include "common.h"
#include "png.h"

#include <glib/gstdio.h>
#include <string.h>

#define JSON "Content-Type: application/json"
#define SDP  "Content-Type: application/sdp"

static Process *process;

static void expect(const gchar *method, const gchar *path, const gchar *headers, const gchar *body,
                   guint status, const gchar *text)
{
    Answer *answer = request(process, method, path, headers, body);

    if (answer->status != status || !strstr(answer->body, text))
        g_error("%s %s (%s) %.80s: came %u %s, expected %u and %s", method, path,
                headers ? headers : "", body ? body : "", answer->status, answer->body, status,
                text);
    answer_free(answer);
}

/* ---- what is there ----------------------------------------------------------------- */

static void test_page(void)
{
    static const gchar *const files[][3] = {
        {"/", "text/html; charset=utf-8", "<title>codesrc studio</title>"},
        {"/studio.css", "text/css; charset=utf-8", "prefers-color-scheme"},
        {"/studio.js", "text/javascript; charset=utf-8", "/settings"},
        {"/keep.js", "text/javascript; charset=utf-8", "/picture.png"},
        {"/streams.js", "text/javascript; charset=utf-8", "EventSource"},
        {"/icon.svg", "image/svg+xml", "<svg"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        Answer *answer = request(process, "GET", files[i][0], NULL, NULL);
        const gchar *policy =
            soup_message_headers_get_one(answer->headers, "Content-Security-Policy");

        g_assert_cmpuint(answer->status, ==, 200);
        g_assert_cmpstr(soup_message_headers_get_one(answer->headers, "Content-Type"), ==,
                        files[i][1]);
        g_assert_nonnull(strstr(answer->body, files[i][2]));
        g_assert_nonnull(strstr(policy, "default-src 'none'"));
        g_assert_null(strstr(policy, "unsafe"));
        g_assert_cmpstr(soup_message_headers_get_one(answer->headers, "X-Content-Type-Options"), ==,
                        "nosniff");
        /* Nothing from elsewhere, and nothing inline that the policy would forbid. */
        if (strcmp(files[i][0], "/icon.svg")) {
            g_assert_null(strstr(answer->body, "http://"));
            g_assert_null(strstr(answer->body, "https://"));
        }
        g_assert_null(strstr(answer->body, " style=\""));
        answer_free(answer);
        expect("HEAD", files[i][0], NULL, NULL, 200, "");
    }
}

/* A range gets all of it: what lies in many overlapping ranges would be held for a slow reader. */
static void test_ranges(void)
{
    Answer *whole = request(process, "GET", "/studio.js", NULL, NULL);
    Answer *range = request(process, "GET", "/studio.js", "Range: bytes=0-9", NULL);

    g_assert_cmpuint(range->status, ==, 200);
    g_assert_cmpmem(range->body, range->length, whole->body, whole->length);
    g_assert_cmpstr(soup_message_headers_get_one(range->headers, "Connection"), ==, "close");
    answer_free(range);
    answer_free(whole);
}

static void test_model(void)
{
    json_t *model = get_json(process, "/model");
    json_t *classes = json_object_get(model, "classes");
    json_t *steps = json_object_get(model, "drafting-steps");

    g_assert_cmpstr(json_string_value(json_object_get(model, "name")), ==, "tiny");
    g_assert_cmpuint(json_array_size(classes), ==, 3);
    g_assert_cmpstr(json_string_value(json_array_get(classes, 2)), ==, "owl");
    g_assert_cmpuint(json_array_size(steps), ==, 2);
    g_assert_cmpint(json_integer_value(json_array_get(steps, 0)), ==, 2);
    g_assert_cmpint(json_integer_value(json_array_get(steps, 1)), ==, 3);
    json_decref(model);
}

static void test_settings(void)
{
    json_t *settings = get_json(process, "/settings");

    /* Without --rate it flows. */
    g_assert_cmpint(json_integer_value(json_object_get(settings, "hold")), ==, 25);
    g_assert_cmpint(json_integer_value(json_object_get(settings, "morph")), ==, 25);
    g_assert_cmpint(json_integer_value(json_object_get(settings, "loop")), ==, 0);
    g_assert_true(json_is_null(json_object_get(settings, "keep-scales")));
    json_decref(settings);
    expect("POST", "/settings", JSON,
           "{\"hold\": 1000, \"morph\": 0, \"loop\": 3, \"keep-scales\": 4}", 200,
           "\"hold\":1000,\"morph\":0,\"loop\":3,\"keep-scales\":4");
    expect("POST", "/settings", JSON, "{\"hold\": 1, \"loop\": 0, \"keep-scales\": null}", 200,
           "\"hold\":1,\"morph\":0,\"loop\":0,\"keep-scales\":null");
    expect("POST", "/settings", JSON,
           "{\"class\": \"OWL\", \"drafting-steps\": 3, \"seed\": 9007199254740991, "
           "\"guidance\": 0.25, \"rate\": 30, \"progressive\": false}",
           200, "\"class\":\"owl\",\"class-id\":2");
    settings = get_json(process, "/settings");
    g_assert_cmpint(json_integer_value(json_object_get(settings, "seed")), ==, 9007199254740991);
    g_assert_cmpint(json_integer_value(json_object_get(settings, "drafting-steps")), ==, 3);
    g_assert_cmpfloat(json_number_value(json_object_get(settings, "guidance")), ==, 0.25);
    json_decref(settings);
    expect("POST", "/settings", "Content-Type: application/json; charset=utf-8",
           "{\"class\": 1, \"seed\": 0}", 200, "\"class\":\"arctic fox\"");
    expect("POST", "/settings", JSON, "{\"class\": null}", 200, "\"class-id\":-1");
    /* All or nothing. */
    expect("POST", "/settings", JSON, "{\"seed\": 5, \"rate\": -1}", 400, "rate is -1");
    expect("GET", "/settings", NULL, NULL, 200, "\"seed\":0");
    expect("POST", "/settings", JSON, "{}", 200, "\"seed\":0");
}

/* A single picture, the same each time, with its launch line; the shared settings stay. */
static void test_still(void)
{
    Answer *one = request(process, "GET", "/picture.png?class=owl&frame=5&seed=3", NULL, NULL);
    Answer *same =
        request(process, "GET", "/picture.png?frame=5&class=2&seed=3&class-2=null", NULL, NULL);
    Answer *other = request(process, "GET", "/picture.png?class=owl&frame=6&seed=3", NULL, NULL);
    const gchar *comment;

    g_assert_cmpuint(one->status, ==, 200);
    g_assert_cmpstr(soup_message_headers_get_one(one->headers, "Content-Type"), ==, "image/png");
    g_assert_cmpmem(one->body, one->length, same->body, same->length);
    g_assert_false(one->length == other->length && !memcmp(one->body, other->body, one->length));
    comment = png_comment(one->body, one->length);
    g_assert_nonnull(g_strstr_len(comment, 300, "codesrc model=tiny device="));
    g_assert_nonnull(g_strstr_len(comment, 300, " precision=f32 class-id=2"));
    g_assert_nonnull(g_strstr_len(comment, 400, " # model-digest="));
    g_assert_nonnull(
        strstr(soup_message_headers_get_one(one->headers, "X-Picture"), "\"frame\":5"));
    answer_free(one);
    answer_free(same);
    answer_free(other);
    expect("GET", "/settings", NULL, NULL, 200, "\"class-id\":-1");
    expect("GET", "/picture.png?class=fox", NULL, NULL, 400, "red fox");
    expect("GET", "/picture.png?frame=-1", NULL, NULL, 400, "whole number");
    expect("GET", "/picture.png?frame=x", NULL, NULL, 400, "whole number");
    expect("GET", "/picture.png?speed=9", NULL, NULL, 400, "is not a setting");
    expect("GET", "/picture.png?class-mix=2", NULL, NULL, 400, "a number from 0 to 1");
}

static GChecksum *add_picture(GChecksum *sum, const gchar *query)
{
    gchar *path = g_strdup_printf("/picture.png?class=owl&seed=3&%s", query);
    Answer *answer = request(process, "GET", path, NULL, NULL);
    const gchar *data = memmem(answer->body, answer->length, "IDAT", 4);

    g_assert_cmpuint(answer->status, ==, 200);
    /* Without the comment, which says how the picture was asked for. */
    g_checksum_update(sum, (const guchar *)data, answer->body + answer->length - data);
    answer_free(answer);
    g_free(path);
    return sum;
}

static gboolean are_same(const gchar *one, const gchar *other)
{
    GChecksum *a = add_picture(g_checksum_new(G_CHECKSUM_SHA256), one);
    GChecksum *b = add_picture(g_checksum_new(G_CHECKSUM_SHA256), other);
    gboolean same = !strcmp(g_checksum_get_string(a), g_checksum_get_string(b));

    g_checksum_free(a);
    g_checksum_free(b);
    return same;
}

/* Variations, and frames on the way from a picture to the next. */
static void test_still_of_film(void)
{
    g_assert_true(are_same("frame=5", "frame=5&hold=2&morph=3"));
    g_assert_true(are_same("frame=5", "frame=5&hold=2&morph=3&phase=1"));
    g_assert_false(are_same("frame=5", "frame=5&hold=2&morph=3&phase=2"));
    g_assert_true(are_same("frame=6", "frame=5&hold=2&morph=3&phase=5"));
    g_assert_true(are_same("frame=5", "frame=5&keep-scales=4&variation=3"));
    g_assert_false(are_same("frame=5", "frame=5&keep-scales=2&variation=3"));
    g_assert_true(are_same("frame=8", "frame=5&keep-scales=0&variation=3"));
    expect("GET", "/picture.png?phase=-1", NULL, NULL, 400, "phase is -1, expected a whole number");
    expect("GET", "/picture.png?variation=x", NULL, NULL, 400,
           "variation is \\\"x\\\", expected a whole number");
    expect("GET", "/picture.png?loop=3", NULL, NULL, 400, "loop is a setting of the stream");
    expect("GET", "/picture.png?rate=2", NULL, NULL, 400, "rate is a setting of the stream");
    expect("GET", "/picture.png?frame=5&progressive=true", NULL, NULL, 400,
           "progressive is a setting of the stream, not of a single picture");
}

/* ---- what is refused --------------------------------------------------------------- */

static void test_bad_settings(void)
{
    static const gchar *const cases[][2] = {
        {"{\"class\": \"fox\"}", "red fox"}, /* the nearest names */
        {"{\"class\": \"wolf\"}", "wolf"},
        {"{\"class\": \"\"}", "error"},
        {"{\"class\": 3}", "an id from 0 to 2"},
        {"{\"class\": -1}", "an id from 0 to 2"},
        {"{\"class\": 4294967296}", "an id from 0 to 2"},
        {"{\"class\": [\"owl\"]}", "class is [\\\"owl\\\"]"},
        {"{\"drafting-steps\": 1}", "one of 2, 3"},
        {"{\"drafting-steps\": 0}", "one of 2, 3"},
        {"{\"drafting-steps\": -62}", "one of 2, 3"},
        {"{\"drafting-steps\": 66}", "one of 2, 3"},
        {"{\"drafting-steps\": 2.0}", "one of 2, 3"},
        {"{\"drafting-steps\": \"2\"}", "one of 2, 3"},
        {"{\"seed\": -1}", "seed is -1"},
        {"{\"seed\": 9007199254740992}", "9007199254740991"},
        {"{\"seed\": 99999999999999999999}", "not JSON"},
        {"{\"seed\": 1.5}", "a whole number"},
        {"{\"seed\": null}", "a whole number"},
        {"{\"class-2\": 3}", "null for no blend"},
        {"{\"class-mix\": 1.01}", "a number from 0 to 1"},
        {"{\"top-k\": -1}", "a whole number, 0 for all codes"},
        {"{\"top-k\": 2147483648}", "a whole number, 0 for all codes"},
        {"{\"top-p\": \"1\"}", "a number from 0 to 1"},
        {"{\"temperature\": 0}", "a number above 0, up to 100"},
        {"{\"more-smooth\": 0}", "true or false"},
        {"{\"guidance\": 100.5}", "a number from 0 to 100"},
        {"{\"guidance\": -0.5}", "a number from 0 to 100"},
        {"{\"guidance\": NaN}", "not JSON"},
        {"{\"guidance\": true}", "a number from 0 to 100"},
        {"{\"progressive\": 1}", "true or false"},
        {"{\"rate\": 0}", "from 0.1 to 30"},
        {"{\"rate\": 31}", "from 0.1 to 30"},
        {"{\"hold\": 0}", "hold is 0, expected a whole number from 1 to 1000"},
        {"{\"hold\": 1001}", "a whole number from 1 to 1000"},
        {"{\"morph\": -1}", "a whole number from 0 to 1000"},
        {"{\"morph\": 1.5}", "a whole number from 0 to 1000"},
        {"{\"loop\": true}", "a whole number from 0 to 1000"},
        {"{\"keep-scales\": 5}", "a whole number from 0 to 4"},
        {"{\"model\": \"other\"}", "model\\\" is not a setting"},
        {"{\"seed\": 1, \"seed\": 2}", "duplicate"},
        {"{\"seed\": 1} x", "not JSON"},
        {"[1]", "expected an object"},
        {"7", "expected an object"},
        {"seed=7", "not JSON"},
        {"{\"class\": \"\xff\"}", "not JSON"},
        {"", "not JSON"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
        expect("POST", "/settings", JSON, cases[i][0], 400, cases[i][1]);
}

static void test_bad_requests(void)
{
    gchar *large = g_strdup_printf("{\"class\": \"%05000d\"}", 0);
    gchar *huge = g_strnfill(70000, 'v');

    expect("GET", "/nothing", NULL, NULL, 404, "expected /");
    expect("GET", "/../../etc/passwd", NULL, NULL, 404, "error");
    expect("GET", "/%2e%2e/%2e%2e/etc/passwd", NULL, NULL, 404, "error");
    expect("GET", "/studio.css/", NULL, NULL, 404, "error");
    expect("DELETE", "/settings", NULL, NULL, 405, "expected GET, HEAD, POST");
    expect("PUT", "/settings", JSON, "{}", 405, "the method is PUT");
    expect("OPTIONS", "/settings", NULL, NULL, 405, "error");
    expect("POST", "/", JSON, "{}", 405, "expected GET, HEAD for /");
    expect("GET", "/webrtc", NULL, NULL, 405, "expected POST");
    expect("POST", "/stream.mjpeg", JSON, "{}", 405, "expected GET for");
    expect("HEAD", "/events", NULL, NULL, 405, "");
    expect("POST", "/settings", "Content-Type: text/plain", "{}", 415, "expected application/json");
    expect("POST", "/settings", NULL, "{}", 415, "expected application/json");
    expect("POST", "/settings", JSON, large, 413, "at most 4096");
    expect("POST", "/webrtc?page=x", SDP, huge, 413, "at most 65536");
    expect("GET", "/settings", NULL, "{}", 413, "at most 0");
    expect("GET", "/settings", "Host: studio.example:80", NULL, 421, "studio.example");
    expect("GET", "/settings", "Host: localhost.evil.example", NULL, 421, "expected an IP address");
    expect("GET", "/settings", "Host: 127.0.0.1@evil.example", NULL, 421, "evil.example");
    expect("GET", "/", "Host: ", NULL, 421, "--host");
    expect("GET", "/settings", "Host: localhost:1", NULL, 200, "seed");
    expect("GET", "/settings", "Host: [::1]", NULL, 200, "seed");
    expect("POST", "/settings", JSON "\nOrigin: http://evil.example", "{}", 403, "evil.example");
    expect("POST", "/settings", JSON "\nOrigin: null", "{}", 403, "a page of");
    expect("POST", "/settings", JSON "\nHost: localhost\nOrigin: http://localhost.evil.example",
           "{}", 403, "evil.example");
    expect("POST", "/settings", JSON "\nHost: localhost\nOrigin: http://evil.example/localhost",
           "{}", 403, "evil.example");
    g_free(large);
    g_free(huge);
}

static void test_origin(void)
{
    gchar *headers = g_strdup_printf(JSON "\nOrigin: %s", process->url);

    expect("POST", "/settings", headers, "{}", 200, "seed");
    g_free(headers);
    /* A proxy that speaks TLS passes the host on. */
    expect("POST", "/settings", JSON "\nHost: localhost\nOrigin: https://localhost", "{}", 200,
           "seed");
    expect("GET", "/settings", "Sec-Fetch-Site: same-origin", NULL, 200, "seed");
    expect("GET", "/settings", "Sec-Fetch-Site: cross-site\nSec-Fetch-Dest: image", NULL, 403,
           "another site");
    expect("GET", "/stream.mjpeg", "Sec-Fetch-Site: same-site\nSec-Fetch-Dest: image", NULL, 403,
           "another site");
    expect("GET", "/", "Sec-Fetch-Site: cross-site\nSec-Fetch-Dest: document", NULL, 200, "<html");
}

/* ---- options and ends -------------------------------------------------------------- */

static void test_options(void)
{
    static const struct {
        const gchar *options, *text;
        gint status;
    } cases[] = {
        {"--port 65536", "--port 65536: expected a whole number in 0..65535", 2},
        {"--port -1", "--port -1: expected a whole number", 2},
        {"--rate 0", "--rate 0: expected a number in 0.1..30", 2},
        {"--threads -2", "--threads -2: expected a whole number", 2},
        {"--address studio.example", "studio.example is not an IP address", 1},
        {"--model nothing", "nor a bundled model", 1},
        {"--nonsense", "unknown option --nonsense", 2},
        {"nonsense", "unexpected argument nonsense", 2},
    };
    gchar *taken = g_strdup_printf("--port %s", strrchr(process->url, ':') + 1);
    gchar *text = process_refused(taken, 1);

    g_assert_nonnull(strstr(text, "expected a free one, or 0 for any"));
    g_assert_nonnull(strstr(text, "in use"));
    g_free(text);
    g_free(taken);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        text = process_refused(cases[i].options, cases[i].status);
        if (!strstr(text, cases[i].text))
            g_error("%s: came %s, expected %s", cases[i].options, text, cases[i].text);
        g_free(text);
    }
}

/* Nobody would learn its address. */
static void test_no_output(void)
{
    const gchar *words[] = {"sh",
                            "-c",
                            "exec \"$0\" --port 0 --model \"$1\" >/dev/full",
                            g_getenv("CODE_STUDIO"),
                            tiny_model(),
                            NULL};
    GSubprocess *studio = spawn(words, G_SUBPROCESS_FLAGS_STDERR_PIPE);
    gchar *text;

    g_assert_true(g_subprocess_communicate_utf8(studio, NULL, NULL, NULL, &text, NULL));
    g_assert_cmpint(g_subprocess_get_exit_status(studio), ==, 1);
    g_assert_nonnull(strstr(text, "the address cannot be written: No space left on device"));
    g_free(text);
    g_object_unref(studio);
}

/* Without the element it says how to get it. */
static void test_no_element(void)
{
    gchar *path = g_strdup(g_getenv("GST_PLUGIN_PATH_1_0"));
    gchar *registry = g_strdup(g_getenv("GST_REGISTRY")), *text;
    gchar *other = g_build_filename(g_get_tmp_dir(), "studio-no-element.registry", NULL);

    g_setenv("GST_PLUGIN_PATH_1_0", "", TRUE);
    g_setenv("GST_REGISTRY", other, TRUE);
    text = process_refused("--model vistas", 1);
    g_assert_nonnull(strstr(text, "no element \"codesrc\""));
    g_assert_nonnull(strstr(text, ". build/demo/env.sh"));
    g_setenv("GST_PLUGIN_PATH_1_0", path, TRUE);
    g_setenv("GST_REGISTRY", registry, TRUE);
    g_unlink(other);
    g_free(other);
    g_free(text);
    g_free(registry);
    g_free(path);
}

static void test_host_names(void)
{
    Process *all = process;

    process = process_start("--host studio.example --host other.example");
    expect("GET", "/settings", "Host: other.example:80", NULL, 200, "seed");
    expect("GET", "/settings", "Host: STUDIO.example", NULL, 200, "seed");
    expect("GET", "/settings", "Host: third.example", NULL, 421, "third.example");
    process_stop(process);
    process = all;
}

/* What the element cannot do is told, and mended by what is set next. */
static void test_failure(void)
{
    Process *all = process;
    SoupSession *session = soup_session_new_with_options("proxy-resolver", NULL, NULL);
    GInputStream *stream;
    gchar *options = g_strdup_printf("--model %s --device tpu", tiny_model());
    const gchar *failure = NULL;

    process = process_start(options);
    g_free(open_events(process, session, &stream));
    for (guint i = 0; i < 600 && !failure; i++) {
        json_t *state = get_json(process, "/state");
        failure = g_intern_string(json_string_value(json_object_get(state, "failure")));
        json_decref(state);
        g_usleep(100000);
    }
    g_assert_nonnull(failure);
    g_assert_nonnull(strstr(failure, "tpu"));
    expect("POST", "/settings", JSON, "{\"seed\": 1}", 200, "seed");
    g_object_unref(stream);
    process_stop(process);
    g_object_unref(session);
    g_free(options);
    process = all;
}

int main(int argc, char **argv)
{
    gchar *options;
    int failures;

    g_test_init(&argc, &argv, NULL);
    options = g_strdup_printf("--model %s --precision f32", tiny_model());
    process = process_start(options);
    g_test_add_func("/studio/page", test_page);
    g_test_add_func("/studio/ranges", test_ranges);
    g_test_add_func("/studio/model", test_model);
    g_test_add_func("/studio/settings", test_settings);
    g_test_add_func("/studio/still", test_still);
    g_test_add_func("/studio/still-of-film", test_still_of_film);
    g_test_add_func("/studio/bad-settings", test_bad_settings);
    g_test_add_func("/studio/bad-requests", test_bad_requests);
    g_test_add_func("/studio/origin", test_origin);
    g_test_add_func("/studio/options", test_options);
    g_test_add_func("/studio/no-output", test_no_output);
    g_test_add_func("/studio/no-element", test_no_element);
    g_test_add_func("/studio/host-names", test_host_names);
    g_test_add_func("/studio/failure", test_failure);
    failures = g_test_run();
    process_stop(process);
    g_free(options);
    return failures;
}
