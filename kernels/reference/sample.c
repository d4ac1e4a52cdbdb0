/* sample.c - reference operations that turn logits into tokens and tokens into codes.
 *
 * The sampling rule for one position (VAR's sample_with_top_k_top_p_, and our inverse transform):
 *  1. drop every logit below the top_k-th largest (ties with it stay); top_k 0 drops none;
 *  2. in ascending order of (logit, code), drop while the cumulative softmax mass <= 1 - top_p, but
 *     never the last one; top_p 0 drops none; the mass is summed in double and compared as float32;
 *  3. divide by the temperature, softmax in float32;
 *  4. the token is the first, in code order, whose cumulative probability, summed in double and
 *     divided by the sum of all, exceeds u of (seed, frame, position). */
#include "reference.h"

#include "philox.h"

#include <math.h>
#include <string.h>

#define MAX_CODES 65536

/* Ascending (logit, code) */
static bool before(const float *logits, unsigned a, unsigned b)
{
    return logits[a] < logits[b] || (logits[a] == logits[b] && a < b);
}

static void sift(const float *logits, uint16_t *heap, unsigned at, unsigned size)
{
    for (;;) {
        unsigned child = 2 * at + 1;
        uint16_t swap;

        if (child >= size)
            return;
        if (child + 1 < size && before(logits, heap[child], heap[child + 1]))
            child++;
        if (!before(logits, heap[at], heap[child]))
            return;
        swap = heap[at], heap[at] = heap[child], heap[child] = swap;
        at = child;
    }
}

/* Heapsort: order[] = codes, ascending. It needs no memory; qsort may allocate. */
static void sort_codes(const float *logits, uint16_t *order, unsigned codes)
{
    for (unsigned i = 0; i < codes; i++)
        order[i] = (uint16_t)i;
    for (unsigned i = codes / 2; i-- > 0;)
        sift(logits, order, i, codes);
    for (unsigned size = codes; size-- > 1;) {
        uint16_t swap = order[0];

        order[0] = order[size], order[size] = swap;
        sift(logits, order, 0, size);
    }
}

static void filter_top_k(float *logits, const uint16_t *order, unsigned codes, unsigned top_k)
{
    float least = logits[order[codes - top_k]];

    for (unsigned i = 0; i < codes; i++)
        if (logits[i] < least)
            logits[i] = -INFINITY;
}

static void filter_top_p(float *logits, const uint16_t *order, unsigned codes, double top_p)
{
    float largest = logits[order[codes - 1]], limit = (float)(1 - top_p);
    double total = 0, mass = 0;

    for (unsigned i = 0; i < codes; i++)
        total += expf(logits[order[i]] - largest);
    for (unsigned i = 0; i + 1 < codes; i++) {
        mass += (float)(expf(logits[order[i]] - largest) / total);
        if ((float)mass > limit)
            break;
        logits[order[i]] = -INFINITY;
    }
}

static int32_t draw(const float *logits, unsigned codes, float largest, float temperature, double u)
{
    double total = 0, mass = 0;
    unsigned last = 0;

    for (unsigned i = 0; i < codes; i++)
        total += expf((logits[i] - largest) / temperature);
    for (unsigned i = 0; i < codes; i++) {
        double weight = expf((logits[i] - largest) / temperature);

        mass += weight;
        if (mass > u * total)
            return (int32_t)i;
        last = weight > 0 ? i : last;
    }
    return (int32_t)last; /* u is so near to 1 that rounding ate the difference */
}

/* Whether a softmax of the logits has probabilities. */
static bool has_probabilities(const float *logits, unsigned codes)
{
    bool some = false;

    for (unsigned i = 0; i < codes; i++) {
        if (isnan(logits[i]) || logits[i] == INFINITY)
            return false;
        some |= logits[i] != -INFINITY;
    }
    return some;
}

static int32_t sample_row(float *logits, unsigned codes, const CodeDraw *set, double u)
{
    uint16_t order[MAX_CODES];

    if (!has_probabilities(logits, codes))
        return CODE_NO_TOKEN;
    sort_codes(logits, order, codes);
    if (set->top_k && set->top_k < codes)
        filter_top_k(logits, order, codes, set->top_k);
    if (set->top_p > 0)
        filter_top_p(logits, order, codes, set->top_p);
    return draw(logits, codes, logits[order[codes - 1]], set->temperature, u);
}

bool reference_sample(CodeStream *stream, const CodeSample *args)
{
    unsigned codes = args->codes;

    if (stream->rehearsing)
        return true;
    for (unsigned image = 0; image < args->images; image++) {
        const CodeDraw *set = &args->draws[image];

        for (unsigned row = 0; row < args->rows; row++) {
            float *logits = args->logits + ((size_t)image * args->rows + row) * codes;
            double u = code_uniform(set->seed, set->frame, args->first + row, CODE_STREAM_TOKEN);

            if (!code_host_goes_on(stream))
                return false;
            args->tokens[image * args->token_stride + row] = sample_row(logits, codes, set, u);
        }
    }
    return true;
}

/* softmax((logits * (1 + ratio) + Gumbel) / tau) * codebook, for one position. The noise is
 * -log(-log(u)) with u = (word + 1/2) * 2^-32, which is never 0 or 1. */
static void blend(const CodeLookUp *args, const CodeDraw *set, const float *logits,
                  uint32_t position, float *out)
{
    float ratio = args->scales > 1 ? (float)args->scale / (float)(args->scales - 1) : 0;
    float tau = fmaxf(0.27f * (1 - 0.95f * ratio), 0.005f), largest = -INFINITY, total = 0;
    uint32_t words[4] = {0};

    memset(out, 0, args->channels * sizeof(float));
    for (unsigned code = 0; code < args->codes; code++) {
        float score, weight, fade;

        if (code % 4 == 0)
            code_random_words(set->seed, set->frame, position, CODE_STREAM_GUMBEL + code / 4,
                              words);
        if (logits[code] == -INFINITY)
            continue;
        score =
            (float)((logits[code] * (1 + ratio) - log(-log((words[code % 4] + 0.5) * 0x1p-32))) /
                    tau);
        fade = score > largest ? expf(largest - score) : 1;
        largest = score > largest ? score : largest;
        weight = expf(score - largest);
        total = total * fade + weight;
        for (unsigned c = 0; c < args->channels; c++)
            out[c] = out[c] * fade + weight * args->codebook[(size_t)code * args->channels + c];
    }
    for (unsigned c = 0; c < args->channels; c++)
        out[c] /= total;
}

bool reference_look_up(CodeStream *stream, const CodeLookUp *args)
{
    size_t channels = args->channels;

    if (stream->rehearsing)
        return true;
    for (unsigned image = 0; image < args->images; image++)
        for (unsigned row = 0; row < args->rows; row++) {
            size_t at = (size_t)image * args->rows + row;
            int32_t token = args->tokens[image * args->token_stride + row];

            if (!code_host_goes_on(stream))
                return false;
            if (args->draws[image].more_smooth)
                blend(args, &args->draws[image], args->logits + at * args->codes, args->first + row,
                      args->map + at * channels);
            else
                memcpy(args->map + at * channels,
                       args->codebook + (size_t)(token < 0 ? 0 : token) * channels,
                       channels * sizeof(float));
        }
    return true;
}
