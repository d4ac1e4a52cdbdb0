/* test_viewers.c - many viewers of one generation: they see the same, whoever comes, goes or stops
 * reading. */
#include "common.h"

#include <string.h>
#include <sys/socket.h>

#define VIEWERS 10
#define PARTS   12

/* Of who takes nothing or sends slowly: their number; the pictures after which they come; and the
 * most memory that each may take, in KiB, of which ThreadSanitizer takes most. */
enum { SLOW = 2, STALLED = 32, WARM = 30 };
#ifdef __SANITIZE_THREAD__
enum { EACH = 1024 };
#else
enum { EACH = 80 };
#endif

/* ---- reading a stream -------------------------------------------------------------- */

/* A connection to /stream.mjpeg, read on the thread that opened it. */
typedef struct Reader {
    GSocketConnection *connection;
    GDataInputStream *lines;
    guint64 last; /* number of the last part */
} Reader;

typedef struct Part {
    guint64 number, frame, seed, scale;
    gchar *class_name, *checksum; /* of the JPEG */
} Part;

static void part_clear(gpointer data)
{
    Part *part = data;

    g_free(part->class_name);
    g_free(part->checksum);
}

/* `buffer`: bytes that the kernel may keep for the reader, 0: as usual. */
static void reader_open(Reader *reader, const Process *process, gint buffer)
{
    GSocketClient *client = g_object_new(G_TYPE_SOCKET_CLIENT, "enable-proxy", FALSE, NULL);
    static const gchar text[] = "GET /stream.mjpeg HTTP/1.0\r\nHost: localhost\r\n\r\n";

    reader->connection = g_socket_client_connect_to_uri(client, process->url, 80, NULL, NULL);
    g_assert_nonnull(reader->connection);
    if (buffer)
        g_socket_set_option(g_socket_connection_get_socket(reader->connection), SOL_SOCKET,
                            SO_RCVBUF, buffer, NULL);
    g_assert_true(
        g_output_stream_write_all(g_io_stream_get_output_stream(G_IO_STREAM(reader->connection)),
                                  text, strlen(text), NULL, NULL, NULL));
    reader->lines =
        g_data_input_stream_new(g_io_stream_get_input_stream(G_IO_STREAM(reader->connection)));
    g_data_input_stream_set_newline_type(reader->lines, G_DATA_STREAM_NEWLINE_TYPE_CR_LF);
}

static void reader_close(Reader *reader)
{
    g_object_unref(reader->lines);
    g_object_unref(reader->connection);
}

static guint64 number_after(const gchar *line, const gchar *name, guint64 otherwise)
{
    return g_str_has_prefix(line, name) ? g_ascii_strtoull(line + strlen(name), NULL, 10)
                                        : otherwise;
}

/* FALSE at the end of the stream. Headers of the whole answer have no X-Number and are passed. */
static gboolean read_part(Reader *reader, Part *part)
{
    gsize length = 0, got;
    gchar *line, *jpeg;

    *part = (Part){.number = 0};
    while ((line = g_data_input_stream_read_line(reader->lines, NULL, NULL, NULL))) {
        gboolean end = !*line && length;

        length = (gsize)number_after(line, "Content-Length: ", length);
        part->number = number_after(line, "X-Number: ", part->number);
        part->frame = number_after(line, "X-Frame: ", part->frame);
        part->seed = number_after(line, "X-Seed: ", part->seed);
        part->scale = number_after(line, "X-Scale: ", part->scale);
        if (g_str_has_prefix(line, "X-Class: "))
            part->class_name = g_strdup(line + strlen("X-Class: "));
        g_free(line);
        if (end)
            break;
    }
    if (!line)
        return FALSE;
    jpeg = g_malloc(length);
    g_input_stream_read_all(G_INPUT_STREAM(reader->lines), jpeg, length, &got, NULL, NULL);
    if (got < length) {
        g_free(jpeg);
        return FALSE;
    }
    g_assert_cmpint(memcmp(jpeg, "\xff\xd8\xff", 3), ==, 0);
    part->checksum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (guchar *)jpeg, length);
    g_free(jpeg);
    return TRUE;
}

