/* access.c - guards against other sites and against meaningless requests.
 *
 * A page of another site may send requests here from the browser of a person who has the studio
 * open. Four rules make them useless. Changes need a JSON or SDP body, for which a browser must
 * ask permission (and is refused), and an Origin that is ours. What a browser fetches for a page of
 * another site, for example as an image, is refused, so that it draws nothing and takes no viewer's
 * place. And the host must be an IP address, localhost, or a name allowed on the command line;
 * otherwise a site could point its own name here (DNS rebinding) and share our origin.
 *
 * Where others than this machine reach the server, each request needs its token: in the address,
 * from which the browser gets a cookie, or in that cookie. */
#include "access.h"

#include <jansson.h>
#include <string.h>
#include <sys/random.h>

enum { TOKEN_BYTES = 16 };

void access_refuse(SoupServerMessage *message, guint status, gchar *text)
{
    SoupMessageHeaders *headers = soup_server_message_get_response_headers(message);
    json_t *object;
    char *body;
    gchar *valid = g_utf8_make_valid(text, -1);

    object = json_pack("{s:s}", "error", valid);
    body = json_dumps(object, JSON_COMPACT);
    soup_server_message_set_status(
        message, status, status == SOUP_STATUS_MISDIRECTED_REQUEST ? "Misdirected Request" : NULL);
    soup_server_message_set_response(message, "application/json", SOUP_MEMORY_COPY, body,
                                     strlen(body));
    soup_message_headers_replace(headers, "Cache-Control", "no-store");
    free(body);
    json_decref(object);
    g_free(valid);
    g_free(text);
}

/* The name in "name:port" or "[address]:port", or NULL. */
static gchar *host_of(const gchar *authority)
{
    gchar *url = g_strconcat("http://", authority, "/", NULL);
    GUri *uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);
    gchar *host = NULL;

    if (uri && !g_strcmp0(g_uri_get_path(uri), "/") && !g_uri_get_userinfo(uri))
        host = g_strdup(g_uri_get_host(uri));
    if (uri)
        g_uri_unref(uri);
    g_free(url);
    return host;
}

static gboolean host_allowed(const gchar *authority, gchar **host_names)
{
    gchar *host = host_of(authority);
    gboolean allowed = FALSE;

    if (host) {
        allowed = g_hostname_is_ip_address(host) || !g_ascii_strcasecmp(host, "localhost");
        for (; !allowed && host_names && *host_names; host_names++)
            allowed = !g_ascii_strcasecmp(host, *host_names);
    }
    g_free(host);
    return allowed;
}

static gboolean check_host(SoupServerMessage *message, gchar **host_names)
{
    SoupMessageHeaders *headers = soup_server_message_get_request_headers(message);
    const gchar *host = soup_message_headers_get_one(headers, "Host");

    if (host && host_allowed(host, host_names))
        return TRUE;
    access_refuse(message, SOUP_STATUS_MISDIRECTED_REQUEST,
                  g_strdup_printf("the host is \"%.100s\", expected an IP address, localhost, or a "
                                  "name given to code-studio with --host",
                                  host ? host : ""));
    return FALSE;
}

/* ---- the token --------------------------------------------------------------------- */

gchar *access_token_new(void)
{
    guint8 bytes[TOKEN_BYTES];
    GString *token = g_string_new(NULL);

    if (getentropy(bytes, sizeof(bytes)) != 0)
        return g_string_free(token, TRUE);
    for (guint i = 0; i < TOKEN_BYTES; i++)
        g_string_append_printf(token, "%02x", bytes[i]);
    return g_string_free(token, FALSE);
}

/* In a time that does not depend on how much of `theirs` is right. */
static gboolean is_token(const gchar *token, const gchar *theirs, gsize length)
{
    guchar difference = 0;

    if (length != strlen(token))
        return FALSE;
    for (gsize i = 0; i < length; i++)
        difference |= (guchar)(token[i] ^ theirs[i]);
    return difference == 0;
}

/* Cookies do not distinguish ports, so the name does. */
static gchar *cookie_name(SoupServerMessage *message)
{
    GSocketAddress *address = soup_server_message_get_local_address(message);

    return g_strdup_printf("codesrc-%u",
                           g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(address)));
}

static gboolean has_cookie(SoupServerMessage *message, const gchar *name, const gchar *token)
{
    SoupMessageHeaders *headers = soup_server_message_get_request_headers(message);
    const gchar *list = soup_message_headers_get_list(headers, "Cookie");
    gsize name_length = strlen(name);

    while (list && *list) {
        gsize length = strcspn(list, ";,");

        if (length > name_length && !strncmp(list, name, name_length) && list[name_length] == '=' &&
            is_token(token, list + name_length + 1, length - name_length - 1))
            return TRUE;
        list += length;
        list += strspn(list, ";, ");
    }
    return FALSE;
}

static gboolean check_token(SoupServerMessage *message, GHashTable *query, const gchar *token)
{
    SoupMessageHeaders *answer = soup_server_message_get_response_headers(message);
    const gchar *theirs = query ? g_hash_table_lookup(query, "token") : NULL;
    gchar *name = cookie_name(message), *cookie;
    gboolean allowed = !token || has_cookie(message, name, token);

    if (!allowed && theirs && is_token(token, theirs, strlen(theirs))) {
        cookie = g_strdup_printf("%s=%s; Path=/; HttpOnly; SameSite=Strict", name, token);
        soup_message_headers_append(answer, "Set-Cookie", cookie);
        g_free(cookie);
        allowed = TRUE;
    }
    if (!allowed)
        access_refuse(message, SOUP_STATUS_FORBIDDEN,
                      g_strdup_printf("the address has %s token, expected the address that "
                                      "code-studio printed when it started",
                                      theirs ? "another" : "no"));
    g_free(name);
    return allowed;
}

