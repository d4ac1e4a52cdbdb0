/* winograd.h - convolutions of 3 x 3 that take fewer multiplications: outputs come in tiles of 2 x
 * 2, and a tile is A^T ((G w G^T) * (B^T x B)) A, where * multiplies point by point. So the inputs
 * of all tiles at one point are a matrix, its weights are another, and there is one product a
 * point.
 *
 * - of a map: Winograd's F(2 x 2, 3 x 3) (Lavin and Gray, arXiv 1509.09308): 16 points instead of
 * 36 products, of the 4 x 4 inputs around the tile: B^T = 1 0 -1 0, 0 1 1 0, 0 -1 1 0, 0 1 0 -1 G =
 * 1 0 0, 1/2 1/2 1/2, 1/2 -1/2 1/2, 0 0 1 A^T = 1 1 1 0, 0 1 -1 -1
 * - of a map that is first doubled in side: a tile is what one position of the small map becomes,
 * and sees its 3 x 3 neighbours. 9 points instead of 36 products: B^T = 1 -1 0, 0 1 0, 0 -1 1    G
 * = 1 0 0, 1 1 1, 0 0 1    A^T = 1 1 0, 0 1 1 since along each side, w0 x0 + (w1 + w2) x1 = w0 (x0
 * - x1) + (w0 + w1 + w2) x1, and likewise (w0 + w1) x1 + w2 x2 = (w0 + w1 + w2) x1 + w2 (x2 - x1).
 *
 * Transforms are float32. In bf16 points of inputs and weights are rounded to bfloat16. So they are
 * in int8 where channels are few; else each tile at each point is a row of bytes, with a scale and
 * a zero of its own, and each output at each point has a scale of its weights.
 */
#ifndef CODE_KERNELS_CPU_WINOGRAD_H
#define CODE_KERNELS_CPU_WINOGRAD_H

#include <stddef.h>
#include <stdint.h>

enum {
    WINOGRAD_SIDE = 4, /* of the inputs of a tile, and of its points */
    DOUBLED_SIDE = 3,  /* the same where the map is doubled */
    WINOGRAD_POINTS = WINOGRAD_SIDE * WINOGRAD_SIDE,
    DOUBLED_POINTS = DOUBLED_SIDE * DOUBLED_SIDE,
};

/* What becomes of the products of a tile. */
typedef struct WinogradTile {
    const void *products; /* of 32 bits: those of point p from p * point */
    size_t point;
    /* Of products in bytes, else NULL: what gemm_rows_to_bytes() made of the tile's inputs at each
     * point, and of the weights' columns, those of point p from p * column_point. */
    const float *scale;
    const int32_t *zero;
    const float *column_scale;
    const int32_t *column_sum;
    size_t column_point;
    const float *bias; /* (width, padded to 16) */
    void *y[4]; /* top left, top right, bottom left, bottom right; NULL: outside of the map */
    const void *add[4]; /* added to them where y is not NULL, and may be it; NULL: nothing */
    size_t width;
} WinogradTile;

#endif
