/* page.c - see page.h. */
#include "page.h"

#include <string.h>

Process *process;
Browser *browser;

/* ---- what is on screen ------------------------------------------------------------- */

/* What the page shows as 16 x 16 pixels, and the server's last picture in the same way; how far
 * they are apart, on average, in levels of 256. */
const gchar page_compare[] =
    "window.pixels = (source) => {"
    "  const canvas = new OffscreenCanvas(16, 16), context = canvas.getContext('2d');"
    "  context.drawImage(source, 0, 0, 16, 16);"
    "  return context.getImageData(0, 0, 16, 16).data };"
    "window.shown = () => document.querySelector('#video').hidden ? "
    "  document.querySelector('#image') : document.querySelector('#video');"
    "window.distance = (a, b) => a.reduce((sum, x, i) => sum + Math.abs(x - b[i]), 0) / 768;"
    "window.off = async () => {"
    "  const answer = await fetch('/picture.jpg');"
    "  const bitmap = await createImageBitmap(await answer.blob());"
    "  return distance(pixels(shown()), pixels(bitmap)) };"
    "window.remember = () => { window.remembered = pixels(shown()) };"
    "window.moved = () => distance(pixels(shown()), remembered);"
    "true";

/* The picture on screen is the one that was drawn last. One may come in between, hence await. */
void see_last_picture(void)
{
    browser_await(browser, "off().then((x) => x < 6)");
}

void remember(void)
{
    browser_is(browser, "remember(), true");
}

/* The picture on screen is another one than was remembered, and it is the last. */
void see_change(void)
{
    browser_await(browser, "moved() > 2");
    see_last_picture();
}

void await_status(const gchar *text)
{
    gchar *expression =
        g_strdup_printf("document.querySelector('#status').textContent === '%s'", text);

    browser_await(browser, expression);
    g_free(expression);
}

/* The read-out of the picture, by the id of the field. */
void await_made(const gchar *id, const gchar *value)
{
    gchar *expression =
        g_strdup_printf("document.querySelector('#%s').textContent === '%s'", id, value);

    browser_await(browser, expression);
    g_free(expression);
}

void await_playing(void)
{
    browser_await(browser, "document.querySelector('#status').textContent.startsWith('Playing')");
}

void await_focus(const gchar *id)
{
    for (guint i = 0; i < 40; i++) {
        gchar *focused = browser_text(browser, "document.activeElement.id");
        gboolean there = !strcmp(focused, id);

        g_free(focused);
        if (there)
            return;
        browser_press(browser, "Tab");
    }
    g_error("the Tab key never comes to %s", id);
}

void open_page(void)
{
    post_settings(process, "{\"class\": null, \"seed\": 0, \"drafting-steps\": 8, \"guidance\": 3, "
                           "\"progressive\": false, \"rate\": 1, \"hold\": 1, \"morph\": 0, "
                           "\"loop\": 0, \"keep-scales\": null}");
    browser_open(browser, process->url);
    browser_is(browser, page_compare);
}
