/* test_browser.c - the studio in a real browser: each control is used, and the picture is seen to
 * follow. Skips where there is no Chromium. With STUDIO_SHOTS set to a folder it leaves pictures of
 * the page there, which docs/ shows. */
#include "page.h"

#include <math.h>
#include <string.h>

static void leave_shot(const gchar *name)
{
    const gchar *folder = g_getenv("STUDIO_SHOTS");
    gchar *path = g_build_filename(folder ? folder : g_get_tmp_dir(), name, NULL);

    if (folder)
        browser_screenshot(browser, path);
    g_free(path);
}

/* ---- transports -------------------------------------------------------------------- */

static gboolean has_webrtc(void)
{
    json_t *model = get_json(process, "/model");
    gboolean has = json_is_true(json_object_get(model, "webrtc"));

    json_decref(model);
    return has;
}

static void test_webrtc(void)
{
    gboolean webrtc = FALSE;

    if (!has_webrtc()) {
        g_test_skip("GStreamer's elements for WebRTC are not all here");
        return;
    }
    browser_resize(browser, 1280, 900, 1.0);
    /* On a machine that is busy it may be too late for the page's patience. */
    for (guint i = 0; i < 5 && !webrtc; i++) {
        open_page();
        await_playing();
        webrtc = browser_is(browser, "document.querySelector('#status').textContent === "
                                     "'Playing over WebRTC'");
    }
    g_assert_true(webrtc);
    g_assert_true(browser_is(browser, "video.videoWidth === 256 && video.videoHeight === 256"));
    see_last_picture();
    remember();
    see_change();
    /* A film comes the same way. */
    post_settings(process, "{\"hold\": 2, \"morph\": 50}");
    browser_await(browser, "fetch('/state').then((x) => x.json()).then((x) => x.picture.t > 0)");
    remember();
    browser_await(browser, "moved() > 2");
    g_assert_true(browser_is(browser, "document.querySelector('#status').textContent === "
                                      "'Playing over WebRTC'"));
}

/* By the selector, and where the browser has no WebRTC to begin with. */
static void test_jpeg(void)
{
    open_page();
    await_focus("transport");
    browser_type(browser, "J");
    await_status("Playing over JPEG");
    see_last_picture();
    remember();
    see_change();
}

static void test_fallback(void)
{
    json_t *script = browser_call(browser, "Page.addScriptToEvaluateOnNewDocument",
                                  json_pack("{s:s}", "source", "delete window.RTCPeerConnection"));

    open_page();
    await_status("Playing over JPEG");
    browser_await(browser,
                  "document.querySelector('#transport-why').textContent === "
                  "'JPEG, because this browser has no WebRTC.' || "
                  "document.querySelector('#transport-why').textContent.includes('GStreamer')");
    see_last_picture();
    json_decref(
        browser_call(browser, "Page.removeScriptToEvaluateOnNewDocument",
                     json_pack("{s:O}", "identifier", json_object_get(script, "identifier"))));
    json_decref(script);
}

/* A refusal that comes when the picture is held already brings no stream back. */
static void test_late(void)
{
    json_t *script =
        browser_call(browser, "Page.addScriptToEvaluateOnNewDocument",
                     json_pack("{s:s}", "source",
                               "window.really = fetch; window.fetch = (address, ...more) => "
                               "  !String(address).startsWith('/webrtc') ? really(address, ...more)"
                               "  : new Promise((resolve) => { window.refuse = () => resolve("
                               "    new Response('{\"error\": \"late\"}', {status: 503})) })"));

    if (has_webrtc()) {
        open_page();
        browser_await(browser, "!!window.refuse && "
                               "/^[0-9]/.test(document.querySelector('#made-frame').textContent)");
        browser_click(browser, "#hold", 0.5, 0.5);
        browser_await(browser, "document.querySelector('#status').textContent.endsWith(' held')");
        g_assert_true(browser_is(browser, "(refuse(), new Promise((x) => setTimeout(x, 500)))"
                                          ".then(() => image.src.startsWith('blob:'))"));
    } else {
        g_test_skip("GStreamer's elements for WebRTC are not all here");
    }
    json_decref(
        browser_call(browser, "Page.removeScriptToEvaluateOnNewDocument",
                     json_pack("{s:O}", "identifier", json_object_get(script, "identifier"))));
    json_decref(script);
}

/* ---- controls ---------------------------------------------------------------------- */

