/* products.c - matrix products: by cuBLASLt with bias and gelu in its epilogue, or by plain cuBLAS.
 *
 * A group of rows belongs to one image. Groups are a batch of products, and cuBLASLt's
 * heuristics, not timing, choose the algorithm for one of them, so that neither the number of
 * images nor the machine's load affects the order of a sum. */
#include "cuda.h"

#include "error.h"

#include <stdlib.h>
#include <string.h>

static const float one = 1, nothing = 0;

/* ---- recipes --------------------------------------------------------------------------------- */

/* The largest power of two, up to 16, that divides all components of an operand's addresses. */
static uint8_t alignment_of(const void *data, size_t stride, size_t group)
{
    uintptr_t all = (uintptr_t)data | stride | group | 16;

    return (uint8_t)(all & -all);
}

static struct CudaRecipeKey key_of(const CudaProduct *p)
{
    const CodeWeight *weight = p->weight;
    size_t x_size = cuda_size(weight->type), y_size = cuda_size(weight->y_type);
    struct CudaRecipeKey key;
    uintptr_t y = (uintptr_t)p->y | (uintptr_t)p->add;

    memset(&key, 0, sizeof key);
    key.out = weight->spec.out;
    key.columns = weight->columns;
    key.rows = p->rows;
    key.type = (uint8_t)weight->type;
    key.y_type = (uint8_t)weight->y_type;
    key.epilogue = p->gelu;
    key.adds = p->add != NULL;
    key.x_alignment = alignment_of(p->x, weight->columns * x_size, p->x_group * x_size);
    key.y_alignment = alignment_of((void *)y, weight->spec.out * y_size, p->y_group * y_size);
    key.used = 1;
    return key;
}

static unsigned place_of(const CudaRecipe *table, unsigned places, const struct CudaRecipeKey *key)
{
    unsigned hash = (key->out * 31 + key->columns) * 31 + key->rows * 8 + key->type * 4 +
                    key->epilogue * 2 + key->adds;

    for (hash *= 0x9E3779B1u, hash ^= hash >> 15;; hash++) {
        const CudaRecipe *recipe = &table[hash & (places - 1)];

        if (!recipe->key.used || !memcmp(&recipe->key, key, sizeof *key))
            return hash & (places - 1);
    }
}

static bool grow(CudaStream *stream)
{
    unsigned places = stream->recipe_places ? 2 * stream->recipe_places : 128;
    CudaRecipe *table = calloc(places, sizeof *table);

    if (!table)
        return code_fail(&stream->head.error, CODESRC_NO_MEMORY, "no memory for %u recipes",
                         places);
    for (unsigned i = 0; i < stream->recipe_places; i++)
        if (stream->recipes[i].key.used)
            table[place_of(table, places, &stream->recipes[i].key)] = stream->recipes[i];
    free(stream->recipes);
    stream->recipes = table;
    stream->recipe_places = places;
    return true;
}

/* ---- what cuBLASLt wants to know ------------------------------------------------------------- */

/* cuBLAS stores columns: y^T (out, rows) = W (out, columns) x^T (columns, rows), W being stored as
 * W^T (columns, out). */
typedef struct Problem {
    cublasLtMatmulDescOpaque_t what;
    cublasLtMatrixLayoutOpaque_t w, x, y;
} Problem;

static bool batch(cublasLtMatrixLayoutOpaque_t *layout, unsigned groups, size_t stride)
{
    int32_t count = (int32_t)groups;
    int64_t offset = (int64_t)stride;

    return !cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count,
                                             sizeof count) &&
           !cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET,
                                             &offset, sizeof offset);
}

