/* devtools.c - starts Chromium, finds its page, and sends commands over a WebSocket. */
#include "devtools.h"

#include "common.h"

#include <string.h>

#define PATIENCE 60 /* seconds that something may take */

struct Browser {
    GSubprocess *process;
    SoupWebsocketConnection *socket;
    SoupSession *session;
    gchar *folder;
    gint last;      /* id of the last command */
    json_t *answer; /* to it, when it has come */
    guint complaints;
};

/* ---- the process ------------------------------------------------------------------- */

/* Reads what Chromium says until it tells where it listens. */
static gchar *read_endpoint(GSubprocess *process)
{
    static const gchar said[] = "DevTools listening on ";
    GDataInputStream *lines = g_data_input_stream_new(g_subprocess_get_stderr_pipe(process));
    gchar *line, *endpoint = NULL;

    while (!endpoint && (line = g_data_input_stream_read_line(lines, NULL, NULL, NULL))) {
        if (g_str_has_prefix(line, said))
            endpoint = g_strdup(line + strlen(said));
        g_free(line);
    }
    g_filter_input_stream_set_close_base_stream(G_FILTER_INPUT_STREAM(lines), FALSE);
    g_object_unref(lines);
    return endpoint;
}

/* The WebSocket of the one page that is open: ws://HOST/devtools/page/ID. */
static gchar *find_page(Browser *browser, const gchar *endpoint)
{
    gchar **parts = g_strsplit(endpoint, "/", 4);
    gchar *url = g_strdup_printf("http://%s/json/list", parts[2]), *page;
    SoupMessage *message = soup_message_new("GET", url);
    GBytes *bytes = soup_session_send_and_read(browser->session, message, NULL, NULL);
    json_t *list, *entry;
    size_t i;

    g_assert_nonnull(bytes);
    list = json_loadb(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), 0, NULL);
    page = NULL;
    json_array_foreach(list, i, entry)
    {
        if (!page && !g_strcmp0(json_string_value(json_object_get(entry, "type")), "page"))
            page = g_strdup(json_string_value(json_object_get(entry, "webSocketDebuggerUrl")));
    }
    g_assert_nonnull(page);
    json_decref(list);
    g_bytes_unref(bytes);
    g_object_unref(message);
    g_free(url);
    g_strfreev(parts);
    return page;
}

static void on_message(SoupWebsocketConnection *socket, gint type, GBytes *bytes, gpointer data)
{
    Browser *browser = data;
    json_t *message = json_loadb(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), 0, NULL);
    const gchar *method = json_string_value(json_object_get(message, "method"));

    (void)socket, (void)type;
    if (json_integer_value(json_object_get(message, "id")) == browser->last && !browser->answer) {
        browser->answer = message;
        return;
    }
    if (!g_strcmp0(method, "Runtime.exceptionThrown") ||
        (!g_strcmp0(method, "Log.entryAdded") && json_object_get(message, "params"))) {
        gchar *text = json_dumps(json_object_get(message, "params"), JSON_COMPACT);

        if (!strcmp(method, "Runtime.exceptionThrown") ||
            (strstr(text, "\"level\":\"error\"") && !strstr(text, "\"source\":\"network\""))) {
            browser->complaints++;
            g_test_message("the page: %s", text);
        }
        free(text);
    }
    json_decref(message);
}

static void on_connected(GObject *session, GAsyncResult *result, gpointer data)
{
    Browser *browser = data;
    GError *error = NULL;

    browser->socket = soup_session_websocket_connect_finish(SOUP_SESSION(session), result, &error);
    g_assert_no_error(error);
}

static void connect_page(Browser *browser, const gchar *page)
{
    SoupMessage *message = soup_message_new("GET", page);

    soup_session_websocket_connect_async(browser->session, message, NULL, NULL, G_PRIORITY_DEFAULT,
                                         NULL, on_connected, browser);
    while (!browser->socket)
        g_main_context_iteration(NULL, TRUE);
    soup_websocket_connection_set_max_incoming_payload_size(browser->socket, 0);
    g_signal_connect(browser->socket, "message", G_CALLBACK(on_message), browser);
    g_object_unref(message);
}

