/* page.h - the studio's page in the browser, as the tests of its controls use it. */
#ifndef TEST_STUDIO_PAGE_H
#define TEST_STUDIO_PAGE_H

#include "common.h"
#include "devtools.h"

/* Of the whole test program. */
extern Process *process;
extern Browser *browser;

/* JavaScript that defines pixels(), shown(), off(), distance(), remember() and moved(). */
extern const gchar page_compare[];

/* Opens the page with the settings that a studio begins with. */
void open_page(void);

/* The picture on screen is the one that was drawn last. */
void see_last_picture(void);
/* Remembers the picture on screen. */
void remember(void);
/* The picture on screen is another one than was remembered, and it is the last. */
void see_change(void);

void await_status(const gchar *text);
void await_playing(void);
/* The text of the element with this id. */
void await_made(const gchar *id, const gchar *value);
/* Presses Tab until the element has the focus. */
void await_focus(const gchar *id);

/* Tests of test_keep.c. */
void add_keep_tests(void);

#endif
