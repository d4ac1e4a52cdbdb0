/* gstcodesettings.c - installs, stores and checks the per-frame properties, and turns them into the
 * engine's request. */
#include "model/gstcodesettings.h"

/* Read afresh for each frame, so they may change at any time and follow a GstController. */
#define FRAME_FLAGS                                                                                \
    (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_CONTROLLABLE |                         \
     GST_PARAM_MUTABLE_PLAYING)

/* The same for what no GstController can drive. */
#define STRING_FLAGS (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING)

#define MAX_GUIDANCE 100.0

void gst_code_settings_init(GstCodeSettings *settings)
{
    *settings = (GstCodeSettings){.class_id = CODESRC_CLASS_RANDOM,
                                  .class_id_2 = CODESRC_CLASS_NONE,
                                  .guidance = -1.0,
                                  .top_k = -1,
                                  .top_p = -1.0};
}

void gst_code_settings_clear(GstCodeSettings *settings)
{
    g_clear_pointer(&settings->class_name, gst_code_classes_unref);
    g_clear_pointer(&settings->classes, gst_code_classes_unref);
}

GstCodeSettings gst_code_settings_copy(const GstCodeSettings *settings)
{
    GstCodeSettings copy = *settings;

    gst_code_classes_ref(copy.class_name);
    gst_code_classes_ref(copy.classes);
    return copy;
}

GstCodeSettings gst_code_settings_read(const GstCodeSettings *settings, GstElement *element)
{
    GstCodeSettings copy;

    GST_OBJECT_LOCK(element);
    copy = gst_code_settings_copy(settings);
    GST_OBJECT_UNLOCK(element);
    return copy;
}

static void install_classes(GObjectClass *klass)
{
    g_object_class_install_property(
        klass, GST_CODE_SETTINGS_CLASS_NAME,
        g_param_spec_string("class-name", "Class name",
                            "Name of the picture's class, or a part that only one of the model's "
                            "class names has, in upper or lower case. Goes before class-id. NULL: "
                            "not set",
                            NULL, STRING_FLAGS));
    g_object_class_install_property(
        klass, GST_CODE_SETTINGS_CLASSES,
        g_param_spec_string("classes", "Classes",
                            "Classes that the pictures cycle through: ids or names between commas, "
                            "picture n is of the entry n modulo their number. Goes before "
                            "class-name and class-id. NULL: not set",
                            NULL, STRING_FLAGS));
    g_object_class_install_property(
        klass, GST_CODE_SETTINGS_CLASS_ID_2,
        g_param_spec_int(
            "class-id-2", "Second class id",
            "A second class, which class-mix blends with the picture's class: 0 to the "
            "model's number of classes; -1: none",
            CODESRC_CLASS_NONE, G_MAXINT, CODESRC_CLASS_NONE, FRAME_FLAGS));
    g_object_class_install_property(
        klass, GST_CODE_SETTINGS_CLASS_MIX,
        g_param_spec_double("class-mix", "Class mix",
                            "How much of class-id-2 is blended into the picture's class, by its "
                            "class vector: 0 is the class alone, 1 is class-id-2 alone, and a "
                            "schedule from 0 to 1 is a morph",
                            0.0, 1.0, 0.0, FRAME_FLAGS));
    g_object_class_install_property(
        klass, GST_CODE_SETTINGS_FIRST_FRAME,
        g_param_spec_uint64("first-frame", "First frame",
                            "Number of the picture at the beginning of the stream: the pictures "
                            "are those that come from there on in a stream that begins at 0",
                            0, G_MAXUINT64 / 2, 0, FRAME_FLAGS));
}

void gst_code_settings_install_pace(GObjectClass *klass)
{
    g_object_class_install_property(
        klass, GST_CODE_SETTINGS_MIN_DRAFTING_STEPS,
        g_param_spec_uint("min-drafting-steps", "Least drafting steps",
                          "Where pictures come too late, use fewer drafting steps, down to this "
                          "many; the picture's meta tells how many it took. 0: always as many as "
                          "drafting-steps",
                          0, CODESRC_MAX_SCALES, 0, FRAME_FLAGS));
}

void gst_code_settings_install(GObjectClass *klass)
{
    g_object_class_install_property(
        klass, GST_CODE_SETTINGS_CLASS_ID,
        g_param_spec_int("class-id", "Class id",
                         "Class of the picture: -1 draws one afresh for each frame, from seed and "
                         "frame number; 0 to the model's number of classes minus one name a class; "
                         "the number of classes itself means no class. Other ids are an error",
                         CODESRC_CLASS_RANDOM, G_MAXINT, CODESRC_CLASS_RANDOM, FRAME_FLAGS));
    g_object_class_install_property(
        klass, GST_CODE_SETTINGS_DRAFTING_STEPS,
        g_param_spec_uint("drafting-steps", "Drafting steps",
                          "How many scales, counted from the coarsest, the large drafter decodes "
                          "before the small refiner takes over: more is better and slower; the "
                          "model's number of scales uses the drafter alone. 0: the model's "
                          "default. Where a model has other weights for the new number, they are "
                          "loaded first",
                          0, CODESRC_MAX_SCALES, 0, FRAME_FLAGS));
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
    install_classes(klass);
}

