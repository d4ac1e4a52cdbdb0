/* connections.c - the server accepts connections itself, since libsoup accepts any number: once
 * idle ones hold all descriptors, its listener fails and never accepts again. */
#include "connections.h"

#include <string.h>
#include <sys/resource.h>

/* libsoup knows no socket of a connection that it did not accept, but keeps its address, which has
 * it under this name. The socket holds the address, too: closing, as libsoup always does, breaks
 * the circle. */
#define SOCKET "codesrc-socket"

struct Connections {
    SoupServer *soup;
    GSocketService *service;
    GSocketAddress *address; /* with the port that was chosen */
    GHashTable *open;        /* GSocket: the timeout of its request, 0 once that has arrived */
    guint most;
};

static guint limit(void)
{
    struct rlimit descriptors;

    if (getrlimit(RLIMIT_NOFILE, &descriptors) || descriptors.rlim_cur / 2 > CONNECTIONS_MOST)
        return CONNECTIONS_MOST;
    return (guint)descriptors.rlim_cur / 2;
}

static void clear_timeout(Connections *connections, GSocket *socket)
{
    guint timeout = GPOINTER_TO_UINT(g_hash_table_lookup(connections->open, socket));

    if (timeout)
        g_source_remove(timeout);
    g_hash_table_insert(connections->open, socket, NULL);
}

static void on_gone(gpointer user, GObject *socket)
{
    Connections *connections = user;

    clear_timeout(connections, (GSocket *)socket);
    g_hash_table_remove(connections->open, socket);
}

/* ---- accepting --------------------------------------------------------------------- */

typedef struct Wait {
    Connections *connections;
    GSocket *socket;
} Wait;

/* libsoup then reads an end of the stream, and closes. */
static gboolean on_timeout(gpointer user)
{
    Wait *wait = user;

    g_hash_table_insert(wait->connections->open, wait->socket, NULL);
    g_socket_shutdown(wait->socket, TRUE, TRUE, NULL);
    return G_SOURCE_REMOVE;
}

static void refuse(GSocket *socket)
{
    static const gchar answer[] = "HTTP/1.1 503 Service Unavailable\r\n"
                                  "Connection: close\r\nContent-Length: 0\r\n\r\n";
    gchar rest[4096];

    g_socket_set_blocking(socket, FALSE);
    g_socket_send(socket, answer, strlen(answer), NULL, NULL);
    /* An unread request would turn the end of the connection into a reset. */
    g_socket_shutdown(socket, FALSE, TRUE, NULL);
    while (g_socket_receive(socket, rest, sizeof(rest), NULL, NULL) > 0)
        continue;
}

static gboolean on_incoming(GSocketService *service, GSocketConnection *connection, GObject *origin,
                            gpointer user)
{
    Connections *connections = user;
    GSocket *socket = g_socket_connection_get_socket(connection);
    GSocketAddress *remote = g_socket_connection_get_remote_address(connection, NULL);
    Wait *wait;

    (void)service, (void)origin;
    if (g_hash_table_size(connections->open) >= connections->most || !remote) {
        refuse(socket);
        g_clear_object(&remote);
        return TRUE;
    }
    g_socket_set_timeout(socket, CONNECTIONS_PATIENCE);
    wait = g_new(Wait, 1);
    *wait = (Wait){connections, socket};
    g_hash_table_insert(connections->open, socket,
                        GUINT_TO_POINTER(g_timeout_add_seconds_full(
                            G_PRIORITY_DEFAULT, CONNECTIONS_PATIENCE, on_timeout, wait, g_free)));
    g_object_weak_ref(G_OBJECT(socket), on_gone, connections);
    g_object_set_data_full(G_OBJECT(remote), SOCKET, g_object_ref(socket), g_object_unref);
    soup_server_accept_iostream(connections->soup, G_IO_STREAM(connection), connections->address,
                                remote, NULL);
    g_object_unref(remote);
    return TRUE;
}

GSocket *connections_socket(SoupServerMessage *message)
{
    return g_object_get_data(G_OBJECT(soup_server_message_get_remote_address(message)), SOCKET);
}

void connections_arrived(Connections *connections, SoupServerMessage *message)
{
    clear_timeout(connections, connections_socket(message));
}

/* ---- making ------------------------------------------------------------------------ */

Connections *connections_new(SoupServer *soup, GSocketAddress *address, GError **error)
{
    Connections *connections = g_new0(Connections, 1);

    connections->soup = soup;
    connections->most = limit();
    connections->open = g_hash_table_new(NULL, NULL);
    connections->service = g_socket_service_new();
    g_signal_connect(connections->service, "incoming", G_CALLBACK(on_incoming), connections);
    g_socket_listener_set_backlog(G_SOCKET_LISTENER(connections->service), CONNECTIONS_MOST);
    if (g_socket_listener_add_address(G_SOCKET_LISTENER(connections->service), address,
                                      G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL,
                                      &connections->address, error))
        return connections;
    connections_free(connections);
    return NULL;
}

void connections_free(Connections *connections)
{
    GHashTableIter each;
    gpointer socket, timeout;

    if (!connections)
        return;
    g_signal_handlers_disconnect_by_data(connections->service, connections);
    g_socket_service_stop(connections->service);
    g_socket_listener_close(G_SOCKET_LISTENER(connections->service));
    g_object_unref(connections->service);
    g_hash_table_iter_init(&each, connections->open);
    while (g_hash_table_iter_next(&each, &socket, &timeout)) {
        g_object_weak_unref(socket, on_gone, connections);
        if (timeout)
            g_source_remove(GPOINTER_TO_UINT(timeout));
    }
    g_hash_table_unref(connections->open);
    g_clear_object(&connections->address);
    g_free(connections);
}

gchar *connections_url(const Connections *connections)
{
    GInetSocketAddress *address = G_INET_SOCKET_ADDRESS(connections->address);
    gchar *host = g_inet_address_to_string(g_inet_socket_address_get_address(address));
    gchar *url = g_uri_join(G_URI_FLAGS_NONE, "http", NULL, host,
                            g_inet_socket_address_get_port(address), "/", NULL, NULL);

    g_free(host);
    return url;
}
