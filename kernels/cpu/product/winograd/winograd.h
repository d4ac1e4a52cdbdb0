/* winograd.h - 3 x 3 convolutions with fewer multiplications. Outputs come in tiles of 2 x 2, and a
 * tile is A^T ((G w G^T) * (B^T x B)) A, where * multiplies point by point. The inputs of all tiles
 * at one point are therefore a matrix, the weights at that point are another, and there is one
 * product per point.
 *
 * For a map: Winograd's F(2 x 2, 3 x 3) (Lavin and Gray, arXiv 1509.09308). 16 points instead of 36
 * products, of the 4 x 4 inputs around the tile:
 *
 *            1  0 -1  0          1    0    0
 *     B^T =  0  1  1  0    G =  1/2  1/2  1/2    A^T =  1  1  1  0
 *            0 -1  1  0         1/2 -1/2  1/2           0  1 -1 -1
 *            0  1  0 -1          0    0    1
 *
 * For a map that is first doubled in side: a tile covers one position of the small map, and
 * depends on its 3 x 3 neighbours. 9 points instead of 36 products:
 *
 *            1 -1  0            1  0  0
 *     B^T =  0  1  0      G =   1  1  1          A^T =  1  1  0
 *            0 -1  1            0  0  1                 0  1  1
 *
 * since along each side
 *
 *     w0 x0 + (w1 + w2) x1 = w0 (x0 - x1) + (w0 + w1 + w2) x1
 *     (w0 + w1) x1 + w2 x2 = (w0 + w1 + w2) x1 + w2 (x2 - x1)
 *
 * Transforms are float32. In bf16, points of weights are rounded to bfloat16, and with a CpuGemm
 * those of inputs too; the same holds for int8 with few channels. Otherwise each tile at each point
 * is a row of bytes with its own scale and zero, and each output at each point has a scale for its
 * weights. */
#ifndef CODE_KERNELS_CPU_WINOGRAD_H
#define CODE_KERNELS_CPU_WINOGRAD_H

#include "backend.h"

enum {
    WINOGRAD_SIDE = 4, /* of the inputs of a tile, and of its points */
    DOUBLED_SIDE = 3,  /* the same of a map that is doubled */
    WINOGRAD_POINTS = WINOGRAD_SIDE * WINOGRAD_SIDE,
    DOUBLED_POINTS = DOUBLED_SIDE * DOUBLED_SIDE,
};

/* From a row of tiles to their points, as activations or float32. */
typedef struct WinogradInputs {
    const float *row[WINOGRAD_SIDE]; /* of inputs, from the first tile's first on */
    size_t tiles, channels;
    void *to;       /* point p of tile t begins at element t * to_tile + p * to_point; */
    size_t to_tile; /* what is written are whole vectors, up to a multiple of 16 channels */
    size_t to_point;
    bool to_f32;
} WinogradInputs;

/* From the products of a row of tiles to their outputs. */
typedef struct WinogradOutputs {
    const void *products; /* of 32 bits; point p of tile t begins at element t * tile + p * point */
    size_t tile, point;
    /* For products of bytes, else NULL: (tiles, points), of the inputs as rows of bytes, and of the
     * columns; those of point p begin at p * column_point. */
    const float *scale;
    const int32_t *zero;
    const float *column_scale;
    const int32_t *column_sum;
    size_t column_point;
    const float *bias;  /* (width, padded to 16) */
    void *y[2];         /* the upper and the lower row; NULL: below the map */
    const void *add[2]; /* added to the outputs; may be y; NULL: nothing */
    size_t positions;   /* of a row: two for each tile, or one less */
    size_t y_position;  /* elements from one to the next */
    size_t width;
} WinogradOutputs;

/* How many points a tile has; 0 if this weight does not use Winograd. */
unsigned cpu_tile_points(const CodeWeightSpec *spec);

/* The points of a kernel of 3 x 3, `step` apart. */
void cpu_tile_weights(const float weight[9], float *points, size_t step, bool doubled);

/* The convolution, with weights of either kind of CpuProducts. */
bool cpu_winograd(CodeStream *stream, const CodeConv *args);

#endif
