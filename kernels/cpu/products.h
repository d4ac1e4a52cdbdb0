/* products.h - matrix products and convolutions by oneDNN: weights, and prepared primitives.
 *
 * oneDNN is called on the workers only, each with its own primitives, and computes each task on
 * that one thread. */
#ifndef CODE_KERNELS_CPU_PRODUCTS_H
#define CODE_KERNELS_CPU_PRODUCTS_H

#include "cpu.h"

#include <oneapi/dnnl/dnnl.h>

enum { CPU_COLUMNS = 64, CPU_LAYOUTS = 6 };

/* Weights of a product: chunks of CPU_COLUMNS outputs, each (in, columns), one after the other.
 * Of a convolution: as oneDNN likes it for the shapes seen so far; (out, in, taps) before the
 * first. Of one in tiles: chunks of CPU_COLUMNS outputs, each (points, in, columns). */
struct CodeWeight {
    CodeWeightSpec spec;
    struct CpuPacked *packed; /* then the rest is unused: packed.h */
    float *bias;              /* (out, padded to 16), zeros where there is none */
    void *zeros;              /* of a convolution in tiles: inputs outside of the map */
    unsigned layouts;
    struct {
        dnnl_memory_desc_t desc; /* unused for products */
        float *data;
    } layout[CPU_LAYOUTS];
};

/* Weights in that layout, made if need be. NULL, with `error` filled in, on failure. */
float *cpu_weight_in(CpuWorker *worker, CodeWeight *weight, const dnnl_memory_desc_t *desc,
                     CodesrcError *error);

/* What a primitive computes. A product of (rows, in) has width 1, height = rows. */
typedef struct CpuShape {
    uint32_t kind; /* CodeWeightKind */
    uint32_t in, out;
    uint32_t height, width;
    uint32_t out_height, out_width;
    uint32_t top, bottom, left, right; /* padding */
} CpuShape;

/* A primitive and its arguments. */
typedef struct CpuProduct {
    struct CpuProduct *next;
    CpuShape shape;
    dnnl_primitive_t primitive;
    dnnl_memory_desc_t weights;
    size_t scratch_bytes;
    dnnl_memory_t x, weight, bias, y, scratch; /* bias: of convolutions only */
} CpuProduct;

/* The worker's primitive for a shape; NULL if it has none yet. */
CpuProduct *cpu_product_find(const CpuWorker *worker, const CpuShape *shape);

/* Makes one. `weights` is a layout to prefer, or NULL. NULL, with `error` filled in, on failure. */
CpuProduct *cpu_product_make(CpuWorker *worker, const CpuShape *shape,
                             const dnnl_memory_desc_t *weights, CodesrcError *error);

bool cpu_product_run(CpuWorker *worker, CpuProduct *product, const float *x, const float *weight,
                     const float *bias, float *y, void *scratch, CodesrcError *error);

/* Runs one primitive on the worker's thread, with the arguments given. */
bool cpu_execute(CpuWorker *worker, dnnl_primitive_t primitive, int count,
                 const dnnl_exec_arg_t *arguments, CodesrcError *error);

/* True for dnnl_success; otherwise false with `error` filled in. */
bool cpu_works(dnnl_status_t status, const char *what, CodesrcError *error);

#endif
