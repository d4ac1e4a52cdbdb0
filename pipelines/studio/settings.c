/* settings.c - checks a request's changes, key by key, against the model. */
#include "settings.h"

#include <string.h>

void settings_init(Settings *settings, const Facts *facts, gdouble rate)
{
    const CodesrcSettings *defaults = &facts_info(facts)->defaults;

    *settings = (Settings){.class_id = CODESRC_CLASS_RANDOM,
                           .class_id_2 = CODESRC_CLASS_NONE,
                           .top_k = (gint)defaults->top_k,
                           .top_p = defaults->top_p,
                           .temperature = -1.0,
                           .more_smooth = defaults->more_smooth,
                           .drafting_steps = defaults->drafting_steps,
                           .guidance = defaults->guidance,
                           .rate = rate > 0.0 ? rate : 1.0,
                           .hold = rate > 0.0 ? 1 : SETTINGS_FILM_RATE,
                           .morph = rate > 0.0 ? 0 : SETTINGS_FILM_RATE,
                           .keep_scales = -1};
}

gboolean settings_flow(const Settings *settings)
{
    return !settings->progressive &&
           (settings->hold > 1 || settings->morph > 0 || settings->loop > 0);
}

/* The value found, short enough for a message. */
static gchar *found(const json_t *value)
{
    gchar *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6));
    gchar *copy;

    if (text && strlen(text) > 60) {
        gchar *valid;

        text[60] = '\0';
        valid = g_utf8_make_valid(text, -1);
        copy = g_strconcat(valid, "...", NULL);
        g_free(valid);
    } else {
        copy = g_strdup(text ? text : "?");
    }
    free(text);
    return copy;
}

static gchar *unexpected(const gchar *key, const json_t *value, const gchar *expected)
{
    gchar *text = found(value);
    gchar *error = g_strdup_printf("%s is %s, expected %s", key, text, expected);

    g_free(text);
    return error;
}

static gchar *change_class_id(gint32 *class_id, const gchar *key, const gchar *none,
                              const Facts *facts, const json_t *value)
{
    const CodesrcModelInfo *info = facts_info(facts);
    CodesrcError error;
    gchar *expected, *text;

    if (json_is_null(value)) {
        *class_id = -1;
        return NULL;
    }
    if (json_is_string(value)) {
        if (codesrc_model_find_class(facts->model, json_string_value(value), class_id, &error))
            return NULL;
        return g_strdup(error.text);
    }
    if (json_is_integer(value) && json_integer_value(value) >= 0 &&
        json_integer_value(value) < info->classes) {
        *class_id = (gint32)json_integer_value(value);
        return NULL;
    }
    expected =
        g_strdup_printf("a name, an id from 0 to %u, or null for %s", info->classes - 1, none);
    text = unexpected(key, value, expected);
    g_free(expected);
    return text;
}

static gchar *change_class(Settings *settings, const Facts *facts, const json_t *value)
{
    return change_class_id(&settings->class_id, "class", "a class of its own for each picture",
                           facts, value);
}

static gchar *change_class_2(Settings *settings, const Facts *facts, const json_t *value)
{
    return change_class_id(&settings->class_id_2, "class-2", "no blend", facts, value);
}

static gchar *change_steps(Settings *settings, const Facts *facts, const json_t *value)
{
    gchar *offered, *expected, *text;

    if (json_is_integer(value) && json_integer_value(value) > 0 &&
        facts_offer_steps(facts, (guint64)json_integer_value(value))) {
        settings->drafting_steps = (guint)json_integer_value(value);
        return NULL;
    }
    offered = facts_steps_text(facts);
    expected =
        g_strdup_printf("one of %s, which the model %s offers", offered, facts_info(facts)->name);
    text = unexpected("drafting-steps", value, expected);
    g_free(expected);
    g_free(offered);
    return text;
}

gchar *settings_change_number(guint64 *number, const gchar *key, const json_t *value)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        (guint64)json_integer_value(value) > SETTINGS_MAX_SEED)
        return unexpected(key, value, "a whole number from 0 to 9007199254740991");
    *number = (guint64)json_integer_value(value);
    return NULL;
}

