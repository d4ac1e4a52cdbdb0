/* scores.c - attention by two products and a softmax, for heads that attention.cu does not
 * support: the VQ-VAE's single head, with as many dimensions as channels, and anything in
 * float32. Scores are in scratch memory; the number of heads and queries at a time depends only
 * on the shape. */
#include "cuda.h"

enum { ROUND = 8 };

/* Some heads and queries of one lane. */
typedef struct Part {
    unsigned lane, head, heads, query, queries;
    unsigned columns; /* keys, rounded up */
} Part;

static cublasStatus_t multiply(CudaStream *stream, cublasOperation_t op, int m, int n, int k,
                               const float *scale, const void *a, cudaDataType type, size_t a_ld,
                               size_t a_head, const void *b, size_t b_ld, size_t b_head, void *c,
                               cudaDataType c_type, size_t c_ld, size_t c_head, int heads)
{
    static const float nothing = 0;

    return cublasGemmStridedBatchedEx(
        stream->blas, op, CUBLAS_OP_N, m, n, k, scale, a, type, (int)a_ld, (long long)a_head, b,
        type, (int)b_ld, (long long)b_head, &nothing, c, c_type, (int)c_ld, (long long)c_head,
        heads, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);
}

static bool run_part(CudaStream *stream, const CodeAttention *args, const Part *part)
{
    static const cudaDataType names[] = {CUDA_R_32F, CUDA_R_16F, CUDA_R_16BF};
    static const float one = 1;
    CudaType type = stream->head.device->type;
    size_t size = cuda_size(type), rows = (size_t)part->heads * part->queries;
    size_t kv = part->lane * args->kv_lane + part->head * args->kv_head;
    size_t q = part->lane * args->q_lane + part->head * args->q_head + part->query * args->q_row;
    size_t out =
        part->lane * args->out_lane + part->head * args->out_head + part->query * args->out_row;
    size_t head = (size_t)part->queries * part->columns;
    float *scores = (float *)stream->scratch;
    void *weights = scores + rows * part->columns;
    int dim = (int)args->dim, queries = (int)part->queries, keys = (int)args->keys;

    /* scores^T (keys, queries) = k q^T, then out^T (dim, queries) = v^T weights^T */
    return cuda_blas_ok(stream,
                        multiply(stream, CUBLAS_OP_T, keys, queries, dim, &args->scale,
                                 (const char *)args->k + kv * size, names[type], args->kv_row,
                                 args->kv_head, (const char *)args->q + q * size, args->q_row,
                                 args->q_head, scores, CUDA_R_32F, part->columns, head,
                                 (int)part->heads),
                        "scores") &&
           cuda_ok(
               stream,
               cuda_softmax(scores, weights, type, rows, args->keys, part->columns, stream->stream),
               "a softmax") &&
           cuda_blas_ok(stream,
                        multiply(stream, CUBLAS_OP_N, dim, queries, keys, &one,
                                 (const char *)args->v + kv * size, names[type], args->kv_row,
                                 args->kv_head, weights, part->columns, head,
                                 (char *)args->out + out * size, names[type], args->out_row,
                                 args->out_head, (int)part->heads),
                        "an attention");
}

bool cuda_attention_by_products(CudaStream *stream, const CodeAttention *args)
{
    unsigned columns = (args->keys + ROUND - 1) / ROUND * ROUND;
    size_t row = columns * (sizeof(float) + cuda_size(stream->head.device->type));
    size_t rows = CUDA_SCRATCH / row ? CUDA_SCRATCH / row : 1;
    unsigned queries = rows < args->queries ? (unsigned)rows : args->queries;
    unsigned together = rows / queries < args->heads ? (unsigned)(rows / queries) : args->heads;

    if (!cuda_reserve(stream, (size_t)together * queries * row))
        return false;
    for (unsigned lane = 0; lane < args->lanes && !stream->head.rehearsing; lane++)
        for (unsigned head = 0; head < args->heads; head += together)
            for (unsigned query = 0; query < args->queries; query += queries) {
                unsigned heads = args->heads - head < together ? args->heads - head : together;
                unsigned left = args->queries - query;
                Part part = {lane, head, heads, query, left < queries ? left : queries, columns};

                if (!cuda_goes_on(stream) || !run_part(stream, args, &part))
                    return false;
            }
    return true;
}