/* The next one that is new: where nothing new comes, the last part comes again. */
static gboolean reader_next(Reader *reader, Part *part)
{
    guint64 last = reader->last;

    while (read_part(reader, part)) {
        reader->last = part->number;
        if (part->number != last)
            return TRUE;
        part_clear(part);
    }
    return FALSE;
}

/* ---- many -------------------------------------------------------------------------- */

typedef struct Watcher {
    const Process *process;
    GArray *parts;
} Watcher;

static gpointer watch(gpointer data)
{
    Watcher *watcher = data;
    Reader reader;
    Part part;

    reader_open(&reader, watcher->process, 0);
    while (watcher->parts->len < PARTS && reader_next(&reader, &part))
        g_array_append_val(watcher->parts, part);
    reader_close(&reader);
    return NULL;
}

static gint64 frames_so_far(const Process *process)
{
    json_t *state = get_json(process, "/state");
    gint64 frames = json_integer_value(json_object_get(state, "frames"));
    gint64 processed =
        json_integer_value(json_object_get(json_object_get(state, "performance"), "processed"));

    /* What the element has made is what was given to viewers, but for what is under way. */
    g_assert_cmpint(processed, >=, frames);
    g_assert_cmpint(processed, <=, frames + 4);
    json_decref(state);
    return frames;
}

/* Ten viewers get the same bytes for the same number, and no more is drawn than for one. */
static void test_ten(void)
{
    gchar *options = g_strdup_printf("--rate 10 --model %s", tiny_model());
    Process *process = process_start(options);
    GHashTable *seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    Watcher watchers[VIEWERS];
    GThread *threads[VIEWERS];
    guint64 last = 0;
    guint shared = 0;

    for (guint i = 0; i < VIEWERS; i++) {
        watchers[i] = (Watcher){process, g_array_new(FALSE, FALSE, sizeof(Part))};
        g_array_set_clear_func(watchers[i].parts, part_clear);
        threads[i] = g_thread_new("viewer", watch, &watchers[i]);
    }
    for (guint i = 0; i < VIEWERS; i++) {
        g_thread_join(threads[i]);
        g_assert_cmpuint(watchers[i].parts->len, ==, PARTS);
        for (guint j = 0; j < PARTS; j++) {
            Part *part = &g_array_index(watchers[i].parts, Part, j);
            const gchar *checksum = g_hash_table_lookup(seen, &part->number);

            if (checksum)
                g_assert_cmpstr(checksum, ==, part->checksum);
            else
                g_hash_table_insert(seen, g_memdup2(&part->number, sizeof part->number),
                                    g_strdup(part->checksum));
            shared += checksum != NULL;
            last = MAX(last, part->number);
            if (j > 0)
                g_assert_cmpuint(part->number, >, (part - 1)->number);
        }
        g_array_unref(watchers[i].parts);
    }
    /* Far fewer pictures than parts: had each viewer its own, there were none in common. */
    g_assert_cmpuint(shared, >=, VIEWERS * PARTS / 2);
    g_assert_cmpint(frames_so_far(process), <, VIEWERS * PARTS);
    g_assert_cmpint(frames_so_far(process), >=, (gint64)last);
    process_stop(process);
    g_hash_table_unref(seen);
    g_free(options);
}

/* A viewer that never reads, with little room in the kernel, while others come, go and go on. The
 * pictures are large, so that they are more than a socket holds. */
