/* gstcodewish.c - installs, stores and completes the properties of the model. */
#include "gstcodewish.h"

#define AUTO "auto" /* device and precision, where they are not set */

void gst_code_wish_init(GstCodeWish *wish)
{
    *wish = (GstCodeWish){
        .device = g_strdup(AUTO), .precision = g_strdup(AUTO), .batch = 1, .cuda_device_id = -1};
}

void gst_code_wish_clear(GstCodeWish *wish)
{
    g_clear_pointer(&wish->model, g_free);
    g_clear_pointer(&wish->device, g_free);
    g_clear_pointer(&wish->precision, g_free);
}

GstCodeWish gst_code_wish_copy(const GstCodeWish *wish)
{
    GstCodeWish copy = *wish;

    copy.model = g_strdup(wish->model ? wish->model : GST_CODE_DEFAULT_MODEL);
    copy.device = g_strdup(wish->device ? wish->device : AUTO);
    copy.precision = g_strdup(wish->precision ? wish->precision : AUTO);
    return copy;
}

void gst_code_wish_install(GObjectClass *klass)
{
    GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

    g_object_class_install_property(
        klass, GST_CODE_WISH_MODEL,
        g_param_spec_string("model", "Model",
                            "Manifest of the model (.yaml), a folder that holds one, or the name "
                            "of a bundled model. NULL: the bundled model " GST_CODE_DEFAULT_MODEL,
                            NULL, flags));
    g_object_class_install_property(
        klass, GST_CODE_WISH_DEVICE,
        g_param_spec_string("device", "Device",
                            "What computes: auto (the fastest device that is there), cuda, cpu, "
                            "or reference (plain loops, slow, to compare with)",
                            AUTO, flags));
    g_object_class_install_property(
        klass, GST_CODE_WISH_PRECISION,
        g_param_spec_string("precision", "Precision",
                            "Numbers that the device computes with: auto (the fastest that makes "
                            "pictures as good), f32 (the same picture on every machine), or "
                            "another one that the device has, such as bf16",
                            AUTO, flags));
    g_object_class_install_property(
        klass, GST_CODE_WISH_THREADS,
        g_param_spec_uint("threads", "Threads",
                          "Threads that the device computes with, where it is the processor; they "
                          "change no picture. 0: one for each core that the process may use",
                          0, 1024, 0, flags));
    g_object_class_install_property(
        klass, GST_CODE_WISH_CUDA_DEVICE_ID,
        g_param_spec_int("cuda-device-id", "CUDA device id",
                         "Which of the CUDA devices computes, where the device is cuda. -1: the "
                         "first that will do",
                         -1, G_MAXINT, -1, flags));
}

static gboolean replace_string(gchar **string, const GValue *value)
{
    g_free(*string);
    *string = g_value_dup_string(value);
    return TRUE;
}

gboolean gst_code_wish_set(GstCodeWish *wish, guint id, const GValue *value)
{
    switch (id) {
    case GST_CODE_WISH_MODEL:
        return replace_string(&wish->model, value);
    case GST_CODE_WISH_DEVICE:
        return replace_string(&wish->device, value);
    case GST_CODE_WISH_PRECISION:
        return replace_string(&wish->precision, value);
    case GST_CODE_WISH_THREADS:
        wish->threads = g_value_get_uint(value);
        return TRUE;
    case GST_CODE_WISH_CUDA_DEVICE_ID:
        wish->cuda_device_id = g_value_get_int(value);
        return TRUE;
    default:
        return FALSE;
    }
}

gboolean gst_code_wish_get(const GstCodeWish *wish, guint id, GValue *value)
{
    switch (id) {
    case GST_CODE_WISH_MODEL:
        g_value_set_string(value, wish->model);
        return TRUE;
    case GST_CODE_WISH_DEVICE:
        g_value_set_string(value, wish->device);
        return TRUE;
    case GST_CODE_WISH_PRECISION:
        g_value_set_string(value, wish->precision);
        return TRUE;
    case GST_CODE_WISH_THREADS:
        g_value_set_uint(value, wish->threads);
        return TRUE;
    case GST_CODE_WISH_CUDA_DEVICE_ID:
        g_value_set_int(value, wish->cuda_device_id);
        return TRUE;
    default:
        return FALSE;
    }
}
