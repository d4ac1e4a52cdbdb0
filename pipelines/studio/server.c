/* server.c - routes requests to the studio. */
#include "server.h"

#include "access.h"

#include <string.h>

#define MAX_SETTINGS 4096
#define MAX_OFFER    65536

/* The page and its parts are compiled into the program. */
#define RESOURCES "/codesrc/studio"

struct Server {
    SoupServer *soup;
    Studio *studio;
    gchar **host_names;
};

typedef void (*Handler)(Server *server, SoupServerMessage *message, GHashTable *query);

/* ---- answers ----------------------------------------------------------------------- */

/* Only our own scripts, styles, pictures and connections; no frame around the page, nothing
 * embedded elsewhere. */
static void set_headers(SoupServerMessage *message)
{
    static const gchar *const headers[][2] = {
        {"Content-Security-Policy",
         "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src "
         "'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Referrer-Policy", "no-referrer"},
        {"Cache-Control", "no-store"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(headers); i++)
        soup_message_headers_replace(soup_server_message_get_response_headers(message),
                                     headers[i][0], headers[i][1]);
}

static void answer_bytes(SoupServerMessage *message, const gchar *type, GBytes *bytes)
{
    gsize size;
    gconstpointer data = g_bytes_get_data(bytes, &size);

    soup_server_message_set_status(message, SOUP_STATUS_OK, NULL);
    soup_server_message_set_response(message, type, SOUP_MEMORY_COPY, data, size);
}

/* Takes the reference. */
static void answer_json(SoupServerMessage *message, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(9));

    soup_server_message_set_status(message, SOUP_STATUS_OK, NULL);
    soup_server_message_set_response(message, "application/json", SOUP_MEMORY_COPY, text,
                                     strlen(text));
    free(text);
    json_decref(value);
}

static void get_file(SoupServerMessage *message, const gchar *name, const gchar *type)
{
    gchar *path = g_strconcat(RESOURCES, name, NULL);
    GBytes *bytes = g_resources_lookup_data(path, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);

    answer_bytes(message, type, bytes);
    g_bytes_unref(bytes);
    g_free(path);
}

static void get_page(Server *server, SoupServerMessage *message, GHashTable *query)
{
    (void)server, (void)query;
    get_file(message, "/index.html", "text/html; charset=utf-8");
}

static void get_style(Server *server, SoupServerMessage *message, GHashTable *query)
{
    (void)server, (void)query;
    get_file(message, "/studio.css", "text/css; charset=utf-8");
}

static void get_controls(Server *server, SoupServerMessage *message, GHashTable *query)
{
    (void)server, (void)query;
    get_file(message, "/studio.js", "text/javascript; charset=utf-8");
}

static void get_streams(Server *server, SoupServerMessage *message, GHashTable *query)
{
    (void)server, (void)query;
    get_file(message, "/streams.js", "text/javascript; charset=utf-8");
}

static void get_icon(Server *server, SoupServerMessage *message, GHashTable *query)
{
    (void)server, (void)query;
    get_file(message, "/icon.svg", "image/svg+xml");
}

static void get_model(Server *server, SoupServerMessage *message, GHashTable *query)
{
    (void)query;
    answer_json(message, studio_model(server->studio));
}

static void get_state(Server *server, SoupServerMessage *message, GHashTable *query)
{
    (void)query;
    answer_json(message, studio_state(server->studio));
}

static void handle_settings(Server *server, SoupServerMessage *message, GHashTable *query)
{
    SoupMessageBody *body = soup_server_message_get_request_body(message);
    gchar *error = NULL;

    (void)query;
    if (!strcmp(soup_server_message_get_method(message), "POST") &&
        !studio_change(server->studio, body->data ? body->data : "", (gsize)body->length, &error)) {
        access_refuse(message, SOUP_STATUS_BAD_REQUEST, error);
        return;
    }
    answer_json(message, studio_settings(server->studio));
}

static void refuse_viewer(SoupServerMessage *message)
{
    access_refuse(
        message, SOUP_STATUS_SERVICE_UNAVAILABLE,
        g_strdup_printf("there are %d viewers already, which is the most", STUDIO_MAX_VIEWERS));
}

static void get_events(Server *server, SoupServerMessage *message, GHashTable *query)
{
    (void)query;
    if (!studio_add_page(server->studio, message))
        refuse_viewer(message);
}

static void get_stream(Server *server, SoupServerMessage *message, GHashTable *query)
{
    (void)query;
    if (!studio_add_jpeg(server->studio, message))
        refuse_viewer(message);
}

static void get_picture(Server *server, SoupServerMessage *message, GHashTable *query)
{
    GBytes *jpeg = studio_jpeg(server->studio);

    (void)query;
    if (jpeg)
        answer_bytes(message, "image/jpeg", jpeg);
    else
        access_refuse(message, SOUP_STATUS_NOT_FOUND,
                      g_strdup("no picture was drawn yet: pictures are drawn while somebody reads "
                               "/events or /stream.mjpeg"));
}

/* ---- WebRTC, whose answer takes a moment ------------------------------------------- */

