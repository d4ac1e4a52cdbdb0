/* facts.h - a model's classes, drafting steps and defaults, read from its headers without loading
 * weights. */
#ifndef STUDIO_FACTS_H
#define STUDIO_FACTS_H

#include <codesrc.h>
#include <glib.h>
#include <jansson.h>

typedef struct Facts {
    CodesrcModel *model; /* headers alone */
    guint32 steps;       /* bit N is set if any pair of weights offers N drafting steps */
} Facts;

/* Opens the headers of `name`, or of the bundled model if NULL. FALSE: `error` says why. */
gboolean facts_open(Facts *facts, const gchar *name, CodesrcError *error);
void facts_close(Facts *facts);

const CodesrcModelInfo *facts_info(const Facts *facts);
gboolean facts_offer_steps(const Facts *facts, guint64 steps);

/* The numbers of drafting steps offered, "6, 7, 8"; the caller frees it. */
gchar *facts_steps_text(const Facts *facts);

/* The answer to GET /model; a new reference. */
json_t *facts_to_json(const Facts *facts);

#endif