static void test_mouse(void)
{
    gchar *seed, *expression;

    open_page();
    await_playing();
    remember();
    browser_click(browser, "#new-seed", 0.5, 0.5);
    browser_await(browser, "seed.value !== '0'");
    seed = browser_text(browser, "seed.value");
    await_made("made-seed", seed);
    g_free(seed);
    see_change();

    remember();
    browser_click(browser, "#drafting-steps", 0.99, 0.5);
    await_made("steps-value", "10");
    await_made("made-steps", "10");
    see_change();
    browser_click(browser, "#drafting-steps", 0.01, 0.5);
    await_made("made-steps", "1");

    remember();
    browser_click(browser, "#guidance", 0.01, 0.5);
    await_made("guidance-value", "0.0");
    browser_await(browser, "again.textContent.includes('--guidance 0 ')");
    see_change();

    browser_click(browser, "#rate", 0.4, 0.5);
    await_made("rate-value", "2");
    expression = g_strdup("fetch('/settings').then((x) => x.json()).then((x) => x.rate === 2)");
    browser_await(browser, expression);
    g_free(expression);

    /* Slowly, so that the machine has time for a frame after every scale; those of which the page
     * is told are noted, since some may stay for a moment only. */
    browser_click(browser, "#rate", 0.1, 0.5);
    await_made("rate-value", "0.2");
    browser_is(browser, "window.scales = new Set(), new MutationObserver(() => scales.add("
                        "document.querySelector('#made-scale').textContent)).observe("
                        "document.querySelector('#made-scale'), {childList: true}), true");
    browser_click(browser, "#progressive", 0.5, 0.5);
    browser_await(browser, "[...scales].filter((x) => /^[1-9] of 10$/.test(x)).length >= 3");
    browser_click(browser, "#progressive", 0.5, 0.5);
    browser_await(browser, "fetch('/settings').then((x) => x.json()).then((x) => !x.progressive)");
    see_last_picture();
}

static void test_keyboard(void)
{
    open_page();
    await_playing();
    await_focus("class-id");
    remember();
    browser_type(browser, "aurora");
    browser_await(browser, "document.querySelector('#class').textContent === 'aurora'");
    see_change();

    remember();
    await_focus("seed");
    browser_press(browser, "ArrowUp");
    browser_press(browser, "ArrowUp");
    await_made("made-seed", "2");
    see_change();
    /* What is no seed is told, and not sent. */
    browser_type(browser, "-");
    browser_press(browser, "Enter");
    browser_await(browser, "!problem.hidden && problem.textContent.includes('whole number')");
    browser_press(browser, "Tab");
    await_focus("new-seed");
    browser_press(browser, "Enter");
    browser_await(browser, "problem.hidden");

    await_focus("drafting-steps");
    browser_press(browser, "Home");
    await_made("made-steps", "1");
    browser_press(browser, "ArrowRight");
    await_made("made-steps", "2");
    await_focus("guidance");
    browser_press(browser, "ArrowRight");
    await_made("guidance-value", "3.1");
    await_focus("rate");
    browser_press(browser, "ArrowRight");
    await_made("rate-value", "2");
    await_focus("progressive");
    browser_press(browser, " ");
    browser_await(browser, "fetch('/settings').then((x) => x.json()).then((x) => x.progressive)");
    browser_press(browser, " ");
    browser_await(browser, "fetch('/settings').then((x) => x.json()).then((x) => !x.progressive)");
    /* Whoever uses the keyboard sees where they are. */
    g_assert_true(
        browser_is(browser, "getComputedStyle(document.activeElement).outlineStyle === 'solid'"));
}

/* What somebody else sets moves the controls of this page. */
static void test_shared(void)
{
    open_page();
    await_playing();
    post_settings(process, "{\"class\": \"volcano\", \"seed\": 41, \"drafting-steps\": 6, "
                           "\"rate\": 4, \"guidance\": 20}");
    browser_await(browser, "document.querySelector('#class').textContent === 'volcano'");
    browser_await(browser, "document.querySelector('#class-id').value === '15' && "
                           "seed.value === '41'");
    await_made("steps-value", "6");
    await_made("made-steps", "6");
    /* Values that the controls do not offer. */
    await_made("rate-value", "4");
    await_made("guidance-value", "20.0");
}

static void test_read_out(void)
{
    open_page();
    await_playing();
    browser_await(browser, "Number(document.querySelector('#per-second').textContent) > 0.3");
    g_assert_true(
        browser_is(browser, "['per-picture', 'memory', 'drafter', 'refiner', 'vae']"
                            ".every((id) => Number(document.getElementById(id).textContent) > 0)"));
    /* The stages add up, also if each picture is decoded ten times. */
    browser_click(browser, "#progressive", 0.5, 0.5);
    browser_await(browser,
                  "document.querySelector('#rest-name').textContent === 'Coarse pictures'");
    g_assert_true(browser_is(
        browser, "((id) => id('drafter') + id('refiner') + id('vae') + id('rest') === "
                 "id('per-picture'))((id) => Number(document.getElementById(id).textContent))"));
    browser_click(browser, "#progressive", 0.5, 0.5);
}

/* ---- the window -------------------------------------------------------------------- */

