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

/* A matrix of each head, stored column by column. */
typedef struct Matrix {
    const void *data;
    CudaType type;
    size_t column, head; /* elements from one to the next */
} Matrix;

/* c (m, n) = scale * a b for each head, a (m, k), or stored as its transpose; b (k, n). */
typedef struct Product {
    cublasOperation_t op; /* on a */
    unsigned m, n, k, heads;
    float scale;
    Matrix a, b;
    void *c;
    CudaType c_type;
    size_t c_column, c_head;
} Product;

static bool multiply(CudaStream *stream, const Product *p, const char *what)
{
    static const float nothing = 0;
    cublasStatus_t status = cublasGemmStridedBatchedEx(
        stream->blas, p->op, CUBLAS_OP_N, (int)p->m, (int)p->n, (int)p->k, &p->scale, p->a.data,
        cuda_numbers[p->a.type].data_type, (int)p->a.column, (long long)p->a.head, p->b.data,
        cuda_numbers[p->b.type].data_type, (int)p->b.column, (long long)p->b.head, &nothing, p->c,
        cuda_numbers[p->c_type].data_type, (int)p->c_column, (long long)p->c_head, (int)p->heads,
        CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);

    return cuda_blas_ok(stream, status, what);
}

static bool run_part(CudaStream *stream, const CodeAttention *args, const Part *part)
{
    CudaType type = stream->head.device->type;
    size_t size = cuda_size(type), rows = (size_t)part->heads * part->queries;
    size_t kv = part->lane * args->kv_lane + part->head * args->kv_head;
    size_t q = part->lane * args->q_lane + part->head * args->q_head + part->query * args->q_row;
    size_t out =
        part->lane * args->out_lane + part->head * args->out_head + part->query * args->out_row;
    size_t columns = part->columns, head = part->queries * columns;
    float *scores = (float *)stream->scratch;
    void *weights = scores + rows * columns;
    Product scored = {.op = CUBLAS_OP_T, /* scores^T (keys, queries) = k q^T */
                      .m = args->keys,
                      .n = part->queries,
                      .k = args->dim,
                      .heads = part->heads,
                      .scale = args->scale,
                      .a = {(const char *)args->k + kv * size, type, args->kv_row, args->kv_head},
                      .b = {(const char *)args->q + q * size, type, args->q_row, args->q_head},
                      .c = scores,
                      .c_type = CUDA_F32,
                      .c_column = columns,
                      .c_head = head};
    Product summed = {.op = CUBLAS_OP_N, /* out^T (dim, queries) = v^T weights^T */
                      .m = args->dim,
                      .n = part->queries,
                      .k = args->keys,
                      .heads = part->heads,
                      .scale = 1,
                      .a = {(const char *)args->v + kv * size, type, args->kv_row, args->kv_head},
                      .b = {weights, type, columns, head},
                      .c = (char *)args->out + out * size,
                      .c_type = type,
                      .c_column = args->out_row,
                      .c_head = args->out_head};

    return multiply(stream, &scored, "scores") &&
           cuda_ok(
               stream,
               cuda_softmax(scores, weights, type, rows, args->keys, part->columns, stream->stream),
               "a softmax") &&
           multiply(stream, &summed, "an attention");
}

static bool attend_by_products(CudaStream *stream, const CodeAttention *args)
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

bool cuda_attention(CodeStream *base, const CodeAttention *args)
{
    CudaStream *stream = cuda_stream(base);
    CudaType type = base->device->type;

    if (!cuda_goes_on(stream))
        return false;
    if (type == CUDA_F32 || args->dim != CODE_HEAD_SIZE)
        return attend_by_products(stream, args);
    return base->rehearsing ||
           cuda_ok(stream, cuda_attend(args, type, stream->stream), "attention");
}
