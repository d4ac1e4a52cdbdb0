/* cuda.h - what the host files of the CUDA backend share: devices, streams, weights, products. */
#ifndef CODE_KERNELS_CUDA_CUDA_H
#define CODE_KERNELS_CUDA_CUDA_H

#include "kernels.h"

#include <cublasLt.h>
#include <cublas_v2.h>

struct CodeDevice {
    int index;
    char label[128];  /* for errors: "CUDA device 0 (its name)" */
    CudaType type;    /* of activations */
    atomic_bool lost; /* after an error that CUDA never recovers from */
};

/* A product y = W x + bias over rows of `columns` numbers. Of a convolution they are (tap, in),
 * with zeros behind up to a multiple that the tensor cores like. */
struct CodeWeight {
    CodeWeightSpec spec;
    CudaType type;   /* of the weights and of the rows */
    CudaType y_type; /* of the outputs and the bias */
    unsigned kernel; /* 1 or 3 */
    unsigned columns;
    void *data; /* (out, columns) */
    void *bias; /* (out), zeros where there is none */
};

/* How cuBLASLt computes products of one shape. Found once, and kept: so it does not depend on how
 * many images there are. */
typedef struct CudaRecipe {
    struct CudaRecipeKey {
        unsigned out, columns, rows;
        uint8_t type, y_type, epilogue, adds;
        uint8_t x_alignment, y_alignment; /* bytes, at most 16 */
        uint16_t used;                    /* 0: an empty place of the table */
    } key;
    bool plain;      /* cuBLASLt has nothing for it: plain cuBLAS */
    bool one_by_one; /* no more than one group at a time */
    cublasLtMatmulAlgo_t algorithm;
} CudaRecipe;

/* A series of operations, recorded under its key. */
typedef struct CudaSeries {
    unsigned key;
    cudaGraphExec_t graph; /* NULL: it cannot be recorded */
} CudaSeries;

enum { CUDA_MOST_SERIES = 64 }; /* of a stream; what comes after them is not recorded */

/* A picture that is on its way into pinned memory, and from there to where it is wanted. */
typedef struct CudaOwed {
    uint8_t *out;
    size_t stride;
} CudaOwed;

/* Uploads up to this size go through pinned memory, and so do not wait. */
enum { CUDA_RING = 1 << 18, CUDA_RING_LARGEST = CUDA_RING / 4 };

typedef struct CudaStream {
    CodeStream head;
    cudaStream_t stream;
    cublasHandle_t blas;
    cublasLtHandle_t lt;
    void *workspace; /* of cuBLAS, or NULL until the first product */
    char *scratch;
    size_t scratch_size;
    CudaRecipe *recipes; /* hash table; the number of places is a power of two, or 0 */
    unsigned recipe_places, recipe_count;
    char *ring; /* pinned */
    size_t ring_at;
    CudaSeries series[CUDA_MOST_SERIES];
    unsigned series_count, series_key; /* key: of the one that is recorded now */
    bool recording;
    cudaEvent_t event; /* for streams that come after this one */
    /* Pictures on their way: all of one side. */
    CudaOwed owed[CODESRC_MAX_BATCH];
    unsigned owed_count, owed_room, owed_side;
    uint8_t *pinned; /* (owed_room, side, side, 3) */
} CudaStream;

static inline CudaStream *cuda_stream(CodeStream *stream)
{
    return (CudaStream *)stream;
}

/* ---- stream.c -------------------------------------------------------------------------------- */

CodeStream *cuda_stream_open(CodeDevice *device, const atomic_bool *cancelled, CodesrcError *error);
void cuda_stream_close(CodeStream *stream);

/* False, with the reason in the stream, once it is cancelled or its device is lost; else the device
 * is the calling thread's. Begins every operation. */
bool cuda_goes_on(CudaStream *stream);

/* True for cudaSuccess; else fills in the stream's error, and marks the device as lost where it is.
 */
bool cuda_ok(CudaStream *stream, cudaError_t error, const char *what);

/* The same for cuBLAS. */
bool cuda_blas_ok(CudaStream *stream, cublasStatus_t status, const char *what);

/* Waits for everything that was asked of the stream, or until it is cancelled. */
bool cuda_wait(CudaStream *stream);

/* Makes sure of `bytes` of scratch memory. Grows while rehearsing, or for a shape not seen before.
 */
bool cuda_reserve(CudaStream *stream, size_t bytes);

bool cuda_copy(CodeStream *stream, void *to, const void *from, size_t bytes, CodeCopy direction);

/* CodeBackend.wait and after. */
bool cuda_wait_for_pictures(CodeStream *stream);
bool cuda_after(CodeStream *stream, CodeStream *other);

/* What a failed call of the runtime means. */
CodesrcStatus cuda_status(cudaError_t error);

/* ---- products.c ------------------------------------------------------------------------------ */

/* y (groups, rows, out) = f(W x + bias + add): x (groups, rows, columns). Strides count elements.
 */
typedef struct CudaProduct {
    const CodeWeight *weight;
    const void *x, *add; /* add: NULL, or of y's type and strides; may be y */
    void *y;
    size_t x_group, y_group;
    unsigned groups, rows;
    bool gelu;
} CudaProduct;

bool cuda_product(CudaStream *stream, const CudaProduct *product);

/* Bytes: of cuBLAS; and of scratch memory, which is strips of rows or of sums that stay within the
 * second-level cache of the GPUs that we are made for. */
enum { CUDA_WORKSPACE = 32 << 20, CUDA_SCRATCH = 24 << 20 };

/* ---- pictures.c ------------------------------------------------------------------------------ */

bool cuda_pixels_out(CodeStream *stream, const CodePixels *args);

/* ---- series.c: CUDA graphs ------------------------------------------------------------------- */

CodeSeries cuda_series_begin(CodeStream *stream, unsigned key);
CodeSeries cuda_series_end(CodeStream *stream, bool complete);

/* Forgets what was recorded: addresses in it are not valid any more. */
void cuda_series_forget(CudaStream *stream);

/* ---- layers.c: products and what surrounds them ---------------------------------------------- */

bool cuda_linear(CodeStream *stream, const CodeLinear *args);
bool cuda_conv(CodeStream *stream, const CodeConv *args);

/* ---- scores.c: attention for types and sizes that cuda_attention does not have --------------- */

bool cuda_attention_by_products(CudaStream *stream, const CodeAttention *args);

#endif
