/* settings.h - the settings behind the page's controls, and how a request changes them. */
#ifndef STUDIO_SETTINGS_H
#define STUDIO_SETTINGS_H

#include "facts.h"

#define SETTINGS_MAX_SEED     G_GUINT64_CONSTANT(9007199254740991) /* 2^53 - 1: JavaScript's */
#define SETTINGS_MAX_GUIDANCE 100.0
#define SETTINGS_MIN_RATE     0.1
#define SETTINGS_MAX_RATE     30.0
#define SETTINGS_FILM_RATE    25
#define SETTINGS_MAX_MOTION   1000 /* frames, or pictures of a loop */

typedef struct Settings {
    gint32 class_id;   /* CODESRC_CLASS_RANDOM: another one for each picture */
    gint32 class_id_2; /* CODESRC_CLASS_NONE: no blend */
    gdouble class_mix; /* share of class_id_2, 0..1 */
    guint drafting_steps;
    guint64 seed;
    gdouble guidance, top_p;
    gint top_k;
    gdouble temperature; /* of all scales; -1: the model's own */
    gboolean more_smooth;
    gboolean progressive;
    gdouble rate; /* requested pictures per second, of a slide show */

    /* Of a film, in frames of SETTINGS_FILM_RATE a second; hold 1, morph 0 and loop 0 are a slide
     * show. `progressive` excludes it. */
    guint hold, morph, loop;
    gint keep_scales;  /* -1: no variations */
    guint64 variation; /* of a single picture */
    guint64 phase;     /* of a single picture: frames after that in which it stands first */
} Settings;

/* The model's own settings, classes at random, seed 0: a film, or if `rate` is not 0 a slide show.
 */
void settings_init(Settings *settings, const Facts *facts, gdouble rate);

gboolean settings_flow(const Settings *settings);

/* Applies a JSON object with some of the keys of settings_to_json. All or nothing: FALSE leaves
 * `settings` unchanged and sets `error` (the caller frees it), which names the key, the value found
 * and the value expected. */
gboolean settings_change(Settings *settings, const Facts *facts, const gchar *text, gsize length,
                         gchar **error);

/* The same for one key: NULL, or the error. */
gchar *settings_change_one(Settings *settings, const Facts *facts, const gchar *key,
                           const json_t *value);

/* The same for a number of up to SETTINGS_MAX_SEED that is none of the settings. */
gchar *settings_change_number(guint64 *number, const gchar *key, const json_t *value);

/* A new reference. */
json_t *settings_to_json(const Settings *settings, const Facts *facts);

#endif
