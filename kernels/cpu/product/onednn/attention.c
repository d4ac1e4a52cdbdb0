/* attention.c - softmax(scale * q k^T) v in float32. A task is a block of queries of one head of
 * one lane; its scores stay in scratch memory. */
#include "onednn.h"

static const double block_work = 32e6; /* operations of a task */
enum { MIN_QUERIES = 16, MAX_QUERIES = 128 };

static size_t queries_per_task(const CodeAttention *args)
{
    size_t queries = (size_t)(block_work / (4.0 * args->keys * args->dim)) / 16 * 16;

    return queries < MIN_QUERIES ? MIN_QUERIES : least(queries, MAX_QUERIES);
}

static float *scores_memory(CpuWorker *worker, const CodeAttention *args, CodesrcError *error)
{
    return cpu_scratch(worker, MAX_QUERIES * ((size_t)args->keys + 1) * sizeof(float), error);
}

static bool attend(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const CodeAttention *args = job;
    const CpuBody *body = worker->device->body;
    size_t step = queries_per_task(args), blocks = pieces(args->queries, step);
    size_t lane = task / blocks / args->heads, head = task / blocks % args->heads;
    size_t begin = task % blocks * step, count = least(step, args->queries - begin);
    size_t kv = lane * args->kv_lane + head * args->kv_head, keys = args->keys;
    const float *q =
        (const float *)args->q + lane * args->q_lane + head * args->q_head + begin * args->q_row;
    float *out =
        (float *)args->out + lane * args->out_lane + head * args->out_head + begin * args->out_row;
    float *scores = scores_memory(worker, args, error), *totals = scores + count * keys;

    if (!scores ||
        !onednn_works(dnnl_sgemm('N', 'T', (dnnl_dim_t)count, (dnnl_dim_t)keys, args->dim, 1, q,
                                 (dnnl_dim_t)args->q_row, (const float *)args->k + kv,
                                 (dnnl_dim_t)args->kv_row, 0, scores, (dnnl_dim_t)keys),
                      "scores", error))
        return false;
    for (size_t i = 0; i < count; i++)
        totals[i] = body->softmax(scores + i * keys, keys, args->scale);
    if (!onednn_works(dnnl_sgemm('N', 'N', (dnnl_dim_t)count, args->dim, (dnnl_dim_t)keys, 1,
                                 scores, (dnnl_dim_t)keys, (const float *)args->v + kv,
                                 (dnnl_dim_t)args->kv_row, 0, out, (dnnl_dim_t)args->out_row),
                      "attention", error))
        return false;
    for (size_t i = 0; i < count; i++)
        body->divide(out + i * args->out_row, out + i * args->out_row, args->dim, totals[i]);
    return true;
}

static bool prepare_scores(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    (void)task;
    return scores_memory(worker, job, error);
}

bool onednn_attention(CodeStream *stream, const CodeAttention *args)
{
    size_t blocks = pieces(args->queries, queries_per_task(args));

    if (stream->rehearsing)
        return cpu_prepare(stream, prepare_scores, args);
    return cpu_run(stream, attend, args, (size_t)args->lanes * args->heads * blocks);
}
