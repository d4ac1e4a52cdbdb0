/* common.c - starts and stops code-studio, and asks it. */
#include "common.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

static gchar *folder, *tiny, *noise;

static void remove_models(void)
{
    g_unlink(tiny);
    g_unlink(noise);
    g_rmdir(folder);
    g_free(tiny);
    g_free(noise);
    g_free(folder);
}

static gchar *write_model(const gchar *name, const gchar *shape)
{
    gchar *path = g_build_filename(folder, name, NULL);
    gchar *text =
        g_strdup_printf("name: %.*s\nsynthetic: 11\n%s", (int)strcspn(name, "."), name, shape);
    GError *error = NULL;

    g_file_set_contents(path, text, -1, &error);
    g_assert_no_error(error);
    g_free(text);
    return path;
}

static void write_models(void)
{
    GError *error = NULL;

    folder = g_dir_make_tmp("code-studio-XXXXXX", &error);
    g_assert_no_error(error);
    tiny = write_model("tiny.yaml", "patch_nums: [1, 2, 3, 4]\n"
                                    "class_names: [red fox, arctic fox, owl]\n"
                                    "vae: {codes: 64, channels: 8, ch: 32, ch_mult: [1, 2], "
                                    "res_blocks: 1, groups: 32}\n"
                                    "drafter: {depth: 3, width: 128, heads: 2, steps: [2, 3]}\n"
                                    "refiner: {depth: 2, width: 64, heads: 1}\n"
                                    "defaults: {drafting_steps: 2, top_k: 20}\n");
    noise = write_model("noise.yaml", "patch_nums: [1, 2, 4, 8]\nclasses: 4\n"
                                      "vae: {codes: 64, channels: 8, ch: 32, ch_mult: [1, 1, 1, "
                                      "1, 1], res_blocks: 1, groups: 32}\n"
                                      "drafter: {depth: 2, width: 64, heads: 1}\n");
    atexit(remove_models);
}

const gchar *tiny_model(void)
{
    if (!tiny)
        write_models();
    return tiny;
}

const gchar *noise_model(void)
{
    if (!noise)
        write_models();
    return noise;
}

/* ---- the process ------------------------------------------------------------------- */

