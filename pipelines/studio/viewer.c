/* viewer.c - keeps one part in transit and one waiting for each reader, and nothing else. */
#include "viewer.h"

#include "connections.h"

#include <sys/socket.h>

/* Bytes that the kernel may keep for a reader: more would be stale pictures. */
#define KERNEL_BUFFER 131072

struct Viewer {
    SoupServerMessage *message;
    GBytes *waiting;
    gboolean writing;
    gint64 since; /* when writing began, microseconds */
    void (*gone)(gpointer user, Viewer *viewer);
    gpointer user;
};

static void write_part(Viewer *viewer, GBytes *part)
{
    soup_message_body_append_bytes(soup_server_message_get_response_body(viewer->message), part);
    viewer->writing = TRUE;
    viewer->since = g_get_monotonic_time();
    soup_server_message_unpause(viewer->message);
}

/* libsoup pauses a message by itself when it has no more to write. */
static void on_wrote_chunk(SoupServerMessage *message, gpointer data)
{
    Viewer *viewer = data;
    GBytes *part = g_steal_pointer(&viewer->waiting);

    (void)message;
    viewer->writing = FALSE;
    if (part)
        write_part(viewer, part);
    g_clear_pointer(&part, g_bytes_unref);
}

static void on_finished(SoupServerMessage *message, gpointer data)
{
    Viewer *viewer = data;

    g_signal_handlers_disconnect_by_data(message, viewer);
    viewer->gone(viewer->user, viewer);
    g_clear_pointer(&viewer->waiting, g_bytes_unref);
    g_object_unref(viewer->message);
    g_free(viewer);
}

Viewer *viewer_new(SoupServerMessage *message, const gchar *content_type,
                   void (*gone)(gpointer user, Viewer *viewer), gpointer user)
{
    Viewer *viewer = g_new0(Viewer, 1);
    SoupMessageHeaders *headers = soup_server_message_get_response_headers(message);

    viewer->message = g_object_ref(message);
    viewer->gone = gone;
    viewer->user = user;
    g_socket_set_option(connections_socket(message), SOL_SOCKET, SO_SNDBUF, KERNEL_BUFFER, NULL);
    soup_server_message_set_status(message, SOUP_STATUS_OK, NULL);
    soup_message_headers_set_encoding(headers, SOUP_ENCODING_CHUNKED);
    soup_message_headers_replace(headers, "Content-Type", content_type);
    soup_message_body_set_accumulate(soup_server_message_get_response_body(message), FALSE);
    g_signal_connect(message, "wrote-chunk", G_CALLBACK(on_wrote_chunk), viewer);
    g_signal_connect(message, "finished", G_CALLBACK(on_finished), viewer);
    soup_server_message_pause(message);
    return viewer;
}

void viewer_offer(Viewer *viewer, GBytes *part)
{
    if (!viewer->writing) {
        write_part(viewer, part);
        return;
    }
    g_clear_pointer(&viewer->waiting, g_bytes_unref);
    viewer->waiting = g_bytes_ref(part);
}

/* The current write, or the next one, then fails and finishes the message. */
static void disconnect(Viewer *viewer)
{
    g_socket_shutdown(connections_socket(viewer->message), TRUE, TRUE, NULL);
}

void viewer_check(Viewer *viewer, gint64 now)
{
    if (viewer->writing && now - viewer->since > VIEWER_PATIENCE * G_USEC_PER_SEC)
        disconnect(viewer);
}
