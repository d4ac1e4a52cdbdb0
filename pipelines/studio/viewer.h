/* viewer.h - a response that goes on for as long as its reader stays: parts of a multipart stream,
 * or events.
 *
 * At most one part is on its way to a reader and one waits, which the next one replaces. So a
 * reader that is slow misses parts, one that stops reading costs two of them, and neither is waited
 * for. One that has taken nothing for VIEWER_PATIENCE seconds is sent away. Main thread only. */
#ifndef STUDIO_VIEWER_H
#define STUDIO_VIEWER_H

#include <libsoup/soup.h>

#define VIEWER_PATIENCE 30

typedef struct Viewer Viewer;

/* Answers `message` with 200 and an endless body. `gone` is called once, when the reader has left;
 * the viewer is freed after it. */
Viewer *viewer_new(SoupServerMessage *message, const gchar *content_type,
                   void (*gone)(gpointer user, Viewer *viewer), gpointer user);

/* Gives the reader this part, now or when it has taken the one before. */
void viewer_offer(Viewer *viewer, GBytes *part);

/* Ends the connection if the reader has not taken its part for too long. */
void viewer_check(Viewer *viewer, gint64 now);
void viewer_close(Viewer *viewer);

#endif
