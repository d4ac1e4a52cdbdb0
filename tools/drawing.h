/* drawing.h - the options that say how tokens are drawn, of all tools that draw. */
#ifndef CODE_TOOLS_DRAWING_H
#define CODE_TOOLS_DRAWING_H

#include "codesrc.h"

/* As given; what was not given is the model's own. */
typedef struct DrawingOptions {
    bool has_guidance, has_top_k, has_top_p, has_temperature;
    double guidance, top_p, temperature;
    unsigned steps, top_k; /* steps 0: not given */
} DrawingOptions;

/* `name`: drafting-steps, guidance, top-k, top-p or temperature. Ends the program where the text is
 * no such number. False: another option. */
bool drawing_parse(DrawingOptions *options, const char *name, const char *text);

/* Over the model's own settings. */
void drawing_apply(const DrawingOptions *options, const CodesrcModelInfo *info,
                   CodesrcSettings *settings);

#endif
