/* kernels.h - the device code of the CUDA backend as C functions. Each checks nothing, launches,
 * and returns the launch's result. The shape of a launch depends on an image's shape; only the
 * number of blocks depends on the number of images. */
#ifndef CODE_KERNELS_CUDA_KERNELS_H
#define CODE_KERNELS_CUDA_KERNELS_H

#include "backend.h"

#include <cuda_runtime_api.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum CudaType { CUDA_F32, CUDA_F16, CUDA_BF16 } CudaType;

static inline size_t cuda_size(CudaType type)
{
    return type == CUDA_F32 ? 4 : 2;
}

/* ---- products.cu: what surrounds products ---------------------------------------------------- */

/* Weights (out, in, taps) of float32 -> (out, columns) with columns (tap, in), padded with
 * zeros. */
typedef struct CudaPack {
    const float *from;
    void *to;
    CudaType type;
    unsigned out, in, taps, columns;
} CudaPack;

cudaError_t cuda_pack(const CudaPack *args, cudaStream_t stream);

/* Rows of a product: positions first .. first + positions - 1 of the output map of each image, as
 * rows (images, positions, columns) with columns (tap, in), and zeros as padding and outside the
 * map. */
typedef struct CudaGather {
    const void *x;
    size_t x_image; /* elements from one image to the next */
    void *rows;
    CudaType from, to;
    unsigned images, first, positions;
    unsigned width, height, in; /* of the convolved map */
    bool doubled; /* x has half the side, and each of its positions counts four times */
    unsigned kernel, stride, padding, out_width;
    unsigned columns; /* a multiple of CUDA_GATHER_RUN */
} CudaGather;

enum { CUDA_GATHER_RUN = 8 };

cudaError_t cuda_gather(const CudaGather *args, cudaStream_t stream);

/* y (rows, out) += bias (out), both of `type`, then gelu if requested. */
cudaError_t cuda_bias(void *y, const void *bias, CudaType type, size_t rows, unsigned out,
                      bool gelu, cudaStream_t stream);

/* y += gate * sum, (rows, out); row r belongs to lane (first_row + r) / lane_rows. */
typedef struct CudaGate {
    float *y;
    const float *sum;
    size_t rows, first_row;
    unsigned out, lane_rows;
    CodePerLane gate;
} CudaGate;

cudaError_t cuda_gate(const CudaGate *args, cudaStream_t stream);

/* weights (rows, columns) = softmax over `keys` scores (rows, columns); zeros after them. */
cudaError_t cuda_softmax(const float *scores, void *weights, CudaType type, size_t rows,
                         unsigned keys, unsigned columns, cudaStream_t stream);

/* ---- transformer.cu, attention.cu, sample.cu, maps.cu: operations of backend.h --------------- */

cudaError_t cuda_modulate(const CodeModulate *args, CudaType type, cudaStream_t stream);
cudaError_t cuda_heads(const CodeHeads *args, CudaType type, cudaStream_t stream);
cudaError_t cuda_recall(const CodeRecall *args, CudaType type, cudaStream_t stream);
cudaError_t cuda_embed(const CodeEmbed *args, cudaStream_t stream);
cudaError_t cuda_guide(const CodeGuide *args, cudaStream_t stream);

/* dim 64, 16-bit types only. */
cudaError_t cuda_attention(const CodeAttention *args, CudaType type, cudaStream_t stream);

cudaError_t cuda_sample(const CodeSample *args, cudaStream_t stream);
cudaError_t cuda_look_up(const CodeLookUp *args, cudaStream_t stream);

cudaError_t cuda_resize(const CodeResize *args, cudaStream_t stream);
cudaError_t cuda_accumulate(const CodeAccumulate *args, cudaStream_t stream);

/* Bytes of scratch memory that a group norm of one image needs. */
size_t cuda_group_norm_scratch(const CodeGroupNorm *args);
cudaError_t cuda_group_norm(const CodeGroupNorm *args, CudaType type, void *scratch,
                            cudaStream_t stream);

/* x (count) -> 8-bit values in device memory */
cudaError_t cuda_pixels(const float *x, uint8_t *out, size_t count, cudaStream_t stream);

/* ---- frame.cu -------------------------------------------------------------------------------- */

cudaError_t cuda_frame(const CodeFrame *args, cudaStream_t stream);

#ifdef __cplusplus
}
#endif
#endif