static void die_with_parent(gpointer data)
{
    (void)data;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

GSubprocess *spawn(const gchar *const *words, GSubprocessFlags flags)
{
    GSubprocessLauncher *launcher = g_subprocess_launcher_new(flags);
    GError *error = NULL;
    GSubprocess *process;

    g_subprocess_launcher_set_child_setup(launcher, die_with_parent, NULL, NULL);
    process = g_subprocess_launcher_spawnv(launcher, words, &error);
    g_assert_no_error(error);
    g_object_unref(launcher);
    return process;
}

static GSubprocess *spawn_studio(const gchar *options, GSubprocessFlags flags)
{
    gchar *line = g_strdup_printf("%s --port 0 %s", g_getenv("CODE_STUDIO"), options);
    GSubprocess *process;
    gchar **words;

    g_assert_nonnull(g_getenv("CODE_STUDIO"));
    g_assert_true(g_shell_parse_argv(line, NULL, &words, NULL));
    process = spawn((const gchar *const *)words, flags);
    g_strfreev(words);
    g_free(line);
    return process;
}

Process *process_start(const gchar *options)
{
    Process *process = g_new0(Process, 1);
    GDataInputStream *lines;
    gchar *line;

    process->process = spawn_studio(options, G_SUBPROCESS_FLAGS_STDOUT_PIPE);
    lines = g_data_input_stream_new(g_subprocess_get_stdout_pipe(process->process));
    line = g_data_input_stream_read_line(lines, NULL, NULL, NULL);
    g_assert_nonnull(line);
    g_assert_true(g_str_has_prefix(line, "http://"));
    if (strchr(line, '?')) {
        process->token = g_strdup(strchr(line, '?') + strlen("?token="));
        *strchr(line, '?') = '\0';
    }
    g_assert_true(g_str_has_suffix(line, "/"));
    process->url = g_strndup(line, strlen(line) - 1);
    g_free(line);
    g_filter_input_stream_set_close_base_stream(G_FILTER_INPUT_STREAM(lines), FALSE);
    g_object_unref(lines);
    return process;
}

void process_stop(Process *process)
{
    GError *error = NULL;

    g_subprocess_send_signal(process->process, SIGINT);
    g_subprocess_wait(process->process, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(g_subprocess_get_if_exited(process->process));
    g_assert_cmpint(g_subprocess_get_exit_status(process->process), ==, 0);
    g_object_unref(process->process);
    g_free(process->url);
    g_free(process->token);
    g_free(process);
}

guint64 process_memory(const Process *process)
{
    gchar *path = g_strdup_printf("/proc/%s/status", g_subprocess_get_identifier(process->process));
    const gchar *line;
    gchar *text;
    guint64 kibibytes;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    line = strstr(text, "VmRSS:");
    g_assert_nonnull(line);
    kibibytes = g_ascii_strtoull(line + strlen("VmRSS:"), NULL, 10);
    g_free(text);
    g_free(path);
    return kibibytes;
}

gchar *process_refused(const gchar *options, gint status)
{
    GSubprocess *process = spawn_studio(options, G_SUBPROCESS_FLAGS_STDERR_PIPE);
    gchar *text;

    g_assert_true(g_subprocess_communicate_utf8(process, NULL, NULL, NULL, &text, NULL));
    g_assert_true(g_subprocess_get_if_exited(process));
    g_assert_cmpint(g_subprocess_get_exit_status(process), ==, status);
    g_object_unref(process);
    return text;
}

/* ---- requests ---------------------------------------------------------------------- */

static void add_headers(SoupMessage *message, const gchar *headers)
{
    gchar **lines = g_strsplit(headers ? headers : "", "\n", -1);

    for (gchar **line = lines; *line; line++) {
        gchar **pair = g_strsplit(*line, ": ", 2);

        if (pair[0] && pair[1])
            soup_message_headers_replace(soup_message_get_request_headers(message), pair[0],
                                         pair[1]);
        g_strfreev(pair);
    }
    g_strfreev(lines);
}

Answer *request(const Process *process, const gchar *method, const gchar *path,
                const gchar *headers, const gchar *body)
{
    SoupSession *session =
        soup_session_new_with_options("timeout", 300, "proxy-resolver", NULL, NULL);
    gchar *url = g_strconcat(process->url, path, NULL);
    SoupMessage *message = soup_message_new(method, url);
    Answer *answer = g_new0(Answer, 1);
    GError *error = NULL;
    GBytes *bytes;

    if (body) {
        bytes = g_bytes_new(body, strlen(body));
        soup_message_set_request_body_from_bytes(message, NULL, bytes);
        g_bytes_unref(bytes);
    }
    add_headers(message, headers);
    bytes = soup_session_send_and_read(session, message, NULL, &error);
    g_assert_no_error(error);
    answer->status = soup_message_get_status(message);
    answer->headers = soup_message_headers_ref(soup_message_get_response_headers(message));
    answer->length = g_bytes_get_size(bytes);
    answer->body = g_malloc0(answer->length + 1);
    if (answer->length)
        memcpy(answer->body, g_bytes_get_data(bytes, NULL), answer->length);
    g_bytes_unref(bytes);
    g_object_unref(message);
    g_object_unref(session);
    g_free(url);
    return answer;
}

void answer_free(Answer *answer)
{
    soup_message_headers_unref(answer->headers);
    g_free(answer->body);
    g_free(answer);
}

json_t *get_json(const Process *process, const gchar *path)
{
    Answer *answer = request(process, "GET", path, NULL, NULL);
    json_t *value;

    g_assert_cmpuint(answer->status, ==, 200);
    g_assert_cmpstr(soup_message_headers_get_one(answer->headers, "Content-Type"), ==,
                    "application/json");
    value = json_loads(answer->body, 0, NULL);
    g_assert_nonnull(value);
    answer_free(answer);
    return value;
}

void post_settings(const Process *process, const gchar *body)
{
    Answer *answer = request(process, "POST", "/settings", "Content-Type: application/json", body);

    g_assert_cmpuint(answer->status, ==, 200);
    answer_free(answer);
}

gchar *open_events(const Process *process, SoupSession *session, GInputStream **stream)
{
    gchar *url = g_strconcat(process->url, "/events", NULL);
    SoupMessage *message = soup_message_new("GET", url);
    GDataInputStream *lines;
    gchar *id = NULL, *line;

    *stream = soup_session_send(session, message, NULL, NULL);
    g_assert_nonnull(*stream);
    lines = g_data_input_stream_new(*stream);
    g_filter_input_stream_set_close_base_stream(G_FILTER_INPUT_STREAM(lines), FALSE);
    while (!id && (line = g_data_input_stream_read_line(lines, NULL, NULL, NULL))) {
        if (g_str_has_prefix(line, "data: {\"id\":\""))
            id = g_strndup(line + strlen("data: {\"id\":\""), 36);
        g_free(line);
    }
    g_assert_nonnull(id);
    g_object_unref(lines);
    g_object_unref(message);
    g_free(url);
    return id;
}
