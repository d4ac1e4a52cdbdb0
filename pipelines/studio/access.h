/* access.h - which requests are heard at all, decided from their headers alone. */
#ifndef STUDIO_ACCESS_H
#define STUDIO_ACCESS_H

#include <libsoup/soup.h>

/* An address of the studio: what may be done with it. */
typedef struct Endpoint {
    const gchar *path;
    gboolean get, post;
    gboolean endless;    /* its answer never ends, so HEAD makes no sense */
    const gchar *accept; /* Content-Type of what is posted */
    gsize limit;         /* bytes that may be posted */
    gpointer handler;    /* the server's own */
} Endpoint;

/* Whether a request is one for this server and for this endpoint (NULL: there is none of that
 * path). If not, `message` has its answer, a 4xx that says what was found and what is expected. */
gboolean access_check(SoupServerMessage *message, const Endpoint *endpoint,
                      const gchar *const *host_names);

/* Answers {"error": text} with a status, and takes the text. */
void access_refuse(SoupServerMessage *message, guint status, gchar *text);

#endif
