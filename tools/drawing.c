/* drawing.c - drafting steps, guidance, filters and temperature from the command line. */
#include "drawing.h"

#include "arguments.h"

#include <string.h>

bool drawing_parse(DrawingOptions *options, const char *name, const char *text)
{
    if (!strcmp(name, "drafting-steps")) {
        options->steps = (unsigned)argument_integer(name, text, 1, CODESRC_MAX_SCALES);
    } else if (!strcmp(name, "guidance")) {
        options->guidance = argument_real(name, text, 0, 100);
        options->has_guidance = true;
    } else if (!strcmp(name, "top-k")) {
        options->top_k = (unsigned)argument_integer(name, text, 0, UINT32_MAX);
        options->has_top_k = true;
    } else if (!strcmp(name, "top-p")) {
        options->top_p = argument_real(name, text, 0, 1);
        options->has_top_p = true;
    } else if (!strcmp(name, "temperature")) {
        options->temperature = argument_real(name, text, 0.001, 100);
        options->has_temperature = true;
    } else {
        return false;
    }
    return true;
}

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
