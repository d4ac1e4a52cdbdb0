/* transformer.c - reference operations of the transformer: products, norms, attention. */
#include "reference.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const float norm_eps = 1e-6f;

/* gelu(x) = x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))), the form that VAR was trained
 * with. */
static float gelu(float x)
{
    return 0.5f * x * (1.0f + tanhf(0.7978845608028654f * (x + 0.044715f * x * x * x)));
}

bool reference_linear(CodeStream *stream, const CodeLinear *args)
{
    const CodeWeight *weight = args->weight;
    size_t in = weight->spec.in, out = weight->spec.out, rows = args->rows;
    float sum[256];

    if (stream->rehearsing)
        return true;
    for (size_t row = 0; row < args->groups * rows; row++) {
        const float *x = (const float *)args->x + row / rows * args->x_group + row % rows * in;
        float *y = (float *)args->y + row * out;

        if (!code_host_goes_on(stream))
            return false;
        for (size_t begin = 0; begin < out; begin += 256) {
            size_t width = out - begin < 256 ? out - begin : 256;

            memcpy(sum, weight->bias + begin, width * sizeof(float));
            for (size_t i = 0; i < in; i++)
                for (size_t o = 0; o < width; o++)
                    sum[o] += x[i] * weight->data[i * out + begin + o];
            for (size_t o = 0; o < width; o++) {
                if (args->epilogue == CODE_GATED)
                    y[begin + o] +=
                        code_lane_vector(&args->gate, row / args->lane_rows)[begin + o] * sum[o];
                else
                    y[begin + o] = args->epilogue == CODE_GELU ? gelu(sum[o]) : sum[o];
            }
        }
    }
    return true;
}

/* Layer norm of one row: LN(x)[i] = (x[i] - mean) * factor. */
typedef struct Norm {
    float mean, factor;
} Norm;

static Norm norm_of(const float *x, size_t width)
{
    double mean = 0, square = 0;

    for (size_t i = 0; i < width; i++)
        mean += x[i];
    mean /= width;
    for (size_t i = 0; i < width; i++)
        square += (x[i] - mean) * (x[i] - mean);
    return (Norm){(float)mean, (float)(1 / sqrt(square / width + norm_eps))};
}

bool reference_modulate(CodeStream *stream, const CodeModulate *args)
{
    size_t width = args->width;

    if (stream->rehearsing)
        return true;
    for (unsigned lane = 0; lane < args->lanes; lane++) {
        const float *scale = code_lane_vector(&args->scale, lane),
                    *shift = code_lane_vector(&args->shift, lane);

        if (!code_host_goes_on(stream))
            return false;
        for (unsigned row = 0; row < args->rows; row++) {
            const float *x = args->x + ((size_t)lane * args->rows + row) * width;
            float *y = (float *)args->y + ((size_t)lane * args->rows + row) * width;
            Norm norm = norm_of(x, width);

            for (size_t i = 0; i < width; i++)
                y[i] = (x[i] - norm.mean) * norm.factor * (1 + scale[i]) + shift[i];
        }
    }
    return true;
}

/* 1 / max(|v|, 1e-12) of one head */
static float inverse_norm(const float *v)
{
    double square = 0;

    for (int i = 0; i < CODE_HEAD_SIZE; i++)
        square += (double)v[i] * v[i];
    return (float)(1 / fmax(sqrt(square), 1e-12));
}

bool reference_heads(CodeStream *stream, const CodeHeads *args)
{
    size_t width = (size_t)args->heads * CODE_HEAD_SIZE;
    float *qkv = args->qkv, *k_cache = args->k_cache, *v_cache = args->v_cache;

    if (stream->rehearsing)
        return true;
    for (unsigned lane = 0; lane < args->lanes; lane++)
        for (unsigned row = 0; row < args->rows; row++)
            for (unsigned head = 0; head < args->heads; head++) {
                float *q = qkv + ((size_t)lane * args->rows + row) * 3 * width +
                           (size_t)head * CODE_HEAD_SIZE;
                const float *k = q + width, *v = q + 2 * width;
                size_t at =
                    (((size_t)lane * args->heads + head) * args->capacity + args->first + row) *
                    CODE_HEAD_SIZE;
                float q_factor = CODE_PLAIN_Q_SCALE, k_factor = 1;

                if (args->q_scale) {
                    q_factor = inverse_norm(q) * args->q_scale[head];
                    k_factor = inverse_norm(k);
                }
                for (int i = 0; i < CODE_HEAD_SIZE; i++) {
                    q[i] *= q_factor;
                    k_cache[at + i] = k[i] * k_factor;
                    v_cache[at + i] = v[i];
                }
            }
    return true;
}

