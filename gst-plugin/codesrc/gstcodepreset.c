/* gstcodepreset.c - the built-in presets, in front of those that users save: of speed and quality,
 * whose drafting steps are among those that the model serves, and of films. */
#include "codesrc/gstcodepreset.h"

#include "codesrc/gstcodesrcprivate.h"

typedef enum Steps { STEPS_FEWEST, STEPS_DEFAULT, STEPS_MOST } Steps;

static const struct {
    const gchar *name, *comment;
    guint hold, morph; /* of a film; hold 0: it leaves them alone, and sets: */
    Steps steps;
    gdouble guidance;
} presets[] = {
    {"draft", "As fast as the model goes: fewest drafting steps, no guidance", 0, 0, STEPS_FEWEST,
     0.0},
    {"balanced", "The settings that the model comes with", 0, 0, STEPS_DEFAULT, -1.0},
    {"quality", "As good as the model gets: most drafting steps", 0, 0, STEPS_MOST, -1.0},
    {"calm",
     "A film: each picture stands for four seconds and becomes the next in three, at 25 "
     "frames a second",
     100, 75, STEPS_DEFAULT, -1.0},
    {"flow", "A film that is always in motion, with a picture every two seconds", 1, 49,
     STEPS_DEFAULT, -1.0},
    {"slides",
     "A film: each picture stands for four and a half seconds and becomes the "
     "next in half a second",
     113, 12, STEPS_DEFAULT, -1.0},
};

/* GStreamer's own implementation, which keeps presets in files. Set once, in class_init. */
static GstPresetInterface files;

static gint find(const gchar *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(presets); i++)
        if (!g_strcmp0(name, presets[i].name))
            return (gint)i;
    return -1;
}

static gchar **get_preset_names(GstPreset *preset)
{
    gchar **saved = files.get_preset_names(preset);
    GPtrArray *names = g_ptr_array_new();

    for (guint i = 0; i < G_N_ELEMENTS(presets); i++)
        g_ptr_array_add(names, g_strdup(presets[i].name));
    for (guint i = 0; saved && saved[i]; i++)
        g_ptr_array_add(names, g_strdup(saved[i]));
    g_strfreev(saved);
    g_ptr_array_add(names, NULL);
    return (gchar **)g_ptr_array_free(names, FALSE);
}

/* The drafting steps that a model's weights for `steps` serve, a bit each; 0: none. *scales: K. */
static guint32 served_with(const gchar *name, guint steps, guint *scales)
{
    CodesrcModelOptions options;
    CodesrcError error;
    CodesrcModel *model;
    guint32 served = 0;

    codesrc_model_options_init(&options);
    options.headers_only = true;
    options.keeps_refiner = true;
    options.drafting_steps = steps;
    model = codesrc_model_open(name, &options, &error);
    if (model) {
        served = codesrc_model_info(model)->steps & ~1u;
        *scales = codesrc_model_info(model)->scales;
    }
    codesrc_model_unref(model);
    return served;
}

/* 0, the model's default, if the model cannot be read: the element reports why when it starts. A
 * manifest may have several pairs, each for other drafting steps, and not all of their files may be
 * there: so this looks for the first that can be opened. */
static guint choose_steps(GstCodeSrc *self, Steps wanted)
{
    guint scales = 0, chosen = 0;
    gchar *name;

    if (wanted == STEPS_DEFAULT)
        return 0;
    g_object_get(self, "model", &name, NULL);
    if (!name)
        name = g_strdup(GST_CODE_DEFAULT_MODEL);
    if (served_with(name, 0, &scales))
        for (guint i = 1; i <= scales && !chosen; i++) {
            guint steps = wanted == STEPS_FEWEST ? i : scales + 1 - i;

            if (served_with(name, steps, &scales) >> steps & 1)
                chosen = steps;
        }
    g_free(name);
    return chosen;
}

static gboolean load_preset(GstPreset *preset, const gchar *name)
{
    gint i = find(name);

    if (i < 0)
        return files.load_preset(preset, name);
    if (presets[i].hold > 0)
        g_object_set(preset, "hold", presets[i].hold, "morph", presets[i].morph, "easing",
                     GST_CODE_EASING_SMOOTH, NULL);
    else
        g_object_set(preset, "drafting-steps", choose_steps(GST_CODE_SRC(preset), presets[i].steps),
                     "guidance", presets[i].guidance, "top-k", -1, "top-p", -1.0, NULL);
    return TRUE;
}

static gboolean save_preset(GstPreset *preset, const gchar *name)
{
    return find(name) < 0 && files.save_preset(preset, name);
}

static gboolean rename_preset(GstPreset *preset, const gchar *from, const gchar *to)
{
    return find(from) < 0 && find(to) < 0 && files.rename_preset(preset, from, to);
}

static gboolean delete_preset(GstPreset *preset, const gchar *name)
{
    return find(name) < 0 && files.delete_preset(preset, name);
}

static gboolean get_meta(GstPreset *preset, const gchar *name, const gchar *tag, gchar **value)
{
    gint i = find(name);

    if (i < 0)
        return files.get_meta(preset, name, tag, value);
    *value = g_strcmp0(tag, "comment") ? NULL : g_strdup(presets[i].comment);
    return *value != NULL;
}

void gst_code_preset_init(gpointer interface, gpointer data)
{
    GstPresetInterface *preset = interface;

    (void)data;
    files = *preset;
    preset->get_preset_names = get_preset_names;
    preset->load_preset = load_preset;
    preset->save_preset = save_preset;
    preset->rename_preset = rename_preset;
    preset->delete_preset = delete_preset;
    preset->get_meta = get_meta;
}
