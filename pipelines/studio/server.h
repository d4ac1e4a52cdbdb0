/* server.h - the HTTP side of the studio: access, requests and answers. */
#ifndef STUDIO_SERVER_H
#define STUDIO_SERVER_H

#include "studio.h"

typedef struct Server Server;

typedef struct ServerSetup {
    const gchar *address; /* an IP address to listen on */
    guint16 port;         /* 0: any free port */
    /* Names other than localhost by which clients may address it, or NULL. */
    const gchar *const *host_names;
} ServerSetup;

/* Listens at once. `studio` must outlive it. NULL: `error` says why. */
Server *server_new(Studio *studio, const ServerSetup *setup, GError **error);
/* Ends all connections. */
void server_free(Server *server);

/* Its address, such as http://127.0.0.1:8190/, with the token that it asks for if `address` is not
 * of the loopback interface; the caller frees it. */
gchar *server_url(Server *server);

#endif
