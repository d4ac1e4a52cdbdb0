/* packed_attention.c - softmax(scale * q k^T) v over bfloat16. A task is a block of queries of one
 * head of one lane: it packs keys and values as the tile kernel reads its weights, and keeps the
 * scores of a few queries at a time. */
#include "packed.h"

#include <string.h>

enum { MIN_QUERIES = 48 };            /* of a task: a multiple of the rows of any tile */
static const double task_work = 64e6; /* multiplications */

/* Memory of a task. Keys are panels of 64 columns over the head's dimensions; values panels of 64
 * dimensions over the keys. */
typedef struct Memory {
    size_t keys;       /* padded to 64 */
    size_t pairs;      /* of dimensions; the last may have only one */
    unsigned rows;     /* queries at a time */
    uint32_t *k;       /* (keys / 64, pairs, 64) pairs of dimensions */
    uint32_t *v;       /* (dim / 64, keys / 2, 64) pairs of keys */
    float *scores;     /* (rows, keys) */
    uint16_t *weights; /* (rows, keys) */
    float *tile;       /* (rows, 64) */
    uint16_t *q;       /* (rows, 2 * pairs), if rows of queries end within a pair */
} Memory;

static size_t align(size_t bytes)
{
    return pieces(bytes, 64) * 64;
}

static bool take_memory(CpuWorker *worker, const CodeAttention *args, Memory *memory,
                        CodesrcError *error)
{
    unsigned rows = worker->device->gemm->rows[4];
    size_t keys = pieces(args->keys, 64) * 64, dim = pieces(args->dim, 64) * 64;
    size_t k = align(keys * dim * 2), scores = align(rows * keys * 4),
           weights = align(rows * keys * 2);
    char *base = cpu_scratch(worker, 2 * k + scores + weights + rows * (64 * 4 + dim * 2), error);

    if (!base)
        return false;
    memory->rows = rows;
    memory->keys = keys;
    memory->pairs = pieces(args->dim, 2);
    memory->k = (uint32_t *)base;
    memory->v = (uint32_t *)(base + k);
    memory->scores = (float *)(base + 2 * k);
    memory->weights = (uint16_t *)(base + 2 * k + scores);
    memory->tile = (float *)(base + 2 * k + scores + weights);
    memory->q = (uint16_t *)(memory->tile + rows * 64);
    return true;
}

/* Pointers to the rows of some queries, in whole pairs. */
static void find_queries(const CodeAttention *args, const Memory *memory, const uint16_t *q,
                         unsigned rows, const void **from)
{
    for (unsigned r = 0; r < rows; r++, q += args->q_row) {
        uint16_t *copy = memory->q + r * 2 * memory->pairs;

        from[r] = q;
        if (args->dim % 2 == 0)
            continue;
        memcpy(copy, q, args->dim * sizeof *copy);
        copy[args->dim] = 0;
        from[r] = copy;
    }
}

/* Weights of `rows` queries: the softmax before its division, in bfloat16; the divisors go to
 * `totals`. */
static void weigh(const CpuGemm *gemm, const CodeAttention *args, const Memory *memory,
                  const void *const *q, unsigned rows, float *totals)
{
    for (size_t panel = 0; panel < memory->keys / 64; panel++) {
        GemmTile tile = {.a = q,
                         .b = memory->k + panel * memory->pairs * 64,
                         .c = memory->scores + panel * 64,
                         .c_row = memory->keys,
                         .taps = 1,
                         .steps = (unsigned)memory->pairs,
                         .rows = rows,
                         .vectors = 4};

        gemm->bf16(&tile);
    }
    for (unsigned r = 0; r < rows; r++)
        totals[r] =
            gemm->softmax(memory->weights + r * memory->keys, memory->scores + r * memory->keys,
                          args->keys, memory->keys, args->scale);
}

static size_t queries_per_task(const CodeAttention *args)
{
    size_t queries = (size_t)(task_work / (2.0 * args->keys * args->dim)) / MIN_QUERIES;

    return queries ? queries * MIN_QUERIES : MIN_QUERIES;
}

static bool attend(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const CodeAttention *args = job;
    const CpuBody *body = worker->device->body;
    const CpuGemm *gemm = worker->device->gemm;
    size_t step = queries_per_task(args), blocks = pieces(args->queries, step);
    size_t lane = task / blocks / args->heads, head = task / blocks % args->heads;
    size_t begin = task % blocks * step, end = least(begin + step, args->queries);
    size_t kv = lane * args->kv_lane + head * args->kv_head;
    const uint16_t *q = (const uint16_t *)args->q + lane * args->q_lane + head * args->q_head;
    uint16_t *out = (uint16_t *)args->out + lane * args->out_lane + head * args->out_head;
    Memory memory;

    if (!take_memory(worker, args, &memory, error))
        return false;
    gemm->pack_columns(memory.k, (const uint16_t *)args->k + kv, args->kv_row, args->keys,
                       args->dim);
    gemm->pack_steps(memory.v, (const uint16_t *)args->v + kv, args->kv_row, args->keys, args->dim);
    for (size_t row = begin; row < end; row += memory.rows) {
        unsigned rows = (unsigned)least(memory.rows, end - row);
        const void *from[GEMM_ROWS];
        float totals[GEMM_ROWS];

        find_queries(args, &memory, q + row * args->q_row, rows, from);
        weigh(gemm, args, &memory, from, rows, totals);
        for (unsigned r = 0; r < rows; r++)
            from[r] = memory.weights + r * memory.keys;
        for (size_t d = 0; d < args->dim; d += 64) {
            GemmTile tile = {.a = from,
                             .b = memory.v + d / 64 * memory.keys / 2 * 64,
                             .c = memory.tile,
                             .c_row = 64,
                             .taps = 1,
                             .steps = (unsigned)memory.keys / 2,
                             .rows = rows,
                             .vectors = 4};

            gemm->bf16(&tile);
            for (unsigned r = 0; r < rows; r++)
                body->divide(out + (row + r) * args->out_row + d, memory.tile + r * 64,
                             least(64, args->dim - d), totals[r]);
        }
    }
    return true;
}

static bool prepare(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    Memory memory;

    (void)task;
    return take_memory(worker, job, &memory, error);
}

bool cpu_packed_attention(CodeStream *stream, const CodeAttention *args)
{
    size_t blocks = pieces(args->queries, queries_per_task(args));

    if (stream->rehearsing)
        return cpu_prepare(stream, prepare, args);
    return cpu_run(stream, attend, args, (size_t)args->lanes * args->heads * blocks);
}