Browser *browser_start(void)
{
    gchar *program = g_find_program_in_path("chromium"), *endpoint, *page, *data;
    const gchar *words[] = {program,
                            NULL,
                            "--headless",
                            "--no-sandbox",
                            "--disable-gpu",
                            "--disable-dev-shm-usage",
                            "--no-first-run",
                            "--hide-scrollbars",
                            "--disable-background-networking",
                            "--disable-component-update",
                            "--disable-sync",
                            "--no-proxy-server",
                            "--remote-debugging-port=0",
                            "about:blank",
                            NULL};
    Browser *browser;

    if (!program)
        return NULL;
    browser = g_new0(Browser, 1);
    browser->folder = g_dir_make_tmp("studio-browser-XXXXXX", NULL);
    data = g_strconcat("--user-data-dir=", browser->folder, NULL);
    words[1] = data;
    browser->process =
        spawn(words, G_SUBPROCESS_FLAGS_STDERR_PIPE | G_SUBPROCESS_FLAGS_STDOUT_SILENCE);
    browser->session = soup_session_new_with_options("proxy-resolver", NULL, NULL);
    endpoint = read_endpoint(browser->process);
    g_assert_nonnull(endpoint);
    page = find_page(browser, endpoint);
    connect_page(browser, page);
    json_decref(browser_call(browser, "Page.enable", NULL));
    json_decref(browser_call(browser, "Runtime.enable", NULL));
    json_decref(browser_call(browser, "Log.enable", NULL));
    g_free(page);
    g_free(endpoint);
    g_free(data);
    g_free(program);
    return browser;
}

void browser_stop(Browser *browser)
{
    GSubprocess *clean;

    json_decref(browser_call(browser, "Browser.close", NULL));
    g_subprocess_wait(browser->process, NULL, NULL);
    clean = g_subprocess_new(G_SUBPROCESS_FLAGS_STDERR_SILENCE, NULL, "rm", "-rf", browser->folder,
                             NULL);
    g_subprocess_wait(clean, NULL, NULL);
    g_object_unref(clean);
    g_object_unref(browser->socket);
    g_object_unref(browser->session);
    g_object_unref(browser->process);
    g_free(browser->folder);
    g_free(browser);
}

/* ---- commands ---------------------------------------------------------------------- */

static gboolean wake(gpointer data)
{
    (void)data;
    return G_SOURCE_CONTINUE;
}

json_t *browser_call(Browser *browser, const gchar *method, json_t *params)
{
    json_t *command = json_pack("{s:i, s:s, s:o}", "id", ++browser->last, "method", method,
                                "params", params ? params : json_object());
    char *text = json_dumps(command, JSON_COMPACT);
    gint64 end = g_get_monotonic_time() + PATIENCE * G_USEC_PER_SEC;
    guint waker = g_timeout_add(100, wake, NULL);
    json_t *result;

    soup_websocket_connection_send_text(browser->socket, text);
    while (!browser->answer) {
        if (g_get_monotonic_time() > end)
            g_error("Chromium does not answer: %.200s", text);
        g_main_context_iteration(NULL, TRUE);
    }
    g_source_remove(waker);
    result = json_incref(json_object_get(browser->answer, "result"));
    if (!result)
        g_error("%.200s: %s", text,
                json_string_value(
                    json_object_get(json_object_get(browser->answer, "error"), "message")));
    g_clear_pointer(&browser->answer, json_decref);
    free(text);
    json_decref(command);
    return result;
}

json_t *browser_value(Browser *browser, const gchar *expression)
{
    json_t *result = browser_call(browser, "Runtime.evaluate",
                                  json_pack("{s:s, s:b, s:b}", "expression", expression,
                                            "awaitPromise", 1, "returnByValue", 1));
    json_t *value = json_incref(json_object_get(json_object_get(result, "result"), "value"));

    if (json_object_get(result, "exceptionDetails"))
        g_error("%s: %s", expression, json_dumps(result, JSON_COMPACT));
    json_decref(result);
    return value ? value : json_null();
}

gboolean browser_is(Browser *browser, const gchar *expression)
{
    json_t *value = browser_value(browser, expression);
    gboolean is = json_is_true(value);

    json_decref(value);
    return is;
}

gchar *browser_text(Browser *browser, const gchar *expression)
{
    json_t *value = browser_value(browser, expression);
    gchar *text = g_strdup(json_string_value(value));

    json_decref(value);
    return text;
}

void browser_await(Browser *browser, const gchar *expression)
{
    gint64 end = g_get_monotonic_time() + PATIENCE * G_USEC_PER_SEC;

    while (!browser_is(browser, expression)) {
        if (g_get_monotonic_time() > end) {
            browser_screenshot(browser, "studio-failed.png");
            g_error("%s is still not so; the page's text: %s", expression,
                    browser_text(browser, "document.body.innerText"));
        }
        g_usleep(50000);
    }
}

