/* main.c - code-studio: pictures in a browser, with controls for their settings. */
#include "options.h"
#include "server.h"

#include <errno.h>
#include <glib-unix.h>
#include <locale.h>
#include <stdio.h>

typedef struct Arguments {
    const char *address, *model, *device, *precision;
    OptionTexts hosts;
    unsigned port, threads;
    double rate;
} Arguments;

#define AT(member) offsetof(Arguments, member)

/* clang-format off */
static const Option table[] = {
    {.help = "Who may watch"},
    {"address", 0, "ADDRESS", OPTION_TEXT, AT(address),
     .help = "IP address to listen at; 0.0.0.0: all; default 127.0.0.1. At any that other machines "
     "reach, visitors need the token in the address that is printed"},
    {"port", 0, "PORT", OPTION_COUNT, AT(port),
     .help = "port to listen at; 0: any that is free; default 8190", .most = 65535},
    {"host", 0, "NAME", OPTION_TEXTS, AT(hosts),
     .help = "a name, besides localhost, by which browsers may address this server; may be "
     "repeated"},
    {.help = "What is drawn"},
    {"model", 'm', "NAME", OPTION_TEXT, AT(model),
     .help = "a manifest, a folder that holds one, or the name of a bundled model; default vistas",
     .words = "vistas", .value = 'm'},
    {"rate", 0, "R", OPTION_REAL, AT(rate),
     .help = "a slide show of this many pictures a second, 0.1..30; default: a film",
     .low = SETTINGS_MIN_RATE, .high = SETTINGS_MAX_RATE},
    {.help = "What computes"},
    {"device", 0, "D", OPTION_TEXT, AT(device),
     .help = "auto, cuda, cpu or reference; default auto",
     .words = "auto cuda cpu reference"},
    {"precision", 0, "P", OPTION_TEXT, AT(precision),
     .help = "auto, f32, bf16, f16 or int8; default auto", .words = "auto f32 bf16 f16 int8"},
    {"threads", 0, "T", OPTION_COUNT, AT(threads),
     .help = "threads that compute; default: one for each core that it may use",
     .least = 1, .most = 1024},
    {0},
};
/* clang-format on */

static const Program program = {
    .name = "code-studio",
    .summary = "watch in a browser how a VAR model draws",
    .description = "Serves a page that shows pictures while they are drawn, with controls for how. "
                   "Prints its address once it listens, and ends with Ctrl-C. Options that begin "
                   "with --gst- go to GStreamer.",
    .commands = (const Command[]){{"", "", "[OPTION]...", ""}, {0}},
    .options = table,
    .examples = (const Example[]){{"code-studio", "at http://127.0.0.1:8190/"},
                                  {"code-studio --address 0.0.0.0 --port 0 --host studio.lan",
                                   "for all of the network, at a port that is free"},
                                  {0}},
};

static gboolean is_any_address(const gchar *text)
{
    GInetAddress *address = g_inet_address_new_from_string(text);
    gboolean any = !address || g_inet_address_get_is_any(address);

    g_clear_object(&address);
    return any;
}

static Studio *make_studio(const Arguments *a, GError **error)
{
    StudioSetup setup = {
        .generation = {.model = a->model,
                       .device = a->device,
                       .precision = a->precision,
                       .threads = a->threads},
        .address = is_any_address(a->address) ? NULL : a->address,
        .rate = a->rate,
    };
    CodesrcError failure;
    Facts facts;

    if (!facts_open(&facts, a->model, &failure)) {
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

/* Nobody would find a studio whose port or token could not be printed. */
static gboolean print_url(Server *server, GError **error)
{
    gchar *url = server_url(server);

    errno = 0;
    printf("%s\n", url);
    g_free(url);
    if (!fflush(stdout) && !ferror(stdout))
        return TRUE;
    g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
                "standard output: the address cannot be written: %s", g_strerror(errno));
    return FALSE;
}

/* Who has read the address may end it. */
static void run(Server *server, GError **error)
{
    GMainLoop *loop = g_main_loop_new(NULL, FALSE);

    g_unix_signal_add(SIGINT, on_signal, loop);
    g_unix_signal_add(SIGTERM, on_signal, loop);
    if (print_url(server, error))
        g_main_loop_run(loop);
    g_main_loop_unref(loop);
}

/* GStreamer removes its own options. Without any, --help need not wait for its plugins. */
static void parse(Arguments *a, int argc, char **argv)
{
    const char *operands[OPTIONS_MOST_OPERANDS];
    bool for_gst = false;

    for (int i = 1; i < argc; i++)
        for_gst = for_gst || g_str_has_prefix(argv[i], "--gst-");
    if (for_gst)
        gst_init(&argc, &argv);
    options_parse(&program, argc, argv, a, operands);
    if (!for_gst)
        gst_init(NULL, NULL);
}

int main(int argc, char **argv)
{
    Arguments a = {.address = "127.0.0.1", .port = 8190};
    GError *error = NULL;
    Studio *studio = NULL;
    Server *server = NULL;

    setlocale(LC_ALL, "");
    setlocale(LC_NUMERIC, "C"); /* numbers on the command line have points */
    parse(&a, argc, argv);
    studio = make_studio(&a, &error);
    if (studio) {
        ServerSetup setup = {a.address, (guint16)a.port, (const gchar *const *)a.hosts.value};

        server = server_new(studio, &setup, &error);
    }
    if (server)
        run(server, &error);
    server_free(server);
    studio_free(studio);
    gst_deinit(); /* so that a tracer can report leaks */
    if (!error)
        return 0;
    g_printerr("code-studio: %s\n", error->message);
    g_error_free(error);
    return 1;
}
