/* steps.h - which numbers of drafting steps there are to choose from. */
#ifndef CODE_MODEL_STEPS_H
#define CODE_MODEL_STEPS_H

#include "codesrc.h"

/* Whether bit `n` is set in `served`, which is about `name`: a manifest, or a model. If not, the
 * error lists those that are. */
bool code_steps_check(const char *name, uint32_t served, unsigned n, CodesrcError *error);

#endif
