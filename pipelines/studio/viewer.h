/* viewer.h - a response that lasts as long as its reader stays: parts of a multipart stream, or
 * events.
 *
 * A reader has at most one part in transit and one waiting, which a newer part replaces. A slow
 * reader therefore misses parts, one that stops reading occupies two of them, and nothing waits
 * for either. A reader that has taken nothing for VIEWER_PATIENCE seconds is disconnected. Main
 * thread only. */
#ifndef STUDIO_VIEWER_H
#define STUDIO_VIEWER_H

#include <libsoup/soup.h>

#define VIEWER_PATIENCE 30

typedef struct Viewer Viewer;

/* Answers `message` with 200 and an endless body. Calls `gone` once, when the reader has left,
 * and then frees the viewer. */
Viewer *viewer_new(SoupServerMessage *message, const gchar *content_type,
                   void (*gone)(gpointer user, Viewer *viewer), gpointer user);

/* Gives the reader this part, now or once it has taken the previous one. */
void viewer_offer(Viewer *viewer, GBytes *part);

/* Ends the connection if the reader has not taken its part for too long. */
void viewer_check(Viewer *viewer, gint64 now);

#endif