/* A proxy that speaks TLS makes it https. */
static gboolean is_origin(const gchar *origin, const gchar *host)
{
    static const gchar *const schemes[] = {"http://", "https://"};

    for (guint i = 0; i < G_N_ELEMENTS(schemes); i++)
        if (g_str_has_prefix(origin, schemes[i]) &&
            !g_ascii_strcasecmp(origin + strlen(schemes[i]), host))
            return TRUE;
    return FALSE;
}

static gboolean check_origin(SoupServerMessage *message)
{
    SoupMessageHeaders *headers = soup_server_message_get_request_headers(message);
    const gchar *origin = soup_message_headers_get_one(headers, "Origin");
    const gchar *host = soup_message_headers_get_one(headers, "Host");

    if (!origin || is_origin(origin, host))
        return TRUE;
    access_refuse(message, SOUP_STATUS_FORBIDDEN,
                  g_strdup_printf("the request comes from a page of \"%.100s\", expected one of "
                                  "http://%.100s",
                                  origin, host));
    return FALSE;
}

/* Browsers say which site asks and for what; other programs say nothing. A person may follow a link
 * from another site. */
static gboolean check_site(SoupServerMessage *message)
{
    SoupMessageHeaders *headers = soup_server_message_get_request_headers(message);
    const gchar *site = soup_message_headers_get_one(headers, "Sec-Fetch-Site");

    if (!site || !strcmp(site, "same-origin") || !strcmp(site, "none") ||
        !g_strcmp0(soup_message_headers_get_one(headers, "Sec-Fetch-Dest"), "document"))
        return TRUE;
    access_refuse(message, SOUP_STATUS_FORBIDDEN,
                  g_strdup("a page of another site asks for this, expected one of the studio's"));
    return FALSE;
}

static gboolean check_method(SoupServerMessage *message, const Endpoint *endpoint)
{
    SoupMessageHeaders *headers = soup_server_message_get_response_headers(message);
    const gchar *method = soup_server_message_get_method(message);
    const gchar *allowed = !endpoint->get      ? "POST"
                           : endpoint->post    ? "GET, HEAD, POST"
                           : endpoint->endless ? "GET"
                                               : "GET, HEAD";

    if ((endpoint->get && !strcmp(method, "GET")) || (endpoint->post && !strcmp(method, "POST")) ||
        (endpoint->get && !endpoint->endless && !strcmp(method, "HEAD")))
        return TRUE;
    soup_message_headers_replace(headers, "Allow", allowed);
    access_refuse(message, SOUP_STATUS_METHOD_NOT_ALLOWED,
                  g_strdup_printf("the method is %.20s, expected %s for %s", method, allowed,
                                  endpoint->path));
    return FALSE;
}

static gboolean check_body(SoupServerMessage *message, const Endpoint *endpoint)
{
    SoupMessageHeaders *headers = soup_server_message_get_request_headers(message);
    gboolean post = !strcmp(soup_server_message_get_method(message), "POST");
    goffset length = soup_message_headers_get_content_length(headers);
    gsize limit = post ? endpoint->limit : 0;
    const gchar *type = soup_message_headers_get_content_type(headers, NULL);

    if (soup_message_headers_get_encoding(headers) == SOUP_ENCODING_CHUNKED ||
        (post && !soup_message_headers_get_one(headers, "Content-Length"))) {
        access_refuse(message, SOUP_STATUS_LENGTH_REQUIRED,
                      g_strdup("the request has no Content-Length, expected one"));
        return FALSE;
    }
    if (length < 0 || (guint64)length > limit) {
        access_refuse(message, SOUP_STATUS_REQUEST_ENTITY_TOO_LARGE,
                      g_strdup_printf("the body has %" G_GINT64_FORMAT
                                      " bytes, expected at most %" G_GSIZE_FORMAT,
                                      (gint64)length, limit));
        return FALSE;
    }
    if (post && (!type || g_ascii_strcasecmp(type, endpoint->accept))) {
        access_refuse(message, SOUP_STATUS_UNSUPPORTED_MEDIA_TYPE,
                      g_strdup_printf("the Content-Type is \"%.100s\", expected %s",
                                      type ? type : "", endpoint->accept));
        return FALSE;
    }
    return TRUE;
}

gboolean access_check(SoupServerMessage *message, GHashTable *query, const Endpoint *endpoint,
                      const AccessRules *rules)
{
    gboolean allowed = check_host(message, rules->host_names) && check_origin(message) &&
                       check_site(message) && check_token(message, query, rules->token);

    if (allowed && !endpoint) {
        access_refuse(message, SOUP_STATUS_NOT_FOUND,
                      g_strdup("there is nothing of this name, expected /, /model, /state, "
                               "/settings, /events, /stream.mjpeg, /picture.jpg, /picture.png or "
                               "/webrtc"));
        allowed = FALSE;
    }
    allowed = allowed && check_method(message, endpoint) && check_body(message, endpoint);
    /* The rest of a refused request is read and discarded. */
    if (!allowed)
        soup_message_body_set_accumulate(soup_server_message_get_request_body(message), FALSE);
    return allowed;
}
