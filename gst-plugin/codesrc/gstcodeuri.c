/* gstcodeuri.c - the URI handler: the host is a class (an id or a name; none: a random one), and
 * the query sets properties. A URI sets all that it can say: properties that it does not name get
 * their defaults. */
#include "codesrc/gstcodeuri.h"

#include <string.h>

#include "codesrc/gstcodesrcprivate.h"
#include "report/gstcodetext.h"

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

/* NULL without one: streams get their ids from URIs, and those of two sources must differ. */
static gchar *get_uri(GstURIHandler *handler)
{
    GstCodeSrc *self = GST_CODE_SRC(handler);
    gchar *uri;

    GST_OBJECT_LOCK(self);
    uri = g_strdup(self->uri);
    GST_OBJECT_UNLOCK(self);
    return uri;
}

static gboolean refuse(GError **error, const gchar *reason, const gchar *found)
{
    gchar *text = gst_code_text_clean(found);

    g_set_error(error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI, "%s: %s", reason, text);
    g_free(text);
    return FALSE;
}

/* ---- values ------------------------------------------------------------------ */

/* A property and the value that the URI gives it. */
typedef struct Setting {
    GParamSpec *spec;
    GValue value;
} Setting;

static void clear_setting(gpointer data)
{
    g_value_unset(&((Setting *)data)->value);
}

/* Those of codesrc, and of GstBaseSrc, that can be written. */
static gboolean is_settable(const GParamSpec *spec)
{
    return spec->flags & G_PARAM_WRITABLE &&
           (spec->owner_type == GST_TYPE_CODE_SRC || spec->owner_type == GST_TYPE_BASE_SRC);
}

/* Adds a property with its value as text, as gst-launch-1.0 reads it. */
static gboolean add(GArray *settings, GstCodeSrc *self, const gchar *name, const gchar *text,
                    GError **error)
{
    GParamSpec *spec = g_object_class_find_property(G_OBJECT_GET_CLASS(self), name);
    Setting setting = {.spec = spec};

    if (!spec || !is_settable(spec))
        return refuse(error, "codesrc has no such property", name);
    if (!g_utf8_validate(text, -1, NULL))
        return refuse(error, "not UTF-8 text", text);
    g_value_init(&setting.value, spec->value_type);
    if (!gst_value_deserialize_with_pspec(&setting.value, text, spec)) {
        g_value_unset(&setting.value);
        return refuse(error, "not a value of the property", text);
    }
    g_array_append_val(settings, setting);
    return TRUE;
}

static gboolean add_class(GArray *settings, GstCodeSrc *self, const gchar *text, GError **error)
{
    gchar *end;

    if (!text || !*text)
        return TRUE;
    (void)g_ascii_strtoll(text, &end, 10);
    return add(settings, self, *end ? "class-name" : "class-id", text, error);
}

static gboolean add_query(GArray *settings, GstCodeSrc *self, const GstUri *uri, GError **error)
{
    GList *keys = gst_uri_get_query_keys(uri);
    gboolean good = TRUE;

    for (GList *key = keys; good && key; key = key->next) {
        const gchar *name = key->data, *value = gst_uri_get_query_value(uri, name);

        if (value)
            good = add(settings, self, name, value, error);
        else if (*name)
            good = refuse(error, "not NAME=VALUE", name);
    }
    g_list_free(keys);
    return good;
}

/* ---- the URI ----------------------------------------------------------------- */

/* What code://CLASS?QUERY has no room for. */
static gboolean check_parts(const GstUri *uri, const gchar *text, GError **error)
{
    gchar *path = gst_uri_get_path(uri);
    const gchar *authority = strchr(text, ':') + 1;
    gboolean good = g_str_has_prefix(authority, "//") && (!path || g_str_equal(path, "/")) &&
                    !gst_uri_get_userinfo(uri) && !gst_uri_get_fragment(uri) &&
                    gst_uri_get_port(uri) == GST_URI_NO_PORT;

    g_free(path);
    return good || refuse(error, "not a URI of the form " PROTOCOL "://CLASS?NAME=VALUE&...", text);
}

/* Before GStreamer reads them, which does not check them in every part. */
static gboolean check_escapes(const gchar *text, GError **error)
{
    const gchar *at = text;

    while ((at = strchr(at, '%')) && g_ascii_isxdigit(at[1]) && g_ascii_isxdigit(at[2]) &&
           (at[1] != '0' || at[2] != '0'))
        at++;
    return !at || refuse(error, "% without the two digits of a character", text);
}

static gboolean parse(GArray *settings, GstCodeSrc *self, const gchar *text, GError **error)
{
    GstUri *uri;
    gboolean good;

    if (!check_escapes(text, error))
        return FALSE;
    uri = gst_uri_from_string(text);
    if (!uri || !gst_uri_get_scheme(uri))
        good = refuse(error, "not a URI", text);
    else
        good = check_parts(uri, text, error) &&
               add_class(settings, self, gst_uri_get_host(uri), error) &&
               add_query(settings, self, uri, error);
    if (uri)
        gst_uri_unref(uri);
    return good;
}

static void set_defaults(GstCodeSrc *self)
{
    guint count;
    GParamSpec **specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(self), &count);

    for (guint i = 0; i < count; i++) {
        GValue value = G_VALUE_INIT;

        if (!is_settable(specs[i]) || specs[i]->flags & G_PARAM_DEPRECATED)
            continue;
        g_value_init(&value, specs[i]->value_type);
        g_object_get_property(G_OBJECT(self), specs[i]->name, &value);
        if (!g_param_value_defaults(specs[i], &value)) {
            g_param_value_set_default(specs[i], &value);
            g_object_set_property(G_OBJECT(self), specs[i]->name, &value);
        }
        g_value_unset(&value);
    }
    g_free(specs);
}

static void apply(GstCodeSrc *self, const GArray *settings, const gchar *uri)
{
    set_defaults(self);
    for (guint i = 0; i < settings->len; i++) {
        const Setting *setting = &g_array_index(settings, Setting, i);

        g_object_set_property(G_OBJECT(self), setting->spec->name, &setting->value);
    }
    GST_OBJECT_LOCK(self);
    g_free(self->uri);
    self->uri = g_strdup(uri);
    GST_OBJECT_UNLOCK(self);
}

static gboolean set_uri(GstURIHandler *handler, const gchar *uri, GError **error)
{
    GstCodeSrc *self = GST_CODE_SRC(handler);
    GArray *settings;
    gboolean good;

    if (GST_STATE(self) > GST_STATE_READY) {
        g_set_error(error, GST_URI_ERROR, GST_URI_ERROR_BAD_STATE,
                    "the URI of a source that plays cannot change");
        return FALSE;
    }
    settings = g_array_new(FALSE, FALSE, sizeof(Setting));
    g_array_set_clear_func(settings, clear_setting);
    good = parse(settings, self, uri, error);
    if (good)
        apply(self, settings, uri);
    g_array_unref(settings);
    return good;
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
