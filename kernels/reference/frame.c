/* frame.c - reference operation: a picture in one of the formats of codesrc.h. */
#include "reference.h"

/* Bytes of a pixel, and the places of its components. */
static const struct Packed {
    unsigned size, r, g, b, a;
} packed_formats[] = {
    [CODESRC_RGB] = {3, 0, 1, 2, 0},  [CODESRC_BGR] = {3, 2, 1, 0, 0},
    [CODESRC_RGBA] = {4, 0, 1, 2, 3}, [CODESRC_BGRA] = {4, 2, 1, 0, 3},
    [CODESRC_ARGB] = {4, 1, 2, 3, 0}, [CODESRC_ABGR] = {4, 3, 2, 1, 0},
};

static void pack(const CodeFrame *args)
{
    const struct Packed *format = &packed_formats[args->format];
    size_t side = args->side;

    for (size_t y = 0; y < side; y++)
        for (size_t x = 0; x < side; x++) {
            const float *from = args->x + 3 * (y * side + x);
            uint8_t *to = args->out + y * args->stride + x * format->size;

            if (format->size == 4)
                to[format->a] = 255;
            to[format->r] = reference_pixel(from[0]);
            to[format->g] = reference_pixel(from[1]);
            to[format->b] = reference_pixel(from[2]);
        }
}

/* Which rows or columns a chroma sample stands for, with weights of sum 4. */
typedef struct Taps {
    unsigned count;
    size_t at[3];
    int32_t weight[3];
} Taps;

static Taps taps_of(size_t sample, bool cosited, size_t side)
{
    Taps taps = {.count = cosited ? 3 : 2};

    for (unsigned i = 0; i < taps.count; i++) {
        size_t at = 2 * sample + i;

        if (cosited)
            at = at ? at - 1 : 0;
        taps.at[i] = at < side ? at : side - 1;
        taps.weight[i] = cosited && i != 1 ? 1 : 2;
    }
    return taps;
}

/* zero + weights . sums, shifted and cut. */
static uint8_t component(int32_t zero, const int32_t weights[3], const int32_t sums[3],
                         unsigned shift)
{
    int32_t value = zero + weights[0] * sums[0] + weights[1] * sums[1] + weights[2] * sums[2];

    value = (value + (1 << (shift - 1))) >> shift;
    return (uint8_t)(value > 255 ? 255 : value);
}

static void luma(const CodeFrame *args)
{
    size_t side = args->side;

    for (size_t y = 0; y < side; y++)
        for (size_t x = 0; x < side; x++) {
            int32_t rgb[3];

            for (unsigned c = 0; c < 3; c++)
                rgb[c] = reference_pixel(args->x[3 * (y * side + x) + c]);
            args->out[y * args->stride + x] = component(args->y_zero * (1 << 16), args->y, rgb, 16);
        }
}

static void chroma(const CodeFrame *args)
{
    size_t side = args->side, samples = (side + 1) / 2;

    for (size_t y = 0; y < samples; y++)
        for (size_t x = 0; x < samples; x++) {
            Taps rows = taps_of(y, args->cosited_y, side);
            Taps columns = taps_of(x, args->cosited_x, side);
            uint8_t *to = args->out + (side + y) * args->stride + 2 * x;
            int32_t sums[3] = {0};

            for (unsigned i = 0; i < rows.count; i++)
                for (unsigned j = 0; j < columns.count; j++)
                    for (unsigned c = 0; c < 3; c++)
                        sums[c] +=
                            rows.weight[i] * columns.weight[j] *
                            reference_pixel(args->x[3 * (rows.at[i] * side + columns.at[j]) + c]);
            to[0] = component(128 << 20, args->cb, sums, 20);
            to[1] = component(128 << 20, args->cr, sums, 20);
        }
}

bool reference_frame(CodeStream *stream, const CodeFrame *args)
{
    if (stream->rehearsing)
        return true;
    if (args->format == CODESRC_NV12) {
        luma(args);
        chroma(args);
    } else {
        pack(args);
    }
    return true;
}
