/* test_keep.c - one picture, kept: held, stepped through, linked to, downloaded, changed. */
#include "page.h"
#include "png.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

static void await_held(guint64 frame)
{
    gchar *status = g_strdup_printf("Frame %" G_GUINT64_FORMAT " held", frame);

    await_status(status);
    g_free(status);
}

/* Whichever frame it is. The status says so as soon as the picture is there, which the browser has
 * to decode before it is on screen. */
static void await_any_held(void)
{
    browser_await(browser, "document.querySelector('#status').textContent.endsWith(' held') && "
                           "document.querySelector('#image').complete");
}

/* A page that holds frame `frame` of class 10, an aurora, by its address alone. */
static void open_held(guint64 frame)
{
    gchar *url =
        g_strdup_printf("%s/#class=10&seed=3&frame=%" G_GUINT64_FORMAT, process->url, frame);

    post_settings(process, "{\"class\": null, \"seed\": 0, \"drafting-steps\": 8}");
    browser_open(browser, "about:blank");
    browser_open(browser, url);
    browser_is(browser, page_compare);
    await_held(frame);
    g_free(url);
}

/* The picture on screen is, to the pixel, that which the studio draws for this query. */
static void see_picture(const gchar *query)
{
    gchar *expression = g_strdup_printf(
        "fetch('/picture.png?%s').then((x) => x.blob())"
        ".then((x) => Promise.all([createImageBitmap(x), createImageBitmap(shown())]))"
        ".then(([a, b]) => distance(pixels(a), pixels(b)) === 0)",
        query);

    browser_await(browser, expression);
    g_free(expression);
}

/* Held, nothing moves, and nothing is generated for this page; going on, it moves again. */
static void test_hold(void)
{
    open_page();
    await_playing();
    browser_click(browser, "#hold", 0.5, 0.5);
    await_any_held();
    g_assert_true(browser_is(browser, "hold.getAttribute('aria-pressed') === 'true'"));
    browser_await(browser, "fetch('/state').then((x) => x.json()).then((x) => x.pages === 0)");
    remember();
    g_usleep(2 * G_USEC_PER_SEC);
    g_assert_true(browser_is(browser, "moved() === 0"));
    browser_click(browser, "#hold", 0.5, 0.5);
    await_playing();
    g_assert_true(browser_is(browser, "location.hash === ''"));
    see_change();
}

/* Whoever goes on before what is on screen has been copied sees the stream go on. */
static void test_hold_in_short(void)
{
    json_t *script = browser_call(
        browser, "Page.addScriptToEvaluateOnNewDocument",
        json_pack("{s:s}", "source",
                  "const copy = OffscreenCanvas.prototype.convertToBlob;"
                  "OffscreenCanvas.prototype.convertToBlob = async function () {"
                  "  await new Promise((go) => { window.go = go }); return copy.call(this) }"));

    open_page();
    await_playing();
    browser_click(browser, "#hold", 0.5, 0.5);
    browser_await(browser, "!!window.go");
    browser_click(browser, "#hold", 0.5, 0.5);
    browser_is(browser, "go(), true");
    await_playing();
    remember();
    see_change();
    json_decref(
        browser_call(browser, "Page.removeScriptToEvaluateOnNewDocument",
                     json_pack("{s:O}", "identifier", json_object_get(script, "identifier"))));
    json_decref(script);
}

/* By buttons and by keys; the others' settings stay as they are. */
static void test_steps(void)
{
    open_held(5);
    see_picture("class=10&seed=3&frame=5");
    browser_click(browser, "#next", 0.5, 0.5);
    await_held(6);
    see_picture("class=10&seed=3&frame=6");
    browser_is(browser, "document.activeElement.blur(), true");
    browser_press(browser, "ArrowLeft");
    browser_press(browser, "ArrowLeft");
    await_held(4);
    browser_press(browser, "ArrowRight");
    await_held(5);
    see_picture("class=10&seed=3&frame=5");
    browser_click(browser, "#previous", 0.5, 0.5);
    await_held(4);
    await_made("made-frame", "4");
    g_assert_true(browser_is(browser, "location.hash.includes('frame=4')"));
    g_assert_true(browser_is(
        browser, "fetch('/settings').then((x) => x.json()).then((x) => x.class === null)"));
    browser_press(browser, " "); /* the focus is on a button, which the space bar presses */
    await_held(3);
    browser_is(browser, "document.activeElement.blur(), true");
    browser_press(browser, " ");
    await_playing();
}

