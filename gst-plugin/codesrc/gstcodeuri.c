/* gstcodeuri.c - the URI handler: its host is a class (an id or a name; none: a random one), its
 * query sets properties. */
#include "codesrc/gstcodeuri.h"

#include <string.h>

#include "codesrc/gstcodesrcprivate.h"

#define PROTOCOL "code"

static GstURIType get_type(GType type)
{
    (void)type;
    return GST_URI_SRC;
}

static const gchar *const *get_protocols(GType type)
{
    static const gchar *const protocols[] = {PROTOCOL, NULL};

    (void)type;
    return protocols;
}

static gchar *get_uri(GstURIHandler *handler)
{
    GstCodeSrc *self = GST_CODE_SRC(handler);
    gchar *uri;

    GST_OBJECT_LOCK(self);
    uri = g_strdup(self->uri ? self->uri : PROTOCOL "://");
    GST_OBJECT_UNLOCK(self);
    return uri;
}

static gboolean refuse(GError **error, const gchar *reason, const gchar *what)
{
    g_set_error(error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI, "%s: %s", reason, what);
    return FALSE;
}

/* Sets a property to a text, as gst-launch does. */
static gboolean set_text(GstCodeSrc *self, const gchar *name, const gchar *text, GError **error)
{
    GParamSpec *spec = g_object_class_find_property(G_OBJECT_GET_CLASS(self), name);
    GValue value = G_VALUE_INIT;
    gboolean good;

    if (!spec || !(spec->flags & G_PARAM_WRITABLE))
        return refuse(error, "codesrc has no such property", name);
    g_value_init(&value, spec->value_type);
    good = gst_value_deserialize_with_pspec(&value, text, spec);
    if (good)
        g_object_set_property(G_OBJECT(self), name, &value);
    g_value_unset(&value);
    return good || refuse(error, "not a value of the property", text);
}

static gboolean set_class(GstCodeSrc *self, const gchar *text, GError **error)
{
    gchar *end;

    if (!*text)
        return TRUE;
    (void)g_ascii_strtoll(text, &end, 10);
    if (*end == '\0')
        return set_text(self, "class-id", text, error);
    g_object_set(self, "class-name", text, NULL);
    return TRUE;
}

/* NAME=VALUE */
static gboolean set_pair(GstCodeSrc *self, const gchar *pair, GError **error)
{
    gchar **parts = g_strsplit(pair, "=", 2);
    gchar *value = parts[0] && parts[1] ? g_uri_unescape_string(parts[1], NULL) : NULL;
    gboolean set =
        value ? set_text(self, parts[0], value, error) : refuse(error, "not NAME=VALUE", pair);

    g_free(value);
    g_strfreev(parts);
    return set;
}

static gboolean set_uri(GstURIHandler *handler, const gchar *uri, GError **error)
{
    GstCodeSrc *self = GST_CODE_SRC(handler);
    const gchar *query = strchr(uri, '?');
    gchar *host, *name;
    gchar **pairs;
    gboolean set;

    if (GST_STATE(self) > GST_STATE_READY) {
        g_set_error(error, GST_URI_ERROR, GST_URI_ERROR_BAD_STATE,
                    "the URI of a source that plays cannot change");
        return FALSE;
    }
    uri += strlen(PROTOCOL "://");
    host = query ? g_strndup(uri, query - uri) : g_strdup(uri);
    g_strdelimit(host, "/", ' ');
    name = g_uri_unescape_string(g_strstrip(host), NULL);
    set = name ? set_class(self, name, error) : refuse(error, "not a class", host);
    pairs = g_strsplit(query ? query + 1 : "", "&", -1);
    for (guint i = 0; set && pairs[i]; i++)
        set = !*pairs[i] || set_pair(self, pairs[i], error);
    g_strfreev(pairs);
    g_free(name);
    g_free(host);
    if (!set)
        return FALSE;
    GST_OBJECT_LOCK(self);
    g_free(self->uri);
    self->uri = g_strdup(uri - strlen(PROTOCOL "://"));
    GST_OBJECT_UNLOCK(self);
    return TRUE;
}

void gst_code_uri_handler_init(gpointer interface, gpointer data)
{
    GstURIHandlerInterface *handler = interface;

    (void)data;
    handler->get_type = get_type;
    handler->get_protocols = get_protocols;
    handler->get_uri = get_uri;
    handler->set_uri = set_uri;
}
