/* matrix.cc - matrix products with float32 accumulation, in the order of k. Operands are first
 * copied to float32 panels, under the eyes of the address sanitizer. */
#include "matrix.h"

#include "cuda_bf16.h"
#include "cuda_fp16.h"

#include <math.h>
#include <string.h>
#include <vector>

namespace cuda_on_cpu
{
namespace
{

constexpr int64_t panel = 8, at_once = 4; /* rows and columns of d computed at a time */

/* Converting bits is slower than looking them up. */
struct Halves {
    float value[65536];

    Halves()
    {
        for (unsigned i = 0; i < 65536; i++)
            value[i] = __half2float(__half{static_cast<uint16_t>(i)});
    }
};

float load(const void *data, cudaDataType type, int64_t at)
{
    static const Halves halves;

    if (type == CUDA_R_32F)
        return static_cast<const float *>(data)[at];
    if (type == CUDA_R_16F)
        return halves.value[static_cast<const uint16_t *>(data)[at]];
    return __bfloat162float(static_cast<const __nv_bfloat16 *>(data)[at]);
}

void store(void *data, cudaDataType type, int64_t at, float value)
{
    if (type == CUDA_R_32F)
        static_cast<float *>(data)[at] = value;
    else if (type == CUDA_R_16F)
        static_cast<__half *>(data)[at] = __float2half_rn(value);
    else
        static_cast<__nv_bfloat16 *>(data)[at] = __float2bfloat16_rn(value);
}

float element(const Matrix &matrix, int64_t item, int64_t row, int64_t column)
{
    int64_t at = matrix.transposed ? row * matrix.ld + column : column * matrix.ld + row;

    return load(matrix.data, matrix.type, item * matrix.stride + at);
}

float gelu(float x)
{
    return 0.5f * x * (1 + tanhf(0.7978845608f * (x + 0.044715f * x * x * x)));
}

/* sums (at_once, panel) = a (k, panel) b (at_once, k) */
__attribute__((no_sanitize("address", "undefined"))) void
dot(const float *__restrict a, const float *__restrict b, int64_t k, float *__restrict sums)
{
    float total[at_once][panel] = {};

    for (int64_t i = 0; i < k; i++)
        for (int64_t column = 0; column < at_once; column++)
            for (int64_t row = 0; row < panel; row++)
                total[column][row] += a[i * panel + row] * b[column * k + i];
    memcpy(sums, total, sizeof total);
}

/* Brings sum (panel) into place. */
void finish(const Product &p, int64_t item, int64_t first, int64_t rows, int64_t column,
            const float *sum)
{
    for (int64_t row = 0; row < rows; row++) {
        float value = p.alpha * sum[row];

        if (p.beta != 0)
            value += p.beta * element(p.c, item, first + row, column);
        if (p.bias)
            value += load(p.bias, p.d.type, first + row);
        store(p.d.data, p.d.type, item * p.d.stride + column * p.d.ld + first + row,
              p.gelu ? gelu(value) : value);
    }
}

void multiply_one(const Product &p, int64_t item, float *a, float *b)
{
    for (int64_t column = 0; column < p.n; column++)
        for (int64_t i = 0; i < p.k; i++)
            b[column * p.k + i] = element(p.b, item, i, column);
    for (int64_t first = 0; first < p.m; first += panel) {
        int64_t rows = p.m - first < panel ? p.m - first : panel;

        for (int64_t row = 0; row < panel; row++)
            for (int64_t i = 0; i < p.k; i++)
                a[i * panel + row] = row < rows ? element(p.a, item, first + row, i) : 0;
        for (int64_t column = 0; column < p.n; column += at_once) {
            float sums[at_once * panel];

            dot(a, b + column * p.k, p.k, sums);
            for (int64_t i = 0; i < at_once && column + i < p.n; i++)
                finish(p, item, first, rows, column + i, sums + i * panel);
        }
    }
}

} // namespace

void multiply(const Product &product)
{
    std::vector<float> a(static_cast<size_t>(product.k * panel));
    std::vector<float> b(static_cast<size_t>(product.k * (product.n + at_once)));

    for (int64_t item = 0; item < product.batch; item++)
        multiply_one(product, item, a.data(), b.data());
}

} // namespace cuda_on_cpu