static gchar *change_seed(Settings *settings, const Facts *facts, const json_t *value)
{
    (void)facts;
    return settings_change_number(&settings->seed, "seed", value);
}

static gchar *change_real(gdouble *setting, const gchar *key, gdouble most, const json_t *value)
{
    gdouble number = json_number_value(value);
    gchar *expected, *text;

    if (json_is_number(value) && number >= 0.0 && number <= most) {
        *setting = number;
        return NULL;
    }
    expected = g_strdup_printf("a number from 0 to %g", most);
    text = unexpected(key, value, expected);
    g_free(expected);
    return text;
}

static gchar *change_guidance(Settings *settings, const Facts *facts, const json_t *value)
{
    (void)facts;
    return change_real(&settings->guidance, "guidance", SETTINGS_MAX_GUIDANCE, value);
}

static gchar *change_mix(Settings *settings, const Facts *facts, const json_t *value)
{
    (void)facts;
    return change_real(&settings->class_mix, "class-mix", 1.0, value);
}

static gchar *change_top_p(Settings *settings, const Facts *facts, const json_t *value)
{
    (void)facts;
    return change_real(&settings->top_p, "top-p", 1.0, value);
}

static gchar *change_top_k(Settings *settings, const Facts *facts, const json_t *value)
{
    (void)facts;
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > G_MAXINT)
        return unexpected("top-k", value, "a whole number, 0 for all codes");
    settings->top_k = (gint)json_integer_value(value);
    return NULL;
}

static gchar *change_temperature(Settings *settings, const Facts *facts, const json_t *value)
{
    gdouble number = json_number_value(value);

    (void)facts;
    if (!json_is_null(value) && !(json_is_number(value) && number > 0.0 && number <= 100.0))
        return unexpected("temperature", value,
                          "a number above 0, up to 100, or null for the model's own");
    settings->temperature = json_is_null(value) ? -1.0 : number;
    return NULL;
}

static gchar *change_flag(gboolean *flag, const gchar *key, const json_t *value)
{
    if (!json_is_boolean(value))
        return unexpected(key, value, "true or false");
    *flag = json_is_true(value);
    return NULL;
}

static gchar *change_more_smooth(Settings *settings, const Facts *facts, const json_t *value)
{
    (void)facts;
    return change_flag(&settings->more_smooth, "more-smooth", value);
}

static gchar *change_progressive(Settings *settings, const Facts *facts, const json_t *value)
{
    (void)facts;
    return change_flag(&settings->progressive, "progressive", value);
}

static gchar *change_count(guint *count, const gchar *key, guint least, guint most,
                           const json_t *value)
{
    json_int_t number = json_integer_value(value);
    gchar *expected, *text;

    if (json_is_integer(value) && number >= least && number <= most) {
        *count = (guint)number;
        return NULL;
    }
    expected = g_strdup_printf("a whole number from %u to %u", least, most);
    text = unexpected(key, value, expected);
    g_free(expected);
    return text;
}

static gchar *change_hold(Settings *settings, const Facts *facts, const json_t *value)
{
    (void)facts;
    return change_count(&settings->hold, "hold", 1, SETTINGS_MAX_MOTION, value);
}

static gchar *change_morph(Settings *settings, const Facts *facts, const json_t *value)
{
    (void)facts;
    return change_count(&settings->morph, "morph", 0, SETTINGS_MAX_MOTION, value);
}

static gchar *change_loop(Settings *settings, const Facts *facts, const json_t *value)
{
    (void)facts;
    return change_count(&settings->loop, "loop", 0, SETTINGS_MAX_MOTION, value);
}

static gchar *change_keep_scales(Settings *settings, const Facts *facts, const json_t *value)
{
    guint scales = 0;
    gchar *error;

    if (json_is_null(value)) {
        settings->keep_scales = -1;
        return NULL;
    }
    error = change_count(&scales, "keep-scales", 0, facts_info(facts)->scales, value);
    if (!error)
        settings->keep_scales = (gint)scales;
    return error;
}

