/* server.c - routes requests to the studio. */
#include "server.h"

#include "access.h"
#include "connections.h"
#include "state.h"

#include <errno.h>
#include <string.h>

#define MAX_SETTINGS 4096
#define MAX_OFFER    65536

/* The page and its parts are compiled into the program. */
#define RESOURCES "/codesrc/studio"

struct Server {
    SoupServer *soup;
    Connections *connections;
    Studio *studio;
    AccessRules rules;
};

typedef void (*Handler)(Server *server, SoupServerMessage *message, GHashTable *query);

/* ---- answers ----------------------------------------------------------------------- */

/* Only our own scripts, styles, pictures and connections; no frame around the page, nothing
 * embedded elsewhere. */
static void set_headers(SoupServerMessage *message)
{
    static const gchar *const headers[][2] = {
        {"Content-Security-Policy",
         "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
         "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Referrer-Policy", "no-referrer"},
        {"Cache-Control", "no-store"},
        /* libsoup 3.2 loses a kept connection whose reader left with an answer unread. */
        {"Connection", "close"},
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

/* The page's parts, by path; and two documents, to be read there. */
static const struct {
    const gchar *path, *name, *type;
} files[] = {
    {"/", "/index.html", "text/html; charset=utf-8"},
    {"/studio.css", "/studio.css", "text/css; charset=utf-8"},
    {"/studio.js", "/studio.js", "text/javascript; charset=utf-8"},
    {"/keep.js", "/keep.js", "text/javascript; charset=utf-8"},
    {"/streams.js", "/streams.js", "text/javascript; charset=utf-8"},
    {"/icon.svg", "/icon.svg", "image/svg+xml"},
    {"/studio.md", "/studio.md", "text/plain; charset=utf-8"},
    {"/properties.md", "/properties.md", "text/plain; charset=utf-8"},
};

static void get_file(Server *server, SoupServerMessage *message, GHashTable *query)
{
    const gchar *path = g_uri_get_path(soup_server_message_get_uri(message));
    guint i = 0;
    gchar *resource;
    GBytes *bytes;

    (void)server, (void)query;
    while (strcmp(files[i].path, path))
        i++;
    resource = g_strconcat(RESOURCES, files[i].name, NULL);
    bytes = g_resources_lookup_data(resource, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
    answer_bytes(message, files[i].type, bytes);
    g_bytes_unref(bytes);
    g_free(resource);
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

/* How the picture of an answer was made, for the page: JSON in plain ASCII. Takes the reference. */
static void set_made(SoupServerMessage *message, json_t *made)
{
    char *text = json_dumps(made, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(9));

    soup_message_headers_replace(soup_server_message_get_response_headers(message), "X-Picture",
                                 text);
    free(text);
    json_decref(made);
}

static void get_picture(Server *server, SoupServerMessage *message, GHashTable *query)
{
    GBytes *jpeg = studio_jpeg(server->studio);

    (void)query;
    if (jpeg) {
        set_made(message, studio_made(server->studio));
        answer_bytes(message, "image/jpeg", jpeg);
    } else
        access_refuse(message, SOUP_STATUS_NOT_FOUND,
                      g_strdup("no picture was drawn yet: pictures are drawn while somebody reads "
                               "/events or /stream.mjpeg"));
}

/* ---- single pictures, which take a moment ------------------------------------------ */

static void on_drawn(gpointer user, GBytes *png, const GstStructure *made, const gchar *error)
{
    SoupServerMessage *message = user;

    if (png) {
        set_made(message, state_picture(made));
        answer_bytes(message, "image/png", png);
    } else {
        access_refuse(message, SOUP_STATUS_INTERNAL_SERVER_ERROR, g_strdup(error));
    }
    soup_server_message_unpause(message);
    g_object_unref(message);
}

static void get_still(Server *server, SoupServerMessage *message, GHashTable *query)
{
    gchar *error;

    if (studio_draw(server->studio, query, on_drawn, message, &error)) {
        g_object_ref(message);
        soup_server_message_pause(message);
    } else if (error) {
        access_refuse(message, SOUP_STATUS_BAD_REQUEST, error);
    } else {
        access_refuse(message, SOUP_STATUS_SERVICE_UNAVAILABLE,
                      g_strdup_printf("%d pictures are waiting to be drawn already, which is the "
                                      "most",
                                      STILL_MOST_WAITING));
    }
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
    if (!connections_spare(server->connections, studio_webrtc_descriptors(server->studio))) {
        access_refuse(message, SOUP_STATUS_SERVICE_UNAVAILABLE,
                      g_strdup("the studio may open too few descriptors for one more viewer over "
                               "WebRTC"));
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
    {"/", TRUE, FALSE, FALSE, NULL, 0, get_file},
    {"/studio.css", TRUE, FALSE, FALSE, NULL, 0, get_file},
    {"/studio.js", TRUE, FALSE, FALSE, NULL, 0, get_file},
    {"/keep.js", TRUE, FALSE, FALSE, NULL, 0, get_file},
    {"/streams.js", TRUE, FALSE, FALSE, NULL, 0, get_file},
    {"/icon.svg", TRUE, FALSE, FALSE, NULL, 0, get_file},
    {"/studio.md", TRUE, FALSE, FALSE, NULL, 0, get_file},
    {"/properties.md", TRUE, FALSE, FALSE, NULL, 0, get_file},
    {"/model", TRUE, FALSE, FALSE, NULL, 0, get_model},
    {"/state", TRUE, FALSE, FALSE, NULL, 0, get_state},
    {"/settings", TRUE, TRUE, FALSE, "application/json", MAX_SETTINGS, handle_settings},
    {"/events", TRUE, FALSE, TRUE, NULL, 0, get_events},
    {"/stream.mjpeg", TRUE, FALSE, TRUE, NULL, 0, get_stream},
    {"/picture.jpg", TRUE, FALSE, FALSE, NULL, 0, get_picture},
    {"/picture.png", TRUE, FALSE, TRUE, NULL, 0, get_still},
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

    (void)soup;
    set_headers(message);
    /* Many parts of a picture could hold much memory for a reader who takes none of them. */
    soup_message_headers_remove(soup_server_message_get_request_headers(message), "Range");
    access_check(message, query, find_endpoint(path), &server->rules);
}

static void on_request(SoupServer *soup, SoupServerMessage *message, const char *path,
                       GHashTable *query, gpointer user)
{
    Server *server = user;
    const Endpoint *endpoint = find_endpoint(path);
    Handler handler = endpoint->handler;

    (void)soup;
    connections_arrived(server->connections, message);
    if (query)
        g_hash_table_remove(query, "token");
    handler(server, message, query);
}

/* ---- making ------------------------------------------------------------------------ */

/* Whether others than programs of this machine reach it. */
static gboolean is_reached(GSocketAddress *address)
{
    return !g_inet_address_get_is_loopback(
        g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(address)));
}

static gboolean make_rules(AccessRules *rules, const ServerSetup *setup, GSocketAddress *address,
                           GError **error)
{
    rules->host_names = g_strdupv((gchar **)setup->host_names);
    if (!is_reached(address) || (rules->token = access_token_new()))
        return TRUE;
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "no token: the system has no random bits: %s",
                g_strerror(errno));
    return FALSE;
}

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
    server->soup = soup_server_new("server-header", "code-studio", NULL);
    soup_server_add_early_handler(server->soup, NULL, on_headers, server, NULL);
    soup_server_add_handler(server->soup, NULL, on_request, server, NULL);
    if (make_rules(&server->rules, setup, address, error))
        server->connections = connections_new(server->soup, address, error);
    if (!server->connections) {
        if (g_error_matches(*error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE))
            g_prefix_error(error, "--port %u, expected a free one, or 0 for any: ", setup->port);
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
    connections_free(server->connections);
    soup_server_disconnect(server->soup);
    g_object_unref(server->soup);
    g_strfreev(server->rules.host_names);
    g_free(server->rules.token);
    g_free(server);
}

gchar *server_url(Server *server)
{
    gchar *url = connections_url(server->connections), *whole;

    if (!server->rules.token)
        return url;
    whole = g_strconcat(url, "?token=", server->rules.token, NULL);
    g_free(url);
    return whole;
}
