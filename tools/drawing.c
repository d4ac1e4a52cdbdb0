/* drawing.c - drafting steps, guidance, filters and temperature from the command line. */
#include "drawing.h"

void drawing_apply(const DrawingOptions *options, const CodesrcModelInfo *info,
                   CodesrcSettings *settings)
{
    if (options->steps)
        settings->drafting_steps = options->steps;
    if (options->has_guidance)
        settings->guidance = options->guidance;
    if (options->has_top_k)
        settings->top_k = options->top_k;
    if (options->has_top_p)
        settings->top_p = options->top_p;
    for (unsigned k = 0; options->has_temperature && k < info->scales; k++)
        settings->temperature[k] = options->temperature;
}
