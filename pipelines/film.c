/* film.c - shared by the film programs: see film.h. */
#include "film.h"

#include <codesrc.h>

#include <string.h>
#include <unistd.h>

/* Quotes a value, which may have spaces or quotes. */
static void add_property(GString *properties, const char *argument)
{
    const char *value = strchr(argument, '=') + 1;

    g_string_append_len(properties, argument, value - argument);
    g_string_append_c(properties, '"');
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            g_string_append_c(properties, '\\');
        g_string_append_c(properties, *value);
    }
    g_string_append(properties, "\" ");
}

static gboolean codesrc_is_there(void)
{
    GstElementFactory *factory = gst_element_factory_find("codesrc");

    if (!factory) {
        g_printerr("%s: GStreamer does not find codesrc. After ./demo, set its path:\n"
                   "  . build/demo/env.sh\n",
                   g_get_prgname());
        return FALSE;
    }
    gst_object_unref(factory);
    return TRUE;
}

gboolean film_arguments(FilmArguments *arguments, int argc, char **argv, const char *usage,
                        int *status)
{
    GString *properties = g_string_new(NULL);
    int plain = 0;
    char *name = g_path_get_basename(argv[0]);

    g_set_prgname(name);
    g_free(name);
    gst_init(NULL, NULL);
    arguments->model = "vistas";
    *status = 2;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            g_print("%s", usage);
            *status = 0;
            goto stop;
        }
        if (g_str_has_prefix(argv[i], "model="))
            arguments->model = argv[i] + strlen("model=");
        if (strchr(argv[i], '=')) {
            add_property(properties, argv[i]);
        } else if (argv[i][0] != '-' && plain < 2 && !properties->len) {
            *(plain++ ? &arguments->list : &arguments->file) = argv[i];
        } else {
            g_printerr("%s: found \"%s\", expected PROPERTY=VALUE; see --help\n", g_get_prgname(),
                       argv[i]);
            goto stop;
        }
    }
    *status = 1;
    if (!codesrc_is_there())
        goto stop;
    arguments->properties = g_string_free(properties, FALSE);
    return TRUE;

stop:
    g_string_free(properties, TRUE);
    return FALSE;
}

gboolean film_class(const FilmArguments *arguments, const char *text, int *id)
{
    CodesrcModelOptions options;
    CodesrcModel *model;
    CodesrcError error;
    guint64 id_read;
    gboolean good;

    if (*text && strspn(text, "0123456789") == strlen(text)) {
        id_read = g_ascii_strtoull(text, NULL, 10);
        *id = (int)MIN(id_read, G_MAXINT); /* codesrc checks its range */
        return TRUE;
    }
    codesrc_model_options_init(&options);
    options.headers_only = TRUE;
    model = codesrc_model_open(arguments->model, &options, &error);
    good = model && codesrc_model_find_class(model, text, id, &error);
    if (!good)
        g_printerr("%s: %s\n", g_get_prgname(), error.text);
    codesrc_model_unref(model);
    return good;
}

/* Encoder and muxer. Prints the reason and returns NULL for an unknown extension. */
static const char *encoder_for(const char *file)
{
    if (g_str_has_suffix(file, ".webm"))
        return "videoconvert ! vp8enc deadline=1 target-bitrate=2000000 ! webmmux";
    if (g_str_has_suffix(file, ".mp4"))
        return "videoconvert ! video/x-raw,format=I420 ! x264enc ! mp4mux faststart=true";
    g_printerr("%s: %s: expected a name that ends in .webm or .mp4\n", g_get_prgname(), file);
    return NULL;
}

GstElement *film_pipeline(const char *text, const char *file)
{
    const char *encoder = encoder_for(file);
    char *location = g_strconcat("location=", file, NULL);
    GString *whole = g_string_new(text);
    GError *error = NULL;
    GstElement *pipeline = NULL;

    if (encoder) {
        g_string_append_printf(whole, " ! %s ! filesink ", encoder);
        add_property(whole, location);
        pipeline = gst_parse_launch_full(whole->str, NULL, GST_PARSE_FLAG_FATAL_ERRORS, &error);
    }
    if (error) {
        g_printerr("%s: %s\n", g_get_prgname(), error->message);
        g_clear_error(&error);
    }
    g_string_free(whole, TRUE);
    g_free(location);
    return pipeline;
}

/* The end or the error. On a terminal, shows meanwhile how much of the film there is. */
static GstMessage *wait_for_end(GstElement *pipeline, GstBus *bus)
{
    gboolean terminal = isatty(STDERR_FILENO), shown = FALSE;
    GstMessage *message;
    gint64 position;

    while (!(message = gst_bus_timed_pop_filtered(bus, terminal ? GST_SECOND : GST_CLOCK_TIME_NONE,
                                                  GST_MESSAGE_EOS | GST_MESSAGE_ERROR))) {
        if (!gst_element_query_position(pipeline, GST_FORMAT_TIME, &position))
            continue;
        g_printerr("\r%.1f s of the film are drawn\033[K", (double)position / GST_SECOND);
        shown = TRUE;
    }
    if (shown)
        g_printerr("\r\033[K");
    return message;
}

int film_run(GstElement *pipeline)
{
    GstBus *bus = gst_element_get_bus(pipeline);
    GstMessage *message;
    int status = 0;

    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    message = wait_for_end(pipeline, bus);
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
        GError *error = NULL;

        gst_message_parse_error(message, &error, NULL);
        g_printerr("%s: %s: %s\n", g_get_prgname(), GST_OBJECT_NAME(GST_MESSAGE_SRC(message)),
                   error->message);
        g_error_free(error);
        status = 1;
    }
    gst_message_unref(message);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(bus);
    gst_object_unref(pipeline);
    return status;
}
