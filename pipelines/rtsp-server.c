/* rtsp-server.c - serves pictures over RTSP to any number of viewers. Each address is a stream:
 * rtsp://HOST:PORT/CLASS?PROPERTY=VALUE&... Viewers of one address share its pictures.
 *
 *     cc rtsp-server.c -o rtsp-server $(pkg-config --cflags --libs gstreamer-rtsp-server-1.0)
 */
#include <glib-unix.h>
#include <gst/rtsp-server/rtsp-server.h>

#include <stdio.h>
#include <string.h>

static const char usage[] =
    "Usage: rtsp-server [ADDRESS:PORT] [PROPERTY=VALUE...]\n"
    "  ADDRESS:PORT    where to listen, 0.0.0.0:8554 for all; default: 127.0.0.1:8554\n"
    "  PROPERTY=VALUE  of codesrc, for all streams: model=vistas, device=cpu, ...\n";

/* What a viewer may choose. The model and the device are the server's. */
static const char *const open_properties[] = {
    "class-id-2", "class-mix",   "drafting-steps", "first-frame", "guidance", "more-smooth",
    "seed",       "temperature", "top-k",          "top-p",       NULL,
};

/* A stream takes a model's working memory and an encoder. */
static const gint most_streams = 16;

/* A picture a second as 25 frames a second, each picture from its time on. */
static const char encoder[] =
    "videoconvert name=in ! imagefreeze is-live=true allow-replace=true ! "
    "video/x-raw,format=I420,framerate=25/1 ! "
    "vp8enc deadline=1 keyframe-max-dist=50 target-bitrate=2000000 ! rtpvp8pay name=pay0 pt=96";

/* ---- one address, one stream ----------------------------------------------------------------- */

G_DECLARE_FINAL_TYPE(CodeFactory, code_factory, CODE, FACTORY, GstRTSPMediaFactory)

struct _CodeFactory {
    GstRTSPMediaFactory parent;
    char **properties; /* NAME, VALUE, NAME, VALUE, ..., NULL */
    gint streams;      /* that there are now; atomic */
};

G_DEFINE_TYPE(CodeFactory, code_factory, GST_TYPE_RTSP_MEDIA_FACTORY)

/* The key of an element's data: its stream's address, to be printed once. */
static const char shown_address[] = "shown-address";

/* code:// and what a viewer asked for. The address of SETUP ends with the stream's name, which
 * DESCRIBE's lacks. Free with g_free. */
static char *code_uri(const GstRTSPUrl *url)
{
    const char *name = url->abspath + strspn(url->abspath, "/");
    const char *end = strstr(url->abspath, "/stream=");
    int length = end ? (end > name ? (int)(end - name) : 0) : (int)strlen(name);

    while (length > 0 && name[length - 1] == '/')
        length--;
    return g_strdup_printf("code://%.*s%s%s", length, name, url->query ? "?" : "",
                           url->query ? url->query : "");
}

static char *gen_key(GstRTSPMediaFactory *factory, const GstRTSPUrl *url)
{
    (void)factory;
    return code_uri(url);
}

/* What a viewer sent, without bytes that a terminal would act on. Free with g_free. */
static char *printable(const char *text)
{
    return g_strescape(text, NULL);
}

/* Refuses properties that are the server's. */
static gboolean open_to_viewers(const char *address, GError **error)
{
    GstUri *uri = gst_uri_from_string(address);
    GList *names = uri ? gst_uri_get_query_keys(uri) : NULL;
    const char *closed = NULL;

    for (GList *name = names; name && !closed; name = name->next) {
        if (!g_strv_contains(open_properties, name->data))
            closed = name->data;
    }
    if (closed) {
        char *expected = g_strjoinv(", ", (char **)open_properties), *found = printable(closed);

        g_set_error(error, GST_URI_ERROR, GST_URI_ERROR_BAD_REFERENCE, "found %s, expected %s",
                    found, expected);
        g_free(found);
        g_free(expected);
    }
    g_list_free(names);
    gst_clear_uri(&uri);
    return !closed;
}

static void set_properties(GstElement *source, char *const *properties)
{
    for (; *properties; properties += 2)
        gst_util_set_object_arg(G_OBJECT(source), properties[0], properties[1]);
}

static void stream_gone(gpointer factory, GObject *stream)
{
    (void)stream;
    g_atomic_int_add(&CODE_FACTORY(factory)->streams, -1);
    g_object_unref(factory);
}

/* The new stream counts until it is freed. */
static gboolean count_stream(CodeFactory *self, GstElement *stream, GError **error)
{
    g_atomic_int_inc(&self->streams);
    g_object_weak_ref(G_OBJECT(stream), stream_gone, g_object_ref(self));
    if (g_atomic_int_get(&self->streams) <= most_streams)
        return TRUE;
    g_set_error(error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_BUSY, "%d streams run already",
                most_streams);
    return FALSE;
}

