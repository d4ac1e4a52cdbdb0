/* facts.h - what a model offers: its classes, its drafting steps and its defaults, read from its
 * headers without loading a weight. */
#ifndef STUDIO_FACTS_H
#define STUDIO_FACTS_H

#include <codesrc.h>
#include <glib.h>
#include <jansson.h>

typedef struct Facts {
    CodesrcModel *model; /* headers alone */
    guint32 steps; /* bit N is set where N drafting steps are offered, by any pair of weights */
} Facts;

/* Opens the headers of `name`, NULL being the bundled model. FALSE: `error` says why. */
gboolean facts_open(Facts *facts, const gchar *name, CodesrcError *error);
void facts_close(Facts *facts);

const CodesrcModelInfo *facts_info(const Facts *facts);
gboolean facts_offer_steps(const Facts *facts, guint64 steps);

/* The numbers of drafting steps that are offered, "6, 7, 8"; to be freed. */
gchar *facts_steps_text(const Facts *facts);

/* What GET /model answers; a new reference. */
json_t *facts_to_json(const Facts *facts);

#endif
