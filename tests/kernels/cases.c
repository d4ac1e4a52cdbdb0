/* cases.c - the shapes that each operation is tested with: odd and extreme ones, widths that are no
 * multiple of 16, single rows, channels and positions, and those of real models. */
#include "cases.h"

#define SHAPES(...)                                                                                \
    (const Shape[])                                                                                \
    {                                                                                              \
        __VA_ARGS__,                                                                               \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

/* Of products whose type follows: odd sizes, inputs that end within a step, rows that have nothing
 * to scale by, and those of models. */
#define LINEAR_SHAPES(types)                                                                       \
    {3, 0, {1, 64, 192, CODE_PLAIN, 0, 0, types}}, {1, 0, {1, 1, 1, CODE_PLAIN, 0, 0, types}},     \
        {3, 0, {4, 17, 33, CODE_GELU, 0, 0, types}},                                               \
        {2, 0, {5, 130, 70, CODE_PLAIN, 1, 0, types}},                                             \
        {2, 0, {3, 99, 40, CODE_PLAIN, 2, 0, types}},                                              \
        {2, 0, {4, 64, 65, CODE_PLAIN, 3, 0, types}},                                              \
        {2, 0, {9, 1000, 48, CODE_PLAIN, 4, 0, types}},                                            \
        {1, 0, {100, 384, 1152, CODE_PLAIN, 0, 0, types}},                                         \
        {3, 0, {32, 256, 1024, CODE_GELU, 0, 0, types}},                                           \
        {1, 0, {5, 1920, 100, CODE_PLAIN, 0, 0, types}},                                           \
        {1, 0, {8, 7680, 64, CODE_PLAIN, 0, 0, types}},                                            \
    {                                                                                              \
        3, 0,                                                                                      \
        {                                                                                          \
            600, 32, 7, CODE_GELU, 0, 0, types                                                     \
        }                                                                                          \
    }
#define GATED_SHAPES(types)                                                                        \
    {3, 0, {1, 1, 1, CODE_GATED, 0, 0, types}}, {3, 0, {9, 384, 130, CODE_GATED, 0, 0, types}},    \
        {1, 0, {300, 100, 65, CODE_GATED, 0, 0, types}},                                           \
        {2, 0, {4, 510, 16, CODE_GATED, 4, 0, types}},                                             \
    {                                                                                              \
        1, 0,                                                                                      \
        {                                                                                          \
            1, 1536, 384, CODE_GATED, 0, 0, types                                                  \
        }                                                                                          \
    }

/* The same for convolutions: odd channels, few outputs, maps smaller than the kernel. */
#define CONV_SHAPES(types)                                                                         \
    {3, 0, {CODE_WEIGHT_CONV3, 16, 32, 32, 0, 1, types}},                                          \
        {1, 0, {CODE_WEIGHT_CONV3, 1, 1, 1, 0, 1, types}},                                         \
        {3, 0, {CODE_WEIGHT_CONV3, 1, 17, 33, 1, 0, types}},                                       \
        {3, 0, {CODE_WEIGHT_CONV3, 7, 5, 3, 2, 1, types}},                                         \
        {1, 0, {CODE_WEIGHT_CONV3, 2, 64, 16, 2, 1, types}},                                       \
        {1, 0, {CODE_WEIGHT_CONV3, 64, 48, 96, 1, 1, types}},                                      \
        {1, 0, {CODE_WEIGHT_CONV3, 37, 160, 160, 2, 1, types}},                                    \
        {1, 0, {CODE_WEIGHT_CONV3, 64, 32, 3, 0, 1, types}},                                       \
        {1, 0, {CODE_WEIGHT_CONV3, 16, 320, 320, 0, 1, types}},                                    \
        {1, 0, {CODE_WEIGHT_CONV3, 32, 3, 32, 0, 1, types}},                                       \
        {3, 0, {CODE_WEIGHT_CONV1, 16, 64, 192, 0, 1, types}},                                     \
        {1, 0, {CODE_WEIGHT_CONV1, 9, 7, 5, 2, 1, types}},                                         \
        {1, 0, {CODE_WEIGHT_CONV1, 64, 160, 320, 1, 0, types}},                                    \
        {1, 0, {CODE_WEIGHT_CONV1, 1, 1, 1, 1, 1, types}},                                         \
        {3, 0, {CODE_WEIGHT_CONV3_S2, 16, 32, 32, 0, 1, types}},                                   \
        {1, 0, {CODE_WEIGHT_CONV3_S2, 9, 5, 7, 1, 1, types}},                                      \
        {1, 0, {CODE_WEIGHT_CONV3_S2, 2, 1, 1, 2, 1, types}},                                      \
    {                                                                                              \
        1, 0,                                                                                      \
        {                                                                                          \
            CODE_WEIGHT_CONV3_S2, 64, 64, 64, 0, 0, types                                          \
        }                                                                                          \
    }

const Case cases[] = {
    {"linear", run_linear,
     SHAPES(LINEAR_SHAPES(ACT_TO_ACT), {2, 0, {7, 33, 80, CODE_GELU, 0, 0, F32_TO_ACT}}), false},
    {"linear-to-f32", run_linear, SHAPES(LINEAR_SHAPES(ACT_TO_F32), GATED_SHAPES(ACT_TO_F32)),
     false},
    {"linear-may-round", run_linear, SHAPES(LINEAR_SHAPES(F32_TO_F32 | COARSE)), true},
    {"linear-in-f32", run_linear, SHAPES(LINEAR_SHAPES(F32_TO_F32), GATED_SHAPES(F32_TO_F32)),
     true},
    {"modulate", run_modulate,
     SHAPES({3, 0, {5, 384}}, {1, 0, {1, 1}}, {1, 0, {3, 15}}, {3, 0, {1, 17}}, {1, 0, {7, 1920}},
            {3, 0, {100, 100}}, {1, 0, {1, 40000}}),
     false},
    {"heads", run_heads,
     SHAPES({3, 0, {4, 6, 5, 20}}, {1, 0, {1, 1, 0, 1}}, {3, 0, {9, 3, 0, 9, 1}},
            {1, 0, {3, 2, 1, 9, 2}}, {1, 0, {3, 2, 1, 9, 3}}, {1, 0, {100, 5, 30, 150}}),
     false},
    {"recall", run_recall,
     SHAPES({3, 0, {1, 6, 30, 3, 9}}, {1, 0, {1, 1, 1, 1, 1}}, {3, 0, {4, 2, 15, 2, 5}}), false},
    {"attention", run_attention,
     SHAPES({3, 0, {9, 14, 6, 64}}, {1, 0, {1, 1, 1, 64}}, {1, 0, {1, 680, 3, 64}},
            {3, 0, {256, 680, 2, 64, 3}}, {1, 0, {130, 255, 2, 64, 100}},
            {1, 0, {256, 256, 1, 640}}, {3, 0, {49, 49, 1, 24}}, {1, 0, {33, 17, 2, 7}},
            {2, 0, {7, 65, 1, 1}}, {1, 0, {40, 100, 1, 333}}, {1, 0, {300, 2240, 1, 64}},
            {1, 0, {5, 2240, 1, 64}}),
     false},
    {"embed", run_embed,
     SHAPES({3, 0, {4, 384, 0}}, {3, 0, {4, 384, 1}}, {1, 0, {1, 1, 0}}, {3, 0, {7, 19, 1}},
            {1, 0, {300, 33, 0}}),
     false},
    {"guide", run_guide,
     SHAPES({3, 0, {4, 384, 2}}, {3, 0, {4, 384, 1}}, {1, 0, {1, 1, 2}}, {3, 0, {7, 19, 2}},
            {1, 0, {256, 33, 1}}),
     false},
    {"sample", run_sample,
     SHAPES({3, 0, {4, 4096, 2, 0}}, {3, 0, {9, 1024, 0, 3}}, {1, 0, {1, 1, 0, 0}},
            {3, 0, {3, 2, 9, 1}}, {7, 0, {16, 100, 5, 0}}, {6, 0, {25, 257, 3, 7}},
            {1, 0, {2, 65536, 3, 1}}),
     false},
    {"look_up", run_look_up,
     SHAPES({3, 0, {4, 4096, 2, 0, 32}}, {3, 0, {9, 100, 0, 1, 16}}, {1, 0, {1, 1, 0, 0, 1}},
            {3, 0, {3, 33, 9, 0, 7}}),
     false},
    {"resize", run_resize,
     SHAPES({3, 0, {CODE_BICUBIC, 1, 16, 32}}, {3, 0, {CODE_BICUBIC, 5, 16, 17}},
            {1, 0, {CODE_BICUBIC, 13, 16, 1}}, {1, 0, {CODE_BICUBIC, 1, 1, 5}},
            {3, 0, {CODE_AREA, 16, 5, 32}}, {3, 0, {CODE_AREA, 16, 1, 3}},
            {1, 0, {CODE_AREA, 7, 13, 18}}, {1, 0, {CODE_AREA, 13, 7, 16}}),
     false},
    {"conv", run_conv,
     SHAPES(CONV_SHAPES(ACT_TO_ACT), {2, 0, {CODE_WEIGHT_CONV3, 19, 3, 32, 0, 1, F32_TO_ACT}},
            {1, 0, {CODE_WEIGHT_CONV3, 8, 32, 640, 0, 1, F32_TO_ACT}}),
     false},
    {"conv-coarse", run_conv,
     SHAPES(CONV_SHAPES(COARSE), {3, 0, {CODE_WEIGHT_CONV3, 9, 70, 97, 1, 0, COARSE}}), false},
    {"conv-doubled", run_conv,
     SHAPES({3, 0, {CODE_WEIGHT_CONV3_X2, 8, 32, 32, 0, 1, COARSE}},
            {1, 0, {CODE_WEIGHT_CONV3_X2, 1, 1, 1, 0, 1, COARSE}},
            {2, 0, {CODE_WEIGHT_CONV3_X2, 5, 7, 33, 1, 0, COARSE}},
            {1, 0, {CODE_WEIGHT_CONV3_X2, 32, 64, 64, 2, 1, COARSE}},
            {1, 0, {CODE_WEIGHT_CONV3_X2, 37, 160, 160, 0, 1, COARSE}},
            {1, 0, {CODE_WEIGHT_CONV3_X2, 16, 640, 8, 0, 1, COARSE}},
            {3, 0, {CODE_WEIGHT_CONV3_X2, 5, 70, 97, 1, 0, COARSE}}),
     false},
    {"conv-to-f32", run_conv, SHAPES(CONV_SHAPES(ACT_TO_F32)), true},
    {"conv-in-f32", run_conv, SHAPES(CONV_SHAPES(F32_TO_F32)), true},
    {"accumulate", run_accumulate,
     SHAPES({3, 0, {256, 32, 0}}, {3, 0, {256, 32, 1}}, {1, 0, {1, 1, 1}}, {3, 0, {49, 7, 1}},
            {1, 0, {3000, 17, 0}}),
     false},
    {"group_norm", run_group_norm,
     SHAPES({3, 0, {256, 160, 32, 1, 0, 0}}, {1, 0, {1, 1, 1, 1, 1, 0}},
            {3, 0, {49, 24, 3, 0, 1, 0}}, {1, 0, {1, 64, 32, 1, 0, 0}},
            {1, 0, {16384, 32, 8, 1, 1, 3}}, {1, 0, {1000, 7, 7, 0, 0, 100}},
            {3, 0, {65, 640, 32, 1, 1, 0}}),
     false},
    {"pixels", run_pixels, SHAPES({1, 0, {64, 0}}, {1, 0, {37, 5}}, {1, 0, {1, 0}}, {1, 0, {3, 1}}),
     false},
    {"frame", run_frame,
     SHAPES({1, 0, {64, 0, CODESRC_NV12, 0, 0}}, {1, 0, {37, 5, CODESRC_NV12, 1, 1}},
            {1, 0, {6, 1, CODESRC_NV12, 2, 2}}, {1, 0, {33, 0, CODESRC_NV12, 3, 0}},
            {1, 0, {1, 0, CODESRC_NV12, 3, 1}}, {1, 0, {2, 0, CODESRC_NV12, 0, 2}},
            {1, 0, {37, 5, CODESRC_RGB}}, {1, 0, {20, 0, CODESRC_BGR}},
            {1, 0, {37, 0, CODESRC_RGBA}}, {1, 0, {16, 4, CODESRC_BGRA}},
            {1, 0, {5, 1, CODESRC_ARGB}}, {1, 0, {1, 0, CODESRC_ABGR}}),
     false},
    {NULL, NULL, NULL, false},
};
