/* cublas.cc - cuBLAS and cuBLASLt calls, which check our arguments as the real ones do. */
#include "cublasLt.h"
#include "device.h"
#include "matrix.h"

#include <stdint.h>
#include <string.h>

using cuda_on_cpu::Matrix;
using cuda_on_cpu::Product;

struct cublasContext {
    cudaStream_t stream = nullptr;
};

namespace
{

int mood;

/* A matrix (rows, columns) as stored. */
bool well_formed(int64_t rows, int64_t columns, int64_t ld)
{
    return rows > 0 && columns > 0 && ld >= rows;
}

bool aligned(const void *data, uint32_t alignment)
{
    return reinterpret_cast<uintptr_t>(data) % alignment == 0;
}

cublasStatus_t status_of(cudaError_t error)
{
    return error == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

cublasStatus_t result()
{
    return status_of(cudaStreamQuery(nullptr));
}

cublasStatus_t multiply_in(cudaStream_t stream, const Product &p)
{
    return status_of(cuda_on_cpu::submit(stream, [p] {
        cudaError_t error = cudaStreamQuery(nullptr);

        if (error == cudaSuccess)
            cuda_on_cpu::multiply(p);
        return error;
    }));
}

Matrix matrix_of(const void *data, const cublasLtMatrixLayoutOpaque_t *layout, int32_t transposed)
{
    return {const_cast<void *>(data), layout->type, transposed != 0, layout->ld, layout->stride};
}

/* Whether shapes and types of d = a b + c fit together. */
bool consistent(const cublasLtMatmulDescOpaque_t *desc, const cublasLtMatrixLayoutOpaque_t *a,
                const cublasLtMatrixLayoutOpaque_t *b, const cublasLtMatrixLayoutOpaque_t *c,
                const cublasLtMatrixLayoutOpaque_t *d)
{
    uint64_t m = desc->trans_a ? a->columns : a->rows, k = desc->trans_a ? a->rows : a->columns;

    return well_formed(a->rows, a->columns, a->ld) && well_formed(b->rows, b->columns, b->ld) &&
           well_formed(d->rows, d->columns, d->ld) && !desc->trans_b && b->rows == k &&
           d->rows == m && d->columns == b->columns && c->rows == m && c->columns == d->columns &&
           c->type == d->type && a->type == b->type &&
           (d->type == a->type || d->type == CUDA_R_32F) &&
           (desc->epilogue == CUBLASLT_EPILOGUE_DEFAULT ||
            (desc->bias && desc->bias_type == (int32_t)d->type));
}

} // namespace

extern "C" {

void cuda_on_cpu_set_lt(int to)
{
    mood = to;
}

cublasStatus_t cublasCreate(cublasHandle_t *handle)
{
    *handle = new cublasContext;
    return result();
}

cublasStatus_t cublasDestroy(cublasHandle_t handle)
{
    delete handle;
    return result();
}

cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream)
{
    handle->stream = stream;
    return result();
}

cublasStatus_t cublasSetMathMode(cublasHandle_t, cublasMath_t)
{
    return result();
}

cublasStatus_t cublasSetWorkspace(cublasHandle_t, void *, size_t)
{
    return result();
}

const char *cublasGetStatusString(cublasStatus_t status)
{
    return status == CUBLAS_STATUS_SUCCESS         ? "CUBLAS_STATUS_SUCCESS"
           : status == CUBLAS_STATUS_NOT_SUPPORTED ? "CUBLAS_STATUS_NOT_SUPPORTED"
           : status == CUBLAS_STATUS_INVALID_VALUE ? "CUBLAS_STATUS_INVALID_VALUE"
                                                   : "CUBLAS_STATUS_EXECUTION_FAILED";
}

cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t handle, cublasOperation_t op_a,
                                          cublasOperation_t op_b, int m, int n, int k,
                                          const void *alpha, const void *a, cudaDataType a_type,
                                          int a_ld, long long a_stride, const void *b,
                                          cudaDataType b_type, int b_ld, long long b_stride,
                                          const void *beta, void *c, cudaDataType c_type, int c_ld,
                                          long long c_stride, int batch, cublasComputeType_t,
                                          cublasGemmAlgo_t)
{
    Product p = {};

    if (!well_formed(op_a == CUBLAS_OP_T ? k : m, op_a == CUBLAS_OP_T ? m : k, a_ld) ||
        !well_formed(op_b == CUBLAS_OP_T ? n : k, op_b == CUBLAS_OP_T ? k : n, b_ld) ||
        !well_formed(m, n, c_ld) || batch < 1)
        return CUBLAS_STATUS_INVALID_VALUE;
    if (a_type != b_type || (c_type != a_type && c_type != CUDA_R_32F))
        return CUBLAS_STATUS_NOT_SUPPORTED;
    p.m = m, p.n = n, p.k = k, p.batch = batch;
    p.alpha = *static_cast<const float *>(alpha), p.beta = *static_cast<const float *>(beta);
    p.a = {const_cast<void *>(a), a_type, op_a == CUBLAS_OP_T, a_ld, a_stride};
    p.b = {const_cast<void *>(b), b_type, op_b == CUBLAS_OP_T, b_ld, b_stride};
    p.c = p.d = {c, c_type, false, c_ld, c_stride};
    return multiply_in(handle ? handle->stream : nullptr, p);
}

