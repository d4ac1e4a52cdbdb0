/* fuzz-uri.c - URIs of the form code://CLASS?NAME=VALUE&..., which playbin hands to codesrc. One
 * that is refused changes no property; one that is accepted means the same when it is set again. */
#include "fuzz.h"

#include <gst/gst.h>
#include <string.h>

/* Every property as text. */
static gchar *properties(GObject *object)
{
    GString *all = g_string_new(NULL);
    guint count;
    GParamSpec **specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(object), &count);

    for (guint i = 0; i < count; i++) {
        GValue value = G_VALUE_INIT;
        gchar *text;

        if (!(specs[i]->flags & G_PARAM_READABLE) || !(specs[i]->flags & G_PARAM_WRITABLE) ||
            !strcmp(specs[i]->name, "parent"))
            continue;
        g_value_init(&value, specs[i]->value_type);
        g_object_get_property(object, specs[i]->name, &value);
        text = g_strdup_value_contents(&value);
        g_string_append_printf(all, "%s=%s\n", specs[i]->name, text);
        g_free(text);
        g_value_unset(&value);
    }
    g_free(specs);
    return g_string_free(all, FALSE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static GstElement *element;
    gchar *uri, *before, *after, *again;
    GError *error = NULL;
    gboolean good;

    if (!element) {
        gst_init(NULL, NULL);
        element = gst_object_ref_sink(gst_element_factory_make("codesrc", NULL));
    }
    fuzz_promise(element != NULL, "the plugin is found");
    before = g_strndup((const char *)data, size);
    uri = g_strconcat("code:", before, NULL);
    g_free(before);
    before = properties(G_OBJECT(element));
    good = gst_uri_handler_set_uri(GST_URI_HANDLER(element), uri, &error);
    after = properties(G_OBJECT(element));
    if (!good)
        fuzz_promise(error && *error->message && !strcmp(before, after),
                     "a URI that is refused says why and changes nothing");
    g_clear_error(&error);
    if (good) {
        fuzz_promise(gst_uri_handler_set_uri(GST_URI_HANDLER(element), uri, NULL),
                     "accepted again");
        again = properties(G_OBJECT(element));
        fuzz_promise(!strcmp(after, again), "a URI sets all that it can say");
        g_free(again);
    }
    g_free(after);
    g_free(before);
    g_free(uri);
    return 0;
}
