/* server.h - the HTTP side of the studio: who may ask, what may be asked, and the answers. */
#ifndef STUDIO_SERVER_H
#define STUDIO_SERVER_H

#include "studio.h"

typedef struct Server Server;

typedef struct ServerSetup {
    const gchar *address; /* an IP address to listen at */
    guint16 port;         /* 0: any that is free */
    const gchar *const
        *host_names; /* names by which it may be addressed beside localhost, or NULL */
} ServerSetup;

/* Listens at once. `studio` must live longer. NULL: `error` says why. */
Server *server_new(Studio *studio, const ServerSetup *setup, GError **error);
/* Ends all connections. */
void server_free(Server *server);

/* Where it is, http://127.0.0.1:8190/; to be freed. */
gchar *server_url(Server *server);

#endif