/* Nothing is wider than the window, and each control can be hit with a finger. */
static void test_phone(void)
{
    browser_resize(browser, 360, 740, 2.0);
    browser_prefer(browser, "dark");
    open_page();
    await_playing();
    post_settings(process, "{\"class\": \"sunset sea\"}");
    browser_await(browser, "document.querySelector('#class').textContent === 'sunset sea'");
    g_assert_true(browser_is(browser, "document.documentElement.scrollWidth <= 360"));
    g_assert_true(browser_is(browser, "[...document.querySelectorAll('button, select, input')]"
                                      ".filter((e) => e.checkVisibility()).every((e) => {"
                                      "const r = e.getBoundingClientRect();"
                                      "return r.left >= 0 && r.right <= 360 && r.height >= 20})"));
    g_assert_true(browser_is(browser, "show.getBoundingClientRect().width > 300"));
    see_last_picture();
    leave_shot("phone.png");
    browser_resize(browser, 1280, 900, 1.0);
    browser_prefer(browser, "light");
}

/* Relative luminance by WCAG 2; text needs a contrast of 4.5. */
static const gchar contrast[] =
    "window.luminance = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map(Number)"
    ".map((x) => x / 255).map((x) => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4)"
    ".reduce((sum, x, i) => sum + x * [0.2126, 0.7152, 0.0722][i], 0);"
    "window.ground = (e) => { for (; e; e = e.parentElement) {"
    "  const colour = getComputedStyle(e).backgroundColor;"
    "  if (!/, 0\\)$/.test(colour)) return colour }"
    "  return 'rgb(255, 255, 255)' };"
    "window.contrast = (e) => { const a = luminance(getComputedStyle(e).color),"
    "  b = luminance(ground(e)); return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) };"
    "[...document.querySelectorAll('h1, h2, p, dt, dd, label, small, button, select, "
    "output, '"
    "  + 'input[type=number], summary')].filter((e) => e.checkVisibility() && contrast(e) < 4.5)"
    ".map((e) => e.tagName + ' ' + e.id + ' ' + contrast(e)).join()";

static void test_colours(void)
{
    static const gchar *const schemes[] = {"light", "dark"};
    gdouble ground[2];

    for (guint i = 0; i < 2; i++) {
        json_t *value;
        gchar *faint, *name = g_strdup_printf("%s.png", schemes[i]);

        browser_resize(browser, 1100, 1140, 1.0);
        browser_prefer(browser, schemes[i]);
        open_page();
        await_playing();
        post_settings(process, "{\"class\": \"aurora\"}");
        browser_await(browser, "document.querySelector('#class').textContent === 'aurora'");
        faint = browser_text(browser, contrast);
        g_assert_cmpstr(faint, ==, "");
        g_free(faint);
        value = browser_value(browser, "luminance(ground(document.body))");
        ground[i] = json_number_value(value);
        json_decref(value);
        browser_await(browser, "Number(document.querySelector('#per-second').textContent) > 0.3");
        see_last_picture();
        leave_shot(name);
        g_free(name);
    }
    g_assert_cmpfloat(ground[0], >, 0.8);
    g_assert_cmpfloat(ground[1], <, 0.1);
    browser_prefer(browser, "light");
}

/* ---- the connection ---------------------------------------------------------------- */

/* The studio ends, which is seen, and comes back at the same port, which is seen, too. */
static void test_lost(void)
{
    gchar *options = g_strdup_printf("--port %s", strrchr(process->url, ':') + 1);

    open_page();
    await_playing();
    g_assert_cmpuint(browser_complaints(browser), ==, 0);
    process_stop(process);
    await_status("Connection lost");
    g_assert_true(browser_is(browser, "getComputedStyle(notice).display !== 'none' && "
                                      "notice.textContent.includes('lost')"));
    process = process_start(options);
    await_playing();
    see_last_picture();
    g_free(options);
}

static void ignore(const gchar *domain, GLogLevelFlags level, const gchar *text, gpointer data)
{
    (void)domain, (void)level, (void)text, (void)data;
}

int main(int argc, char **argv)
{
    int failures;

    g_test_init(&argc, &argv, NULL);
    /* It tells of each frame of a WebSocket. */
    g_log_set_handler("libsoup", G_LOG_LEVEL_DEBUG, ignore, NULL);
    browser = browser_start();
    if (!browser) {
        g_print("skipped: there is no chromium here\n");
        return 77;
    }
    process = process_start("--model vistas");
    g_test_add_func("/browser/webrtc", test_webrtc);
    g_test_add_func("/browser/jpeg", test_jpeg);
    g_test_add_func("/browser/fallback", test_fallback);
    g_test_add_func("/browser/late", test_late);
    g_test_add_func("/browser/mouse", test_mouse);
    g_test_add_func("/browser/keyboard", test_keyboard);
    g_test_add_func("/browser/shared", test_shared);
    g_test_add_func("/browser/read-out", test_read_out);
    add_keep_tests();
    g_test_add_func("/browser/phone", test_phone);
    g_test_add_func("/browser/colours", test_colours);
    g_test_add_func("/browser/lost", test_lost);
    failures = g_test_run();
    browser_stop(browser);
    process_stop(process);
    return failures;
}