/* A control changes the held picture as well as what all share. */
static void test_held_controls(void)
{
    open_held(5);
    await_focus("drafting-steps");
    browser_press(browser, "Home");
    await_made("made-steps", "1");
    see_picture("class=10&seed=3&frame=5&drafting-steps=1");
    browser_await(
        browser, "fetch('/settings').then((x) => x.json()).then((x) => x['drafting-steps'] === 1)");
}

static void allow_clipboard(void)
{
    json_decref(browser_call(browser, "Emulation.setFocusEmulationEnabled",
                             json_pack("{s:b}", "enabled", 1)));
    json_decref(browser_call(
        browser, "Browser.grantPermissions",
        json_pack("{s:[s,s]}", "permissions", "clipboardReadWrite", "clipboardSanitizedWrite")));
}

static gchar *clipboard(void)
{
    return browser_text(browser, "navigator.clipboard.readText()");
}

/* The link leads to the same picture, the line draws it. */
static void test_copies(void)
{
    gchar *text;

    open_held(5);
    allow_clipboard();
    browser_click(browser, "#copy-link", 0.5, 0.5);
    await_made("toast", "Link copied");
    text = clipboard();
    g_assert_true(g_str_has_prefix(text, process->url));
    browser_open(browser, "about:blank");
    browser_open(browser, text);
    g_free(text);
    browser_is(browser, page_compare);
    await_held(5);
    see_picture("class=10&seed=3&frame=5");
    browser_click(browser, "#copy-line", 0.5, 0.5);
    await_made("toast", "gst-launch line copied");
    text = clipboard();
    g_assert_true(g_str_has_prefix(text, "gst-launch-1.0 codesrc model="));
    g_assert_nonnull(strstr(text, " class-id=10 seed=3 first-frame=5 "));
    g_free(text);
}

/* The file has the picture, and says what draws it again. */
static void test_download(void)
{
    gchar *folder = g_dir_make_tmp("studio-XXXXXX", NULL), *bytes = NULL;
    gchar *path = g_build_filename(folder, "aurora-seed-3-frame-5.png", NULL);
    gsize size = 0;

    open_held(5);
    json_decref(browser_call(browser, "Page.setDownloadBehavior",
                             json_pack("{s:s, s:s}", "behavior", "allow", "downloadPath", folder)));
    browser_click(browser, "#download", 0.5, 0.5);
    await_made("toast", "aurora-seed-3-frame-5.png downloaded");
    for (guint i = 0; i < 600 && !g_file_get_contents(path, &bytes, &size, NULL); i++)
        g_usleep(G_USEC_PER_SEC / 10);
    g_assert_cmpuint(size, >, 1000);
    g_assert_cmpint(memcmp(bytes, "\x89PNG", 4), ==, 0);
    g_assert_nonnull(
        g_strstr_len(png_comment(bytes, size), 300, "class-id=10 seed=3 first-frame=5 "));
    g_free(bytes);
    g_unlink(path);
    browser_is(browser, "document.activeElement.blur(), true");
    browser_press(browser, "d");
    for (guint i = 0; i < 600 && !g_file_test(path, G_FILE_TEST_EXISTS); i++)
        g_usleep(G_USEC_PER_SEC / 10);
    g_assert_cmpint(g_unlink(path), ==, 0);
    g_rmdir(folder);
    g_free(path);
    g_free(folder);
}

static void test_recent(void)
{
    open_page();
    await_playing();
    browser_await(browser, "recent.children.length >= 3");
    browser_is(browser, "window.kept = recent.lastChild.querySelector('button').title, true");
    browser_click(browser, "#recent li:last-child button", 0.5, 0.5);
    await_any_held();
    g_assert_true(browser_is(browser, "kept.endsWith(', frame ' + "
                                      "document.querySelector('#made-frame').textContent)"));
}