/* codesrc and the encoder, or NULL: the viewer is then refused, and the reason printed. */
static GstElement *create_element(GstRTSPMediaFactory *factory, const GstRTSPUrl *url)
{
    CodeFactory *self = CODE_FACTORY(factory);
    char *address = code_uri(url), *shown = printable(address);
    GError *error = NULL;
    GstElement *source = NULL, *stream = NULL, *in;
    GstCaps *caps;

    if (open_to_viewers(address, &error))
        source = gst_element_make_from_uri(GST_URI_SRC, address, NULL, &error);
    if (source)
        stream = gst_parse_bin_from_description(encoder, FALSE, &error);
    g_free(address);
    if (!stream || !count_stream(self, stream, &error)) {
        g_printerr("%s: %s: %s\n", g_get_prgname(), shown, error->message);
        g_error_free(error);
        g_free(shown);
        gst_clear_object(&source);
        gst_clear_object(&stream);
        return NULL;
    }
    set_properties(source, self->properties);
    g_object_set(source, "is-live", TRUE, NULL);
    gst_bin_add(GST_BIN(stream), source);
    in = gst_bin_get_by_name(GST_BIN(stream), "in");
    caps = gst_caps_from_string("video/x-raw,framerate=1/1");
    gst_element_link_filtered(source, in, caps);
    gst_caps_unref(caps);
    gst_object_unref(in);
    g_print("%s: begins\n", shown);
    g_object_set_data_full(G_OBJECT(stream), shown_address, shown, g_free);
    return stream;
}

/* Viewers learn only that there is no stream, so the first error is printed: at once, because the
 * server drops what it has not read when a stream cannot start. */
static void on_error(GstBus *bus, GstMessage *message, gpointer stream)
{
    char *address = g_object_steal_data(stream, shown_address);
    GError *error;

    (void)bus;
    if (!address)
        return;
    gst_message_parse_error(message, &error, NULL);
    g_printerr("%s: %s: %s\n", g_get_prgname(), address, error->message);
    g_error_free(error);
    g_free(address);
}

static GstElement *create_pipeline(GstRTSPMediaFactory *factory, GstRTSPMedia *media)
{
    GstElement *pipeline =
        GST_RTSP_MEDIA_FACTORY_CLASS(code_factory_parent_class)->create_pipeline(factory, media);
    GstElement *stream = gst_rtsp_media_get_element(media);
    GstBus *bus = gst_element_get_bus(pipeline);

    gst_bus_enable_sync_message_emission(bus);
    g_signal_connect_object(bus, "sync-message::error", G_CALLBACK(on_error), stream, 0);
    gst_object_unref(bus);
    gst_object_unref(stream);
    return pipeline;
}

static void factory_finalize(GObject *object)
{
    g_strfreev(CODE_FACTORY(object)->properties);
    G_OBJECT_CLASS(code_factory_parent_class)->finalize(object);
}

static void code_factory_class_init(CodeFactoryClass *class)
{
    G_OBJECT_CLASS(class)->finalize = factory_finalize;
    GST_RTSP_MEDIA_FACTORY_CLASS(class)->gen_key = gen_key;
    GST_RTSP_MEDIA_FACTORY_CLASS(class)->create_element = create_element;
    GST_RTSP_MEDIA_FACTORY_CLASS(class)->create_pipeline = create_pipeline;
}

static void code_factory_init(CodeFactory *self)
{
    gst_rtsp_media_factory_set_shared(GST_RTSP_MEDIA_FACTORY(self), TRUE);
}

/* ---- every address leads to the one factory -------------------------------------------------- */

G_DECLARE_FINAL_TYPE(CodeMounts, code_mounts, CODE, MOUNTS, GstRTSPMountPoints)

struct _CodeMounts {
    GstRTSPMountPoints parent;
};

G_DEFINE_TYPE(CodeMounts, code_mounts, GST_TYPE_RTSP_MOUNT_POINTS)

static char *make_path(GstRTSPMountPoints *mounts, const GstRTSPUrl *url)
{
    const char *stream = strstr(url->abspath, "/stream=");

    (void)mounts;
    return g_strconcat("/codesrc", stream, NULL);
}

static void code_mounts_class_init(CodeMountsClass *class)
{
    GST_RTSP_MOUNT_POINTS_CLASS(class)->make_path = make_path;
}

static void code_mounts_init(CodeMounts *self)
{
    (void)self;
}

/* ---- the server ------------------------------------------------------------------------------ */

/* Whether codesrc has the property and the value fits it; prints the reason if not. */
static gboolean fits(GstElement *source, const char *name, const char *text)
{
    GParamSpec *property = g_object_class_find_property(G_OBJECT_GET_CLASS(source), name);
    GValue value = G_VALUE_INIT;
    gboolean good;

    if (!property || !(property->flags & G_PARAM_WRITABLE)) {
        g_printerr("%s: codesrc has no property %s that can be set\n", g_get_prgname(), name);
        return FALSE;
    }
    g_value_init(&value, property->value_type);
    good = gst_value_deserialize_with_pspec(&value, text, property) &&
           !g_param_value_validate(property, &value);
    if (!good)
        g_printerr("%s: %s: found \"%s\", expected a value of type %s, in its range\n",
                   g_get_prgname(), name, text, g_type_name(property->value_type));
    g_value_unset(&value);
    return good;
}