/* The request may be gone when the answer arrives, but its message is still valid. */
static void on_answered(gpointer user, const gchar *answer, const gchar *error,
                        gboolean offers_fault)
{
    SoupServerMessage *message = user;

    if (answer) {
        soup_server_message_set_status(message, SOUP_STATUS_CREATED, NULL);
        soup_server_message_set_response(message, "application/sdp", SOUP_MEMORY_COPY, answer,
                                         strlen(answer));
    } else {
        access_refuse(message,
                      offers_fault ? SOUP_STATUS_BAD_REQUEST : SOUP_STATUS_SERVICE_UNAVAILABLE,
                      g_strdup(error));
    }
    soup_server_message_unpause(message);
    g_object_unref(message);
}

static void post_webrtc(Server *server, SoupServerMessage *message, GHashTable *query)
{
    SoupMessageBody *body = soup_server_message_get_request_body(message);
    const gchar *page = query ? g_hash_table_lookup(query, "page") : NULL;
    gchar *offer;

    if (!studio_has_webrtc(server->studio)) {
        access_refuse(message, SOUP_STATUS_NOT_IMPLEMENTED,
                      g_strdup("WebRTC needs GStreamer's webrtcbin, nicesrc, dtlsenc, srtpenc, "
                               "rtpvp8pay and vp8enc, which are not all here"));
        return;
    }
    offer = g_strndup(body->data ? body->data : "", (gsize)body->length);
    soup_server_message_pause(message);
    if (!page ||
        !studio_start_webrtc(server->studio, page, offer, on_answered, g_object_ref(message))) {
        if (page)
            g_object_unref(message);
        access_refuse(message, SOUP_STATUS_NOT_FOUND,
                      g_strdup_printf("page=%.60s is no open page, expected the id that /events "
                                      "begins with",
                                      page ? page : ""));
        soup_server_message_unpause(message);
    }
    g_free(offer);
}

/* ---- routing ----------------------------------------------------------------------- */

static const Endpoint endpoints[] = {
    {"/", TRUE, FALSE, FALSE, NULL, 0, get_page},
    {"/studio.css", TRUE, FALSE, FALSE, NULL, 0, get_style},
    {"/studio.js", TRUE, FALSE, FALSE, NULL, 0, get_controls},
    {"/streams.js", TRUE, FALSE, FALSE, NULL, 0, get_streams},
    {"/icon.svg", TRUE, FALSE, FALSE, NULL, 0, get_icon},
    {"/model", TRUE, FALSE, FALSE, NULL, 0, get_model},
    {"/state", TRUE, FALSE, FALSE, NULL, 0, get_state},
    {"/settings", TRUE, TRUE, FALSE, "application/json", MAX_SETTINGS, handle_settings},
    {"/events", TRUE, FALSE, TRUE, NULL, 0, get_events},
    {"/stream.mjpeg", TRUE, FALSE, TRUE, NULL, 0, get_stream},
    {"/picture.jpg", TRUE, FALSE, FALSE, NULL, 0, get_picture},
    {"/webrtc", FALSE, TRUE, FALSE, "application/sdp", MAX_OFFER, post_webrtc},
};

static const Endpoint *find_endpoint(const gchar *path)
{
    for (guint i = 0; i < G_N_ELEMENTS(endpoints); i++)
        if (!strcmp(endpoints[i].path, path))
            return &endpoints[i];
    return NULL;
}

/* When the headers have arrived, before any body is read. */
static void on_headers(SoupServer *soup, SoupServerMessage *message, const char *path,
                       GHashTable *query, gpointer user)
{
    Server *server = user;

    (void)soup, (void)query;
    set_headers(message);
    access_check(message, find_endpoint(path), (const gchar *const *)server->host_names);
}

static void on_request(SoupServer *soup, SoupServerMessage *message, const char *path,
                       GHashTable *query, gpointer user)
{
    const Endpoint *endpoint = find_endpoint(path);
    Handler handler = endpoint->handler;

    (void)soup;
    handler(user, message, query);
}

/* ---- making ------------------------------------------------------------------------ */

Server *server_new(Studio *studio, const ServerSetup *setup, GError **error)
{
    GSocketAddress *address = g_inet_socket_address_new_from_string(setup->address, setup->port);
    Server *server;

    if (!address) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                    "--address %s is not an IP address", setup->address);
        return NULL;
    }
    server = g_new0(Server, 1);
    server->studio = studio;
    server->host_names = g_strdupv((gchar **)setup->host_names);
    server->soup = soup_server_new("server-header", "code-studio", NULL);
    soup_server_add_early_handler(server->soup, NULL, on_headers, server, NULL);
    soup_server_add_handler(server->soup, NULL, on_request, server, NULL);
    if (!soup_server_listen(server->soup, address, 0, error)) {
        server_free(server);
        server = NULL;
    }
    g_object_unref(address);
    return server;
}

void server_free(Server *server)
{
    if (!server)
        return;
    soup_server_disconnect(server->soup);
    g_object_unref(server->soup);
    g_strfreev(server->host_names);
    g_free(server);
}

gchar *server_url(Server *server)
{
    GSList *uris = soup_server_get_uris(server->soup);
    gchar *url = g_uri_to_string(uris->data);

    g_slist_free_full(uris, (GDestroyNotify)g_uri_unref);
    return url;
}
