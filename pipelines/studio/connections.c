/* connections.c - the server accepts connections itself, since libsoup accepts any number: once
 * idle ones hold all descriptors, its listener fails and never accepts again.
 *
 * Whoever sends no request must not keep others out. Once all places are taken, a newcomer gets
 * that of a connection whose request has not arrived: of the address that has most of these, the
 * one that has waited longest. Who opens many therefore loses their own. If they come from many
 * addresses, or all visitors come from that of a proxy, those who send their request at once still
 * lose nothing. */
#include "connections.h"

#include <fcntl.h>
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
    GHashTable *open;        /* GSocket: Visit */
    GHashTable *waiting;     /* address: how many of its requests have not arrived */
    guint64 count;           /* of connections so far */
    guint most;
};

typedef struct Visit {
    Connections *connections;
    GSocket *socket;
    gchar *from;
    guint64 number; /* smaller: came earlier */
    guint timeout;  /* 0: the request has arrived, or its time is up */
} Visit;

static guint limit(void)
{
    struct rlimit descriptors;

    if (getrlimit(RLIMIT_NOFILE, &descriptors) || descriptors.rlim_cur / 2 > CONNECTIONS_MOST)
        return CONNECTIONS_MOST;
    return (guint)descriptors.rlim_cur / 2;
}

static guint waiting_from(const Connections *connections, const gchar *from)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(connections->waiting, from));
}

static void wait_for_request(Visit *visit, GSourceFunc on_timeout)
{
    GHashTable *waiting = visit->connections->waiting;

    visit->timeout = g_timeout_add_seconds(CONNECTIONS_PATIENCE, on_timeout, visit);
    g_hash_table_insert(waiting, g_strdup(visit->from),
                        GUINT_TO_POINTER(waiting_from(visit->connections, visit->from) + 1));
}

static void stop_waiting(Visit *visit)
{
    GHashTable *waiting = visit->connections->waiting;
    guint count = waiting_from(visit->connections, visit->from);

    if (!visit->timeout)
        return;
    g_clear_handle_id(&visit->timeout, g_source_remove);
    if (count > 1)
        g_hash_table_insert(waiting, g_strdup(visit->from), GUINT_TO_POINTER(count - 1));
    else
        g_hash_table_remove(waiting, visit->from);
}

static void visit_free(gpointer data)
{
    Visit *visit = data;

    stop_waiting(visit);
    g_free(visit->from);
    g_free(visit);
}

static void on_gone(gpointer user, GObject *socket)
{
    Connections *connections = user;

    g_hash_table_remove(connections->open, socket);
}

/* libsoup then reads an end of the stream, and closes. */
static void send_away(Visit *visit)
{
    stop_waiting(visit);
    g_socket_shutdown(visit->socket, TRUE, TRUE, NULL);
}

/* ---- accepting --------------------------------------------------------------------- */

static gboolean on_timeout(gpointer user)
{
    send_away(user);
    return G_SOURCE_REMOVE;
}

/* Whose place a newcomer from this address gets; NULL: all requests have arrived. The newcomer
 * counts, too, so that its second connection takes no place of those who have one. */
static Visit *find_longest(const Connections *connections, const gchar *newcomer)
{
    GHashTableIter each;
    gpointer value;
    Visit *longest = NULL;
    guint most = 0;

    g_hash_table_iter_init(&each, connections->open);
    while (g_hash_table_iter_next(&each, NULL, &value)) {
        Visit *visit = value;
        guint count = waiting_from(connections, visit->from) + !strcmp(visit->from, newcomer);

        if (!visit->timeout || count < most ||
            (count == most && longest && longest->number < visit->number))
            continue;
        longest = visit;
        most = count;
    }
    return longest;
}

/* FALSE: there is none. Who is sent away has gone when the main loop comes round again. */
static gboolean make_place(Connections *connections, const gchar *newcomer)
{
    Visit *longest;

    if (g_hash_table_size(connections->open) < connections->most)
        return TRUE;
    longest = find_longest(connections, newcomer);
    if (longest)
        send_away(longest);
    return longest != NULL;
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

static void welcome(Connections *connections, GSocketConnection *connection, GSocketAddress *remote)
{
    GSocket *socket = g_socket_connection_get_socket(connection);
    GInetAddress *from = g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(remote));
    Visit *visit = g_new0(Visit, 1);

    visit->connections = connections;
    visit->socket = socket;
    visit->from = g_inet_address_to_string(from);
    visit->number = ++connections->count;
    if (!make_place(connections, visit->from)) {
        refuse(socket);
        visit_free(visit);
        return;
    }
    g_socket_set_timeout(socket, CONNECTIONS_PATIENCE);
    wait_for_request(visit, on_timeout);
    g_hash_table_insert(connections->open, socket, visit);
    g_object_weak_ref(G_OBJECT(socket), on_gone, connections);
    g_object_set_data_full(G_OBJECT(remote), SOCKET, g_object_ref(socket), g_object_unref);
    soup_server_accept_iostream(connections->soup, G_IO_STREAM(connection), connections->address,
                                remote, NULL);
}

static gboolean on_incoming(GSocketService *service, GSocketConnection *connection, GObject *origin,
                            gpointer user)
{
    GSocketAddress *remote = g_socket_connection_get_remote_address(connection, NULL);

    (void)service, (void)origin;
    if (remote)
        welcome(user, connection, remote);
    g_clear_object(&remote);
    return TRUE;
}

gboolean connections_spare(const Connections *connections, guint descriptors)
{
    guint wanted = connections->most - MIN(connections->most, g_hash_table_size(connections->open));
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit))
        return FALSE;
    wanted += descriptors;
    for (gint fd = 0; wanted && (rlim_t)fd < limit.rlim_cur; fd++)
        wanted -= fcntl(fd, F_GETFD) == -1;
    return wanted == 0;
}

GSocket *connections_socket(SoupServerMessage *message)
{
    return g_object_get_data(G_OBJECT(soup_server_message_get_remote_address(message)), SOCKET);
}

void connections_arrived(Connections *connections, SoupServerMessage *message)
{
    stop_waiting(g_hash_table_lookup(connections->open, connections_socket(message)));
}

/* ---- making ------------------------------------------------------------------------ */

Connections *connections_new(SoupServer *soup, GSocketAddress *address, GError **error)
{
    Connections *connections = g_new0(Connections, 1);

    connections->soup = soup;
    connections->most = limit();
    connections->open = g_hash_table_new_full(NULL, NULL, NULL, visit_free);
    connections->waiting = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
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
    gpointer socket;

    if (!connections)
        return;
    g_signal_handlers_disconnect_by_data(connections->service, connections);
    g_socket_service_stop(connections->service);
    g_socket_listener_close(G_SOCKET_LISTENER(connections->service));
    g_object_unref(connections->service);
    g_hash_table_iter_init(&each, connections->open);
    while (g_hash_table_iter_next(&each, &socket, NULL))
        g_object_weak_unref(socket, on_gone, connections);
    g_hash_table_unref(connections->open);
    g_hash_table_unref(connections->waiting);
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
