/* fuzz-settings.c - the body of a visitor's request that changes settings of the studio: all of it
 * is applied, or nothing, and what is applied is a request that the engine would draw. */
#include "../model/hostile.h"
#include "fuzz.h"
#include "settings.h"

#include <string.h>

static const char manifest[] =
    "name: fuzz\npatch_nums: [1, 2, 4]\nsynthetic: 5\n"
    "class_names: [red fox, arctic fox, owl]\n"
    "vae: {codes: 16, channels: 4, ch: 4, ch_mult: [1, 2], res_blocks: 1,"
    " groups: 2}\n"
    "drafter: {depth: 1, width: 64, heads: 1}\n"
    "refiner: {depth: 1, width: 64, heads: 1}\n";

static void check_settings(const Settings *s, const Facts *facts)
{
    json_t *object = settings_to_json(s, facts);

    fuzz_promise(s->class_id >= -1 && s->class_id < 3 && s->class_id_2 >= -1 && s->class_id_2 < 3,
                 "classes of the model");
    fuzz_promise(s->class_mix >= 0 && s->class_mix <= 1 && s->top_p >= 0 && s->top_p <= 1,
                 "shares from 0 to 1");
    fuzz_promise(s->guidance >= 0 && s->guidance <= SETTINGS_MAX_GUIDANCE && s->top_k >= 0 &&
                     s->temperature <= 100 && (s->temperature > 0 || s->temperature == -1),
                 "settings in their ranges");
    fuzz_promise(facts_offer_steps(facts, s->drafting_steps), "drafting steps that are offered");
    fuzz_promise(s->rate >= SETTINGS_MIN_RATE && s->rate <= SETTINGS_MAX_RATE,
                 "a rate in its range");
    fuzz_promise(object != NULL, "settings become JSON");
    json_decref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static Facts facts;
    Settings settings, before;
    CodesrcError error;
    gchar *text = NULL;

    if (!facts.model) {
        write_file("fuzz.yaml", manifest, sizeof manifest - 1);
        fuzz_promise(facts_open(&facts, scratch("fuzz.yaml"), &error), "the model opens");
    }
    memset(&settings, 0, sizeof settings);
    settings_init(&settings, &facts, 1);
    before = settings;
    if (settings_change(&settings, &facts, (const gchar *)data, size, &text))
        fuzz_promise(!text, "no error without a reason");
    else
        fuzz_promise(text && *text && g_utf8_validate(text, -1, NULL) &&
                         !memcmp(&settings, &before, sizeof settings),
                     "a body that is refused says why and changes nothing");
    g_free(text);
    check_settings(&settings, &facts);
    return 0;
}
