/* cases.c - the shapes that each operation is tested with: odd and extreme ones, widths that are no
 * multiple of 16, single rows, channels and positions, and those of real models. */
#include "cases.h"

// clang-format off

#define SHAPES(...) (const Shape[]) {__VA_ARGS__, {0}}

/* Of products: odd sizes, inputs that end within a step, rows without a range to scale by, and
 * sizes of models. */
#define LINEAR_SHAPES(t) \
    {3, .linear = {.rows = 1, .in = 64, .out = 192, .types = t}}, \
    {1, .linear = {.rows = 1, .in = 1, .out = 1, .types = t}}, \
    {3, .linear = {.rows = 4, .in = 17, .out = 33, .epilogue = CODE_GELU, .types = t}}, \
    {2, .linear = {.rows = 5, .in = 130, .out = 70, .inputs = CONSTANT, .types = t}}, \
    {2, .linear = {.rows = 3, .in = 99, .out = 40, .inputs = ZERO, .types = t}}, \
    {2, .linear = {.rows = 4, .in = 64, .out = 65, .inputs = HUGE, .types = t}}, \
    {2, .linear = {.rows = 9, .in = 1000, .out = 48, .inputs = LOPSIDED, .types = t}}, \
    {1, .linear = {.rows = 100, .in = 384, .out = 1152, .types = t}}, \
    {3, .linear = {.rows = 32, .in = 256, .out = 1024, .epilogue = CODE_GELU, .types = t}}, \
    {1, .linear = {.rows = 5, .in = 1920, .out = 100, .types = t}}, \
    {1, .linear = {.rows = 8, .in = 7680, .out = 64, .types = t}}, \
    {3, .linear = {.rows = 600, .in = 32, .out = 7, .epilogue = CODE_GELU, .types = t}}, \
    {2, .linear = {.rows = 4, .in = 20, .out = 40, .no_bias = 1, .types = t}}

#define GATED_SHAPES(t) \
    {3, .linear = {.rows = 1, .in = 1, .out = 1, .epilogue = CODE_GATED, .types = t}}, \
    {3, .linear = {.rows = 9, .in = 384, .out = 130, .epilogue = CODE_GATED, .types = t}}, \
    {1, .linear = {.rows = 300, .in = 100, .out = 65, .epilogue = CODE_GATED, .types = t}}, \
    {2, .linear = {.rows = 4, .in = 510, .out = 16, .epilogue = CODE_GATED, .inputs = LOPSIDED, \
                   .types = t}}, \
    {1, .linear = {.rows = 1, .in = 1536, .out = 384, .epilogue = CODE_GATED, .types = t}}

#define CONV1    CODE_WEIGHT_CONV1
#define CONV3    CODE_WEIGHT_CONV3
#define CONV3_S2 CODE_WEIGHT_CONV3_S2
#define CONV3_X2 CODE_WEIGHT_CONV3_X2

/* Of convolutions: odd channels, few outputs, maps smaller than the kernel. */
#define CONV_SHAPES(t) \
    {3, .conv = {CONV3, .side = 16, .in = 32, .out = 32, .bias = 1, .types = t}}, \
    {1, .conv = {CONV3, .side = 1, .in = 1, .out = 1, .bias = 1, .types = t}}, \
    {3, .conv = {CONV3, .side = 1, .in = 17, .out = 33, .add = 1, .types = t}}, \
    {3, .conv = {CONV3, .side = 7, .in = 5, .out = 3, .add = 2, .bias = 1, .types = t}}, \
    {1, .conv = {CONV3, .side = 2, .in = 64, .out = 16, .add = 2, .bias = 1, .types = t}}, \
    {1, .conv = {CONV3, .side = 64, .in = 48, .out = 96, .add = 1, .bias = 1, .types = t}}, \
    {1, .conv = {CONV3, .side = 37, .in = 160, .out = 160, .add = 2, .bias = 1, .types = t}}, \
    {1, .conv = {CONV3, .side = 64, .in = 32, .out = 3, .bias = 1, .types = t}}, \
    {1, .conv = {CONV3, .side = 16, .in = 320, .out = 320, .bias = 1, .types = t}}, \
    {1, .conv = {CONV3, .side = 32, .in = 3, .out = 32, .bias = 1, .types = t}}, \
    {3, .conv = {CONV1, .side = 16, .in = 64, .out = 192, .bias = 1, .types = t}}, \
    {1, .conv = {CONV1, .side = 9, .in = 7, .out = 5, .add = 2, .bias = 1, .types = t}}, \
    {1, .conv = {CONV1, .side = 64, .in = 160, .out = 320, .add = 1, .types = t}}, \
    {1, .conv = {CONV1, .side = 1, .in = 1, .out = 1, .add = 1, .bias = 1, .types = t}}, \
    {3, .conv = {CONV3_S2, .side = 16, .in = 32, .out = 32, .bias = 1, .types = t}}, \
    {1, .conv = {CONV3_S2, .side = 9, .in = 5, .out = 7, .add = 1, .bias = 1, .types = t}}, \
    {1, .conv = {CONV3_S2, .side = 2, .in = 1, .out = 1, .add = 2, .bias = 1, .types = t}}, \
    {1, .conv = {CONV3_S2, .side = 64, .in = 64, .out = 64, .types = t}}

