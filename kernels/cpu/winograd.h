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
 * Transforms are float32. In bf16 and int8, points of inputs and weights are rounded to bfloat16.
 */
#ifndef CODE_KERNELS_CPU_WINOGRAD_H
#define CODE_KERNELS_CPU_WINOGRAD_H

#include <stddef.h>

enum {
    WINOGRAD_SIDE = 4, /* of the inputs of a tile, and of its points */
    DOUBLED_SIDE = 3,  /* the same where the map is doubled */
    WINOGRAD_POINTS = WINOGRAD_SIDE * WINOGRAD_SIDE,
    DOUBLED_POINTS = DOUBLED_SIDE * DOUBLED_SIDE,
};

/* What becomes of the products of a tile. */
typedef struct WinogradTile {
    const float *products; /* those of point p: products + p * point */
    size_t point;
    const float *bias; /* (width, padded to 16) */
    void *y[4]; /* top left, top right, bottom left, bottom right; NULL: outside of the map */
    const void *add[4]; /* added to them where y is not NULL, and may be it; NULL: nothing */
    size_t width;
} WinogradTile;

#endif