static void test_screen_and_help(void)
{
    open_held(5);
    browser_click(browser, "#full", 0.5, 0.5);
    browser_await(browser, "document.fullscreenElement !== null");
    browser_press(browser, "f");
    browser_await(browser, "document.fullscreenElement === null");
    browser_press(browser, "f");
    browser_await(browser, "document.fullscreenElement !== null");
    browser_press(browser, "f");
    browser_await(browser, "document.fullscreenElement === null");
    browser_press(browser, "?");
    browser_await(browser, "help.open");
    g_assert_true(browser_is(browser, "[...help.querySelectorAll('a')].length === 2 && "
                                      "Promise.all([...help.querySelectorAll('a')].map((a) => "
                                      "fetch(a.href).then((x) => x.ok))).then((x) => x.every("
                                      "Boolean))"));
    browser_click(browser, "#help-close", 0.5, 0.5);
    browser_await(browser, "!help.open");
    browser_click(browser, "#help-open", 0.5, 0.5);
    browser_await(browser, "help.open");
    browser_press(browser, "Escape");
    browser_await(browser, "!help.open");
}

/* The command that the page shows draws the picture that the studio draws for this query. */
static void run_command(const gchar *query)
{
    gchar *folder = g_dir_make_tmp("studio-XXXXXX", NULL), *bytes, *data;
    gchar *path = g_build_filename(folder, "picture.png", NULL);
    gchar *address = g_strconcat("/picture.png?", query, NULL);
    Answer *answer = request(process, "GET", address, NULL, NULL);
    const gchar *expected = memmem(answer->body, answer->length, "IDAT", 4);
    gchar *command = browser_text(browser, "again.textContent"), *line;
    gsize size;

    g_assert_true(g_str_has_prefix(command, "code-image "));
    line = g_strdup_printf("cd %s && %s%s", folder, g_getenv("CODE_IMAGE"), strchr(command, ' '));
    g_assert_cmpint(system(line), ==, 0);
    g_assert_true(g_file_get_contents(path, &bytes, &size, NULL));
    /* Without the comments, which come first. */
    data = memmem(bytes, size, "IDAT", 4);
    g_assert_cmpmem(data, (gsize)(bytes + size - data), expected,
                    (gsize)(answer->body + answer->length - expected));
    g_unlink(path);
    g_rmdir(folder);
    answer_free(answer);
    g_free(line);
    g_free(command);
    g_free(address);
    g_free(bytes);
    g_free(path);
    g_free(folder);
}

static void test_more(void)
{
    static const gchar all[] = "class=10&seed=3&frame=5&class-2=15&class-mix=0&top-k=101&top-p=0&"
                               "temperature=0.05&more-smooth=true";

    open_held(5);
    browser_click(browser, "#more summary", 0.2, 0.5);
    remember();
    await_focus("class-id-2");
    browser_type(browser, "volcano");
    await_focus("class-mix");
    browser_press(browser, "End");
    await_made("mix-value", "1.00");
    browser_await(browser, "moved() > 2");
    see_picture("class=15&seed=3&frame=5");
    run_command("class=15&seed=3&frame=5");
    browser_press(browser, "Home");
    await_focus("top-k");
    browser_press(browser, "ArrowUp");
    browser_await(browser, "location.hash.includes('top-k=101')");
    await_focus("top-p");
    browser_press(browser, "Home");
    browser_await(browser, "/top-p=0(&|$)/.test(location.hash)");
    await_focus("temperature");
    browser_press(browser, "ArrowRight");
    browser_await(browser, "location.hash.includes('temperature=0.05')");
    await_focus("more-smooth");
    browser_press(browser, " ");
    browser_await(browser, "location.hash.includes('more-smooth=true')");
    browser_await(browser, "document.querySelector('#status').textContent === 'Frame 5 held'");
    see_picture(all);
    run_command(all);
    post_settings(process, "{\"class-2\": null, \"class-mix\": 0, \"top-k\": 100, \"top-p\": 0.8, "
                           "\"temperature\": null, \"more-smooth\": false}");
}

