/* synthetic.c - weights that are a pure function of a tensor's name, its shape and a seed, so that
 * a model of any size can run without a file:
 *
 *     key  = FNV-1a of the name, xor seed
 *     h(i) = MurmurHash3's finalizer of i * 0x9E3779B9 + key     i: row-major index, modulo 2^32
 *     u(i) = (h(i) >> 8) * 2^-24                                 in [0, 1), exact
 *     w(i) = offset + (u(i) - 0.5) * 2 * amplitude               one product, one sum in float32
 *
 * Amplitude and offset give each tensor roughly the effect of a trained one. */
#include "formulas.h"
#include "model/formats.h"

#include <math.h>
#include <string.h>

static uint32_t fnv1a(const char *name)
{
    uint32_t hash = 0x811C9DC5;

    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 0x01000193;
    return hash;
}

static bool begins(const char *name, const char *with)
{
    return !strncmp(name, with, strlen(with));
}

static bool ends(const char *name, const char *with)
{
    size_t length = strlen(name), tail = strlen(with);

    return length >= tail && !strcmp(name + length - tail, with);
}

typedef struct Spread {
    double amplitude, offset;
} Spread;

static Spread spread_of(const char *name, unsigned rank, const uint64_t *dims)
{
    const char *dot = strrchr(name, '.'), *last = dot ? dot + 1 : name;
    double fan_in = 1.0, unit;

    for (unsigned i = 1; i < rank; i++)
        fan_in *= (double)dims[i];
    unit = fan_in > 0.0 ? sqrt(3.0 / fan_in) : 0.0; /* gives a product variance 1 */
    if (!strcmp(last, "scale_mul_1H11"))
        return (Spread){0.0, 1.3862943611198906}; /* ln 4 */
    if (ends(name, "head.weight"))
        return (Spread){6.0 * unit, 0.0};
    if (strstr(name, "ada_lin") && !strcmp(last, "weight"))
        return (Spread){0.5 * unit, 0.0};
    if (!strcmp(name, "pos_1LC") || !strcmp(name, "pos_start") || begins(name, "lvl_embed") ||
        begins(name, "class_emb"))
        return (Spread){0.5, 0.0};
    if (!strcmp(name, "quantize.embedding.weight"))
        return (Spread){1.0, 0.0};
    if (strstr(name, "norm") && rank == 1)
        return (Spread){0.1, !strcmp(last, "weight") ? 1.0 : 0.0};
    if (rank == 1)
        return (Spread){0.05, 0.0};
    return (Spread){unit, 0.0};
}

CodeSynthetic code_synthetic_rule(uint32_t seed, const char *name, unsigned rank,
                                  const uint64_t *dims)
{
    Spread spread = spread_of(name, rank, dims);

    return (CodeSynthetic){fnv1a(name) ^ seed, (float)spread.amplitude, (float)spread.offset};
}

void code_synthetic_fill(uint32_t seed, const char *name, unsigned rank, const uint64_t *dims,
                         uint64_t first, uint64_t rows, float *out)
{
    CodeSynthetic rule = code_synthetic_rule(seed, name, rank, dims);
    uint64_t row = 1;

    for (unsigned i = 1; i < rank; i++)
        row *= dims[i];
    for (uint64_t i = 0; i < rows * row; i++)
        out[i] = code_synthetic_value(&rule, (uint32_t)(first * row + i));
}
