/* facts.c - reads a model's headers, once for each pair of weights that its manifest may name. */
#include "facts.h"

#include "settings.h"

static CodesrcModel *open_headers(const gchar *name, guint steps, CodesrcError *error)
{
    CodesrcModelOptions options;

    codesrc_model_options_init(&options);
    options.headers_only = true;
    options.drafting_steps = steps;
    return codesrc_model_open(name ? name : "vistas", &options, error);
}

/* A manifest may name other weights for other N; those whose files are missing are not offered. */
static void add_other_pairs(Facts *facts, const gchar *name)
{
    CodesrcError error;

    for (guint n = 1; n <= facts_info(facts)->scales; n++) {
        CodesrcModel *other;

        if (facts_offer_steps(facts, n))
            continue;
        other = open_headers(name, n, &error);
        if (other)
            facts->steps |= codesrc_model_info(other)->steps;
        codesrc_model_unref(other);
    }
}

gboolean facts_open(Facts *facts, const gchar *name, CodesrcError *error)
{
    facts->model = open_headers(name, 0, error);
    if (!facts->model)
        return FALSE;
    facts->steps = facts_info(facts)->steps;
    add_other_pairs(facts, name);
    return TRUE;
}

void facts_close(Facts *facts)
{
    codesrc_model_unref(facts->model);
    facts->model = NULL;
}

const CodesrcModelInfo *facts_info(const Facts *facts)
{
    return codesrc_model_info(facts->model);
}

gboolean facts_offer_steps(const Facts *facts, guint64 steps)
{
    return steps <= CODESRC_MAX_SCALES && (facts->steps & (G_GUINT64_CONSTANT(1) << steps)) != 0;
}

gchar *facts_steps_text(const Facts *facts)
{
    GString *text = g_string_new(NULL);

    for (guint n = 1; n <= facts_info(facts)->scales; n++)
        if (facts_offer_steps(facts, n))
            g_string_append_printf(text, "%s%u", text->len ? ", " : "", n);
    return g_string_free(text, FALSE);
}

json_t *facts_to_json(const Facts *facts)
{
    const CodesrcModelInfo *info = facts_info(facts);
    json_t *classes = json_array(), *steps = json_array();

    for (guint i = 0; i < info->classes; i++)
        json_array_append_new(classes, info->class_names ? json_string(info->class_names[i])
                                                         : json_sprintf("class %u", i));
    for (guint n = 1; n <= info->scales; n++)
        if (facts_offer_steps(facts, n))
            json_array_append_new(steps, json_integer(n));
    return json_pack("{s:s, s:s, s:s, s:i, s:i, s:o, s:o, s:{s:I, s:f, s:f, s:f, s:i}}", "name",
                     info->name, "description", info->description, "license", info->license, "side",
                     (int)info->side, "scales", (int)info->scales, "classes", classes,
                     "drafting-steps", steps, "limits", "seed", (json_int_t)SETTINGS_MAX_SEED,
                     "guidance", SETTINGS_MAX_GUIDANCE, "rate-min", SETTINGS_MIN_RATE, "rate-max",
                     SETTINGS_MAX_RATE, "motion", SETTINGS_MAX_MOTION);
}