/* Whether codesrc starts with these properties, which it says before it loads the weights; prints
 * the reason if not. */
static gboolean starts(GstElement *source, char *const *properties)
{
    GstBus *bus = gst_bus_new();
    gboolean good;

    set_properties(source, properties);
    gst_element_set_bus(source, bus);
    good = gst_element_set_state(source, GST_STATE_PAUSED) != GST_STATE_CHANGE_FAILURE;
    if (!good) {
        GstMessage *message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
        GError *error;

        gst_message_parse_error(message, &error, NULL);
        g_printerr("%s: %s\n", g_get_prgname(), error->message);
        g_error_free(error);
        gst_message_unref(message);
    }
    gst_element_set_state(source, GST_STATE_NULL);
    gst_element_set_bus(source, NULL);
    gst_object_unref(bus);
    return good;
}

/* Reads the arguments into `where` and returns the properties: NAME, VALUE, ..., NULL. Prints the
 * reason and returns NULL if one is bad. */
static char **read_arguments(int argc, char **argv, const char **where)
{
    GstElement *source = gst_element_factory_make("codesrc", NULL);
    GStrvBuilder *builder = g_strv_builder_new();
    gboolean good = source != NULL;
    char **properties;

    if (!source)
        g_printerr("%s: GStreamer does not find codesrc. After ./demo, set its path:\n"
                   "  . build/demo/env.sh\n",
                   g_get_prgname());
    for (int i = 1; good && i < argc; i++) {
        char **parts = g_strsplit(argv[i], "=", 2);

        if (parts[0] && parts[1]) {
            good = fits(source, parts[0], parts[1]);
            g_strv_builder_addv(builder, (const char **)parts);
        } else if (i == 1 && strchr(argv[i], ':')) {
            *where = argv[i];
        } else {
            g_printerr("%s: found \"%s\", expected PROPERTY=VALUE; see --help\n", g_get_prgname(),
                       argv[i]);
            good = FALSE;
        }
        g_strfreev(parts);
    }
    properties = g_strv_builder_end(builder);
    g_strv_builder_unref(builder);
    if (!good || !starts(source, properties))
        g_clear_pointer(&properties, g_strfreev);
    gst_clear_object(&source);
    return properties;
}

/* The server ends no session by itself: a stream would go on for ever after its last viewer has
 * left without a word. */
static gboolean clean_up(gpointer server)
{
    GstRTSPSessionPool *sessions = gst_rtsp_server_get_session_pool(server);

    gst_rtsp_session_pool_cleanup(sessions);
    g_object_unref(sessions);
    return G_SOURCE_CONTINUE;
}

static gboolean leave(gpointer loop)
{
    g_main_loop_quit(loop);
    return G_SOURCE_REMOVE;
}

/* A server at ADDRESS:PORT, or NULL if it cannot listen there. `properties` is taken. */
static GstRTSPServer *listen_at(const char *where, char **properties)
{
    const char *port = strrchr(where, ':') + 1;
    gboolean brackets = where[0] == '[' && port - where > 2 && port[-2] == ']';
    char *address = g_strndup(where + brackets, (gsize)(port - 1 - where) - 2 * (gsize)brackets);
    CodeFactory *factory = g_object_new(code_factory_get_type(), NULL);
    GstRTSPMountPoints *mounts = g_object_new(code_mounts_get_type(), NULL);
    GstRTSPServer *server = gst_rtsp_server_new();

    factory->properties = properties;
    gst_rtsp_mount_points_add_factory(mounts, "/codesrc", GST_RTSP_MEDIA_FACTORY(factory));
    gst_rtsp_server_set_mount_points(server, mounts);
    g_object_unref(mounts);
    gst_rtsp_server_set_address(server, address);
    gst_rtsp_server_set_service(server, port);
    /* Of a larger number, the system takes the last 16 bits. */
    if (g_ascii_string_to_unsigned(port, 10, 0, G_MAXUINT16, NULL, NULL) &&
        gst_rtsp_server_attach(server, NULL)) {
        g_print(strchr(address, ':') ? "rtsp://[%s]:%d/\n" : "rtsp://%s:%d/\n", address,
                gst_rtsp_server_get_bound_port(server));
    } else {
        g_printerr("%s: %s: cannot listen there\n", g_get_prgname(), where);
        g_clear_object(&server);
    }
    g_free(address);
    return server;
}

int main(int argc, char **argv)
{
    char **properties;
    GstRTSPServer *server;
    GMainLoop *loop;
    const char *where = "127.0.0.1:8554";

    g_set_prgname("rtsp-server");
    if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        g_print("%s", usage);
        return 0;
    }
    gst_init(NULL, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0); /* also into a file or a pipe */
    properties = read_arguments(argc, argv, &where);
    if (!properties)
        return 2;
    server = listen_at(where, properties);
    if (!server)
        return 1;

    loop = g_main_loop_new(NULL, FALSE);
    g_timeout_add_seconds(2, clean_up, server);
    g_unix_signal_add(SIGINT, leave, loop);
    g_unix_signal_add(SIGTERM, leave, loop);
    g_main_loop_run(loop);
    return 0;
}
