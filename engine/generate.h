/* generate.h - the decode loop. */
#ifndef CODE_ENGINE_GENERATE_H
#define CODE_ENGINE_GENERATE_H

#include "state.h"

/* Splits a call into runs and decodes them in order. With `later`, the pictures of the last run are
 * not rendered yet, but owed (code_render_later). Errors are in the generator's stream. */
bool code_generate_runs(CodesrcGenerator *generator, const CodesrcRequest *requests, unsigned count,
                        const CodesrcPicture *pictures, bool later);

#endif
