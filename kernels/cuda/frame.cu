/* frame.cu - a picture in one of the formats of codesrc.h, in device memory. */
#include "device.cuh"

/* As in maps.cu's to_pixels. */
__device__ static int pixel(float x)
{
    float value = (x + 1) / 2 * 255;

    return value >= 255 ? 255 : value > 0 ? (int)rintf(value) : 0;
}

/* Bytes of a pixel, and the places of its components. */
struct Packed {
    unsigned size, r, g, b, a;
};

static Packed packed_of(CodesrcFormat format)
{
    switch (format) {
    case CODESRC_BGR:
        return Packed{3, 2, 1, 0, 0};
    case CODESRC_RGBA:
        return Packed{4, 0, 1, 2, 3};
    case CODESRC_BGRA:
        return Packed{4, 2, 1, 0, 3};
    case CODESRC_ARGB:
        return Packed{4, 1, 2, 3, 0};
    case CODESRC_ABGR:
        return Packed{4, 3, 2, 1, 0};
    default:
        return Packed{3, 0, 1, 2, 0};
    }
}

/* One thread per pixel. */
__global__ void pack_pixels(CodeFrame args, Packed format)
{
    size_t index = thread_number(), y = index / args.side, x = index % args.side;
    const float *from = args.x + 3 * index;
    uint8_t *to = args.out + y * args.stride + x * format.size;

    if (y >= args.side)
        return;
    if (format.size == 4)
        to[format.a] = 255;
    to[format.r] = (uint8_t)pixel(from[0]);
    to[format.g] = (uint8_t)pixel(from[1]);
    to[format.b] = (uint8_t)pixel(from[2]);
}

struct Colour {
    int r, g, b;
};

__device__ static Colour colour_at(const CodeFrame &args, unsigned y, unsigned x)
{
    const float *from = args.x + 3 * ((size_t)y * args.side + x);

    return Colour{pixel(from[0]), pixel(from[1]), pixel(from[2])};
}

/* zero + weights . colour, shifted and clamped. */
__device__ static uint8_t component(int zero, const int32_t weights[3], const Colour &colour,
                                    int shift)
{
    int value = zero + weights[0] * colour.r + weights[1] * colour.g + weights[2] * colour.b;

    value = (value + (1 << (shift - 1))) >> shift;
    return (uint8_t)(value > 255 ? 255 : value);
}

/* Tap i of a chroma sample's 3 (cosited) or 2 rows or columns, and its weight of 4. */
__device__ static unsigned tap_at(unsigned sample, int i, bool cosited, unsigned side)
{
    int at = 2 * (int)sample + i - (cosited ? 1 : 0);

    return at < 0 ? 0 : (unsigned)at < side ? (unsigned)at : side - 1;
}

__device__ static int tap_weight(int i, bool cosited)
{
    return cosited && i != 1 ? 1 : 2;
}

/* One thread per chroma sample, for it and the luma of its 2 x 2 pixels. */
__global__ void to_nv12(CodeFrame args)
{
    unsigned samples = (args.side + 1) / 2;
    size_t index = thread_number();
    unsigned row = (unsigned)(index / samples), column = (unsigned)(index % samples);
    int rows = args.cosited_y ? 3 : 2, columns = args.cosited_x ? 3 : 2;
    Colour sum = {0, 0, 0};

    if (row >= samples)
        return;
    for (unsigned y = 2 * row; y < 2 * row + 2 && y < args.side; y++)
        for (unsigned x = 2 * column; x < 2 * column + 2 && x < args.side; x++)
            args.out[y * args.stride + x] =
                component(args.y_zero * (1 << 16), args.y, colour_at(args, y, x), 16);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) {
            int weight = tap_weight(i, args.cosited_y) * tap_weight(j, args.cosited_x);
            Colour colour = colour_at(args, tap_at(row, i, args.cosited_y, args.side),
                                      tap_at(column, j, args.cosited_x, args.side));

            sum.r += weight * colour.r;
            sum.g += weight * colour.g;
            sum.b += weight * colour.b;
        }
    uint8_t *to = args.out + ((size_t)args.side + row) * args.stride + 2 * column;
    to[0] = component(128 << 20, args.cb, sum, 20);
    to[1] = component(128 << 20, args.cr, sum, 20);
}

bool cuda_frame(CodeStream *stream, const CodeFrame *args)
{
    size_t samples = (args->side + (size_t)1) / 2, pixels = (size_t)args->side * args->side;

    return one_launch(stream, "frame", [&](const CudaLaunch &on) {
        return args->format == CODESRC_NV12
                   ? launch(to_nv12, flat_grid(samples * samples), dim3(flat_block), 0, on.stream,
                            *args)
                   : launch(pack_pixels, flat_grid(pixels), dim3(flat_block), 0, on.stream, *args,
                            packed_of(args->format));
    });
}
