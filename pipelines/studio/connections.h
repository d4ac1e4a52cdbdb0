/* connections.h - accepts connections: a limited number of them, each for one request that must
 * arrive in time. Those whose request has not arrived make room for others. */
#ifndef STUDIO_CONNECTIONS_H
#define STUDIO_CONNECTIONS_H

#include <libsoup/soup.h>

/* At most this many at once, or half of the descriptors that the process may open. */
#define CONNECTIONS_MOST 256
/* Seconds in which a request must arrive, and in which a reader must take something. */
#define CONNECTIONS_PATIENCE 30

typedef struct Connections Connections;

/* Listens at once, and hands connections to `soup`, which must outlive it. NULL: `error` says
 * why. */
Connections *connections_new(SoupServer *soup, GSocketAddress *address, GError **error);
/* Accepts no more. Those that are open stay so until `soup` ends them. */
void connections_free(Connections *connections);

/* The address it listens at, such as http://127.0.0.1:8190/; the caller frees it. */
gchar *connections_url(const Connections *connections);

/* Whether the process may open this many descriptors more, and still take all connections: GLib
 * ends a process that has none left. */
gboolean connections_spare(const Connections *connections, guint descriptors);

/* The socket that this message came by; it stays the connection's. */
GSocket *connections_socket(SoupServerMessage *message);

/* The request of this message is complete: its answer may take any time. */
void connections_arrived(Connections *connections, SoupServerMessage *message);

#endif