/* The page before has ended when the next one's script runs. */
void browser_open(Browser *browser, const gchar *url)
{
    json_decref(browser_value(browser, "window.before = true"));
    json_decref(browser_call(browser, "Page.navigate", json_pack("{s:s}", "url", url)));
    browser_await(browser, "!window.before && document.readyState !== 'loading'");
}

/* ---- hands and eyes ---------------------------------------------------------------- */

static void mouse(Browser *browser, const gchar *type, gdouble x, gdouble y)
{
    json_decref(browser_call(browser, "Input.dispatchMouseEvent",
                             json_pack("{s:s, s:f, s:f, s:s, s:i}", "type", type, "x", x, "y", y,
                                       "button", "left", "clickCount", 1)));
}

void browser_click(Browser *browser, const gchar *selector, gdouble x, gdouble y)
{
    gchar *expression = g_strdup_printf(
        "(() => {const e = document.querySelector('%s'); e.scrollIntoView({block: 'center'});"
        "const r = e.getBoundingClientRect(); return [r.x, r.y, r.width, r.height]})()",
        selector);
    json_t *box = browser_value(browser, expression);
    gdouble size[4];

    for (guint i = 0; i < 4; i++)
        size[i] = json_number_value(json_array_get(box, i));
    g_assert_cmpfloat(size[2] * size[3], >, 0.0);
    x = size[0] + x * size[2];
    y = size[1] + y * size[3];
    mouse(browser, "mousePressed", x, y);
    mouse(browser, "mouseReleased", x, y);
    json_decref(box);
    g_free(expression);
}

static const struct Key {
    const gchar *key;
    gint code;
    const gchar *text;
} named_keys[] = {
    {"Tab", 9, NULL},        {"Enter", 13, "\r"},   {" ", 32, " "},
    {"ArrowLeft", 37, NULL}, {"ArrowUp", 38, NULL}, {"ArrowRight", 39, NULL},
    {"ArrowDown", 40, NULL}, {"Home", 36, NULL},    {"End", 35, NULL},
    {"Escape", 27, NULL},
};

void browser_press(Browser *browser, const gchar *key)
{
    struct Key pressed = {key, g_ascii_toupper(*key), key};

    for (guint i = 0; i < G_N_ELEMENTS(named_keys); i++)
        if (!strcmp(named_keys[i].key, key))
            pressed = named_keys[i];
    json_decref(browser_call(browser, "Input.dispatchKeyEvent",
                             json_pack("{s:s, s:s, s:s, s:i, s:s*}", "type",
                                       pressed.text ? "keyDown" : "rawKeyDown", "key", key, "code",
                                       strcmp(key, " ") ? key : "Space", "windowsVirtualKeyCode",
                                       pressed.code, "text", pressed.text)));
    json_decref(browser_call(browser, "Input.dispatchKeyEvent",
                             json_pack("{s:s, s:s, s:i}", "type", "keyUp", "key", key,
                                       "windowsVirtualKeyCode", pressed.code)));
}

void browser_type(Browser *browser, const gchar *text)
{
    for (; *text; text++) {
        gchar key[2] = {*text, '\0'};

        browser_press(browser, key);
    }
}

void browser_resize(Browser *browser, gint width, gint height, gdouble scale)
{
    json_decref(browser_call(browser, "Emulation.setDeviceMetricsOverride",
                             json_pack("{s:i, s:i, s:f, s:b}", "width", width, "height", height,
                                       "deviceScaleFactor", scale, "mobile", width < 600)));
}

void browser_prefer(Browser *browser, const gchar *colour_scheme)
{
    json_decref(browser_call(browser, "Emulation.setEmulatedMedia",
                             json_pack("{s:[{s:s, s:s}]}", "features", "name",
                                       "prefers-color-scheme", "value", colour_scheme)));
}

void browser_screenshot(Browser *browser, const gchar *path)
{
    json_t *result =
        browser_call(browser, "Page.captureScreenshot", json_pack("{s:s}", "format", "png"));
    gsize size;
    guchar *png = g_base64_decode(json_string_value(json_object_get(result, "data")), &size);

    g_assert_true(g_file_set_contents(path, (gchar *)png, (gssize)size, NULL));
    g_free(png);
    json_decref(result);
}

guint browser_complaints(Browser *browser)
{
    return browser->complaints;
}
