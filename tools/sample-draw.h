/* sample-draw.h - a worker: generates pictures first..first+count-1 of a recipe into a folder. */
#ifndef CODE_TOOLS_SAMPLE_DRAW_H
#define CODE_TOOLS_SAMPLE_DRAW_H

#include "sample-recipe.h"

typedef struct SampleJob {
    const char *folder;
    uint64_t first, count; /* a count beyond the recipe's last picture ends there */
    unsigned batch;        /* pictures at a time; does not affect their bytes */
} SampleJob;

/* Draws the missing ones. `request` has seed and settings. False with a message on stderr;
 * finished pictures are kept. SIGINT and SIGTERM end it, and then the process, at once. */
bool sample_draw(const SampleJob *job, Recipe *recipe, CodesrcModel *model,
                 const CodesrcRequest *request);

#endif