static gchar *setting(const gchar *key)
{
    gchar *expression = g_strdup_printf(
        "fetch('/settings').then((x) => x.json()).then((x) => String(x['%s']))", key);
    gchar *value = browser_text(browser, expression);

    g_free(expression);
    return value;
}

/* Uses a control and sees what is set by it and what the page says about it. */
static void use(const gchar *id, const gchar *key, const gchar *value, const gchar *output,
                const gchar *text)
{
    gchar *found = NULL;

    await_focus(id);
    browser_press(browser, key);
    await_made(output, text);
    for (guint i = 0; i < 1200 && g_strcmp0(found, value); i++) {
        g_free(found);
        found = setting(!strcmp(id, "hold-frames") ? "hold" : id);
        g_usleep(G_USEC_PER_SEC / 20);
    }
    g_assert_cmpstr(found, ==, value);
    g_free(found);
}

/* The controls of a film; and a link to a frame between two pictures, which shows it again. */
static void test_film(void)
{
    gchar *text;

    open_page();
    await_playing();
    await_made("hold-value", "until the next comes");
    await_made("morph-value", "at once");
    use("hold-frames", "ArrowRight", "2", "hold-value", "0.08 s");
    use("hold-frames", "End", "1000", "hold-value", "40.00 s");
    use("hold-frames", "Home", "1", "hold-value", "until the next comes");
    use("morph", "End", "1000", "morph-value", "40.00 s");
    await_made("hold-value", "0.04 s");
    browser_await(browser, "document.querySelector('#rate').disabled");
    await_playing();
    browser_await(browser, "fetch('/state').then((x) => x.json()).then((x) => x.picture.t > 0.01)");
    allow_clipboard();
    browser_click(browser, "#hold", 0.5, 0.5);
    browser_await(browser, "location.hash.includes('phase=')");
    await_any_held();
    remember();
    browser_click(browser, "#copy-link", 0.5, 0.5);
    await_made("toast", "Link copied");
    text = clipboard();
    browser_is(browser, "sessionStorage.pixels = JSON.stringify([...remembered]), true");
    browser_open(browser, "about:blank");
    browser_open(browser, text);
    g_free(text);
    browser_is(browser, page_compare);
    await_any_held();
    browser_await(browser, "distance(pixels(shown()), JSON.parse(sessionStorage.pixels)) === 0");
}

static void test_variations(void)
{
    open_page();
    await_playing();
    await_made("hold-value", "until the next comes");
    use("loop", "ArrowUp", "1", "hold-value", "0.04 s");
    browser_click(browser, "#more summary", 0.2, 0.5);
    use("keep-scales", "ArrowRight", "0", "keep-value", "0");
    use("keep-scales", "End", "10", "keep-value", "10");
    use("keep-scales", "ArrowLeft", "9", "keep-value", "9");
    /* Of a picture that was drawn so: those with other values may still be shown. */
    browser_await(browser,
                  "document.querySelector('#made-frame').textContent === "
                  "'0, variation 0' && "
                  "document.querySelector('#again').textContent.includes('keep-scales=9')");
    browser_click(browser, "#hold", 0.5, 0.5);
    browser_await(browser, "location.hash.includes('keep-scales=9&variation=0')");
    browser_click(browser, "#next", 0.5, 0.5);
    browser_await(browser, "location.hash.includes('keep-scales=9&variation=1')");
    see_picture("class=null&seed=0&frame=0&hold=1&morph=0&keep-scales=9&variation=1");
}

void add_keep_tests(void)
{
    g_test_add_func("/browser/film", test_film);
    g_test_add_func("/browser/variations", test_variations);
    g_test_add_func("/browser/hold", test_hold);
    g_test_add_func("/browser/hold-in-short", test_hold_in_short);
    g_test_add_func("/browser/steps", test_steps);
    g_test_add_func("/browser/held-controls", test_held_controls);
    g_test_add_func("/browser/copies", test_copies);
    g_test_add_func("/browser/download", test_download);
    g_test_add_func("/browser/recent", test_recent);
    g_test_add_func("/browser/screen-and-help", test_screen_and_help);
    g_test_add_func("/browser/more", test_more);
}
