/* gstcodesettings.c - describes and checks the properties of frames, and turns them into the
 * engine's request. */
#include "model/gstcodesettings.h"

#define MAX_GUIDANCE 100.0

#define FIELD(name) offsetof(GstCodeSettings, name)

static const GstCodeProperty rows[] = {
    {.id = GST_CODE_SETTINGS_CLASS_ID,
     .type = GST_CODE_INT,
     .name = "class-id",
     .nick = "Class id",
     .blurb = "Class of the picture, from 0. -1: a random class for each frame, chosen by seed and "
              "frame number. The model's number of classes: no class in particular",
     .range.i = {CODESRC_CLASS_RANDOM, G_MAXINT, CODESRC_CLASS_RANDOM},
     .offset = FIELD(class_id),
     .flags = GST_CODE_CONTROLLED,
     .recipe = GST_CODE_IN_RECIPE},
    {.id = GST_CODE_SETTINGS_SEED,
     .type = GST_CODE_UINT64,
     .name = "seed",
     .nick = "Seed",
     .blurb = "Seed of the random numbers. Frame n of a seed is always the same picture, whether "
              "by playing or by seeking",
     .range.u = {0, G_MAXUINT64, 0},
     .offset = FIELD(seed),
     .flags = GST_CODE_CONTROLLED,
     .recipe = GST_CODE_IN_RECIPE},
    {.id = GST_CODE_SETTINGS_FIRST_FRAME,
     .type = GST_CODE_UINT64,
     .name = "first-frame",
     .nick = "First frame",
     .blurb = "Number of the picture that the stream begins with",
     .range.u = {0, G_MAXUINT64 / 2, 0},
     .offset = FIELD(first_frame),
     .flags = GST_CODE_CONTROLLED,
     .recipe = GST_CODE_IN_RECIPE,
     .field = "frame"},
    {.id = GST_CODE_SETTINGS_DRAFTING_STEPS,
     .type = GST_CODE_UINT,
     .name = "drafting-steps",
     .nick = "Drafting steps",
     .blurb = "Number of scales that the large drafter decodes, before the small refiner decodes "
              "the rest: more is better and slower. 0: the model's default",
     .range.u = {0, CODESRC_MAX_SCALES, 0},
     .offset = FIELD(drafting_steps),
     .flags = GST_CODE_CONTROLLED,
     .recipe = GST_CODE_IN_RECIPE},
    {.id = GST_CODE_SETTINGS_TOP_K,
     .type = GST_CODE_INT,
     .name = "top-k",
     .nick = "Top k",
     .blurb = "Draw each token from the k likeliest codes. 0: from all codes. -1: the model's "
              "default",
     .range.i = {-1, G_MAXINT, -1},
     .offset = FIELD(top_k),
     .flags = GST_CODE_CONTROLLED,
     .recipe = GST_CODE_IN_RECIPE},
    {.id = GST_CODE_SETTINGS_CLASS_ID_2,
     .type = GST_CODE_INT,
     .name = "class-id-2",
     .nick = "Second class id",
     .blurb = "Second class, to blend with the first as class-mix says. -1: none",
     .range.i = {CODESRC_CLASS_NONE, G_MAXINT, CODESRC_CLASS_NONE},
     .offset = FIELD(class_id_2),
     .flags = GST_CODE_CONTROLLED,
     .recipe = GST_CODE_IN_RECIPE_IF_SET},
    {.id = GST_CODE_SETTINGS_CLASS_MIX,
     .type = GST_CODE_DOUBLE,
     .name = "class-mix",
     .nick = "Class mix",
     .blurb = "Share of class-id-2 in the picture: 0 is the first class alone, 1 is class-id-2 "
              "alone. A schedule from 0 to 1 is a morph",
     .range.d = {0.0, 1.0, 0.0},
     .offset = FIELD(class_mix),
     .flags = GST_CODE_CONTROLLED,
     .recipe = GST_CODE_IN_RECIPE_IF_SET},
    {.id = GST_CODE_SETTINGS_TOP_P,
     .type = GST_CODE_DOUBLE,
     .name = "top-p",
     .nick = "Top p",
     .blurb = "Draw each token from the smallest set of codes with this total probability. 0: from "
              "all codes. -1: the model's default",
     .range.d = {-1.0, 1.0, -1.0},
     .offset = FIELD(top_p),
     .flags = GST_CODE_CONTROLLED,
     .recipe = GST_CODE_IN_RECIPE},
    {.id = GST_CODE_SETTINGS_TEMPERATURE,
     .type = GST_CODE_DOUBLE,
     .name = "temperature",
     .nick = "Temperature",
     .blurb = "Divides the logits of every scale, above 0: below 1 the likely codes become "
              "likelier, and pictures less varied. -1: the model's default for each scale",
     .range.d = {-1.0, 100.0, -1.0},
     .offset = FIELD(temperature),
     .flags = GST_CODE_CONTROLLED,
     .recipe = GST_CODE_IN_RECIPE_IF_SET},
    {.id = GST_CODE_SETTINGS_GUIDANCE,
     .type = GST_CODE_DOUBLE,
     .name = "guidance",
     .nick = "Guidance",
     .blurb = "Strength of classifier-free guidance at the last scale: more is truer to the class "
              "and less varied. 0: off, which halves the work. -1: the model's default",
     .range.d = {-1.0, MAX_GUIDANCE, -1.0},
     .offset = FIELD(guidance),
     .flags = GST_CODE_CONTROLLED,
     .recipe = GST_CODE_IN_RECIPE},
    {.id = GST_CODE_SETTINGS_MORE_SMOOTH,
     .type = GST_CODE_BOOLEAN,
     .name = "more-smooth",
     .nick = "More smooth",
     .blurb = "Feed the model a blend of the likely codes (Gumbel softmax) in place of the drawn "
              "code: smoother pictures, not those that the papers measure",
     .offset = FIELD(more_smooth),
     .flags = GST_CODE_CONTROLLED,
     .recipe = GST_CODE_IN_RECIPE_IF_SET},
    {.id = GST_CODE_SETTINGS_KEEP_SCALES,
     .type = GST_CODE_INT,
     .name = "keep-scales",
     .nick = "Keep scales",
     .blurb = "Show variations of picture first-frame, which share this many of its scales, "
              "coarsest first: few keep its composition, more also its details. -1: each frame is "
              "a picture of its own",
     .range.i = {-1, CODESRC_MAX_SCALES, -1},
     .offset = FIELD(keep_scales),
     .flags = GST_CODE_CONTROLLED,
     .recipe = GST_CODE_IN_RECIPE_IF_SET},
    {.id = GST_CODE_SETTINGS_VARIATION,
     .type = GST_CODE_UINT64,
     .name = "variation",
     .nick = "Variation",
     .blurb = "With keep-scales, the number of the variation that the stream begins with. 0: the "
              "picture itself",
     .range.u = {0, G_MAXUINT64 / 2, 0},
     .offset = FIELD(variation),
     .flags = GST_CODE_CONTROLLED,
     .recipe = GST_CODE_IN_RECIPE_IF_SET},
    {.id = GST_CODE_SETTINGS_CLASS_NAME,
     .type = GST_CODE_CLASS_NAME,
     .name = "class-name",
     .nick = "Class name",
     .blurb = "Class of the picture by name, or by a part that only one class name has; case does "
              "not matter. Overrides class-id. NULL: not set",
     .offset = FIELD(class_name),
     .flags = GST_CODE_READ_EACH_FRAME},
    {.id = GST_CODE_SETTINGS_CLASSES,
     .type = GST_CODE_CLASS_LIST,
     .name = "classes",
     .nick = "Classes",
     .blurb = "Classes to cycle through, ids or names separated by commas. Overrides class-name "
              "and class-id. NULL: not set",
     .offset = FIELD(classes),
     .flags = GST_CODE_READ_EACH_FRAME},
};

