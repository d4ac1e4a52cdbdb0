/* kernels.h - the operations of the CUDA backend, and its device code as C functions. The latter
 * check nothing, launch, and return the launch's result. The shape of a launch depends on an
 * image's shape; only the number of blocks depends on the number of images. */
#ifndef CODE_KERNELS_CUDA_KERNELS_H
#define CODE_KERNELS_CUDA_KERNELS_H

#include "backend.h"

#include <cuda_runtime_api.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum CudaType { CUDA_F32, CUDA_F16, CUDA_BF16 } CudaType;

enum { CUDA_TYPES = 3 };

static inline size_t cuda_size(CudaType type)
{
    return type == CUDA_F32 ? 4 : 2;
}

/* ---- products.cu: what surrounds products ---------------------------------------------------- */

/* Weights (out, in, taps) of float32 -> (out, columns) with columns (tap, in), padded with
 * zeros. Without `from` they are the rule's. */
typedef struct CudaPack {
    const float *from;
    CodeSynthetic rule;
    void *to;
    CudaType type;
    unsigned out, in, taps, columns;
} CudaPack;

cudaError_t cuda_pack(const CudaPack *args, cudaStream_t stream);

/* Whether the current device can load a kernel of this build: not one that is of none of the
 * architectures for which device code was compiled. */
cudaError_t cuda_find_code(void);

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

/* ---- parts of operations --------------------------------------------------------------------- */

/* attention.cu: dim 64, 16-bit types only. */
cudaError_t cuda_attend(const CodeAttention *args, CudaType type, cudaStream_t stream);

/* maps.cu: bytes of scratch memory that a group norm of one image needs, and that norm. */
size_t cuda_group_norm_scratch(const CodeGroupNorm *args);
cudaError_t cuda_norm_groups(const CodeGroupNorm *args, CudaType type, void *scratch,
                             cudaStream_t stream);

/* maps.cu: x (count) -> 8-bit values in device memory */
cudaError_t cuda_to_bytes(const float *x, uint8_t *out, size_t count, cudaStream_t stream);

/* ---- operations of backend.h ----------------------------------------------------------------- */

#define CUDA_PROTOTYPE(name, Arguments) bool cuda_##name(CodeStream *stream, const Arguments *args);

CODE_ALL_OPERATIONS(CUDA_PROTOTYPE)

/* What an operation launches with. */
typedef struct CudaLaunch {
    cudaStream_t stream;
    CudaType type; /* of activations */
} CudaLaunch;

/* Begins an operation: false, with the reason in the stream, if it is cancelled or its device is
 * lost. Ends it: true for cudaSuccess; else fills in the stream's error. */
bool cuda_begin(CodeStream *stream, CudaLaunch *launch);
bool cuda_end(CodeStream *stream, cudaError_t error, const char *operation);

#ifdef __cplusplus
}
#endif
#endif
