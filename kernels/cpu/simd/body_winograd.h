/* body_winograd.h - inner loops of convolutions in tiles: winograd.h's transforms. In body.c. */
#ifndef CODE_KERNELS_CPU_BODY_WINOGRAD_H
#define CODE_KERNELS_CPU_BODY_WINOGRAD_H

#include "body.h"
#include "product/winograd/winograd.h"
#include "vector.h"

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
 * type. `at`: of the tile in its row; `to`: of its points. */
INLINE void inputs_at(const unsigned side, const bool to_f32, const WinogradInputs *inputs,
                      size_t at, size_t count, size_t to)
{
    Vector x[WINOGRAD_POINTS];

#pragma GCC unroll 4
    for (unsigned i = 0; i < side; i++)
#pragma GCC unroll 4
        for (unsigned j = 0; j < side; j++) {
            const float *from = inputs->row[i] + at + j * inputs->channels;

            x[i * side + j] = count < LANES ? load_part(from, count) : load(from);
        }
#pragma GCC unroll 4
    for (unsigned i = 0; i < side; i++)
        input_points(x + i, side, side);
#pragma GCC unroll 4
    for (unsigned i = 0; i < side; i++)
        input_points(x + i * side, 1, side);
#pragma GCC unroll 16
    for (unsigned i = 0; i < side * side; i++)
        if (to_f32)
            store((float *)inputs->to + to + i * inputs->to_point, x[i]);
        else
            store_act((Activation *)inputs->to + to + i * inputs->to_point, x[i]);
}

INLINE void inputs_of(const unsigned side, const bool to_f32, const WinogradInputs inputs)
{
    size_t whole = inputs.channels / LANES * LANES;
    size_t step = (side == WINOGRAD_SIDE ? 2 : 1) * inputs.channels;

    for (size_t t = 0; t < inputs.tiles; t++) {
        size_t at = t * step, to = t * inputs.to_tile;

        for (size_t c = 0; c < whole; c += LANES)
            inputs_at(side, to_f32, &inputs, at + c, LANES, to + c);
        if (whole < inputs.channels)
            inputs_at(side, to_f32, &inputs, at + whole, inputs.channels - whole, to + whole);
    }
}

static void tile_inputs(unsigned side, const WinogradInputs *inputs)
{
    if (side == WINOGRAD_SIDE && inputs->to_f32)
        inputs_of(WINOGRAD_SIDE, true, *inputs);
    else if (side == WINOGRAD_SIDE)
        inputs_of(WINOGRAD_SIDE, false, *inputs);
    else if (inputs->to_f32)
        inputs_of(DOUBLED_SIDE, true, *inputs);
    else
        inputs_of(DOUBLED_SIDE, false, *inputs);
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

/* Product c at a point of tile t, of bytes as `dequantise` does it. */
INLINE Vector product_at(const unsigned side, const bool bytes, const WinogradOutputs *outputs,
                         size_t t, unsigned point, size_t c)
{
    const float *product = (const float *)outputs->products + t * outputs->tile;
    size_t column = point * outputs->column_point + c, input = t * side * side + point;
    Bits sum;

    product += point * outputs->point + c;
    if (!bytes)
        return load(product);
    sum = *(const UnalignedBits *)product;
    sum -= *(const UnalignedBits *)(outputs->column_sum + column) * outputs->zero[input];
    return __builtin_convertvector(sum, Vector) *
           (outputs->scale[input] * load(outputs->column_scale + column));
}

/* Compiled for constant sides and types. */
INLINE void outputs_at(const unsigned side, const bool bytes, const WinogradOutputs *outputs,
                       size_t t, size_t c, size_t count)
{
    Vector m[WINOGRAD_POINTS], bias = load(outputs->bias + c);

#pragma GCC unroll 16
    for (unsigned i = 0; i < side * side; i++)
        m[i] = product_at(side, bytes, outputs, t, i, c);
#pragma GCC unroll 4
    for (unsigned i = 0; i < side; i++)
        output_points(m + i, side, side);
    output_points(m, 1, side);
    output_points(m + side, 1, side);
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; i++) {
        size_t position = 2 * t + i % 2, at = position * outputs->y_position + c;
        Vector y = m[i / 2 * side + i % 2] + bias;

        if (!outputs->y[i / 2] || position >= outputs->positions)
            continue;
        if (outputs->add[i / 2])
            y += load_up_to((const Activation *)outputs->add[i / 2] + at, count);
        store_act_up_to((Activation *)outputs->y[i / 2] + at, y, count);
    }
}

INLINE void outputs_of(const unsigned side, const bool bytes, const WinogradOutputs outputs)
{
    size_t whole = outputs.width / LANES * LANES;

    for (size_t t = 0; 2 * t < outputs.positions; t++) {
        for (size_t c = 0; c < whole; c += LANES)
            outputs_at(side, bytes, &outputs, t, c, LANES);
        if (whole < outputs.width)
            outputs_at(side, bytes, &outputs, t, whole, outputs.width - whole);
    }
}

static void tile_outputs(unsigned side, const WinogradOutputs *outputs)
{
    if (side == WINOGRAD_SIDE && outputs->scale)
        outputs_of(WINOGRAD_SIDE, true, *outputs);
    else if (side == WINOGRAD_SIDE)
        outputs_of(WINOGRAD_SIDE, false, *outputs);
    else if (outputs->scale)
        outputs_of(DOUBLED_SIDE, true, *outputs);
    else
        outputs_of(DOUBLED_SIDE, false, *outputs);
}

#endif
