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
    float *q;         /* (ROWS, dim), if queries must be widened */
    size_t keys, dim; /* padded */
} Memory;

static bool take_memory(CpuWorker *worker, const CodeAttention *args, Memory *memory,
                        CodesrcError *error)
{
    size_t keys = pieces(args->keys, FLOAT_PANEL) * FLOAT_PANEL;
    size_t dim = pieces(args->dim, FLOAT_PANEL) * FLOAT_PANEL;
    float *base = cpu_scratch(
        worker, (keys * args->dim + dim * args->keys + ROWS * (keys + 2 * dim)) * sizeof *base,
        error);

    if (!base)
        return false;
    *memory = (Memory){.k = base,
                       .v = base + keys * args->dim,
                       .scores = base + keys * args->dim + dim * args->keys,
                       .keys = keys,
                       .dim = dim};
    memory->sums = memory->scores + ROWS * keys;
    memory->q = memory->sums + ROWS * dim;
    return true;
}

static size_t queries_per_task(const CodeAttention *args)
{
    size_t queries = (size_t)(task_work / (4.0 * args->keys * args->dim)) / ROWS * ROWS;

    return queries < LEAST_QUERIES ? LEAST_QUERIES : queries;
}

/* Some queries, at most ROWS, from elements `q` on to their outputs from `out` on. */
static void attend_rows(const CodeDevice *device, const CodeAttention *args, const Memory *memory,
                        size_t q, size_t out, size_t rows)
{
    CpuProduct scores = {.a = cpu_from(device, args->q, q),
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

    if (device->halves) {
        for (size_t r = 0; r < rows; r++)
            device->multiplier->widen(memory->q + r * args->dim,
                                      (const uint16_t *)args->q + q + r * args->q_row, args->dim);
        scores.a = memory->q;
        scores.a_row = args->dim;
    }
    device->multiplier->multiply(&scores);
    for (size_t r = 0; r < rows; r++)
        totals[r] =
            device->body->softmax(memory->scores + r * memory->keys, args->keys, args->scale);
    device->multiplier->multiply(&outputs);
    for (size_t r = 0; r < rows; r++)
        device->body->divide(cpu_at(device, args->out, out + r * args->out_row),
                             memory->sums + r * memory->dim, args->dim, totals[r]);
}

static bool attend(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const CodeAttention *args = job;
    const CodeDevice *device = worker->device;
    size_t step = queries_per_task(args), blocks = pieces(args->queries, step);
    size_t lane = task / blocks / args->heads, head = task / blocks % args->heads;
    size_t begin = task % blocks * step, end = least(begin + step, args->queries);
    size_t kv = lane * args->kv_lane + head * args->kv_head;
    size_t q = lane * args->q_lane + head * args->q_head;
    size_t out = lane * args->out_lane + head * args->out_head;
    Memory memory;

    if (!take_memory(worker, args, &memory, error))
        return false;
    device->multiplier->pack_keys(memory.k, cpu_from(device, args->k, kv), args->kv_row, args->keys,
                                  args->dim, device->halves);
    device->multiplier->pack_values(memory.v, cpu_from(device, args->v, kv), args->kv_row,
                                    args->keys, args->dim, device->halves);
    for (size_t row = begin; row < end; row += ROWS)
        attend_rows(device, args, &memory, q + row * args->q_row, out + row * args->out_row,
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
