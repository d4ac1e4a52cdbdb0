/* onednn.h - products and convolutions in float32 by oneDNN: weights, and prepared primitives.
 *
 * Only workers call oneDNN, each with its own primitives, which compute each task on that one
 * thread. */
#ifndef CODE_KERNELS_CPU_ONEDNN_H
#define CODE_KERNELS_CPU_ONEDNN_H

#include "product/product.h"

#include <oneapi/dnnl/dnnl.h>

void *onednn_engine_new(CodesrcError *error);
void onednn_engine_free(void *engine);
bool onednn_primitives_open(CpuWorker *worker,
                            CodesrcError *error); /* on the worker's own thread */
void onednn_primitives_close(CpuWorker *worker);

/* ---- weights.c ------------------------------------------------------------------------------- */

enum { ONEDNN_LAYOUTS = 6 };

/* Layouts that are made as shapes ask for them. */
typedef struct OnednnLayouts {
    unsigned count;
    struct {
        dnnl_memory_desc_t desc; /* of a convolution that is not in tiles */
        float *data;
    } layout[ONEDNN_LAYOUTS];
} OnednnLayouts;

/* Weights of a product: chunks of CPU_COLUMNS outputs, each (in, columns), one after the other. Of
 * a convolution: as oneDNN prefers it for the shapes seen so far; (out, in, taps) before the first.
 * Of one in tiles: chunks of CPU_COLUMNS outputs, each (points, in, columns). */
typedef struct OnednnWeight {
    CodeWeight head;
    OnednnLayouts *layouts;
} OnednnWeight;

static inline const OnednnWeight *onednn_weight(const CodeWeight *weight)
{
    return (const OnednnWeight *)weight;
}

/* Weights of a product, or in tiles. */
static inline const float *onednn_data(const CodeWeight *weight)
{
    return onednn_weight(weight)->layouts->layout[0].data;
}

/* A convolution's weights in that layout, made if need be. NULL, with `error` filled in, on
 * failure. */
const float *onednn_weight_in(CpuWorker *worker, const OnednnWeight *weight,
                              const dnnl_memory_desc_t *desc, CodesrcError *error);

/* Calls oneDNN once in every way that is to come. */
bool onednn_warm_up(CpuWorker *worker, CodesrcError *error);

CodeWeight *onednn_pack(CodeDevice *device, const CodeWeightSpec *spec, const float *data,
                        const float *bias, CodesrcError *error);
void onednn_free(CodeWeight *weight);

/* ---- primitives.c ---------------------------------------------------------------------------- */

/* The shape that a primitive is made for. A product of (rows, in) has width 1, height = rows. */
typedef struct OnednnShape {
    uint32_t kind; /* CodeWeightKind */
    uint32_t in, out;
    uint32_t height, width;
    uint32_t out_height, out_width;
    uint32_t top, bottom, left, right; /* padding */
} OnednnShape;

/* A primitive and its arguments. */
typedef struct OnednnProduct {
    struct OnednnProduct *next;
    OnednnShape shape;
    dnnl_primitive_t primitive;
    dnnl_memory_desc_t weights;
    size_t scratch_bytes;
    dnnl_memory_t x, weight, bias, y, scratch; /* bias: of convolutions only */
} OnednnProduct;

/* The worker's primitive for a shape; NULL if it has none yet. */
OnednnProduct *onednn_product_find(const CpuWorker *worker, const OnednnShape *shape);

/* The worker's primitive for a product (rows, in) x (in, columns), made if need be. NULL, with
 * `error` filled in, on failure. */
OnednnProduct *onednn_product_of(CpuWorker *worker, size_t in, size_t columns, size_t rows,
                                 CodesrcError *error);

/* Makes one. `weights` is a layout to prefer, or NULL. NULL, with `error` filled in, on failure. */
OnednnProduct *onednn_product_make(CpuWorker *worker, const OnednnShape *shape,
                                   const dnnl_memory_desc_t *weights, CodesrcError *error);

bool onednn_product_run(CpuWorker *worker, OnednnProduct *product, const float *x,
                        const float *weight, const float *bias, float *y, void *scratch,
                        CodesrcError *error);

/* Runs one primitive on the worker's thread, with the arguments given. */
bool onednn_execute(CpuWorker *worker, dnnl_primitive_t primitive, int count,
                    const dnnl_exec_arg_t *arguments, CodesrcError *error);

/* True for dnnl_success; otherwise false with `error` filled in. */
bool onednn_works(dnnl_status_t status, const char *what, CodesrcError *error);

/* ---- linear.c, conv.c, attention.c ----------------------------------------------------------- */

bool onednn_linear(CodeStream *stream, const CodeLinear *args);
bool onednn_conv(CodeStream *stream, const CodeConv *args);
bool onednn_attention(CodeStream *stream, const CodeAttention *args);

#endif
