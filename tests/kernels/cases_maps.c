/* cases_maps.c - operations on maps: resize, conv, accumulate, group norm, pixels, frame. */
#include "cases.h"

#include "../test.h"

#include <math.h>

void run_resize(Side *side, const Shape *shape, Output *output)
{
    unsigned in = shape->resize.in, out = shape->resize.out, channels = shape->resize.channels;
    size_t in_image = (size_t)in * in * channels + 3, out_image = (size_t)out * out * channels + 5;
    CodeResize args = {
        .mode = (CodeResizeMode)shape->resize.mode,
        .in = upload_images(side, shape, in_image, 1, 1),
        .in_image = in_image,
        .out = upload_images(side, shape, out_image, 1, 2),
        .out_image = out_image,
        .images = shape->images,
        .in_side = in,
        .out_side = out,
        .channels = channels,
    };

    RUN(side, resize, &args);
    download(side, shape, args.out, out_image, output);
}

void run_conv(Side *side, const Shape *shape, Output *output)
{
    CodeWeightKind kind = (CodeWeightKind)shape->conv.kind;
    unsigned width = shape->conv.side, in = shape->conv.in, out = shape->conv.out,
             add = shape->conv.add;
    unsigned out_width = kind == CODE_WEIGHT_CONV3_S2   ? width / 2
                         : kind == CODE_WEIGHT_CONV3_X2 ? 2 * width
                                                        : width;
    size_t taps = kind == CODE_WEIGHT_CONV1 ? 1 : 9, size = (size_t)out_width * out_width * out;
    size_t in_size = (size_t)width * width * in;
    Random random = random_shared(shape);
    float *weight = random_floats(&random, taps * in * out, 1),
          *bias = random_floats(&random, out, 1), *x = images_of(shape, in_size, 1, 1);
    CodeWeightSpec spec = spec_of(kind, in, out, shape->conv.types);
    void *map = side_inputs(side, &spec, x, shape->images * in_size);
    CodeGroupNorm norm = {
        .x = map,
        .weight = upload_shared(side, shape, in, 1, 4),
        .bias = upload_shared(side, shape, in, 1, 5),
        .y = map,
        .images = shape->images,
        .positions = width * width,
        .channels = in,
        .groups = 1,
        .silu = true,
    };
    CodeConv args = {
        .weight = side_weight(side, spec, weight, shape->conv.bias ? bias : NULL),
        .norm = shape->conv.types & NORMED ? &norm : NULL,
        .x = map,
        .y = upload_outputs(side, shape, &spec, size, 2),
        .images = shape->images,
        .side = width,
    };

    if (add)
        args.add = add == 1 ? upload_outputs(side, shape, &spec, size, 3) : args.y;
    free(weight);
    free(bias);
    free(x);
    RUN(side, conv, &args);
    download_outputs(side, shape, &spec, args.y, size, output);
}

void run_accumulate(Side *side, const Shape *shape, Output *output)
{
    unsigned positions = shape->accumulate.positions, channels = shape->accumulate.channels;
    size_t size = (size_t)positions * channels;
    CodeAccumulate args = {
        .f_hat = upload_images(side, shape, size, 1, 1),
        .h = upload_images(side, shape, size, 1, 2),
        .conv = upload_images(side, shape, size, 1, 3),
        .images = shape->images,
        .positions = positions,
        .channels = channels,
    };

    if (shape->accumulate.masked) {
        args.kept = upload_images(side, shape, size, 1, 4);
        args.mask = upload_images(side, shape, positions, 1, 5);
    }
    RUN(side, accumulate, &args);
    download(side, shape, args.f_hat, size, output);
}

void run_between(Side *side, const Shape *shape, Output *output)
{
    unsigned positions = shape->between.positions, channels = shape->between.channels;
    size_t size = (size_t)positions * channels;
    float *a = images_of(shape, size, 1, 1), *b = images_of(shape, size, 3, 2);
    CodeBetween args = {.y = side_array(side, NULL, size * sizeof(float)),
                        .t = (float)shape->between.t / 8,
                        .positions = positions,
                        .channels = channels};

    for (unsigned c = 0; shape->between.opposite && c < channels; c++)
        b[c] = -a[c];
    args.a = side_array(side, a, size * sizeof(float));
    args.b = side_array(side, b, size * sizeof(float));
    free(a);
    free(b);
    RUN(side, between, &args);
    download(side, shape, args.y, size, output);
}

