/* overlapping.h - a device that overlaps calls, made of the processor: its model says that it does,
 * and calls can be held under way, and fail. A program that has this in it has such a device. */
#ifndef TEST_ELEMENT_OVERLAPPING_H
#define TEST_ELEMENT_OVERLAPPING_H

#include <glib.h>

/* As at the beginning of the program, where `overlaps` is TRUE. */
void overlapping_reset(gboolean overlaps);

/* While TRUE, from when two calls are under way, none ends unless it is cancelled. One alone ends
 * before that: it may be the first picture, or fill the queue, so that none begins beside it. */
void overlapping_hold(gboolean hold);

/* Calls with picture `frame` in them fail: when they begin, or else when they end. */
void overlapping_fail(guint64 frame, gboolean at_the_end);

/* The next call that begins beside another fails: once, or all that come after it with it. */
void overlapping_fail_beside(gboolean for_good);

/* Previews of scales fail for this reason, a static text; NULL: they do not. */
void overlapping_fail_previews(const gchar *reason);

/* Of the generator that was used last: calls under way. Of all since the reset: the most that were
 * under way at a time, and pictures that were begun. */
guint overlapping_under_way(void);
guint overlapping_most(void);
guint overlapping_pictures(void);

#endif