static void replace_classes(GstCodeClasses **classes, const GValue *value, gboolean list)
{
    gst_code_classes_unref(*classes);
    *classes = gst_code_classes_new(g_value_get_string(value), list);
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
    case GST_CODE_SETTINGS_CLASS_NAME:
        replace_classes(&settings->class_name, value, FALSE);
        return TRUE;
    case GST_CODE_SETTINGS_CLASSES:
        replace_classes(&settings->classes, value, TRUE);
        return TRUE;
    case GST_CODE_SETTINGS_CLASS_ID_2:
        settings->class_id_2 = g_value_get_int(value);
        return TRUE;
    case GST_CODE_SETTINGS_CLASS_MIX:
        settings->class_mix = g_value_get_double(value);
        return TRUE;
    case GST_CODE_SETTINGS_MIN_DRAFTING_STEPS:
        settings->min_drafting_steps = g_value_get_uint(value);
        return TRUE;
    case GST_CODE_SETTINGS_FIRST_FRAME:
        settings->first_frame = g_value_get_uint64(value);
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
    case GST_CODE_SETTINGS_CLASS_NAME:
        g_value_set_string(value, gst_code_classes_text(settings->class_name));
        return TRUE;
    case GST_CODE_SETTINGS_CLASSES:
        g_value_set_string(value, gst_code_classes_text(settings->classes));
        return TRUE;
    case GST_CODE_SETTINGS_CLASS_ID_2:
        g_value_set_int(value, settings->class_id_2);
        return TRUE;
    case GST_CODE_SETTINGS_CLASS_MIX:
        g_value_set_double(value, settings->class_mix);
        return TRUE;
    case GST_CODE_SETTINGS_MIN_DRAFTING_STEPS:
        g_value_set_uint(value, settings->min_drafting_steps);
        return TRUE;
    case GST_CODE_SETTINGS_FIRST_FRAME:
        g_value_set_uint64(value, settings->first_frame);
        return TRUE;
    default:
        return FALSE;
    }
}

guint gst_code_settings_steps(const GstCodeSettings *settings, const CodesrcModel *model)
{
    return settings->drafting_steps ? settings->drafting_steps
                                    : codesrc_model_info(model)->defaults.drafting_steps;
}

gboolean gst_code_settings_check(const GstCodeSettings *settings, const CodesrcModel *model,
                                 CodesrcError *error)
{
    if (!gst_code_classes_check_second(settings->class_id_2, model, error))
        return FALSE;
    if (settings->classes)
        return gst_code_classes_check(settings->classes, model, error);
    if (settings->class_name)
        return gst_code_classes_check(settings->class_name, model, error);
    return gst_code_classes_check_id(settings->class_id, model, error);
}

static gboolean choose_class(const GstCodeSettings *settings, const CodesrcModel *model,
                             CodesrcRequest *request, CodesrcError *error)
{
    const GstCodeClasses *classes = settings->classes ? settings->classes : settings->class_name;

    request->class_id = settings->class_id;
    request->class_id_2 = settings->class_id_2;
    request->class_mix = settings->class_mix;
    if (!gst_code_classes_check_second(request->class_id_2, model, error))
        return FALSE;
    if (classes ? !gst_code_classes_at(classes, request->frame, model, &request->class_id, error)
                : !gst_code_classes_check_id(request->class_id, model, error))
        return FALSE;
    /* Drawn here, so that whoever asks what is shown hears it. */
    if (request->class_id == CODESRC_CLASS_RANDOM)
        request->class_id = codesrc_random_class(model, request->seed, request->frame);
    return TRUE;
}

gboolean gst_code_settings_request(const GstCodeSettings *settings, const CodesrcModel *model,
                                   guint64 frame, CodesrcRequest *request, CodesrcError *error)
{
    codesrc_request_init(model, request);
    request->seed = settings->seed;
    request->frame = settings->first_frame + frame;
    request->settings.drafting_steps = gst_code_settings_steps(settings, model);
    if (settings->guidance >= 0.0)
        request->settings.guidance = settings->guidance;
    if (settings->top_k >= 0)
        request->settings.top_k = settings->top_k;
    if (settings->top_p >= 0.0)
        request->settings.top_p = settings->top_p;
    return choose_class(settings, model, request, error);
}
