/* points.c - the points of weights: G w G^T of winograd.h. */
#include "winograd.h"

unsigned cpu_tile_points(const CodeWeightSpec *spec)
{
    if (spec->kind == CODE_WEIGHT_CONV3_X2)
        return DOUBLED_POINTS;
    return spec->kind == CODE_WEIGHT_CONV3 && spec->coarse && spec->types == ACT_TO_ACT
               ? WINOGRAD_POINTS
               : 0;
}

/* G of one row or column of the kernel, to 4 or 3 points. */
static void weight_points(const float w[3], float points[WINOGRAD_SIDE], bool doubled)
{
    points[0] = w[0];
    if (doubled) {
        points[1] = w[0] + w[1] + w[2];
        points[2] = w[2];
        return;
    }
    points[1] = 0.5f * (w[0] + w[1] + w[2]);
    points[2] = 0.5f * (w[0] - w[1] + w[2]);
    points[3] = w[2];
}

void cpu_tile_weights(const float w[9], float *points, size_t step, bool doubled)
{
    unsigned side = doubled ? DOUBLED_SIDE : WINOGRAD_SIDE;
    float rows[3][WINOGRAD_SIDE], column[WINOGRAD_SIDE];

    for (unsigned i = 0; i < 3; i++)
        weight_points(w + 3 * i, rows[i], doubled);
    for (unsigned j = 0; j < side; j++) {
        const float from[3] = {rows[0][j], rows[1][j], rows[2][j]};

        weight_points(from, column, doubled);
        for (unsigned i = 0; i < side; i++)
            points[(i * side + j) * step] = column[i];
    }
}
