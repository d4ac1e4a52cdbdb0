/* main.c - code-studio: pictures in a browser, with controls for how they are drawn. */
#include "server.h"

#include <glib-unix.h>
#include <locale.h>
#include <stdio.h>

typedef struct Options {
    gchar *address, *model, *device, *precision;
    gchar **host_names;
    gint port, threads;
    gdouble rate;
} Options;

static gboolean parse(Options *options, int *argc, char ***argv, GError **error)
{
    const GOptionEntry entries[] = {
        {"address", 0, 0, G_OPTION_ARG_STRING, &options->address,
         "IP address to listen at (127.0.0.1; 0.0.0.0: all)", "ADDRESS"},
        {"port", 0, 0, G_OPTION_ARG_INT, &options->port, "port (8190; 0: any)", "PORT"},
        {"host", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->host_names,
         "a name by which browsers may address it, beside localhost", "NAME"},
        {"model", 0, 0, G_OPTION_ARG_FILENAME, &options->model,
         "a manifest, a folder or a bundled name (vistas)", "NAME"},
        {"device", 0, 0, G_OPTION_ARG_STRING, &options->device, "auto, cuda, cpu, reference", "D"},
        {"precision", 0, 0, G_OPTION_ARG_STRING, &options->precision, "auto, f32, ...", "P"},
        {"threads", 0, 0, G_OPTION_ARG_INT, &options->threads, "the processor's cores", "T"},
        {"rate", 0, 0, G_OPTION_ARG_DOUBLE, &options->rate, "pictures a second (1)", "R"},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL}};
    GOptionContext *context =
        g_option_context_new("- a page that shows pictures while they are drawn");
    gboolean parsed;

    g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_add_group(context, gst_init_get_option_group());
    parsed = g_option_context_parse(context, argc, argv, error);
    g_option_context_free(context);
    if (!options->address)
        options->address = g_strdup("127.0.0.1");
    return parsed;
}

static gboolean check(const Options *options, int argc, char **argv, GError **error)
{
    gchar *text = NULL;

    if (argc > 1)
        text = g_strdup_printf("\"%s\" is not an option, see --help", argv[1]);
    else if (options->port < 0 || options->port > 65535)
        text = g_strdup_printf("--port is %d, expected 0 to 65535", options->port);
    else if (options->threads < 0 || options->threads > 1024)
        text = g_strdup_printf("--threads is %d, expected 0 to 1024", options->threads);
    else if (!(options->rate >= SETTINGS_MIN_RATE && options->rate <= SETTINGS_MAX_RATE))
        text = g_strdup_printf("--rate is %g, expected %g to %g", options->rate, SETTINGS_MIN_RATE,
                               SETTINGS_MAX_RATE);
    if (text)
        g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, text);
    g_free(text);
    return *error == NULL;
}

static gboolean is_any_address(const gchar *text)
{
    GInetAddress *address = g_inet_address_new_from_string(text);
    gboolean any = !address || g_inet_address_get_is_any(address);

    g_clear_object(&address);
    return any;
}

static Studio *make_studio(const Options *options, GError **error)
{
    StudioSetup setup = {
        .generation = {.model = options->model,
                       .device = options->device,
                       .precision = options->precision,
                       .threads = (guint)options->threads},
        .address = is_any_address(options->address) ? NULL : options->address,
        .rate = options->rate,
    };
    CodesrcError failure;
    Facts facts;

    if (!facts_open(&facts, options->model, &failure)) {
        g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, failure.text);
        return NULL;
    }
    return studio_new(&setup, &facts, error);
}

/* A second signal ends the process at once. */
static gboolean on_signal(gpointer loop)
{
    g_main_loop_quit(loop);
    return G_SOURCE_REMOVE;
}

static void run(Server *server)
{
    GMainLoop *loop = g_main_loop_new(NULL, FALSE);
    gchar *url = server_url(server);

    g_unix_signal_add(SIGINT, on_signal, loop);
    g_unix_signal_add(SIGTERM, on_signal, loop);
    printf("%s\n", url);
    fflush(stdout);
    g_free(url);
    g_main_loop_run(loop);
    g_main_loop_unref(loop);
}

int main(int argc, char **argv)
{
    Options options = {.port = 8190, .rate = 1.0};
    GError *error = NULL;
    Studio *studio = NULL;
    Server *server = NULL;
    gboolean understood;

    setlocale(LC_ALL, "");
    understood = parse(&options, &argc, &argv, &error) && check(&options, argc, argv, &error);
    if (understood)
        studio = make_studio(&options, &error);
    if (studio) {
        ServerSetup setup = {options.address, (guint16)options.port,
                             (const gchar *const *)options.host_names};

        server = server_new(studio, &setup, &error);
    }
    if (server)
        run(server);
    server_free(server);
    studio_free(studio);
    if (error)
        g_printerr("code-studio: %s\n", error->message);
    g_free(options.address);
    g_free(options.model);
    g_free(options.device);
    g_free(options.precision);
    g_strfreev(options.host_names);
    if (!error)
        return 0;
    g_error_free(error);
    return understood ? 1 : 2;
}
