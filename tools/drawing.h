/* drawing.h - the options for sampling tokens, for all tools that generate pictures. */
#ifndef CODE_TOOLS_DRAWING_H
#define CODE_TOOLS_DRAWING_H

#include "options.h"

#include <codesrc.h>

/* As given; the model's own settings apply to the rest. */
typedef struct DrawingOptions {
    unsigned steps, top_k; /* steps 0: not given */
    double guidance, top_p, temperature;
    bool has_guidance, has_top_k, has_top_p, has_temperature;
} DrawingOptions;

/* Rows of an option table; `offset` is that of a DrawingOptions. */
#define DRAWING_OPTIONS(offset)                                                                    \
    {.name = "drafting-steps",                                                                     \
     .argument = "N",                                                                              \
     .type = OPTION_COUNT,                                                                         \
     .at = (offset) + offsetof(DrawingOptions, steps),                                             \
     .least = 1,                                                                                   \
     .most = CODESRC_MAX_SCALES,                                                                   \
     .help = "scales that the drafter decodes; the refiner decodes the rest"},                     \
        {.name = "guidance",                                                                       \
         .argument = "G",                                                                          \
         .type = OPTION_REAL,                                                                      \
         .at = (offset) + offsetof(DrawingOptions, guidance),                                      \
         .high = 100,                                                                              \
         .given = (offset) + offsetof(DrawingOptions, has_guidance),                               \
         .help = "strength of classifier-free guidance, 0..100; more is truer to the class and "   \
                 "less varied"},                                                                   \
        {.name = "top-k",                                                                          \
         .argument = "K",                                                                          \
         .type = OPTION_COUNT,                                                                     \
         .at = (offset) + offsetof(DrawingOptions, top_k),                                         \
         .most = INT32_MAX,                                                                        \
         .given = (offset) + offsetof(DrawingOptions, has_top_k),                                  \
         .help = "draw from the K most probable tokens; 0: from all"},                             \
        {.name = "top-p",                                                                          \
         .argument = "P",                                                                          \
         .type = OPTION_REAL,                                                                      \
         .at = (offset) + offsetof(DrawingOptions, top_p),                                         \
         .high = 1,                                                                                \
         .given = (offset) + offsetof(DrawingOptions, has_top_p),                                  \
         .help = "draw from the most probable tokens that together have probability P; 0: from "   \
                 "all"},                                                                           \
    {                                                                                              \
        .name = "temperature", .argument = "T", .type = OPTION_REAL,                               \
        .at = (offset) + offsetof(DrawingOptions, temperature), .low = 0.001, .high = 100,         \
        .given = (offset) + offsetof(DrawingOptions, has_temperature),                             \
        .help = "divides the logits of every scale; less is calmer"                                \
    }

/* Applies them over the model's own settings. */
void drawing_apply(const DrawingOptions *options, const CodesrcModelInfo *info,
                   CodesrcSettings *settings);

#endif
