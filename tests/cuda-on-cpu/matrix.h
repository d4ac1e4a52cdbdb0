/* matrix.h - the product that both kinds of emulated cuBLAS calls come down to. */
#ifndef CUDA_ON_CPU_MATRIX_H
#define CUDA_ON_CPU_MATRIX_H

#include "cublas_v2.h"

#include <stdint.h>

namespace cuda_on_cpu
{

struct Matrix {
    void *data;
    cudaDataType type;
    bool transposed;
    int64_t ld, stride; /* stride: from one of the batch to the next */
};

/* d (m, n) = f(alpha * a b + beta * c + bias (m)), column by column, `batch` times; a (m, k) and b
 * (k, n) after transposing; f is gelu or nothing. bias is of d's type, or NULL. */
struct Product {
    int64_t m, n, k, batch;
    float alpha, beta;
    Matrix a, b, c, d;
    const void *bias;
    bool gelu;
};

void multiply(const Product &product);

} // namespace cuda_on_cpu

#endif
