/* model-options.h - rows of the option tables for the model and its device. `at` is the
 * offset of a CodesrcModelOptions. */
#ifndef CODE_TOOLS_MODEL_OPTIONS_H
#define CODE_TOOLS_MODEL_OPTIONS_H

#include "options.h"

#include <codesrc.h>

#include <limits.h>

/* `at`: of a const char *. */
#define MODEL_OPTION(offset)                                                                       \
    {                                                                                              \
        .name = "model", .letter = 'm', .argument = "NAME", .type = OPTION_TEXT, .at = (offset),   \
        .words = "vistas", .value = 'm',                                                           \
        .help =                                                                                    \
            "a manifest, a folder that holds one, or the name of a bundled model; default vistas"  \
    }

#define DEVICE_OPTION(offset)                                                                      \
    {                                                                                              \
        .name = "device", .argument = "D", .type = OPTION_TEXT,                                    \
        .at = (offset) + offsetof(CodesrcModelOptions, device),                                    \
        .words = "auto cuda cpu reference", .help = "auto, cuda, cpu or reference; default auto"   \
    }

#define CUDA_DEVICE_OPTION(offset)                                                                 \
    {                                                                                              \
        .name = "cuda-device-id", .argument = "I", .type = OPTION_INT,                             \
        .at = (offset) + offsetof(CodesrcModelOptions, cuda_device_id), .most = INT_MAX,           \
        .help = "which CUDA device; default: the first that works"                                 \
    }

#define PRECISION_OPTION(offset)                                                                   \
    {                                                                                              \
        .name = "precision", .argument = "P", .type = OPTION_TEXT,                                 \
        .at = (offset) + offsetof(CodesrcModelOptions, precision),                                 \
        .words = "auto f32 bf16 f16 int8", .help = "auto, f32, bf16, f16 or int8; default auto"    \
    }

#define THREADS_OPTION(offset)                                                                     \
    {                                                                                              \
        .name = "threads", .argument = "T", .type = OPTION_COUNT,                                  \
        .at = (offset) + offsetof(CodesrcModelOptions, threads), .least = 1, .most = 1024,         \
        .help = "threads that compute; default: one for each core that it may use"                 \
    }

#define BATCH_OPTION(offset)                                                                       \
    {                                                                                              \
        .name = "batch", .letter = 'b', .argument = "B", .type = OPTION_COUNT, .at = (offset),     \
        .least = 1, .most = CODESRC_MAX_BATCH, .help = "pictures drawn at a time; default 1"       \
    }

#endif
