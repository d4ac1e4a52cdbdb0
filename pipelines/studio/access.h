/* access.h - decides from a request's headers alone whether to accept it. */
#ifndef STUDIO_ACCESS_H
#define STUDIO_ACCESS_H

#include <libsoup/soup.h>

/* A path of the studio, and the requests it allows. */
typedef struct Endpoint {
    const gchar *path;
    gboolean get, post;
    gboolean endless;    /* its answer never ends, so HEAD makes no sense */
    const gchar *accept; /* Content-Type of a posted body */
    gsize limit;         /* bytes that may be posted */
    gpointer handler;    /* the server's own */
} Endpoint;

/* Who may send requests. */
typedef struct AccessRules {
    gchar **host_names; /* other than localhost by which clients may address it, or NULL */
    gchar *token;       /* that each request must bring along; NULL: none */
} AccessRules;

/* A new token of 128 random bits; the caller frees it. NULL: the system has no random bits. */
gchar *access_token_new(void);

/* Whether a request suits this server and this endpoint (NULL: no such path). If not, answers
 * `message` with a 4xx that names the value found and the value expected. `query` may be NULL. */
gboolean access_check(SoupServerMessage *message, GHashTable *query, const Endpoint *endpoint,
                      const AccessRules *rules);

/* Answers {"error": text} with a status, and takes the text. */
void access_refuse(SoupServerMessage *message, guint status, gchar *text);

#endif
