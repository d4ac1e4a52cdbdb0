/* devtools.h - a headless Chromium and one page in it, driven over the DevTools protocol. */
#ifndef TEST_STUDIO_DEVTOOLS_H
#define TEST_STUDIO_DEVTOOLS_H

#include <jansson.h>
#include <libsoup/soup.h>

typedef struct Browser Browser;

/* NULL: there is no Chromium here. */
Browser *browser_start(void);
void browser_stop(Browser *browser);

/* A method of the protocol; takes `params` (may be NULL) and returns its result, a new reference.
 */
json_t *browser_call(Browser *browser, const gchar *method, json_t *params);

void browser_open(Browser *browser, const gchar *url);

/* What a JavaScript expression, or the promise that it is, comes to; a new reference. */
json_t *browser_value(Browser *browser, const gchar *expression);
gboolean browser_is(Browser *browser, const gchar *expression);
gchar *browser_text(Browser *browser, const gchar *expression);
/* Fails the test if it is not true within a minute. */
void browser_await(Browser *browser, const gchar *expression);

/* A click of the mouse at this place of an element, fractions of its width and height. */
void browser_click(Browser *browser, const gchar *selector, gdouble x, gdouble y);
/* "Tab", "Enter", " ", "ArrowRight", "a" ... as the keyboard sends them. */
void browser_press(Browser *browser, const gchar *key);
void browser_type(Browser *browser, const gchar *text);

void browser_resize(Browser *browser, gint width, gint height, gdouble scale);
void browser_prefer(Browser *browser, const gchar *colour_scheme);
/* A picture of what is in the window, as PNG. */
void browser_screenshot(Browser *browser, const gchar *path);

/* Exceptions of the page so far, and what else it has told its console as an error, such as what
 * its policy forbids; but not answers of the network, which a page has to live with. */
guint browser_complaints(Browser *browser);

#endif
