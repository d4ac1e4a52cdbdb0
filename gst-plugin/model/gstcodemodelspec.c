/* gstcodemodelspec.c - describes the properties of the model, and turns them into the engine's
 * options. */
#include "model/gstcodemodelspec.h"

#define AUTO "auto" /* device and precision, if they are not set */

#define FIELD(name) offsetof(GstCodeModelSpec, name)

static const GstCodeProperty rows[] = {
    {.id = GST_CODE_MODEL_SPEC_MODEL,
     .type = GST_CODE_STRING,
     .name = "model",
     .nick = "Model",
     .blurb = "Manifest of the model (.yaml), a folder that holds one, or the name of a bundled "
              "model. NULL: the bundled model " GST_CODE_DEFAULT_MODEL,
     .offset = FIELD(model),
     .flags = GST_CODE_READ_AT_START,
     .recipe = GST_CODE_IN_RECIPE},
    {.id = GST_CODE_MODEL_SPEC_DEVICE,
     .type = GST_CODE_STRING,
     .name = "device",
     .nick = "Device",
     .blurb = "Device that runs the model: auto (the fastest present), cuda, cpu, or reference "
              "(slow plain loops, for comparison)",
     .range.text = AUTO,
     .offset = FIELD(device),
     .flags = GST_CODE_READ_AT_START,
     .recipe = GST_CODE_IN_RECIPE},
    {.id = GST_CODE_MODEL_SPEC_PRECISION,
     .type = GST_CODE_STRING,
     .name = "precision",
     .nick = "Precision",
     .blurb = "Number format of the computation: auto (the fastest with pictures as good), f32 "
              "(the same pictures on every machine), or another that the device has, such as bf16",
     .range.text = AUTO,
     .offset = FIELD(precision),
     .flags = GST_CODE_READ_AT_START,
     .recipe = GST_CODE_IN_RECIPE},
    {.id = GST_CODE_MODEL_SPEC_THREADS,
     .type = GST_CODE_UINT,
     .name = "threads",
     .nick = "Threads",
     .blurb = "Threads of device cpu; their number changes no picture. 0: one for each core that "
              "the process may use",
     .range.u = {0, 1024, 0},
     .offset = FIELD(threads),
     .flags = GST_CODE_READ_AT_START},
    {.id = GST_CODE_MODEL_SPEC_CUDA_DEVICE_ID,
     .type = GST_CODE_INT,
     .name = "cuda-device-id",
     .nick = "CUDA device id",
     .blurb = "Number of the CUDA device for device cuda. -1: the first suitable one",
     .range.i = {-1, G_MAXINT, -1},
     .offset = FIELD(cuda_device_id),
     .flags = GST_CODE_READ_AT_START},
};

const GstCodePropertyTable gst_code_model_spec_properties = {rows, G_N_ELEMENTS(rows)};

void gst_code_model_spec_init(GstCodeModelSpec *spec)
{
    *spec = (GstCodeModelSpec){.batch = 1};
    gst_code_properties_init(gst_code_model_spec_properties, spec);
}

void gst_code_model_spec_clear(GstCodeModelSpec *spec)
{
    gst_code_properties_clear(gst_code_model_spec_properties, spec);
}

GstCodeModelSpec gst_code_model_spec_copy(const GstCodeModelSpec *spec)
{
    GstCodeModelSpec copy = *spec;

    copy.model = g_strdup(spec->model ? spec->model : GST_CODE_DEFAULT_MODEL);
    copy.device = g_strdup(spec->device ? spec->device : AUTO);
    copy.precision = g_strdup(spec->precision ? spec->precision : AUTO);
    return copy;
}

gboolean gst_code_model_spec_same_device(const GstCodeModelSpec *a, const GstCodeModelSpec *b)
{
    return a->threads == b->threads && a->cuda_device_id == b->cuda_device_id &&
           !g_strcmp0(a->device, b->device) && !g_strcmp0(a->precision, b->precision);
}

CodesrcModelOptions gst_code_model_spec_options(const GstCodeModelSpec *spec, guint steps)
{
    CodesrcModelOptions options;

    codesrc_model_options_init(&options);
    options.device = spec->device;
    options.precision = spec->precision;
    options.threads = spec->threads;
    options.cuda_device_id = spec->cuda_device_id;
    options.drafting_steps = steps;
    options.keeps_refiner = TRUE; /* drafting-steps may change with any frame */
    return options;
}
