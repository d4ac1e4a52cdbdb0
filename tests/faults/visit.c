/* visit.c - a visitor of the studio, for the test of faults: starts it with the library of faults,
 * asks for its page and a picture, prints the picture's checksum, and ends it. Arguments: the
 * program and its options; the environment's FAULT_LIBRARY is preloaded into it. Exit status 1: the
 * studio did not start, refused, or did not end well, and has said why. */
#include <gio/gio.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* The whole answer of the studio at `url`, or NULL. */
static GBytes *get(const gchar *url, const gchar *path)
{
    GSocketClient *client = g_object_new(G_TYPE_SOCKET_CLIENT, "enable-proxy", FALSE, NULL);
    GSocketConnection *connection = g_socket_client_connect_to_uri(client, url, 80, NULL, NULL);
    gchar *text = g_strdup_printf("GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n", path);
    GOutputStream *all = g_memory_output_stream_new_resizable();
    GBytes *bytes = NULL;

    if (connection &&
        g_output_stream_write_all(g_io_stream_get_output_stream(G_IO_STREAM(connection)), text,
                                  strlen(text), NULL, NULL, NULL) &&
        g_output_stream_splice(all, g_io_stream_get_input_stream(G_IO_STREAM(connection)),
                               G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET, NULL, NULL) >= 0)
        bytes = g_memory_output_stream_steal_as_bytes(G_MEMORY_OUTPUT_STREAM(all));
    g_object_unref(all);
    g_free(text);
    g_clear_object(&connection);
    g_object_unref(client);
    return bytes;
}

/* Prints the checksum of what a path answers, without the headers, or what is wrong with it. */
static gboolean visit(const gchar *url, const gchar *path)
{
    GBytes *bytes = get(url, path);
    gsize size = 0;
    const gchar *data = bytes ? g_bytes_get_data(bytes, &size) : NULL;
    const gchar *body = size ? g_strstr_len(data, (gssize)size, "\r\n\r\n") : NULL;
    gboolean good = body && g_strstr_len(data, 15, " 200 ");
    gchar *sum;

    if (good) {
        body += 4;
        sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)body,
                                          size - (gsize)(body - data));
        g_print("%s %s\n", path, sum);
        g_free(sum);
    } else {
        g_printerr("%s: %.*s\n", path, (int)size, data ? data : "no answer");
    }
    g_clear_pointer(&bytes, g_bytes_unref);
    return good;
}

static gboolean ended_well(GSubprocess *studio)
{
    if (!g_subprocess_wait(studio, NULL, NULL))
        return FALSE;
    if (g_subprocess_get_if_signaled(studio))
        raise(g_subprocess_get_term_sig(studio));
    return g_subprocess_get_exit_status(studio) == 0;
}

int main(int argc, char **argv)
{
    GSubprocessLauncher *launcher = g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE);
    const gchar *library = g_getenv("FAULT_LIBRARY");
    GSubprocess *studio;
    GDataInputStream *lines;
    GError *error = NULL;
    gchar *url;
    gboolean good;

    if (argc < 2)
        return 2;
    if (library)
        g_subprocess_launcher_setenv(launcher, "LD_PRELOAD", library, TRUE);
    /* The descriptor to which the library writes the number of calls. */
    if (g_getenv("FAULT_FILE"))
        g_subprocess_launcher_take_fd(launcher, atoi(g_getenv("FAULT_FILE")),
                                      atoi(g_getenv("FAULT_FILE")));
    studio = g_subprocess_launcher_spawnv(launcher, (const gchar *const *)argv + 1, &error);
    if (!studio) {
        g_printerr("%s\n", error->message);
        return 2;
    }
    lines = g_data_input_stream_new(g_subprocess_get_stdout_pipe(studio));
    url = g_data_input_stream_read_line(lines, NULL, NULL, NULL);
    good = url && visit(url, "/") && visit(url, "/picture.png?frame=0&class=1");
    g_subprocess_send_signal(studio, SIGINT);
    good = ended_well(studio) && good;
    g_object_unref(lines);
    g_object_unref(studio);
    g_object_unref(launcher);
    g_free(url);
    return !good;
}