bool reference_recall(CodeStream *stream, const CodeRecall *args)
{
    size_t run = (size_t)args->rows * CODE_HEAD_SIZE, kept = (size_t)args->kept * CODE_HEAD_SIZE;
    size_t room = (size_t)args->capacity * CODE_HEAD_SIZE, heads = args->heads;

    if (stream->rehearsing)
        return true;
    for (size_t part = 0; part < 2; part++) /* keys, values */
        for (size_t lane = 0; lane < args->lanes; lane++)
            for (size_t head = 0; head < heads; head++)
                for (size_t layer = 0; layer < args->layers; layer++)
                    memcpy((float *)args->cache +
                               ((part * args->lanes + lane) * heads + head) * room + layer * kept,
                           code_lane_vector(&args->from, lane) +
                               ((part * heads + head) * args->layers + layer) * run,
                           run * sizeof(float));
    return true;
}

/* One query over all keys, by the softmax that is shifted by the running maximum. */
static void attend(const CodeAttention *args, const float *q, const float *k, const float *v,
                   float *out)
{
    float largest = -FLT_MAX, total = 0;

    memset(out, 0, args->dim * sizeof(float));
    for (unsigned key = 0; key < args->keys; key++, k += args->kv_row, v += args->kv_row) {
        float score = 0, weight, fade;

        for (unsigned i = 0; i < args->dim; i++)
            score += q[i] * k[i];
        score *= args->scale;
        fade = score > largest ? expf(largest - score) : 1;
        largest = score > largest ? score : largest;
        weight = expf(score - largest);
        total = total * fade + weight;
        for (unsigned i = 0; i < args->dim; i++)
            out[i] = out[i] * fade + weight * v[i];
    }
    for (unsigned i = 0; i < args->dim; i++)
        out[i] /= total;
}

bool reference_attention(CodeStream *stream, const CodeAttention *args)
{
    const float *q = args->q, *k = args->k, *v = args->v;
    float *out = args->out;

    if (stream->rehearsing)
        return true;
    for (unsigned lane = 0; lane < args->lanes; lane++)
        for (unsigned head = 0; head < args->heads; head++) {
            size_t kv = lane * args->kv_lane + head * args->kv_head;

            if (!code_host_goes_on(stream))
                return false;
            for (unsigned row = 0; row < args->queries; row++)
                attend(args, q + lane * args->q_lane + head * args->q_head + row * args->q_row,
                       k + kv, v + kv,
                       out + lane * args->out_lane + head * args->out_head + row * args->out_row);
        }
    return true;
}

bool reference_embed(CodeStream *stream, const CodeEmbed *args)
{
    size_t width = args->width;

    if (stream->rehearsing)
        return true;
    for (unsigned lane = 0; lane < args->lanes; lane++) {
        const float *source = code_lane_vector(&args->source, lane / args->lanes_per_source);

        for (size_t row = 0; row < args->rows; row++)
            for (size_t i = 0; i < width; i++)
                args->x[(lane * (size_t)args->rows + row) * width + i] =
                    source[(args->broadcast ? 0 : row * width) + i] + args->place[row * width + i];
    }
    return true;
}

bool reference_guide(CodeStream *stream, const CodeGuide *args)
{
    size_t width = args->width;

    if (stream->rehearsing)
        return true;
    for (unsigned image = 0; image < args->images; image++) {
        /* With one branch t is 0 and the class stands in for "no class" too. */
        unsigned lane = image * args->branches, other = lane + args->branches - 1;
        const float *scale = code_lane_vector(&args->scale, lane),
                    *shift = code_lane_vector(&args->shift, lane);
        const float *none_scale = code_lane_vector(&args->scale, other);
        const float *none_shift = code_lane_vector(&args->shift, other);
        float t = args->branches == 2 ? args->t[image] : 0;

        for (unsigned row = 0; row < args->rows; row++) {
            const float *x = args->x + lane * args->x_lane + row * width;
            const float *none = args->x + other * args->x_lane + row * width;
            float *y = args->y + ((size_t)image * args->rows + row) * width;
            Norm norm = norm_of(x, width), none_norm = norm_of(none, width);

            for (size_t i = 0; i < width; i++) {
                float m = (x[i] - norm.mean) * norm.factor * (1 + scale[i]) + shift[i];
                float n = (none[i] - none_norm.mean) * none_norm.factor * (1 + none_scale[i]) +
                          none_shift[i];

                y[i] = (1 + t) * m - t * n;
            }
        }
    }
    return true;
}
