/* painting.h - what the tests of codepaint share: the element in a harness, and the picture that it
 * is given. */
#ifndef TEST_ELEMENT_PAINTING_H
#define TEST_ELEMENT_PAINTING_H

#include <gst/check/gstharness.h>

#include "common.h"

#define SIDE  TINY_SIDE
#define CELLS 4
#define AREA  (SIDE * SIDE)
#define FRAME (GST_SECOND / 10)
#define PART  "mask=2,0,4,4 " /* cells 1 and 2 of rows 0 and 1 */

/* codepaint with the tiny model and these properties, given frames of this format. */
GstHarness *painter(const gchar *properties, const gchar *format);

/* A component of a pixel of the test picture; number 3, alpha, is 0 under the mask of PART. */
guint8 component(guint x, guint y, guint c);

/* The test picture in a format, as frame `offset`, at its time; or without an offset at time 0. */
GstBuffer *picture(const gchar *format, guint64 offset);

/* Components r, g, b, a (255 where there is none) of each pixel of a buffer, which is taken: 4 *
 * AREA bytes. */
void components(GstBuffer *buffer, const gchar *format, guint8 *rgba);

/* The test picture as frame `offset`, painted. */
void painted(const gchar *properties, const gchar *format, guint64 offset, guint8 *rgba);

/* The halves of a flush of the harness; the second sends a new segment. */
void flush_starts(GstHarness *harness);
void flush_stops(GstHarness *harness);

#endif
