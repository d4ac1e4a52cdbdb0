/* sample.cu - from logits to tokens and codes, by the rule of kernels/reference/sample.c, without a
 * sort: thresholds are found bit by bit, as in a radix search. */
#include "device.cuh"

#include "philox.h"

#include <float.h>

constexpr unsigned sample_block = 128;

/* Shared memory of a block. */
struct SampleRoom {
    double sums[sample_block]; /* of each thread's run of codes */
    double reduced[sample_block / 32];
    unsigned counts[sample_block / 32];
    float largest[sample_block / 32];
    int found, last;
};

/* One row of logits: a thread's codes are threadIdx.x, threadIdx.x + blockDim.x, ... */
struct Row {
    float *logits;
    unsigned codes;
    SampleRoom *room;
};

/* Order of floats as order of unsigned numbers; both zeros are the same. */
__device__ static uint32_t key_of(float value)
{
    uint32_t bits = __float_as_uint(value + 0.0f);

    return bits & 0x80000000 ? ~bits : bits | 0x80000000;
}

/* The float of a key. */
__device__ static float value_of(uint32_t key)
{
    return __uint_as_float(key & 0x80000000 ? key & 0x7FFFFFFF : ~key);
}

/* Infinite if the logits have no probabilities. NaN counts as +infinity: fmaxf would ignore it. */
__device__ static float largest_of(const Row &row)
{
    float largest = -INFINITY;

    for (unsigned i = threadIdx.x; i < row.codes; i += blockDim.x)
        largest = fmaxf(largest, isnan(row.logits[i]) ? INFINITY : row.logits[i]);
    return over_block(largest, row.room->largest, Largest());
}

/* ---- top-k ----------------------------------------------------------------------------------- */

/* Drops logits below the top_k-th largest, whose key is the largest that top_k logits reach. */
__device__ static void filter_top_k(const Row &row, unsigned top_k)
{
    uint32_t least = 0;

    for (uint32_t bit = 0x80000000; bit; bit >>= 1) {
        unsigned count = 0;

        for (unsigned i = threadIdx.x; i < row.codes; i += blockDim.x)
            count += key_of(row.logits[i]) >= (least | bit);
        if (over_block(count, row.room->counts, Sum()) >= top_k)
            least |= bit;
    }
    for (unsigned i = threadIdx.x; i < row.codes; i += blockDim.x)
        if (key_of(row.logits[i]) < least)
            row.logits[i] = -INFINITY;
}

/* ---- top-p ----------------------------------------------------------------------------------- */

struct Softmax {
    float largest, factor;

    __device__ float operator()(float logit) const
    {
        return expf(logit - largest) * factor;
    }
};

/* Mass of all logits whose key is below. */
__device__ static double mass_below(const Row &row, const Softmax &softmax, uint32_t key)
{
    double mass = 0;

    for (unsigned i = threadIdx.x; i < row.codes; i += blockDim.x)
        if (key_of(row.logits[i]) < key)
            mass += softmax(row.logits[i]);
    return over_block(mass, row.room->reduced, Sum());
}

/* How many of `ties` logits of equal mass to drop after `mass`: never all. */
__device__ static unsigned ties_dropped(double mass, float each, unsigned ties, float limit)
{
    unsigned dropped = 0;

    while (dropped + 1 < ties) {
        mass += each;
        if ((float)mass > limit)
            break;
        dropped++;
    }
    return dropped;
}

/* Drops in ascending order of (logit, code) while the mass is within 1 - top_p. */
__device__ static void filter_top_p(const Row &row, float largest, double top_p)
{
    const float limit = (float)(1 - top_p);
    Softmax softmax = {largest, 1};
    uint32_t top = key_of(largest), least = 0;
    double total = 0, mass;
    unsigned ties = 0, dropped;

    for (unsigned i = threadIdx.x; i < row.codes; i += blockDim.x)
        total += softmax(row.logits[i]);
    softmax.factor = (float)(1 / over_block(total, row.room->reduced, Sum()));

    /* The largest key, at most that of the largest logit, below which every logit is dropped. */
    for (uint32_t bit = 0x80000000; bit; bit >>= 1) {
        uint32_t key = least | bit;

        if (key <= top && (float)mass_below(row, softmax, key) <= limit)
            least = key;
    }
    mass = mass_below(row, softmax, least);
    for (unsigned i = threadIdx.x; i < row.codes; i += blockDim.x)
        ties += key_of(row.logits[i]) == least;
    ties = over_block(ties, row.room->counts, Sum());
    dropped = ties_dropped(mass, softmax(value_of(least)), ties, limit);
    for (unsigned i = threadIdx.x; i < row.codes; i += blockDim.x)
        if (key_of(row.logits[i]) < least)
            row.logits[i] = -INFINITY;
    __syncthreads();
    if (threadIdx.x == 0) /* equal logits at the threshold are rare: one thread handles them */
        for (unsigned i = 0; i < row.codes && dropped; i++)
            if (key_of(row.logits[i]) == least) {
                row.logits[i] = -INFINITY;
                dropped--;
            }
}

/* ---- drawing --------------------------------------------------------------------------------- */

/* The first code whose cumulative weight exceeds u times the total. Each thread has a run of
 * codes. */