static const GstCodeProperty pace_rows[] = {
    {.id = GST_CODE_SETTINGS_MIN_DRAFTING_STEPS,
     .type = GST_CODE_UINT,
     .name = "min-drafting-steps",
     .nick = "Minimum drafting steps",
     .blurb = "If pictures are late, use fewer drafting steps, but no fewer than this. 0: always "
              "use drafting-steps",
     .range.u = {0, CODESRC_MAX_SCALES, 0},
     .offset = FIELD(min_drafting_steps),
     .flags = GST_CODE_CONTROLLED},
};

const GstCodePropertyTable gst_code_settings_properties = {rows, G_N_ELEMENTS(rows)};
const GstCodePropertyTable gst_code_pace_properties = {pace_rows, G_N_ELEMENTS(pace_rows)};

void gst_code_settings_init(GstCodeSettings *settings)
{
    *settings = (GstCodeSettings){0};
    gst_code_properties_init(gst_code_settings_properties, settings);
    gst_code_properties_init(gst_code_pace_properties, settings);
}

void gst_code_settings_clear(GstCodeSettings *settings)
{
    gst_code_properties_clear(gst_code_settings_properties, settings);
}

GstCodeSettings gst_code_settings_read(const GstCodeSettings *settings, GstElement *element)
{
    GstCodeSettings copy;

    GST_OBJECT_LOCK(element);
    copy = *settings;
    gst_code_properties_own(gst_code_settings_properties, &copy);
    GST_OBJECT_UNLOCK(element);
    return copy;
}

