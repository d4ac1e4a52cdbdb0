/* body_winograd.h - inner loops of convolutions in tiles: winograd.h's transforms. In body.c. */
#ifndef CODE_KERNELS_CPU_BODY_WINOGRAD_H
#define CODE_KERNELS_CPU_BODY_WINOGRAD_H

#include "body.h"
#include "product/winograd/winograd.h"
#include "vector.h"

/* The first `count` lanes; LANES is a constant at compile time. */
INLINE Vector load_up_to(const Activation *from, size_t count)
{
    return count < LANES ? load_act_part(from, count) : load_act(from);
}

/* B^T of one row or column, `step` apart */
INLINE void input_points(Vector *x, unsigned step, unsigned side)
{
    Vector x0 = x[0], x1 = x[step], x2 = x[2 * step];

    if (side == WINOGRAD_SIDE) {
        x[3 * step] = x1 - x[3 * step];
        x[0] = x0 - x2;
        x[step] = x1 + x2;
        x[2 * step] = x2 - x1;
    } else {
        x[0] = x0 - x1;
        x[2 * step] = x2 - x1;
    }
}

/* Compiled for a constant side, so that all of `x` is in registers if there are enough, and for a
 * type. */
INLINE void inputs_at(const unsigned side, const bool to_f32, const void *const *from, size_t c,
                      size_t count, void *to, size_t point)
{
    Vector x[WINOGRAD_POINTS];

#pragma GCC unroll 16
    for (unsigned i = 0; i < side * side; i++)
        x[i] = load_up_to((const Activation *)from[i] + c, count);
#pragma GCC unroll 4
    for (unsigned i = 0; i < side; i++)
        input_points(x + i, side, side);
#pragma GCC unroll 4
    for (unsigned i = 0; i < side; i++)
        input_points(x + i * side, 1, side);
#pragma GCC unroll 16
    for (unsigned i = 0; i < side * side; i++)
        if (to_f32)
            store((float *)to + i * point + c, x[i]);
        else
            store_act((Activation *)to + i * point + c, x[i]);
}

INLINE void inputs(const unsigned side, const bool to_f32, const void *const *from, size_t channels,
                   void *to, size_t point)
{
    size_t whole = channels / LANES * LANES;

    for (size_t c = 0; c < whole; c += LANES)
        inputs_at(side, to_f32, from, c, LANES, to, point);
    if (whole < channels)
        inputs_at(side, to_f32, from, whole, channels - whole, to, point);
}

static void tile_inputs(unsigned side, const void *const *x, size_t channels, void *to,
                        size_t point, bool to_f32)
{
    if (side == WINOGRAD_SIDE && to_f32)
        inputs(WINOGRAD_SIDE, true, x, channels, to, point);
    else if (side == WINOGRAD_SIDE)
        inputs(WINOGRAD_SIDE, false, x, channels, to, point);
    else if (to_f32)
        inputs(DOUBLED_SIDE, true, x, channels, to, point);
    else
        inputs(DOUBLED_SIDE, false, x, channels, to, point);
}

/* A^T of one row or column, `step` apart: to the first two */
INLINE void output_points(Vector *m, unsigned step, unsigned side)
{
    Vector m1 = m[step], m2 = m[2 * step];

    if (side == WINOGRAD_SIDE) {
        m[0] = m[0] + (m1 + m2);
        m[step] = (m1 - m2) - m[3 * step];
    } else {
        m[0] = m[0] + m1;
        m[step] = m1 + m2;
    }
}

/* Of products in bytes: as `dequantise` does. */
INLINE Vector product_of_bytes(const WinogradTile *tile, unsigned point, size_t c)
{
    size_t column = point * tile->column_point + c;
    Bits sum = *(const UnalignedBits *)((const int32_t *)tile->products + point * tile->point + c);

    sum -= *(const UnalignedBits *)(tile->column_sum + column) * tile->zero[point];
    return __builtin_convertvector(sum, Vector) *
           (tile->scale[point] * load(tile->column_scale + column));
}

/* Compiled for constant sides and types. */
INLINE void outputs_at(const unsigned side, const bool bytes, const WinogradTile *tile, size_t c,
                       size_t count)
{
    Vector m[WINOGRAD_POINTS], bias = load(tile->bias + c);

#pragma GCC unroll 16
    for (unsigned i = 0; i < side * side; i++)
        m[i] = bytes ? product_of_bytes(tile, i, c)
                     : load((const float *)tile->products + i * tile->point + c);
#pragma GCC unroll 4
    for (unsigned i = 0; i < side; i++)
        output_points(m + i, side, side);
    output_points(m, 1, side);
    output_points(m + side, 1, side);
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; i++) {
        Vector y = m[i / 2 * side + i % 2] + bias;

        if (!tile->y[i])
            continue;
        if (tile->add[i])
            y += load_up_to((const Activation *)tile->add[i] + c, count);
        if (count < LANES)
            store_act_part((Activation *)tile->y[i] + c, y, count);
        else
            store_act((Activation *)tile->y[i] + c, y);
    }
}

INLINE void outputs(const unsigned side, const bool bytes, const WinogradTile *tile)
{
    size_t whole = tile->width / LANES * LANES;

    for (size_t c = 0; c < whole; c += LANES)
        outputs_at(side, bytes, tile, c, LANES);
    if (whole < tile->width)
        outputs_at(side, bytes, tile, whole, tile->width - whole);
}

static void tile_outputs(unsigned side, const WinogradTile *tile)
{
    if (side == WINOGRAD_SIDE && tile->scale)
        outputs(WINOGRAD_SIDE, true, tile);
    else if (side == WINOGRAD_SIDE)
        outputs(WINOGRAD_SIDE, false, tile);
    else if (tile->scale)
        outputs(DOUBLED_SIDE, true, tile);
    else
        outputs(DOUBLED_SIDE, false, tile);
}

#endif
