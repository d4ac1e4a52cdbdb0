/* gstcodesettings.c - installs, stores and checks the per-frame properties, and turns them into the
 * engine's request. */
#include "gstcodesettings.h"

/* Read afresh for each frame, so they may change at any time and follow a GstController. */
#define FRAME_FLAGS                                                                                \
    (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_CONTROLLABLE |                         \
     GST_PARAM_MUTABLE_PLAYING)

#define MAX_GUIDANCE 100.0

void gst_code_settings_init(GstCodeSettings *settings)
{
    *settings = (GstCodeSettings){
        .class_id = CODE_CLASS_RANDOM, .guidance = -1.0, .top_k = -1, .top_p = -1.0};
}

void gst_code_settings_install(GObjectClass *klass)
{
    g_object_class_install_property(
        klass, GST_CODE_SETTINGS_CLASS_ID,
        g_param_spec_int("class-id", "Class id",
                         "Class of the picture: -1 draws one afresh for each frame, from seed and "
                         "frame number; 0 to the model's number of classes minus one name a class; "
                         "the number of classes itself means no class. Other ids are an error",
                         CODE_CLASS_RANDOM, G_MAXINT, CODE_CLASS_RANDOM, FRAME_FLAGS));
    g_object_class_install_property(
        klass, GST_CODE_SETTINGS_DRAFTING_STEPS,
        g_param_spec_uint("drafting-steps", "Drafting steps",
                          "How many scales, counted from the coarsest, the large drafter decodes "
                          "before the small refiner takes over: more is better and slower; the "
                          "model's number of scales uses the drafter alone. 0: the model's "
                          "default. Where a model has other weights for the new number, they are "
                          "loaded first",
                          0, CODE_MAX_SCALES, 0, FRAME_FLAGS));
    g_object_class_install_property(
        klass, GST_CODE_SETTINGS_SEED,
        g_param_spec_uint64("seed", "Seed",
                            "Seed of the random numbers: frame n of a seed is always the same "
                            "picture, whether played up to or sought",
                            0, G_MAXUINT64, 0, FRAME_FLAGS));
    g_object_class_install_property(
        klass, GST_CODE_SETTINGS_GUIDANCE,
        g_param_spec_double("guidance", "Guidance",
                            "Strength of classifier-free guidance, which grows from 0 at the first "
                            "scale to this at the last: more is truer to the class and less "
                            "varied; 0 is off and halves the work. Negative: the model's default",
                            -1.0, MAX_GUIDANCE, -1.0, FRAME_FLAGS));
    g_object_class_install_property(
        klass, GST_CODE_SETTINGS_TOP_K,
        g_param_spec_int("top-k", "Top k",
                         "Draw each token from this many of the likeliest codes; 0: from all. "
                         "Negative: the model's default",
                         -1, G_MAXINT, -1, FRAME_FLAGS));
    g_object_class_install_property(
        klass, GST_CODE_SETTINGS_TOP_P,
        g_param_spec_double("top-p", "Top p",
                            "Draw each token from the smallest set of codes that together have "
                            "this probability; 0: from all. Negative: the model's default",
                            -1.0, 1.0, -1.0, FRAME_FLAGS));
}

gboolean gst_code_settings_set(GstCodeSettings *settings, guint id, const GValue *value)
{
    switch (id) {
    case GST_CODE_SETTINGS_CLASS_ID:
        settings->class_id = g_value_get_int(value);
        return TRUE;
    case GST_CODE_SETTINGS_DRAFTING_STEPS:
        settings->drafting_steps = g_value_get_uint(value);
        return TRUE;
    case GST_CODE_SETTINGS_SEED:
        settings->seed = g_value_get_uint64(value);
        return TRUE;
    case GST_CODE_SETTINGS_GUIDANCE:
        settings->guidance = g_value_get_double(value);
        return TRUE;
    case GST_CODE_SETTINGS_TOP_K:
        settings->top_k = g_value_get_int(value);
        return TRUE;
    case GST_CODE_SETTINGS_TOP_P:
        settings->top_p = g_value_get_double(value);
        return TRUE;
    default:
        return FALSE;
    }
}

gboolean gst_code_settings_get(const GstCodeSettings *settings, guint id, GValue *value)
{
    switch (id) {
    case GST_CODE_SETTINGS_CLASS_ID:
        g_value_set_int(value, settings->class_id);
        return TRUE;
    case GST_CODE_SETTINGS_DRAFTING_STEPS:
        g_value_set_uint(value, settings->drafting_steps);
        return TRUE;
    case GST_CODE_SETTINGS_SEED:
        g_value_set_uint64(value, settings->seed);
        return TRUE;
    case GST_CODE_SETTINGS_GUIDANCE:
        g_value_set_double(value, settings->guidance);
        return TRUE;
    case GST_CODE_SETTINGS_TOP_K:
        g_value_set_int(value, settings->top_k);
        return TRUE;
    case GST_CODE_SETTINGS_TOP_P:
        g_value_set_double(value, settings->top_p);
        return TRUE;
    default:
        return FALSE;
    }
}

guint gst_code_settings_steps(const GstCodeSettings *settings, const CodeModel *model)
{
    return settings->drafting_steps ? settings->drafting_steps
                                    : code_model_info(model)->defaults.drafting_steps;
}

gboolean gst_code_settings_check(const GstCodeSettings *settings, const CodeModel *model,
                                 CodeError *error)
{
    const CodeModelInfo *info = code_model_info(model);

    if (settings->class_id == CODE_CLASS_RANDOM || (guint)settings->class_id <= info->classes)
        return TRUE;
    error->status = CODE_SETTINGS;
    g_snprintf(error->text, sizeof error->text,
               "class-id %d is not a class of the model %s: -1 (any), 0 to %u (a class) or %u (no "
               "class) were expected",
               settings->class_id, info->name, info->classes - 1, info->classes);
    return FALSE;
}

void gst_code_settings_request(const GstCodeSettings *settings, const CodeModel *model,
                               guint64 frame, CodeRequest *request)
{
    code_request_init(model, request);
    request->class_id = settings->class_id;
    request->seed = settings->seed;
    request->frame = frame;
    request->settings.drafting_steps = gst_code_settings_steps(settings, model);
    if (settings->guidance >= 0.0)
        request->settings.guidance = settings->guidance;
    if (settings->top_k >= 0)
        request->settings.top_k = settings->top_k;
    if (settings->top_p >= 0.0)
        request->settings.top_p = settings->top_p;
}