/* The element's temperature, from a request of its own: the same for all scales, or the model's. */
static gdouble temperature_of(const CodesrcRequest *request, const CodesrcModelInfo *info)
{
    for (guint k = 0; k < info->scales; k++)
        if (request->settings.temperature[k] != info->defaults.temperature[k])
            return request->settings.temperature[k];
    return -1.0;
}

GstCodeSettings gst_code_settings_of_request(const CodesrcRequest *request,
                                             const CodesrcModelInfo *info)
{
    gboolean varies = request->keep_scales < info->scales;

    return (GstCodeSettings){.class_id = request->class_id,
                             .drafting_steps = request->settings.drafting_steps,
                             .seed = request->seed,
                             .guidance = request->settings.guidance,
                             .top_k = (gint)request->settings.top_k,
                             .top_p = request->settings.top_p,
                             .temperature = temperature_of(request, info),
                             .class_id_2 = request->class_id_2,
                             .class_mix = request->class_mix,
                             .more_smooth = request->settings.more_smooth,
                             .first_frame = request->frame,
                             .keep_scales = varies ? (gint)request->keep_scales : -1,
                             .variation = varies ? request->frame_2 - request->frame : 0};
}

guint gst_code_settings_steps(const GstCodeSettings *settings, const CodesrcModel *model)
{
    return settings->drafting_steps ? settings->drafting_steps
                                    : codesrc_model_info(model)->defaults.drafting_steps;
}

gboolean gst_code_settings_in_range(const GstCodeSettings *settings, CodesrcError *error)
{
    return gst_code_properties_check(gst_code_settings_properties, settings, error) &&
           gst_code_properties_check(gst_code_pace_properties, settings, error);
}

/* Of numbers in their properties' ranges. The engine would refuse them as well, but only once the
 * weights are loaded. */
static gboolean check_numbers(const GstCodeSettings *settings, const CodesrcModel *model,
                              CodesrcError *error)
{
    gint scales = (gint)codesrc_model_info(model)->scales;

    if (settings->temperature == 0.0)
        g_snprintf(error->text, sizeof error->text,
                   "temperature 0, expected -1 (the model's) or above 0, up to 100");
    else if (settings->keep_scales > scales)
        g_snprintf(error->text, sizeof error->text,
                   "keep-scales %d, expected -1 (no variations) or 0 to %d", settings->keep_scales,
                   scales);
    else
        return TRUE;
    error->status = CODESRC_SETTINGS;
    return FALSE;
}

gboolean gst_code_settings_check(const GstCodeSettings *settings, const CodesrcModel *model,
                                 CodesrcError *error)
{
    const GstCodeClasses *classes = settings->classes ? settings->classes : settings->class_name;

    return gst_code_classes_check_second(settings->class_id_2, model, error) &&
           (classes ? gst_code_classes_check(classes, model, error)
                    : gst_code_classes_check_id(settings->class_id, model, error)) &&
           gst_code_settings_in_range(settings, error) && check_numbers(settings, model, error);
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
    /* Resolve the random class here, so that meta and stats report the class drawn. */
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
    if (settings->keep_scales >= 0) {
        request->keep_scales = settings->keep_scales;
        request->frame = settings->first_frame;
        request->seed_2 = settings->seed;
        request->frame_2 = settings->first_frame + settings->variation + frame;
    }
    request->settings.drafting_steps = gst_code_settings_steps(settings, model);
    if (settings->guidance >= 0.0)
        request->settings.guidance = settings->guidance;
    if (settings->top_k >= 0)
        request->settings.top_k = settings->top_k;
    if (settings->top_p >= 0.0)
        request->settings.top_p = settings->top_p;
    for (guint k = 0; settings->temperature >= 0.0 && k < codesrc_model_info(model)->scales; k++)
        request->settings.temperature[k] = settings->temperature;
    request->settings.more_smooth = request->settings.more_smooth || settings->more_smooth;
    return choose_class(settings, model, request, error);
}
