/* body_sample.h - inner loops of drawing: from logits to a token, and to a blend of codes. The rule
 * is that of kernels/reference/sample.c; only the logits that top-k keeps are weighed and sorted.
 * Part of body.c. */
#ifndef CODE_KERNELS_CPU_BODY_SAMPLE_H
#define CODE_KERNELS_CPU_BODY_SAMPLE_H

#include "backend.h"
#include "body.h"
#include "body_transformer.h"
#include "vector.h"

enum { DIGIT = 11, BINS = 1 << DIGIT, SORT_DIGIT = 8, SORT_BINS = 1 << SORT_DIGIT };

/* The codes that no filter has dropped yet, in code order, and room to sort them. */
typedef struct Field {
    size_t count;
    uint32_t *codes;
    float *weights;
    uint32_t *keys, *other_keys;     /* ascending with the logits */
    uint32_t *places, *other_places; /* indices into `codes`, sorted with the keys */
} Field;

/* A number that grows with x; -0 and 0 are equal. */
INLINE uint32_t key_of(float x)
{
    uint32_t bits;

    x += 0.0f;
    memcpy(&bits, &x, sizeof bits);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

/* The top_k-th largest of the keys, 1 <= top_k <= count, digit by digit: keys that share the first
 * digits with it go on to the next round, in `others`. */
static uint32_t key_of_rank(const uint32_t *keys, size_t count, size_t top_k, uint32_t *others)
{
    uint32_t known = 0;

    for (int shift = 32 - DIGIT; shift > -DIGIT; shift -= DIGIT) {
        int low = shift > 0 ? shift : 0; /* the last digit is shorter */
        uint32_t bins[BINS] = {0}, bin = BINS, mask = BINS - 1;
        size_t left = 0;

        mask >>= low - shift;
        for (size_t i = 0; i < count; i++)
            bins[keys[i] >> low & mask]++;
        while (bins[--bin] < top_k)
            top_k -= bins[bin];
        known |= bin << low;
        for (size_t i = 0; i < count; i++) {
            uint32_t key = keys[i];

            others[left] = key;
            left += (key >> low & mask) == bin;
        }
        keys = others;
        count = left;
    }
    return known;
}

/* Drops logits below the top_k-th largest and lists the others. False if one of the logits is NaN
 * or +infinity: all others have keys between those of -infinity and the largest finite number. */
static bool list_codes(Field *field, float *logits, size_t codes, size_t top_k)
{
    const uint32_t first = 0x007FFFFF, last = 0xFF7FFFFF;
    uint32_t least, outside = 0, *keys = field->keys;
    size_t count = 0;

    for (size_t i = 0; i < codes; i++) {
        keys[i] = key_of(logits[i]);
        outside |= keys[i] - first > last - first;
    }
    if (outside)
        return false;
    least = top_k && top_k < codes ? key_of_rank(keys, codes, top_k, field->other_keys) : 0;
    for (size_t i = 0; i < codes; i++)
        logits[i] = keys[i] < least ? -INFINITY : logits[i];
    for (size_t i = 0; i < codes; i++) { /* in place: every place is read before it is written */
        uint32_t key = keys[i];

        keys[count] = key;
        field->codes[count] = (uint32_t)i;
        count += key >= least;
    }
    field->count = count;
    return true;
}

/* Radix sort of keys and places, ascending; equal keys keep their order. Few keys are sorted, so
 * digits are short. */
static void sort(Field *field)
{
    for (size_t i = 0; i < field->count; i++)
        field->places[i] = (uint32_t)i;
    for (int shift = 0; shift < 32; shift += SORT_DIGIT) {
        uint32_t bins[SORT_BINS] = {0}, at = 0, *keys = field->keys, *places = field->places;

        for (size_t i = 0; i < field->count; i++)
            bins[field->keys[i] >> shift & (SORT_BINS - 1)]++;
        for (int bin = 0; bin < SORT_BINS; bin++) {
            uint32_t size = bins[bin];

            bins[bin] = at;
            at += size;
        }
        for (size_t i = 0; i < field->count; i++) {
            uint32_t to = bins[field->keys[i] >> shift & (SORT_BINS - 1)]++;

            field->other_keys[to] = field->keys[i];
            field->other_places[to] = field->places[i];
        }
        field->keys = field->other_keys, field->other_keys = keys;
        field->places = field->other_places, field->other_places = places;
    }
}

/* weights = exp((logit - top) / temperature) of the codes listed */
static void weigh_codes(Field *field, const float *logits, float top, float temperature)
{
    size_t count = field->count;

    for (size_t i = 0; i < count; i++)
        field->weights[i] = logits[field->codes[i]];
    for (size_t i = 0; i < count; i += LANES) { /* there is room for a whole last vector */
        Vector logit = load(field->weights + i);

        store(field->weights + i, exponential((logit - top) / temperature));
    }
}

/* Drops, in ascending order, while the cumulated mass is at most 1 - top_p, but never the largest.
 */
static void filter_top_p(Field *field, float *logits, float top, double top_p)
{
    float limit = (float)(1 - top_p);
    double total = 0, mass = 0;
    size_t kept = 0;

    sort(field);
    weigh_codes(field, logits, top, 1.0f);
    for (size_t i = 0; i < field->count; i++)
        total += field->weights[field->places[i]];
    for (size_t i = 0; i + 1 < field->count; i++) {
        uint32_t place = field->places[i];

        mass += (float)(field->weights[place] / total);
        if ((float)mass > limit)
            break;
        logits[field->codes[place]] = -INFINITY;
    }
    for (size_t i = 0; i < field->count; i++)
        if (logits[field->codes[i]] != -INFINITY)
            field->codes[kept++] = field->codes[i];
    field->count = kept;
}

/* The first code, in code order, whose cumulative weight exceeds u times the total. */
static int32_t draw_code(const Field *field, double u)
{
    double total = 0, mass = 0;
    size_t last = 0;

    for (size_t i = 0; i < field->count; i++)
        total += field->weights[i];
    for (size_t i = 0; i < field->count; i++) {
        mass += field->weights[i];
        if (mass > u * total)
            return (int32_t)field->codes[i];
        last = field->weights[i] > 0 ? i : last;
    }
    return (int32_t)field->codes[last]; /* u is so close to 1 that rounding lost the difference */
}

static int32_t sample(float *logits, size_t codes, const CpuDraw *draw, void *memory)
{
    size_t room = codes + LANES;
    uint32_t *words = memory;
    Field field = {0,
                   words,
                   (float *)(words + room),
                   words + 2 * room,
                   words + 3 * room,
                   words + 4 * room,
                   words + 5 * room};
    float top = -INFINITY;

    if (!list_codes(&field, logits, codes, draw->top_k))
        return CODE_NO_TOKEN;
    for (size_t i = 0; i < field.count; i++)
        top = logits[field.codes[i]] > top ? logits[field.codes[i]] : top;
    if (top == -INFINITY)
        return CODE_NO_TOKEN;
    if (draw->top_p > 0)
        filter_top_p(&field, logits, top, draw->top_p);
    weigh_codes(&field, logits, top, draw->temperature);
    return draw_code(&field, draw->u);
}

static void blend(float *out, float *scores, const uint32_t *listed, size_t count,
                  const float *codebook, size_t channels)
{
    float total = softmax(scores, count, 1.0f);

    memset(out, 0, channels * sizeof(float));
    for (size_t i = 0; i < count; i++) {
        const float *code = codebook + listed[i] * channels;
        size_t c = 0;

        for (; c + LANES <= channels; c += LANES)
            store(out + c, load(out + c) + scores[i] * load(code + c));
        for (; c < channels; c++)
            out[c] += scores[i] * code[c];
    }
    for (size_t c = 0; c < channels; c++)
        out[c] /= total;
}

#endif
