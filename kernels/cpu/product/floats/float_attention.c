/* float_attention.c - softmax(scale * q k^T) v in float32. A task is a block of queries of one head
 * of one lane: it packs keys and values as the tiles read weights, and keeps the scores of some
 * queries at a time. */
#include "floats.h"

static const double task_work = 64e6; /* operations */
enum { LEAST_QUERIES = 48, ROWS = 24 };

typedef struct Memory {
    float *k;         /* panels of 16 keys, each (dim, 16) */
    float *v;         /* panels of 16 dimensions, each (keys, 16) */
    float *scores;    /* (ROWS, keys, padded) */
    float *sums;      /* (ROWS, dim, padded) */
    size_t keys, dim; /* padded */
} Memory;

static bool take_memory(CpuWorker *worker, const CodeAttention *args, Memory *memory,
                        CodesrcError *error)
{
    size_t keys = pieces(args->keys, FLOAT_PANEL) * FLOAT_PANEL;
    size_t dim = pieces(args->dim, FLOAT_PANEL) * FLOAT_PANEL;
    float *base = cpu_scratch(
        worker, (keys * args->dim + dim * args->keys + ROWS * (keys + dim)) * sizeof *base, error);

    if (!base)
        return false;
    *memory = (Memory){.k = base,
                       .v = base + keys * args->dim,
                       .scores = base + keys * args->dim + dim * args->keys,
                       .keys = keys,
                       .dim = dim};
    memory->sums = memory->scores + ROWS * keys;
    return true;
}

static size_t queries_per_task(const CodeAttention *args)
{
    size_t queries = (size_t)(task_work / (4.0 * args->keys * args->dim)) / ROWS * ROWS;

    return queries < LEAST_QUERIES ? LEAST_QUERIES : queries;
}

/* Some queries, at most ROWS, to their outputs. */
static void attend_rows(const CpuBody *body, const CodeAttention *args, const Memory *memory,
                        const float *q, float *out, size_t rows)
{
    CpuProduct scores = {.a = q,
                         .a_row = args->q_row,
                         .b = memory->k,
                         .b_panel = (size_t)args->dim * FLOAT_PANEL,
                         .c = memory->scores,
                         .c_row = memory->keys,
                         .steps = args->dim,
                         .rows = rows,
                         .panels = memory->keys / FLOAT_PANEL,
                         .width = args->keys};
    CpuProduct outputs = {.a = memory->scores,
                          .a_row = memory->keys,
                          .b = memory->v,
                          .b_panel = (size_t)args->keys * FLOAT_PANEL,
                          .c = memory->sums,
                          .c_row = memory->dim,
                          .steps = args->keys,
                          .rows = rows,
                          .panels = memory->dim / FLOAT_PANEL,
                          .width = args->dim};
    float totals[ROWS];

    body->multiply(&scores);
    for (size_t r = 0; r < rows; r++)
        totals[r] = body->softmax(memory->scores + r * memory->keys, args->keys, args->scale);
    body->multiply(&outputs);
    for (size_t r = 0; r < rows; r++)
        body->divide(out + r * args->out_row, memory->sums + r * memory->dim, args->dim, totals[r]);
}

static bool attend(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const CodeAttention *args = job;
    const CpuBody *body = worker->device->body;
    size_t step = queries_per_task(args), blocks = pieces(args->queries, step);
    size_t lane = task / blocks / args->heads, head = task / blocks % args->heads;
    size_t begin = task % blocks * step, end = least(begin + step, args->queries);
    size_t kv = lane * args->kv_lane + head * args->kv_head;
    const float *q = (const float *)args->q + lane * args->q_lane + head * args->q_head;
    float *out = (float *)args->out + lane * args->out_lane + head * args->out_head;
    Memory memory;

    if (!take_memory(worker, args, &memory, error))
        return false;
    body->pack_keys(memory.k, (const float *)args->k + kv, args->kv_row, args->keys, args->dim);
    body->pack_values(memory.v, (const float *)args->v + kv, args->kv_row, args->keys, args->dim);
    for (size_t row = begin; row < end; row += ROWS)
        attend_rows(body, args, &memory, q + row * args->q_row, out + row * args->out_row,
                    least(ROWS, end - row));
    return true;
}

static bool prepare(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    Memory memory;

    (void)task;
    return take_memory(worker, job, &memory, error);
}

bool cpu_float_attention(CodeStream *stream, const CodeAttention *args)
{
    size_t blocks = pieces(args->queries, queries_per_task(args));

    if (stream->rehearsing)
        return cpu_prepare(stream, prepare, args);
    return cpu_run(stream, attend, args, (size_t)args->lanes * args->heads * blocks);
}