static gchar *change_rate(Settings *settings, const Facts *facts, const json_t *value)
{
    gdouble number = json_number_value(value);

    (void)facts;
    if (!json_is_number(value) || !(number >= SETTINGS_MIN_RATE && number <= SETTINGS_MAX_RATE))
        return unexpected("rate", value, "pictures a second, a number from 0.1 to 30");
    settings->rate = number;
    return NULL;
}

static const struct {
    const gchar *key;
    gchar *(*change)(Settings *settings, const Facts *facts, const json_t *value);
} keys[] = {
    {"class", change_class},
    {"class-2", change_class_2},
    {"class-mix", change_mix},
    {"drafting-steps", change_steps},
    {"seed", change_seed},
    {"guidance", change_guidance},
    {"top-k", change_top_k},
    {"top-p", change_top_p},
    {"rate", change_rate},
    {"temperature", change_temperature},
    {"progressive", change_progressive},
    {"more-smooth", change_more_smooth},
    {"hold", change_hold},
    {"morph", change_morph},
    {"loop", change_loop},
    {"keep-scales", change_keep_scales},
};

gchar *settings_change_one(Settings *settings, const Facts *facts, const gchar *key,
                           const json_t *value)
{
    json_t *name;
    gchar *text, *error;

    for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
        if (!strcmp(keys[i].key, key))
            return keys[i].change(settings, facts, value);
    name = json_string(key);
    text = found(name);
    error = g_strdup_printf("%s is not a setting, expected class, class-2, class-mix, "
                            "drafting-steps, seed, guidance, top-k, top-p, temperature, "
                            "more-smooth, progressive, rate, hold, morph, loop or keep-scales",
                            text);
    g_free(text);
    json_decref(name);
    return error;
}

gboolean settings_change(Settings *settings, const Facts *facts, const gchar *text, gsize length,
                         gchar **error)
{
    Settings changed = *settings;
    json_error_t where;
    json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
    const char *key;
    json_t *value;

    *error = NULL;
    if (!object) {
        gchar *valid = g_utf8_make_valid(where.text, -1); /* it may end within a character */

        *error = g_strdup_printf("the body is not JSON, line %d: %s", where.line, valid);
        g_free(valid);
        return FALSE;
    }
    if (!json_is_object(object))
        *error = unexpected("the body", object, "an object such as {\"seed\": 7}");
    json_object_foreach(object, key, value)
    {
        if (!*error)
            *error = settings_change_one(&changed, facts, key, value);
    }
    json_decref(object);
    if (*error)
        return FALSE;
    *settings = changed;
    return TRUE;
}

static json_t *class_name(gint32 class_id, const CodesrcModelInfo *info)
{
    if (class_id < 0 || !info->class_names)
        return json_null();
    return json_string(info->class_names[class_id]);
}

json_t *settings_to_json(const Settings *settings, const Facts *facts)
{
    const CodesrcModelInfo *info = facts_info(facts);

    return json_pack(
        "{s:o, s:i, s:o, s:i, s:f, s:i, s:I, s:f, s:i, s:f, s:o, s:b, s:b, s:f, s:i, "
        "s:i, s:i, s:o}",
        "class", class_name(settings->class_id, info), "class-id", (int)settings->class_id,
        "class-2", class_name(settings->class_id_2, info), "class-id-2", (int)settings->class_id_2,
        "class-mix", settings->class_mix, "drafting-steps", (int)settings->drafting_steps, "seed",
        (json_int_t)settings->seed, "guidance", settings->guidance, "top-k", settings->top_k,
        "top-p", settings->top_p, "temperature",
        settings->temperature < 0.0 ? json_null() : json_real(settings->temperature), "more-smooth",
        (int)settings->more_smooth, "progressive", (int)settings->progressive, "rate",
        settings->rate, "hold", (int)settings->hold, "morph", (int)settings->morph, "loop",
        (int)settings->loop, "keep-scales",
        settings->keep_scales < 0 ? json_null() : json_integer(settings->keep_scales));
}