const Case cases[] = {
    {"linear", run_linear, SHAPES(
        LINEAR_SHAPES(ACT_TO_ACT),
        {2, .linear = {.rows = 7, .in = 33, .out = 80, .epilogue = CODE_GELU,
                       .types = F32_TO_ACT}}),
     false},
    {"linear-to-f32", run_linear, SHAPES(
        LINEAR_SHAPES(ACT_TO_F32),
        GATED_SHAPES(ACT_TO_F32)),
     false},
    {"linear-may-round", run_linear, SHAPES(
        LINEAR_SHAPES(F32_TO_F32 | COARSE)),
     true},
    {"linear-in-f32", run_linear, SHAPES(
        LINEAR_SHAPES(F32_TO_F32),
        GATED_SHAPES(F32_TO_F32)),
     true},
    {"modulate", run_modulate, SHAPES(
        {3, .modulate = {.rows = 5, .width = 384}},
        {1, .modulate = {.rows = 1, .width = 1}},
        {1, .modulate = {.rows = 3, .width = 15}},
        {3, .modulate = {.rows = 1, .width = 17}},
        {1, .modulate = {.rows = 7, .width = 1920}},
        {3, .modulate = {.rows = 100, .width = 100}},
        {1, .modulate = {.rows = 1, .width = 40000}}),
     false},
    {"heads", run_heads, SHAPES(
        {3, .heads = {.rows = 4, .heads = 6, .first = 5, .capacity = 20}},
        {1, .heads = {.rows = 1, .heads = 1, .capacity = 1}},
        {3, .heads = {.rows = 9, .heads = 3, .capacity = 9, .size = 1}},
        {1, .heads = {.rows = 3, .heads = 2, .first = 1, .capacity = 9, .size = 2}},
        {1, .heads = {.rows = 3, .heads = 2, .first = 1, .capacity = 9, .size = 3}},
        {3, .heads = {.rows = 5, .heads = 3, .first = 2, .capacity = 9, .plain = true}},
        {1, .heads = {.rows = 100, .heads = 5, .first = 30, .capacity = 150}}),
     false},
    {"recall", run_recall, SHAPES(
        {3, .recall = {.rows = 1, .heads = 6, .capacity = 30, .layers = 3, .kept = 9}},
        {1, .recall = {.rows = 1, .heads = 1, .capacity = 1, .layers = 1, .kept = 1}},
        {3, .recall = {.rows = 4, .heads = 2, .capacity = 15, .layers = 2, .kept = 5}}),
     false},
    {"attention", run_attention, SHAPES(
        {3, .attention = {.queries = 9, .keys = 14, .heads = 6, .dim = 64}},
        {1, .attention = {.queries = 1, .keys = 1, .heads = 1, .dim = 64}},
        {1, .attention = {.queries = 1, .keys = 680, .heads = 3, .dim = 64}},
        {3, .attention = {.queries = 256, .keys = 680, .heads = 2, .dim = 64, .size = 3}},
        {1, .attention = {.queries = 130, .keys = 255, .heads = 2, .dim = 64, .size = 100}},
        {1, .attention = {.queries = 256, .keys = 256, .heads = 1, .dim = 640}},
        {3, .attention = {.queries = 49, .keys = 49, .heads = 1, .dim = 24}},
        {1, .attention = {.queries = 33, .keys = 17, .heads = 2, .dim = 7}},
        {2, .attention = {.queries = 7, .keys = 65, .heads = 1, .dim = 1}},
        {1, .attention = {.queries = 40, .keys = 100, .heads = 1, .dim = 333}},
        {1, .attention = {.queries = 300, .keys = 2240, .heads = 1, .dim = 64}},
        {1, .attention = {.queries = 5, .keys = 2240, .heads = 1, .dim = 64}}),
     false},
    {"embed", run_embed, SHAPES(
        {3, .embed = {.rows = 4, .width = 384}},
        {3, .embed = {.rows = 4, .width = 384, .broadcast = 1}},
        {1, .embed = {.rows = 1, .width = 1}},
        {3, .embed = {.rows = 7, .width = 19, .broadcast = 1}},
        {1, .embed = {.rows = 300, .width = 33}}),
     false},
    {"guide", run_guide, SHAPES(
        {3, .guide = {.rows = 4, .width = 384, .branches = 2}},
        {3, .guide = {.rows = 4, .width = 384, .branches = 1}},
        {1, .guide = {.rows = 1, .width = 1, .branches = 2}},
        {3, .guide = {.rows = 7, .width = 19, .branches = 2}},
        {1, .guide = {.rows = 256, .width = 33, .branches = 1}}),
     false},
    {"sample", run_sample, SHAPES(
        {3, .sample = {.rows = 4, .codes = 4096, .scale = 2}},
        {3, .sample = {.rows = 9, .codes = 1024, .setting = 3}},
        {1, .sample = {.rows = 1, .codes = 1}},
        {3, .sample = {.rows = 3, .codes = 2, .scale = 9, .setting = 1}},
        {7, .sample = {.rows = 16, .codes = 100, .scale = 5}},
        {6, .sample = {.rows = 25, .codes = 257, .scale = 3, .setting = 7}},
        {1, .sample = {.rows = 2, .codes = 65536, .scale = 3, .setting = 1}}),
     false},
    {"look_up", run_look_up, SHAPES(
        {3, .look_up = {.rows = 4, .codes = 4096, .scale = 2, .channels = 32}},
        {3, .look_up = {.rows = 9, .codes = 100, .setting = 1, .channels = 16}},
        {1, .look_up = {.rows = 1, .codes = 1, .channels = 1}},
        {3, .look_up = {.rows = 3, .codes = 33, .scale = 9, .channels = 7}}),
     false},
    {"resize", run_resize, SHAPES(
        {3, .resize = {CODE_BICUBIC, .in = 1, .out = 16, .channels = 32}},
        {3, .resize = {CODE_BICUBIC, .in = 5, .out = 16, .channels = 17}},
        {1, .resize = {CODE_BICUBIC, .in = 13, .out = 16, .channels = 1}},
        {1, .resize = {CODE_BICUBIC, .in = 1, .out = 1, .channels = 5}},
        {3, .resize = {CODE_AREA, .in = 16, .out = 5, .channels = 32}},
        {3, .resize = {CODE_AREA, .in = 16, .out = 1, .channels = 3}},
        {1, .resize = {CODE_AREA, .in = 7, .out = 13, .channels = 18}},
        {1, .resize = {CODE_AREA, .in = 13, .out = 7, .channels = 16}}),
     false},
    {"conv", run_conv, SHAPES(
        CONV_SHAPES(ACT_TO_ACT),
        {2, .conv = {CONV3, .side = 19, .in = 3, .out = 32, .bias = 1, .types = F32_TO_ACT}},
        {1, .conv = {CONV3, .side = 8, .in = 32, .out = 640, .bias = 1, .types = F32_TO_ACT}}),
     false},
    {"conv-coarse", run_conv, SHAPES(
        CONV_SHAPES(COARSE),
        {3, .conv = {CONV3, .side = 9, .in = 70, .out = 97, .add = 1, .types = COARSE}},
        {2, .conv = {CONV3, .side = 35, .in = 33, .out = 17, .add = 1, .types = COARSE | NORMED}},
        {1, .conv = {CONV3, .side = 5, .in = 130, .out = 140, .types = COARSE | NORMED}},
        {2, .conv = {CONV3_S2, .side = 64, .in = 24, .out = 16, .types = COARSE | NORMED}},
        {1, .conv = {CONV1, .side = 9, .in = 24, .out = 48, .types = COARSE | NORMED}}),
     false},
    {"conv-doubled", run_conv, SHAPES(
        {3, .conv = {CONV3_X2, .side = 8, .in = 32, .out = 32, .bias = 1, .types = COARSE}},
        {1, .conv = {CONV3_X2, .side = 1, .in = 1, .out = 1, .bias = 1, .types = COARSE}},
        {2, .conv = {CONV3_X2, .side = 5, .in = 7, .out = 33, .add = 1, .types = COARSE}},
        {1, .conv = {CONV3_X2, .side = 32, .in = 64, .out = 64, .add = 2, .bias = 1,
                     .types = COARSE}},
        {1, .conv = {CONV3_X2, .side = 37, .in = 160, .out = 160, .bias = 1, .types = COARSE}},
        {1, .conv = {CONV3_X2, .side = 16, .in = 640, .out = 8, .bias = 1, .types = COARSE}},
        {3, .conv = {CONV3_X2, .side = 5, .in = 134, .out = 161, .add = 1, .types = COARSE}},
        {2, .conv = {CONV3_X2, .side = 9, .in = 16, .out = 24, .types = COARSE | NORMED}}),
     false},
    {"conv-to-f32", run_conv, SHAPES(
        CONV_SHAPES(ACT_TO_F32)),
     true},
    {"conv-in-f32", run_conv, SHAPES(
        CONV_SHAPES(F32_TO_F32)),
     true},
    {"accumulate", run_accumulate, SHAPES(
        {3, .accumulate = {.positions = 256, .channels = 32}},
        {3, .accumulate = {.positions = 256, .channels = 32, .masked = 1}},
        {1, .accumulate = {.positions = 1, .channels = 1, .masked = 1}},
        {3, .accumulate = {.positions = 49, .channels = 7, .masked = 1}},
        {1, .accumulate = {.positions = 3000, .channels = 17}}),
     false},
    {"between", run_between, SHAPES(
        {1, .between = {.positions = 256, .channels = 32, .t = 3}},
        {1, .between = {.positions = 256, .channels = 32, .t = 4, .opposite = 1}},
        {1, .between = {.positions = 1, .channels = 1, .t = 7}},
        {1, .between = {.positions = 49, .channels = 23, .t = 1}},
        {1, .between = {.positions = 1100, .channels = 40, .t = 0}},
        {1, .between = {.positions = 64, .channels = 8, .t = 8}}),
     false},
    {"group_norm", run_group_norm, SHAPES(
        {3, .group_norm = {.positions = 256, .channels = 160, .groups = 32, .silu = 1}},
        {1, .group_norm = {.positions = 1, .channels = 1, .groups = 1, .silu = 1, .in_place = 1}},
        {3, .group_norm = {.positions = 49, .channels = 24, .groups = 3, .in_place = 1}},
        {1, .group_norm = {.positions = 1, .channels = 64, .groups = 32, .silu = 1}},
        {1, .group_norm = {.positions = 16384, .channels = 32, .groups = 8, .silu = 1,
                           .in_place = 1, .mean = 3}},
        {1, .group_norm = {.positions = 1000, .channels = 7, .groups = 7, .mean = 100}},
        {3, .group_norm = {.positions = 65, .channels = 640, .groups = 32, .silu = 1,
                           .in_place = 1}}),
     false},
    {"pixels", run_pixels, SHAPES(
        {1, .pixels = {.side = 64}},
        {1, .pixels = {.side = 37, .pad = 5}},
        {1, .pixels = {.side = 1}},
        {1, .pixels = {.side = 3, .pad = 1}}),
     false},
    {"frame", run_frame, SHAPES(
        {1, .frame = {.side = 64, .format = CODESRC_NV12}},
        {1, .frame = {.side = 37, .pad = 5, .format = CODESRC_NV12, .cosited = 1, .weights = 1}},
        {1, .frame = {.side = 6, .pad = 1, .format = CODESRC_NV12, .cosited = 2, .weights = 2}},
        {1, .frame = {.side = 33, .format = CODESRC_NV12, .cosited = 3}},
        {1, .frame = {.side = 1, .format = CODESRC_NV12, .cosited = 3, .weights = 1}},
        {1, .frame = {.side = 2, .format = CODESRC_NV12, .weights = 2}},
        {1, .frame = {.side = 37, .pad = 5, .format = CODESRC_RGB}},
        {1, .frame = {.side = 20, .format = CODESRC_BGR}},
        {1, .frame = {.side = 37, .format = CODESRC_RGBA}},
        {1, .frame = {.side = 16, .pad = 4, .format = CODESRC_BGRA}},
        {1, .frame = {.side = 5, .pad = 1, .format = CODESRC_ARGB}},
        {1, .frame = {.side = 1, .format = CODESRC_ABGR}}),
     false},
    {NULL, NULL, NULL, false},
};
