/* cuda.h - shared by the host files of the CUDA backend: devices, streams, weights, products. */
#ifndef CODE_KERNELS_CUDA_CUDA_H
#define CODE_KERNELS_CUDA_CUDA_H

#include "kernels.h"

#include <cublasLt.h>
#include <cublas_v2.h>

/* The types of numbers, by CudaType. */
typedef struct CudaNumber {
    const char *precision;
    cudaDataType data_type;
} CudaNumber;

extern const CudaNumber cuda_numbers[CUDA_TYPES];

struct CodeDevice {
    int index;
    char label[128];  /* for errors: "CUDA device 0 (its name)" */
    CudaType type;    /* of activations */
    atomic_bool lost; /* set by an error from which CUDA never recovers */
};

/* A product y = W x + bias over rows of `columns` numbers. In a convolution these are (tap, in),
 * padded with zeros to a multiple that suits the tensor cores. */
struct CodeWeight {
    CodeWeightSpec spec;
    CudaType type;   /* of the weights and of the rows */
    CudaType y_type; /* of the outputs and the bias */
    unsigned kernel; /* 1 or 3 */
    unsigned columns;
    void *data; /* (out, columns) */
    void *bias; /* (out), zeros if there is none */
};

/* How cuBLASLt computes products of one shape. Chosen once and kept, so that it does not depend
 * on the number of images. */
typedef struct CudaRecipe {
    struct CudaRecipeKey {
        unsigned out, columns, rows;
        uint8_t type, y_type, epilogue, adds;
        uint8_t x_alignment, y_alignment; /* bytes, at most 16 */
        uint16_t used;                    /* 0: an empty place of the table */
    } key;
    bool plain;      /* cuBLASLt has no algorithm: use plain cuBLAS */
    bool one_by_one; /* no more than one group at a time */
    cublasLtMatmulAlgo_t algorithm;
} CudaRecipe;

/* A series of operations, recorded under its key. */
typedef struct CudaSeries {
    unsigned key;
    cudaGraphExec_t graph; /* NULL: it was not recorded */
    bool final;            /* and is not tried again */
} CudaSeries;

enum { CUDA_MOST_SERIES = 64 }; /* per stream; further ones are not recorded */

/* A picture on its way into pinned memory, and from there to its destination. */
typedef struct CudaOwed {
    uint8_t *out;
    size_t stride;
} CudaOwed;

/* Uploads up to this size go through pinned memory, so they do not wait. */
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
    unsigned series_count, series_key; /* key: of the series being recorded */
    bool recording;
    bool marked;              /* a profiler's range is open */
    cudaEvent_t event;        /* on which other streams wait for this one */
    cudaEvent_t began, ended; /* of a measurement, or NULL before the first one */
    /* Pictures on their way, all of the same side. */
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

/* Begins every operation. False, with the reason in the stream, if it is cancelled or its device
 * is lost; else makes the device current for the calling thread. */
bool cuda_goes_on(CudaStream *stream);

/* True for cudaSuccess; else fills in the stream's error, and marks the device as lost if it is. */
bool cuda_ok(CudaStream *stream, cudaError_t error, const char *what);

/* The same for cuBLAS. */
bool cuda_blas_ok(CudaStream *stream, cublasStatus_t status, const char *what);

/* Waits for all work of the stream, or until it is cancelled. */
bool cuda_wait(CudaStream *stream);

/* Makes sure that there are `bytes` of scratch memory. Grows while rehearsing, or for a new shape.
 */
bool cuda_reserve(CudaStream *stream, size_t bytes);

bool cuda_copy(CodeStream *stream, void *to, const void *from, size_t bytes, CodeCopy direction);

/* CodeBackend.mark, if the build has NVTX. */
#ifdef CODE_HAVE_NVTX
void cuda_mark(CodeStream *stream, const char *stage);
#else
#define cuda_mark NULL
#endif

/* CodeBackend.wait, after and times. */
bool cuda_time_begin(CodeStream *stream);
bool cuda_time_end(CodeStream *stream, double *seconds);
bool cuda_wait_for_pictures(CodeStream *stream);
bool cuda_after(CodeStream *stream, CodeStream *other);

/* The status for a failed call of the runtime. */
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

/* Bytes of cuBLAS's workspace, and of scratch memory for strips of rows or sums, which fit the
 * second-level cache of the GPUs we target. */
enum { CUDA_WORKSPACE = 32 << 20, CUDA_SCRATCH = 24 << 20 };

/* ---- series.c: CUDA graphs ------------------------------------------------------------------- */

CodeSeries cuda_series_begin(CodeStream *stream, unsigned key);
CodeSeries cuda_series_end(CodeStream *stream, bool complete);

/* Discards all recordings, because addresses in them are no longer valid. */
void cuda_series_forget(CudaStream *stream);
/* Between the two, nothing is captured, in any thread. */
void cuda_series_wait(void);
void cuda_series_go_on(void);

#endif
