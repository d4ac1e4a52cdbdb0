/* gstcodeerror.c - maps each CodesrcStatus to the GStreamer domain and code that applications
 * expect for it, and posts it. */
#include "report/gstcodeerror.h"

#include "report/gstcodetext.h"

typedef struct ErrorCode {
    GQuark (*domain)(void);
    gint code;
    const gchar *name; /* in the details of the message, for programs */
} ErrorCode;

static const ErrorCode error_codes[] = {
    [CODESRC_NOT_FOUND] = {gst_resource_error_quark, GST_RESOURCE_ERROR_NOT_FOUND, "not-found"},
    [CODESRC_UNREADABLE] = {gst_resource_error_quark, GST_RESOURCE_ERROR_OPEN_READ, "unreadable"},
    [CODESRC_TRUNCATED] = {gst_resource_error_quark, GST_RESOURCE_ERROR_READ, "truncated"},
    [CODESRC_MALFORMED] = {gst_stream_error_quark, GST_STREAM_ERROR_FORMAT, "malformed"},
    [CODESRC_MISMATCH] = {gst_stream_error_quark, GST_STREAM_ERROR_WRONG_TYPE, "mismatch"},
    [CODESRC_SETTINGS] = {gst_library_error_quark, GST_LIBRARY_ERROR_SETTINGS, "settings"},
    [CODESRC_NO_DEVICE] = {gst_library_error_quark, GST_LIBRARY_ERROR_INIT, "no-device"},
    [CODESRC_NO_MEMORY] = {gst_resource_error_quark, GST_RESOURCE_ERROR_NO_SPACE_LEFT, "no-memory"},
    [CODESRC_FAILED] = {gst_library_error_quark, GST_LIBRARY_ERROR_FAILED, "failed"},
};

/* A status that has no row, be it from a newer engine, counts as a failure of the device. */
static const ErrorCode *error_code(CodesrcStatus status)
{
    gboolean known = (guint)status < G_N_ELEMENTS(error_codes) && error_codes[status].domain;
    return &error_codes[known ? status : CODESRC_FAILED];
}

void gst_code_error_warn_passed_over(GstElement *element, const CodesrcModelInfo *info)
{
    gchar *reason;

    if (!*info->passed_over)
        return;
    reason = gst_code_text_clean(info->passed_over);
    GST_ELEMENT_WARNING(element, LIBRARY, INIT,
                        ("device \"auto\" chose \"%s\": %s", info->device, reason), (NULL));
    g_free(reason);
}

void gst_code_error_post(GstElement *element, const CodesrcError *error, const gchar *model,
                         const gchar *device)
{
    const ErrorCode *row = error_code(error->status);
    gchar *clean_model = gst_code_text_clean(model), *clean_device = gst_code_text_clean(device);
    GstStructure *details =
        gst_structure_new("code-error", "status", G_TYPE_STRING, row->name, "model", G_TYPE_STRING,
                          clean_model, "device", G_TYPE_STRING, clean_device, NULL);

    gst_element_message_full_with_details(
        element, GST_MESSAGE_ERROR, row->domain(), row->code, gst_code_text_clean(error->text),
        *clean_model
            ? g_strdup_printf("model %s, device %s: %s", clean_model, clean_device, row->name)
            : g_strdup(row->name),
        __FILE__, GST_FUNCTION, __LINE__, details);
    g_free(clean_device);
    g_free(clean_model);
}

GThread *gst_code_thread_new(const gchar *name, GThreadFunc function, gpointer data,
                             CodesrcError *error)
{
    GError *reason = NULL;
    GThread *thread = g_thread_try_new(name, function, data, &reason);

    if (thread)
        return thread;
    error->status = CODESRC_FAILED;
    g_snprintf(error->text, sizeof error->text, "the thread %s cannot be started: %s", name,
               reason->message);
    g_error_free(reason);
    return NULL;
}
