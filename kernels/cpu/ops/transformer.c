/* transformer.c - operations of the transformer on rows: modulation, heads, caches, embedding,
 * guidance. */
#include "cpu.h"

#include <string.h>

enum { TASK_ELEMENTS = 32768 }; /* of a task: some 10 us of work */

/* Rows in a task. */
static size_t rows_per_task(size_t width)
{
    return width < TASK_ELEMENTS ? TASK_ELEMENTS / width : 1;
}

static bool modulate_rows(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const CodeModulate *args = job;
    size_t width = args->width, step = rows_per_task(width),
           rows = (size_t)args->lanes * args->rows;
    size_t end = least(rows, (task + 1) * step);

    (void)error;
    for (size_t row = task * step; row < end; row++) {
        size_t lane = row / args->rows;
        CpuModulation modulation = {code_lane_vector(&args->scale, lane),
                                    code_lane_vector(&args->shift, lane)};

        worker->device->body->modulate(cpu_at(worker->device, args->y, row * width),
                                       args->x + row * width, width, modulation);
    }
    return true;
}

bool cpu_modulate(CodeStream *stream, const CodeModulate *args)
{
    size_t rows = (size_t)args->lanes * args->rows;

    return stream->rehearsing ||
           cpu_run(stream, modulate_rows, args, pieces(rows, rows_per_task(args->width)));
}

static bool split_heads(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const CodeHeads *args = job;
    const CodeDevice *device = worker->device;
    size_t width = (size_t)args->heads * CODE_HEAD_SIZE, step = rows_per_task(3 * width);
    size_t end = least((size_t)args->lanes * args->rows, (task + 1) * step);

    (void)error;
    for (size_t row = task * step; row < end; row++) {
        size_t lane = row / args->rows, position = args->first + row % args->rows;

        for (size_t head = 0; head < args->heads; head++) {
            size_t at = row * 3 * width + head * CODE_HEAD_SIZE;
            size_t to = ((lane * args->heads + head) * args->capacity + position) * CODE_HEAD_SIZE;

            device->body->head(cpu_at(device, args->qkv, at), cpu_at(device, args->qkv, at + width),
                               cpu_at(device, args->qkv, at + 2 * width),
                               args->q_scale ? &args->q_scale[head] : NULL,
                               cpu_at(device, args->k_cache, to),
                               cpu_at(device, args->v_cache, to));
        }
    }
    return true;
}

bool cpu_heads(CodeStream *stream, const CodeHeads *args)
{
    size_t rows = (size_t)args->lanes * args->rows;
    size_t step = rows_per_task(3 * (size_t)args->heads * CODE_HEAD_SIZE);

    return stream->rehearsing || cpu_run(stream, split_heads, args, pieces(rows, step));
}

/* A task copies the keys, or values, of one head of one lane. */
static bool recall_head(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const CodeRecall *args = job;
    const CodeDevice *device = worker->device;
    size_t head = task % args->heads, lane = task / args->heads % args->lanes;
    size_t part = task / args->heads / args->lanes; /* keys or values */
    size_t from = (part * args->heads + head) * args->layers * args->rows * CODE_HEAD_SIZE;
    size_t to = task * args->capacity * CODE_HEAD_SIZE, run = (size_t)args->rows * CODE_HEAD_SIZE;

    (void)error;
    for (size_t layer = 0; layer < args->layers; layer++, from += run) {
        memcpy(cpu_at(device, args->cache, to),
               cpu_from(device, code_lane_vector(&args->from, lane), from),
               run * device->activation_size);
        to += (size_t)args->kept * CODE_HEAD_SIZE;
    }
    return true;
}

bool cpu_recall(CodeStream *stream, const CodeRecall *args)
{
    return stream->rehearsing ||
           cpu_run(stream, recall_head, args, 2 * (size_t)args->lanes * args->heads);
}

static bool embed_rows(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const CodeEmbed *args = job;
    size_t width = args->width, step = rows_per_task(width),
           rows = (size_t)args->lanes * args->rows;
    size_t end = least(rows, (task + 1) * step);

    (void)error;
    for (size_t row = task * step; row < end; row++) {
        const float *source =
            code_lane_vector(&args->source, row / args->rows / args->lanes_per_source);
        size_t place = row % args->rows * width;

        worker->device->body->add(args->x + row * width, source + (args->broadcast ? 0 : place),
                                  args->place + place, width);
    }
    return true;
}

bool cpu_embed(CodeStream *stream, const CodeEmbed *args)
{
    size_t rows = (size_t)args->lanes * args->rows;

    return stream->rehearsing ||
           cpu_run(stream, embed_rows, args, pieces(rows, rows_per_task(args->width)));
}

static bool guide_rows(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const CodeGuide *args = job;
    size_t width = args->width, step = rows_per_task(width);
    size_t end = least((size_t)args->images * args->rows, (task + 1) * step);

    (void)error;
    for (size_t row = task * step; row < end; row++) {
        /* With one branch t is 0 and the class stands in for "no class" too. */
        size_t image = row / args->rows, lane = image * args->branches;
        size_t none = lane + args->branches - 1;
        const float *x = args->x + row % args->rows * width;
        CpuModulation m = {code_lane_vector(&args->scale, lane),
                           code_lane_vector(&args->shift, lane)};
        CpuModulation none_m = {code_lane_vector(&args->scale, none),
                                code_lane_vector(&args->shift, none)};

        worker->device->body->guide(args->y + row * width, x + lane * args->x_lane,
                                    x + none * args->x_lane, width, m, none_m,
                                    args->branches == 2 ? args->t[image] : 0);
    }
    return true;
}

bool cpu_guide(CodeStream *stream, const CodeGuide *args)
{
    size_t rows = (size_t)args->images * args->rows;

    return stream->rehearsing ||
           cpu_run(stream, guide_rows, args, pieces(rows, rows_per_task(args->width)));
}
