/* state.c - turns the element's structures into JSON. */
#include "state.h"

void state_rate_note(StateRate *rate, gint64 now)
{
    rate->times[rate->count++ % STATE_WINDOW] = now;
}

void state_rate_reset(StateRate *rate)
{
    *rate = (StateRate){.count = 0};
}

/* Pictures per second, from the first picture of the window to the last, or to now if the next is
 * later than usual; 0 if not known yet. */
static gdouble per_second(const StateRate *rate, gint64 now)
{
    guint64 known = MIN(rate->count, STATE_WINDOW);
    gint64 first, last;
    gdouble step;

    if (known < 2)
        return 0.0;
    first = rate->times[(rate->count - known) % STATE_WINDOW];
    last = rate->times[(rate->count - 1) % STATE_WINDOW];
    step = (gdouble)(last - first) / (gdouble)(known - 1);
    if ((gdouble)(now - last) > 2.0 * step)
        step = (gdouble)(now - first) / (gdouble)known;
    return step > 0.0 ? G_USEC_PER_SEC / step : 0.0;
}

static json_t *field(const GstStructure *structure, const gchar *name)
{
    const GValue *value = structure ? gst_structure_get_value(structure, name) : NULL;

    if (!value)
        return json_null();
    if (G_VALUE_HOLDS_STRING(value))
        return json_string(g_value_get_string(value) ? g_value_get_string(value) : "");
    if (G_VALUE_HOLDS_INT(value))
        return json_integer(g_value_get_int(value));
    if (G_VALUE_HOLDS_UINT(value))
        return json_integer(g_value_get_uint(value));
    if (G_VALUE_HOLDS_UINT64(value))
        return json_integer((json_int_t)g_value_get_uint64(value));
    if (G_VALUE_HOLDS_BOOLEAN(value))
        return json_boolean(g_value_get_boolean(value));
    if (G_VALUE_HOLDS_DOUBLE(value))
        return json_real(g_value_get_double(value));
    return json_null();
}

static json_t *fields(const GstStructure *structure, const gchar *const *names, guint count)
{
    json_t *object = json_object();

    for (guint i = 0; i < count; i++)
        json_object_set_new(object, names[i], field(structure, names[i]));
    return object;
}

json_t *state_picture(const GstStructure *made)
{
    static const gchar *const names[] = {
        "class-name", "class-id", "class-id-2", "class-mix",   "seed",        "frame",
        "guidance",   "top-k",    "top-p",      "temperature", "more-smooth", "drafting-steps",
        "scale",      "scales",   "seconds",    "launch-line", "keep-scales", "variation",
        "hold",       "morph",    "loop",       "phase",       "t",           "next-class-id"};

    return made ? fields(made, names, G_N_ELEMENTS(names)) : json_null();
}

json_t *state_performance(const GstStructure *stats, const StateRate *rate)
{
    static const gchar *const names[] = {"processed",       "dropped",         "seconds",
                                         "seconds-drafter", "seconds-refiner", "seconds-vae",
                                         "planned-bytes",   "weight-bytes",    "device",
                                         "precision",       "threads",         "repeated"};
    json_t *object = fields(stats, names, G_N_ELEMENTS(names));

    json_object_set_new(object, "pictures-per-second",
                        json_real(per_second(rate, g_get_monotonic_time())));
    return object;
}