/* ---- cuBLASLt -------------------------------------------------------------------------------- */

cublasStatus_t cublasLtCreate(cublasLtHandle_t *handle)
{
    *handle = reinterpret_cast<cublasLtHandle_t>(&mood);
    return result();
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t)
{
    return result();
}

cublasStatus_t cublasLtMatrixLayoutInit(cublasLtMatrixLayout_t layout, cudaDataType type,
                                        uint64_t rows, uint64_t columns, int64_t ld)
{
    *layout = {type, rows, columns, ld, 0, 1};
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout,
                                                cublasLtMatrixLayoutAttribute_t attribute,
                                                const void *value, size_t size)
{
    bool batch = attribute == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT;

    if (size != (batch ? sizeof layout->batch : sizeof layout->stride))
        return CUBLAS_STATUS_INVALID_VALUE;
    memcpy(batch ? (void *)&layout->batch : (void *)&layout->stride, value, size);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescInit(cublasLtMatmulDesc_t desc, cublasComputeType_t, cudaDataType)
{
    *desc = {0, 0, -1, CUBLASLT_EPILOGUE_DEFAULT, nullptr};
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t desc,
                                              cublasLtMatmulDescAttributes_t attribute,
                                              const void *value, size_t size)
{
    void *field = attribute == CUBLASLT_MATMUL_DESC_TRANSA           ? (void *)&desc->trans_a
                  : attribute == CUBLASLT_MATMUL_DESC_TRANSB         ? (void *)&desc->trans_b
                  : attribute == CUBLASLT_MATMUL_DESC_EPILOGUE       ? (void *)&desc->epilogue
                  : attribute == CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE ? (void *)&desc->bias_type
                                                                     : (void *)&desc->bias;

    if (size != (field == &desc->bias ? sizeof desc->bias : sizeof desc->trans_a))
        return CUBLAS_STATUS_INVALID_VALUE;
    memcpy(field, value, size);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceInit(cublasLtMatmulPreference_t preference)
{
    *preference = {0, {256, 256, 256, 256}, 7};
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t attribute,
                                                    const void *value, size_t size)
{
    bool workspace = attribute == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES;
    bool schemes = attribute == CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK;
    int operand = attribute - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES;

    if (size != (workspace ? sizeof preference->workspace : sizeof *preference->alignment))
        return CUBLAS_STATUS_INVALID_VALUE;
    memcpy(workspace ? (void *)&preference->workspace
           : schemes ? (void *)&preference->schemes
                     : (void *)&preference->alignment[operand],
           value, size);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t desc,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int wanted,
                                              cublasLtMatmulHeuristicResult_t *results, int *count)
{
    *count = 0;
    if (wanted < 1)
        return CUBLAS_STATUS_INVALID_VALUE;
    if (mood == 1 || !consistent(desc, a, b, c, d))
        return CUBLAS_STATUS_NOT_SUPPORTED;
    *results = {};
    results->algo.m = d->rows, results->algo.n = d->columns, results->algo.k = b->rows;
    memcpy(results->algo.alignment, preference->alignment, sizeof preference->alignment);
    *count = 1;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t desc, const void *alpha,
                              const void *a, cublasLtMatrixLayout_t a_layout, const void *b,
                              cublasLtMatrixLayout_t b_layout, const void *beta, const void *c,
                              cublasLtMatrixLayout_t c_layout, void *d,
                              cublasLtMatrixLayout_t d_layout,
                              const cublasLtMatmulAlgo_t *algorithm, void *, size_t,
                              cudaStream_t stream)
{
    Product p = {};

    if (!consistent(desc, a_layout, b_layout, c_layout, d_layout) ||
        algorithm->m != d_layout->rows || algorithm->n != d_layout->columns ||
        algorithm->k != b_layout->rows || !aligned(a, algorithm->alignment[0]) ||
        !aligned(b, algorithm->alignment[1]) || !aligned(c, algorithm->alignment[2]) ||
        !aligned(d, algorithm->alignment[3]) || a_layout->batch != d_layout->batch ||
        b_layout->batch != d_layout->batch || c_layout->batch != d_layout->batch)
        return CUBLAS_STATUS_INVALID_VALUE;
    if (mood == 2 && d_layout->batch > 1)
        return CUBLAS_STATUS_INVALID_VALUE;
    p.m = d_layout->rows, p.n = d_layout->columns, p.k = b_layout->rows, p.batch = d_layout->batch;
    p.alpha = *static_cast<const float *>(alpha), p.beta = *static_cast<const float *>(beta);
    p.a = matrix_of(a, a_layout, desc->trans_a);
    p.b = matrix_of(b, b_layout, desc->trans_b);
    p.c = matrix_of(c, c_layout, 0);
    p.d = matrix_of(d, d_layout, 0);
    p.bias = desc->epilogue == CUBLASLT_EPILOGUE_DEFAULT ? nullptr : desc->bias;
    p.gelu = desc->epilogue == CUBLASLT_EPILOGUE_GELU_BIAS;
    return multiply_in(stream, p);
}

} // extern "C"
