/* sample-draw.h - a worker: the pictures first..first+count-1 of a recipe, into a folder. */
#ifndef CODE_TOOLS_SAMPLE_DRAW_H
#define CODE_TOOLS_SAMPLE_DRAW_H

#include "sample-recipe.h"

typedef struct SampleJob {
    const char *folder;
    uint64_t first, count; /* a count that goes beyond the recipe's last picture ends there */
    unsigned batch;        /* pictures at a time; says nothing about their bytes */
} SampleJob;

/* Draws those that are not there yet. `request` has seed and settings. False with a message on
 * stderr; what was drawn before is kept. SIGINT and SIGTERM end it, and then the process, at once.
 */
bool sample_draw(const SampleJob *job, Recipe *recipe, CodesrcModel *model,
                 const CodesrcRequest *request);

#endif