static bool describe(Problem *problem, const CudaProduct *p, unsigned groups)
{
    const CodeWeight *weight = p->weight;
    cudaDataType type = cuda_numbers[weight->type].data_type,
                 y_type = cuda_numbers[weight->y_type].data_type;
    unsigned out = weight->spec.out, columns = weight->columns;
    cublasLtEpilogue_t epilogue = p->gelu ? CUBLASLT_EPILOGUE_GELU_BIAS : CUBLASLT_EPILOGUE_BIAS;
    cublasOperation_t transposed = CUBLAS_OP_T;
    int32_t bias_type = y_type;
    const void *bias = weight->bias;
    cublasLtMatmulDesc_t what = &problem->what;

    return !cublasLtMatmulDescInit(what, CUBLAS_COMPUTE_32F, CUDA_R_32F) &&
           !cublasLtMatmulDescSetAttribute(what, CUBLASLT_MATMUL_DESC_TRANSA, &transposed,
                                           sizeof transposed) &&
           !cublasLtMatmulDescSetAttribute(what, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue,
                                           sizeof epilogue) &&
           !cublasLtMatmulDescSetAttribute(what, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias,
                                           sizeof bias) &&
           !cublasLtMatmulDescSetAttribute(what, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, &bias_type,
                                           sizeof bias_type) &&
           !cublasLtMatrixLayoutInit(&problem->w, type, columns, out, columns) &&
           !cublasLtMatrixLayoutInit(&problem->x, type, columns, p->rows, columns) &&
           !cublasLtMatrixLayoutInit(&problem->y, y_type, out, p->rows, out) &&
           batch(&problem->w, groups, 0) && batch(&problem->x, groups, p->x_group) &&
           batch(&problem->y, groups, p->y_group);
}

/* Split sums need workspace in proportion to the groups: limit one group's so that all fit. Left to
 * itself, the library may round partial sums to the type of the output. */
static bool prefer(cublasLtMatmulPreferenceOpaque_t *preference, const struct CudaRecipeKey *key)
{
    uint64_t workspace = CUDA_WORKSPACE / CODESRC_MAX_BATCH;
    uint32_t w = alignment_of(NULL, (size_t)key->columns * cuda_size((CudaType)key->type), 0);
    uint32_t x = key->x_alignment, y = key->y_alignment;
    uint32_t scheme = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;

    return !cublasLtMatmulPreferenceInit(preference) &&
           !cublasLtMatmulPreferenceSetAttribute(preference,
                                                 CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                                 &workspace, sizeof workspace) &&
           !cublasLtMatmulPreferenceSetAttribute(
               preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &scheme, sizeof scheme) &&
           !cublasLtMatmulPreferenceSetAttribute(
               preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, &w, sizeof w) &&
           !cublasLtMatmulPreferenceSetAttribute(
               preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, &x, sizeof x) &&
           !cublasLtMatmulPreferenceSetAttribute(
               preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, &y, sizeof y) &&
           !cublasLtMatmulPreferenceSetAttribute(
               preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, &y, sizeof y);
}

static void choose(CudaStream *stream, const CudaProduct *p, CudaRecipe *recipe)
{
    cublasLtMatmulPreferenceOpaque_t preference;
    cublasLtMatmulHeuristicResult_t best;
    Problem problem;
    int found = 0;

    /* The library's GELU is as accurate as 16 bits need: nothing is known of it in float32. */
    recipe->plain =
        (p->gelu && p->weight->y_type == CUDA_F32) || !describe(&problem, p, 1) ||
        !prefer(&preference, &recipe->key) ||
        cublasLtMatmulAlgoGetHeuristic(stream->lt, &problem.what, &problem.w, &problem.x,
                                       &problem.y, &problem.y, &preference, 1, &best, &found) ||
        found < 1 || best.state != CUBLAS_STATUS_SUCCESS;
    if (!recipe->plain)
        recipe->algorithm = best.algo;
}

/* The recipe of a product; NULL on failure. */
static CudaRecipe *recipe_for(CudaStream *stream, const CudaProduct *p)
{
    struct CudaRecipeKey key = key_of(p);
    CudaRecipe *recipe;

    if (2 * stream->recipe_count >= stream->recipe_places && !grow(stream))
        return NULL;
    recipe = &stream->recipes[place_of(stream->recipes, stream->recipe_places, &key)];
    if (!recipe->key.used) {
        recipe->key = key;
        stream->recipe_count++;
        choose(stream, p, recipe);
    }
    return recipe;
}

/* ---- computing ------------------------------------------------------------------------------- */

static cublasStatus_t by_lt(CudaStream *stream, const CudaProduct *p, const CudaRecipe *recipe,
                            unsigned first, unsigned groups)
{
    const CodeWeight *weight = p->weight;
    size_t y_at = first * p->y_group * cuda_size(weight->y_type);
    const char *x = (const char *)p->x + first * p->x_group * cuda_size(weight->type);
    const char *add = p->add ? (const char *)p->add + y_at : (char *)p->y + y_at;
    Problem problem;

    if (!describe(&problem, p, groups))
        return CUBLAS_STATUS_INVALID_VALUE;
    return cublasLtMatmul(stream->lt, &problem.what, &one, weight->data, &problem.w, x, &problem.x,
                          p->add ? &one : &nothing, add, &problem.y, (char *)p->y + y_at,
                          &problem.y, &recipe->algorithm, stream->workspace, CUDA_WORKSPACE,
                          stream->stream);
}

