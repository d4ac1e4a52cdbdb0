/* gstcodemodelspec.c - installs, stores and completes the properties of the model. */
#include "model/gstcodemodelspec.h"

#define AUTO "auto" /* device and precision, where they are not set */

void gst_code_model_spec_init(GstCodeModelSpec *spec)
{
    *spec = (GstCodeModelSpec){
        .device = g_strdup(AUTO), .precision = g_strdup(AUTO), .batch = 1, .cuda_device_id = -1};
}

void gst_code_model_spec_clear(GstCodeModelSpec *spec)
{
    g_clear_pointer(&spec->model, g_free);
    g_clear_pointer(&spec->device, g_free);
    g_clear_pointer(&spec->precision, g_free);
}

GstCodeModelSpec gst_code_model_spec_copy(const GstCodeModelSpec *spec)
{
    GstCodeModelSpec copy = *spec;

    copy.model = g_strdup(spec->model ? spec->model : GST_CODE_DEFAULT_MODEL);
    copy.device = g_strdup(spec->device ? spec->device : AUTO);
    copy.precision = g_strdup(spec->precision ? spec->precision : AUTO);
    return copy;
}

void gst_code_model_spec_install(GObjectClass *klass)
{
    GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

    g_object_class_install_property(
        klass, GST_CODE_MODEL_SPEC_MODEL,
        g_param_spec_string("model", "Model",
                            "Manifest of the model (.yaml), a folder that holds one, or the name "
                            "of a bundled model. NULL: the bundled model " GST_CODE_DEFAULT_MODEL,
                            NULL, flags));
    g_object_class_install_property(
        klass, GST_CODE_MODEL_SPEC_DEVICE,
        g_param_spec_string("device", "Device",
                            "What computes: auto (the fastest device that is there), cuda, cpu, "
                            "or reference (plain loops, slow, to compare with)",
                            AUTO, flags));
    g_object_class_install_property(
        klass, GST_CODE_MODEL_SPEC_PRECISION,
        g_param_spec_string("precision", "Precision",
                            "Numbers that the device computes with: auto (the fastest that makes "
                            "pictures as good), f32 (the same picture on every machine), or "
                            "another one that the device has, such as bf16",
                            AUTO, flags));
    g_object_class_install_property(
        klass, GST_CODE_MODEL_SPEC_THREADS,
        g_param_spec_uint("threads", "Threads",
                          "Threads that the device computes with, where it is the processor; they "
                          "change no picture. 0: one for each core that the process may use",
                          0, 1024, 0, flags));
    g_object_class_install_property(
        klass, GST_CODE_MODEL_SPEC_CUDA_DEVICE_ID,
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

gboolean gst_code_model_spec_set(GstCodeModelSpec *spec, guint id, const GValue *value)
{
    switch (id) {
    case GST_CODE_MODEL_SPEC_MODEL:
        return replace_string(&spec->model, value);
    case GST_CODE_MODEL_SPEC_DEVICE:
        return replace_string(&spec->device, value);
    case GST_CODE_MODEL_SPEC_PRECISION:
        return replace_string(&spec->precision, value);
    case GST_CODE_MODEL_SPEC_THREADS:
        spec->threads = g_value_get_uint(value);
        return TRUE;
    case GST_CODE_MODEL_SPEC_CUDA_DEVICE_ID:
        spec->cuda_device_id = g_value_get_int(value);
        return TRUE;
    default:
        return FALSE;
    }
}

gboolean gst_code_model_spec_get(const GstCodeModelSpec *spec, guint id, GValue *value)
{
    switch (id) {
    case GST_CODE_MODEL_SPEC_MODEL:
        g_value_set_string(value, spec->model);
        return TRUE;
    case GST_CODE_MODEL_SPEC_DEVICE:
        g_value_set_string(value, spec->device);
        return TRUE;
    case GST_CODE_MODEL_SPEC_PRECISION:
        g_value_set_string(value, spec->precision);
        return TRUE;
    case GST_CODE_MODEL_SPEC_THREADS:
        g_value_set_uint(value, spec->threads);
        return TRUE;
    case GST_CODE_MODEL_SPEC_CUDA_DEVICE_ID:
        g_value_set_int(value, spec->cuda_device_id);
        return TRUE;
    default:
        return FALSE;
    }
}