static void test_stalled(void)
{
    gchar *options = g_strdup_printf("--rate 30 --model %s", noise_model());
    Process *process = process_start(options);
    Reader stalled, steady, passing;
    Part first, part;
    guint64 taken;
    gint64 start;

    start = g_get_monotonic_time();
    reader_open(&stalled, process, 1024);
    reader_open(&steady, process, 0);
    g_assert_true(reader_next(&steady, &first));
    for (guint i = 0; i < 40; i++) {
        if (i % 10 == 0) {
            reader_open(&passing, process, 0);
            g_assert_true(reader_next(&passing, &part));
            part_clear(&part);
            reader_close(&passing);
        }
        g_assert_true(reader_next(&steady, &part));
        g_assert_cmpuint(part.number, >, first.number);
        part_clear(&part);
    }
    part_clear(&first);
    /* When it reads again, it has missed what it could not take, and goes on from what is new. On a
     * machine that took more than its 30 seconds for all this, it was sent away instead. */
    for (taken = 0; reader_next(&stalled, &first) && first.number < part.number; taken++)
        part_clear(&first);
    if (first.number >= part.number)
        g_assert_cmpuint(taken, <, first.number - 1);
    else
        g_assert_cmpint(g_get_monotonic_time() - start, >, 30 * G_USEC_PER_SEC);
    part_clear(&first);
    reader_close(&stalled);
    reader_close(&steady);
    process_stop(process);
    g_free(options);
}

static void send_slowly(GSocketConnection *connection, gchar byte)
{
    g_socket_send(g_socket_connection_get_socket(connection), &byte, 1, NULL, NULL);
}

/* By an end, or by a reset, which the bytes sent after it cause. */
static gboolean has_ended(GSocketConnection *connection)
{
    GSocket *socket = g_socket_connection_get_socket(connection);
    GError *error = NULL;
    gboolean open;
    gchar byte;

    g_socket_set_blocking(socket, FALSE);
    open = g_socket_receive(socket, &byte, 1, NULL, &error) > 0 ||
           g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
    g_clear_error(&error);
    return !open;
}

/* Who takes nothing for half a minute is sent away, and until then costs next to no memory; and so
 * is who sends a request byte by byte, in its head or in its body. */
static void test_sent_away(void)
{
    static const gchar *const requests[SLOW] = {
        "GET /model HTTP/1.1\r\nHost: localhost\r\nX: ",
        "POST /settings HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Content-Length: 4000\r\n\r\n{",
    };
    GSocketClient *client = g_object_new(G_TYPE_SOCKET_CLIENT, "enable-proxy", FALSE, NULL);
    gchar *options = g_strdup_printf("--rate 30 --model %s", noise_model());
    Process *process = process_start(options);
    GSocketConnection *slow[SLOW];
    Reader warm, stalled[STALLED];
    guint64 before, most = 0;
    gint64 viewers = 1, start;
    Part part;

    reader_open(&warm, process, 0);
    for (guint i = 0; i < WARM; i++) {
        g_assert_true(reader_next(&warm, &part));
        part_clear(&part);
    }
    reader_close(&warm);
    before = process_memory(process);
    for (guint i = 0; i < SLOW; i++) {
        slow[i] = g_socket_client_connect_to_uri(client, process->url, 80, NULL, NULL);
        g_assert_nonnull(slow[i]);
        for (const gchar *byte = requests[i]; *byte; byte++)
            send_slowly(slow[i], *byte);
    }
    start = g_get_monotonic_time();
    for (guint i = 0; i < STALLED; i++)
        reader_open(&stalled[i], process, 1024);
    for (guint i = 0; i < 120 && viewers > 0; i++) {
        json_t *state = get_json(process, "/state");

        viewers = json_integer_value(json_object_get(state, "jpeg-viewers"));
        g_assert_true(viewers > 0 || g_get_monotonic_time() - start > 30 * G_USEC_PER_SEC);
        json_decref(state);
        most = MAX(most, process_memory(process));
        for (guint k = 0; k < SLOW; k++)
            send_slowly(slow[k], ' ');
        g_usleep(G_USEC_PER_SEC);
    }
    g_assert_cmpint(viewers, ==, 0);
    g_test_message("%" G_GUINT64_FORMAT " KiB before, at most %" G_GUINT64_FORMAT, before, most);
    g_assert_cmpuint(most, <, before + STALLED * EACH);
    for (guint i = 0; i < SLOW; i++) {
        for (guint k = 0; k < 600 && !has_ended(slow[i]); k++)
            g_usleep(G_USEC_PER_SEC / 10);
        g_assert_true(has_ended(slow[i]));
        g_object_unref(slow[i]);
    }
    for (guint i = 0; i < STALLED; i++)
        reader_close(&stalled[i]);
    process_stop(process);
    g_object_unref(client);
    g_free(options);
}