/* The same without an epilogue: first copies the addend to y; afterwards applies bias and gelu. */
static bool by_cublas(CudaStream *stream, const CudaProduct *p)
{
    const CodeWeight *weight = p->weight;
    int out = (int)weight->spec.out, columns = (int)weight->columns, rows = (int)p->rows;
    size_t y_size = cuda_size(weight->y_type);
    cublasStatus_t status;

    for (unsigned group = 0; p->add && p->add != p->y && group < p->groups; group++) {
        size_t at = group * p->y_group * y_size;

        if (!cuda_ok(stream,
                     cudaMemcpyAsync((char *)p->y + at, (const char *)p->add + at,
                                     (size_t)p->rows * weight->spec.out * y_size,
                                     cudaMemcpyDeviceToDevice, stream->stream),
                     "copying"))
            return false;
    }
    status = cublasGemmStridedBatchedEx(
        stream->blas, CUBLAS_OP_T, CUBLAS_OP_N, out, rows, columns, &one, weight->data,
        cuda_numbers[weight->type].data_type, columns, 0, p->x,
        cuda_numbers[weight->type].data_type, columns, (long long)p->x_group,
        p->add ? &one : &nothing, p->y, cuda_numbers[weight->y_type].data_type, out,
        (long long)p->y_group, (int)p->groups, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);
    if (!cuda_blas_ok(stream, status, "a product"))
        return false;
    for (unsigned group = 0; group < p->groups; group++)
        if (!cuda_ok(stream,
                     cuda_bias((char *)p->y + group * p->y_group * y_size, weight->bias,
                               weight->y_type, p->rows, weight->spec.out, p->gelu, stream->stream),
                     "adding a bias"))
            return false;
    return true;
}

/* Plain cuBLAS makes its own choice, which may depend on the number of groups: one at a time. */
static bool by_cublas_one_by_one(CudaStream *stream, const CudaProduct *p)
{
    size_t x_size = cuda_size(p->weight->type), y_size = cuda_size(p->weight->y_type);
    bool good = true;

    for (unsigned group = 0; good && group < p->groups; group++) {
        CudaProduct single = *p;

        single.x = (const char *)p->x + group * p->x_group * x_size;
        single.y = (char *)p->y + group * p->y_group * y_size;
        single.add = p->add ? (const char *)p->add + group * p->y_group * y_size : NULL;
        single.groups = 1;
        good = by_cublas(stream, &single);
    }
    return good;
}

static bool prepare(CudaStream *stream)
{
    if (stream->workspace)
        return true;
    if (!cuda_ok(stream, cudaMalloc(&stream->workspace, CUDA_WORKSPACE), "the products' workspace"))
        return false;
    return cuda_blas_ok(stream, cublasSetWorkspace(stream->blas, stream->workspace, CUDA_WORKSPACE),
                        "setting a workspace");
}

/* Whether cuBLASLt refused because an algorithm does not serve this many groups: it reports a
 * workspace that is too small for them as an invalid value. */
static bool refused(cublasStatus_t status)
{
    return status == CUBLAS_STATUS_NOT_SUPPORTED || status == CUBLAS_STATUS_INVALID_VALUE;
}

bool cuda_product(CudaStream *stream, const CudaProduct *p)
{
    CudaRecipe *recipe;
    cublasStatus_t status = CUBLAS_STATUS_NOT_SUPPORTED;

    if (!prepare(stream) || !(recipe = recipe_for(stream, p)))
        return false;
    if (stream->head.rehearsing)
        return true;
    if (!recipe->plain && !recipe->one_by_one)
        status = by_lt(stream, p, recipe, 0, p->groups);
    if (!recipe->plain && p->groups > 1 && refused(status)) {
        recipe->one_by_one = true;
        status = CUBLAS_STATUS_SUCCESS;
        for (unsigned group = 0; group < p->groups && status == CUBLAS_STATUS_SUCCESS; group++)
            status = by_lt(stream, p, recipe, group, 1);
    }
    if (refused(status))
        return by_cublas_one_by_one(stream, p);
    return cuda_blas_ok(stream, status, "a product");
}
