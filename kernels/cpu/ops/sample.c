/* sample.c - operations that turn logits into tokens, and tokens into codes. A task is one
 * position. */
#include "cpu.h"

#include "philox.h"

#include <math.h>
#include <string.h>

static bool sample_row(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const CodeSample *args = job;
    size_t image = task / args->rows, row = task % args->rows;
    const CodeDraw *set = &args->draws[image];
    CpuDraw draw = {
        .top_p = set->top_p,
        .top_k = set->top_k,
        .temperature = set->temperature,
        .u = code_uniform(set->seed, set->frame, args->first + (uint32_t)row, CODE_STREAM_TOKEN),
    };
    void *memory = cpu_scratch(worker, cpu_codes_bytes(args->codes), error);

    if (!memory)
        return false;
    args->tokens[image * args->token_stride + row] =
        worker->device->body->sample(args->logits + task * args->codes, args->codes, &draw, memory);
    return true;
}

static bool prepare_codes(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const unsigned *codes = job;

    (void)task;
    return cpu_scratch(worker, cpu_codes_bytes(*codes), error);
}

bool cpu_sample(CodeStream *stream, const CodeSample *args)
{
    if (stream->rehearsing)
        return cpu_prepare(stream, prepare_codes, &args->codes);
    return cpu_run(stream, sample_row, args, (size_t)args->images * args->rows);
}

/* Lists the codes that top-k and top-p have left, with their scores,
 * (logit * (1 + ratio) + Gumbel) / tau. The noise is -log(-log(u)), u = (word + 1/2) * 2^-32, in
 * double since u can be very close to 1. */
static size_t score_codes(const CodeLookUp *args, const CodeDraw *set, const float *logits,
                          uint32_t position, uint32_t *listed, float *scores)
{
    float ratio = args->scales > 1 ? (float)args->scale / (float)(args->scales - 1) : 0;
    float tau = fmaxf(0.27f * (1 - 0.95f * ratio), 0.005f);
    uint32_t words[4], drawn = UINT32_MAX;
    size_t count = 0;

    for (uint32_t code = 0; code < args->codes; code++) {
        if (logits[code] == -INFINITY)
            continue;
        if (code / 4 != drawn) {
            drawn = code / 4;
            code_random_words(set->seed, set->frame, position, CODE_STREAM_GUMBEL + drawn, words);
        }
        scores[count] =
            (float)((logits[code] * (1 + ratio) -
                     code_logarithm(-code_logarithm((words[code % 4] + 0.5) * 0x1p-32))) /
                    tau);
        listed[count++] = code;
    }
    return count;
}

static bool look_up_row(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const CodeLookUp *args = job;
    size_t image = task / args->rows, row = task % args->rows, channels = args->channels;
    const CodeDraw *set = &args->draws[image];
    float *out = args->map + task * channels;

    if (set->more_smooth) {
        uint32_t *listed = cpu_scratch(worker, cpu_codes_bytes(args->codes), error);
        float *scores;
        size_t count;

        if (!listed)
            return false;
        scores = (float *)listed + args->codes;
        count = score_codes(args, set, args->logits + task * args->codes,
                            args->first + (uint32_t)row, listed, scores);
        worker->device->body->blend(out, scores, listed, count, args->codebook, channels);
    } else {
        int32_t token = args->tokens[image * args->token_stride + row];

        memcpy(out, args->codebook + (size_t)(token < 0 ? 0 : token) * channels,
               channels * sizeof(float));
    }
    return true;
}

bool cpu_look_up(CodeStream *stream, const CodeLookUp *args)
{
    if (stream->rehearsing)
        return cpu_prepare(stream, prepare_codes, &args->codes);
    return cpu_run(stream, look_up_row, args, (size_t)args->images * args->rows);
}