/* ---- settings in the stream -------------------------------------------------------- */

static void await_part(Reader *reader, const gchar *class_name, guint64 seed)
{
    Part part;
    gboolean found = FALSE;

    for (guint i = 0; i < 100 && !found; i++) {
        g_assert_true(reader_next(reader, &part));
        found = part.seed == seed && !g_strcmp0(part.class_name, class_name);
        part_clear(&part);
    }
    g_assert_true(found);
}

static void test_settings(void)
{
    gchar *options = g_strdup_printf("--rate 20 --model %s", tiny_model());
    Process *process = process_start(options);
    gboolean scales[5] = {FALSE};
    Reader reader;
    Part part;

    reader_open(&reader, process, 0);
    post_settings(process, "{\"class\": \"owl\", \"seed\": 5}");
    await_part(&reader, "owl", 5);
    post_settings(process, "{\"class\": \"red\", \"seed\": 6}");
    await_part(&reader, "red fox", 6);
    post_settings(process, "{\"rate\": 2, \"progressive\": true}");
    for (guint i = 0; i < 100 && !(scales[1] && scales[2] && scales[3] && scales[4]); i++) {
        g_assert_true(reader_next(&reader, &part));
        g_assert_cmpuint(part.scale, <=, 4);
        scales[part.scale] = TRUE;
        part_clear(&part);
    }
    g_assert_true(scales[1] && scales[2] && scales[3] && scales[4]);
    post_settings(process, "{\"progressive\": false, \"rate\": 20, \"class\": \"arctic\"}");
    await_part(&reader, "arctic fox", 6);
    reader_close(&reader);
    process_stop(process);
    g_free(options);
}

/* Nothing is drawn for nobody. */
static void test_nobody(void)
{
    gchar *options = g_strdup_printf("--rate 20 --model %s", tiny_model());
    Process *process = process_start(options);
    gint64 frames = 0, before = -1;
    Reader reader;
    Part part;

    reader_open(&reader, process, 0);
    for (guint i = 0; i < 5; i++) {
        g_assert_true(reader_next(&reader, &part));
        part_clear(&part);
    }
    reader_close(&reader);
    for (guint i = 0; i < 20 && frames != before; i++) {
        before = frames;
        g_usleep(G_USEC_PER_SEC);
        frames = frames_so_far(process);
    }
    g_assert_cmpint(frames, ==, before);
    reader_open(&reader, process, 0);
    for (guint i = 0; i < 5; i++) {
        g_assert_true(reader_next(&reader, &part));
        part_clear(&part);
    }
    g_assert_cmpint(frames_so_far(process), >, frames);
    reader_close(&reader);
    process_stop(process);
    g_free(options);
}

/* SIGINT with viewers: their streams end, and so does the process (process_stop asks for 0). */
static void test_end(void)
{
    gchar *options = g_strdup_printf("--rate 20 --model %s", tiny_model());
    Process *process = process_start(options);
    Reader readers[3];
    Part part;

    for (guint i = 0; i < 3; i++) {
        reader_open(&readers[i], process, 0);
        g_assert_true(reader_next(&readers[i], &part));
        part_clear(&part);
    }
    process_stop(process);
    for (guint i = 0; i < 3; i++) {
        while (reader_next(&readers[i], &part))
            part_clear(&part);
        part_clear(&part);
        reader_close(&readers[i]);
    }
    g_free(options);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/studio/ten-viewers", test_ten);
    g_test_add_func("/studio/stalled-viewer", test_stalled);
    g_test_add_func("/studio/sent-away", test_sent_away);
    g_test_add_func("/studio/settings-in-the-stream", test_settings);
    g_test_add_func("/studio/nobody", test_nobody);
    g_test_add_func("/studio/end", test_end);
    return g_test_run();
}