void run_group_norm(Side *side, const Shape *shape, Output *output)
{
    unsigned positions = shape->group_norm.positions, channels = shape->group_norm.channels;
    size_t size = (size_t)positions * channels;
    Random random = random_shared(shape);
    float *weight = random_floats(&random, channels, 1),
          *bias = random_floats(&random, channels, 1);
    float *x = images_of(shape, size, 1, 1);
    CodeGroupNorm args = {
        .weight = side_array(side, weight, channels * sizeof(float)),
        .bias = side_array(side, bias, channels * sizeof(float)),
        .images = shape->images,
        .positions = positions,
        .channels = channels,
        .groups = shape->group_norm.groups,
        .silu = shape->group_norm.silu,
    };

    for (size_t i = 0; i < shape->images * size; i++)
        x[i] += (float)shape->group_norm.mean;
    args.x = side_activations(side, x, shape->images * size);
    args.y = shape->group_norm.in_place ? (void *)args.x
                                        : side_activations(side, NULL, shape->images * size);
    free(x);
    free(weight);
    free(bias);
    RUN(side, group_norm, &args);
    download_activations(side, shape, args.y, size, output);
}

/* Numbers that pixels are made of: (side, side, 3). The first ones are those that go wrong easily.
 */
static float *picture_of(const Shape *shape, size_t side)
{
    static const float special[] = {
        NAN,   -NAN, INFINITY, -INFINITY, 1,      -1,   1.0000001f,   2,           -2,
        -0.0f, 0.0f, 1e30f,    -1e30f,    1e-40f, 0.5f, -0.99607843f, 0.99607843f, -0.9882353f};
    size_t count = 3 * side * side;
    float *x = images_of(shape, count, 0.7f, 1);

    for (size_t i = 0; i < count && i < sizeof special / sizeof *special; i++)
        x[i] = special[i];
    for (size_t i = 0; i < 255 && i + 100 < count; i++) /* halves: round to even */
        x[100 + i] = (float)i / 127.5f - 1 + 1 / 255.0f;
    return x;
}

static void give_bytes(Output *output, const uint8_t *bytes, size_t count)
{
    output->size = count;
    output->values = malloc(count * sizeof(float));
    for (size_t i = 0; i < count; i++)
        output->values[i] = bytes[i];
}

/* n: side, stride beyond 3 * side. One image. */
void run_pixels(Side *side, const Shape *shape, Output *output)
{
    size_t width = 3 * (size_t)shape->pixels.side, stride = width + shape->pixels.pad,
           count = width * shape->pixels.side;
    float *x = picture_of(shape, shape->pixels.side);
    uint8_t *pixels = malloc(stride * shape->pixels.side + 1);
    CodePixels args = {.out = pixels, .stride = stride, .side = shape->pixels.side};

    memset(pixels, 0xA5, stride * shape->pixels.side);
    args.x = side_array(side, x, count * sizeof(float));
    RUN(side, pixels, &args);
    if (side->backend->wait)
        CHECK(side->backend->wait(side->stream), "%s", side->name);
    give_bytes(output, pixels, stride * shape->pixels.side);
    free(x);
    free(pixels);
}

/* n: side, stride beyond a row, format, bit 0: cosited columns, bit 1: rows; which weights. One
 * image. */
void run_frame(Side *side, const Shape *shape, Output *output)
{
    /* BT.601 and BT.709 of limited range, BT.601 of full range. */
    static const CodeFrame yuv[] = {
        {.y_zero = 16,
         .y = {16829, 33039, 6416},
         .cb = {-9714, -19070, 28784},
         .cr = {28784, -24103, -4681}},
        {.y_zero = 16,
         .y = {11966, 40254, 4064},
         .cb = {-6596, -22188, 28784},
         .cr = {28784, -26145, -2639}},
        {.y = {19595, 38470, 7471}, .cb = {-11059, -21709, 32768}, .cr = {32768, -27439, -5329}}};
    unsigned size = shape->frame.side, format = shape->frame.format;
    bool is_nv12 = format == CODESRC_NV12;
    size_t row = is_nv12 ? (size + 1) / 2 * 2 : size * (format <= CODESRC_BGR ? 3 : 4);
    size_t stride = row + shape->frame.pad, rows = size + (is_nv12 ? (size + 1) / 2 : 0);
    float *x = picture_of(shape, size);
    uint8_t *bytes = malloc(stride * rows);
    CodeFrame args = yuv[shape->frame.weights];

    memset(bytes, 0xA5, stride * rows);
    args.x = side_array(side, x, 3 * (size_t)size * size * sizeof(float));
    args.out = side_array(side, bytes, stride * rows);
    args.stride = stride;
    args.side = size;
    args.format = (CodesrcFormat)format;
    args.cosited_x = shape->frame.cosited & 1;
    args.cosited_y = shape->frame.cosited & 2;
    RUN(side, frame, &args);
    side_download(side, bytes, args.out, stride * rows);
    give_bytes(output, bytes, stride * rows);
    free(x);
    free(bytes);
}