__device__ static int draw(const Row &row, float largest, float temperature, double u)
{
    unsigned run = (row.codes + blockDim.x - 1) / blockDim.x, begin = threadIdx.x * run;
    unsigned end = begin + run < row.codes ? begin + run : row.codes;
    double sum = 0, before = 0, total = 0;

    for (unsigned i = begin; i < end; i++)
        sum += expf((row.logits[i] - largest) / temperature);
    row.room->sums[threadIdx.x] = sum;
    if (threadIdx.x == 0) {
        row.room->found = (int)row.codes;
        row.room->last = 0;
    }
    __syncthreads();
    for (unsigned thread = 0; thread < blockDim.x; thread++) {
        before = thread == threadIdx.x ? total : before;
        total += row.room->sums[thread];
    }
    for (unsigned i = begin; i < end; i++) {
        float weight = expf((row.logits[i] - largest) / temperature);

        before += weight;
        if (before > u * total) {
            atomicMin(&row.room->found, (int)i);
            break;
        }
        if (weight > 0)
            atomicMax(&row.room->last, (int)i);
    }
    __syncthreads();
    /* No code is found if u is so close to 1 that rounding removed the difference. */
    return row.room->found < (int)row.codes ? row.room->found : row.room->last;
}

/* One block per row. */
__global__ void sample(CodeSample args)
{
    unsigned image = blockIdx.x / args.rows, position = blockIdx.x % args.rows;
    const CodeDraw &set = args.draws[image];
    Row row = {args.logits + (size_t)blockIdx.x * args.codes, args.codes,
               shared_memory<SampleRoom>()};
    double u = code_uniform(set.seed, set.frame, args.first + position, CODE_STREAM_TOKEN);
    float largest = largest_of(row); /* the same for all threads */
    int token;

    if (isinf(largest)) {
        if (threadIdx.x == 0)
            args.tokens[image * args.token_stride + position] = CODE_NO_TOKEN;
        return;
    }
    if (set.top_k && set.top_k < args.codes)
        filter_top_k(row, set.top_k);
    if (set.top_p > 0)
        filter_top_p(row, largest, set.top_p);
    __syncthreads(); /* from here on, threads handle other codes */
    token = draw(row, largest, set.temperature, u);
    if (threadIdx.x == 0)
        args.tokens[image * args.token_stride + position] = token;
}

bool cuda_sample(CodeStream *stream, const CodeSample *args)
{
    return one_launch(stream, "sample", [&](const CudaLaunch &on) {
        return launch(sample, dim3(args->images * args->rows), dim3(sample_block),
                      sizeof(SampleRoom), on.stream, *args);
    });
}

/* ---- looking up ------------------------------------------------------------------------------ */

constexpr unsigned look_up_block = 128;

struct BlendRoom {
    float reduced[look_up_block / 32];
    float weight[look_up_block];
};

/* (logit * (1 + ratio) + Gumbel noise) / tau; the noise is -log(-log(u)), u = (word + 1/2) 2^-32.
 */
__device__ static float gumbel_score(const CodeLookUp &args, const CodeDraw &set, float logit,
                                     unsigned code, uint32_t position)
{
    float ratio = args.scales > 1 ? (float)args.scale / (float)(args.scales - 1) : 0;
    float tau = fmaxf(0.27f * (1 - 0.95f * ratio), 0.005f);
    uint32_t words[4];

    if (logit == -INFINITY)
        return -INFINITY;
    code_random_words(set.seed, set.frame, position, CODE_STREAM_GUMBEL + code / 4, words);
    return (float)((logit * (1 + ratio) - log(-log((words[code % 4] + 0.5) * 0x1p-32))) / tau);
}

/* softmax(scores) * codebook of one position: one thread per code, then one thread per channel. */
__device__ static void blend(const CodeLookUp &args, const CodeDraw &set, const float *logits,
                             uint32_t position, float *out)
{
    BlendRoom *room = shared_memory<BlendRoom>();
    float largest = -INFINITY, total = 0;

    for (unsigned code = threadIdx.x; code < args.codes; code += blockDim.x)
        largest = fmaxf(largest, gumbel_score(args, set, logits[code], code, position));
    largest = over_block(largest, room->reduced, Largest());
    for (unsigned c = threadIdx.x; c < args.channels; c += blockDim.x)
        out[c] = 0;
    for (unsigned first = 0; first < args.codes; first += blockDim.x) {
        unsigned code = first + threadIdx.x;
        unsigned count = args.codes - first < blockDim.x ? args.codes - first : blockDim.x;

        __syncthreads();
        room->weight[threadIdx.x] =
            code < args.codes
                ? expf(gumbel_score(args, set, logits[code], code, position) - largest)
                : 0;
        total += room->weight[threadIdx.x];
        __syncthreads();
        for (unsigned c = threadIdx.x; c < args.channels; c += blockDim.x) {
            float sum = out[c];

            for (unsigned i = 0; i < count; i++)
                sum += room->weight[i] * args.codebook[(size_t)(first + i) * args.channels + c];
            out[c] = sum;
        }
    }
    total = over_block(total, room->reduced, Sum());
    for (unsigned c = threadIdx.x; c < args.channels; c += blockDim.x)
        out[c] /= total;
}

/* One block per position. */
__global__ void look_up(CodeLookUp args)
{
    unsigned image = blockIdx.x / args.rows, row = blockIdx.x % args.rows;
    int token = args.tokens[image * args.token_stride + row];
    const float *code = args.codebook + (size_t)(token < 0 ? 0 : token) * args.channels;
    float *out = args.map + (size_t)blockIdx.x * args.channels;

    if (args.draws[image].more_smooth)
        blend(args, args.draws[image], args.logits + (size_t)blockIdx.x * args.codes,
              args.first + row, out);
    else
        for (unsigned c = threadIdx.x; c < args.channels; c += blockDim.x)
            out[c] = code[c];
}

bool cuda_look_up(CodeStream *stream, const CodeLookUp *args)
{
    return one_launch(stream, "look_up", [&](const CudaLaunch &on) {
        return launch(look_up, dim3(args->images * args->rows), dim3(look_up_block),
                      sizeof(BlendRoom), on.stream, *args);
    });
}
