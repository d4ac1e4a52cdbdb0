/* sampler.c - goldens of the sampler: the two filters, the temperature, and the draw that follows.
 */
#include "golden.h"

#include "philox.h"
#include "registry.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 6, CODES = 512, SEED = 99, FRAME = 3 };

typedef struct Sampler {
    const CodeBackend *backend;
    CodeDevice *device;
    CodeStream *stream;
    CodeDeviceInfo info;
    float *logits;   /* device: (ROWS, CODES) */
    int32_t *tokens; /* device: (ROWS) */
    CodeDraw *draw;  /* device: (1) */
} Sampler;

/* Probabilities that are left after the backend's filters, and the tokens that it drew. */
static bool run(Sampler *s, const float *logits, const CodeDraw *draw, float *filtered,
                int32_t *tokens)
{
    CodeSample args = {.logits = s->logits,
                       .tokens = s->tokens,
                       .token_stride = ROWS,
                       .draws = s->draw,
                       .images = 1,
                       .rows = ROWS,
                       .codes = CODES};

    return s->backend->copy(s->stream, s->logits, logits, ROWS * CODES * sizeof(float),
                            CODE_UPLOAD) &&
           s->backend->copy(s->stream, s->draw, draw, sizeof *draw, CODE_UPLOAD) &&
           s->backend->sample(s->stream, &args) &&
           s->backend->copy(s->stream, filtered, s->logits, ROWS * CODES * sizeof(float),
                            CODE_DOWNLOAD) &&
           s->backend->copy(s->stream, tokens, s->tokens, ROWS * sizeof(int32_t), CODE_DOWNLOAD);
}

static double softmax_difference(const float *filtered, float temperature, const float *golden)
{
    double largest = -INFINITY, total = 0, difference = 0;

    /* Written out: gcc 12 for 64-bit Arm ends with an internal error on fmax() in a loop. */
    for (int i = 0; i < CODES; i++)
        largest = filtered[i] > largest ? filtered[i] : largest;
    for (int i = 0; i < CODES; i++)
        total += exp((filtered[i] - largest) / temperature);
    for (int i = 0; i < CODES; i++) {
        double p = exp((filtered[i] - largest) / temperature) / total;

        /* What one side drops and the other keeps is an error whatever its probability. */
        if ((filtered[i] == -INFINITY) != (golden[i] == 0) && golden[i] + p > 1e-30)
            return INFINITY;
        difference = fmax(difference, fabs(p - golden[i]));
    }
    return difference;
}

/* The token by the rule, from golden probabilities; the margin is the distance of u to its ends. */
static int32_t rule(const float *golden, double u, double *margin)
{
    double total = 0, mass = 0;
    int32_t token = 0;

    for (int i = 0; i < CODES; i++)
        total += golden[i];
    for (token = 0; token < CODES - 1 && mass + golden[token] <= u * total; token++)
        mass += golden[token];
    *margin = fmin(u - mass / total, (mass + golden[token]) / total - u);
    return token;
}

static bool compare(Sampler *s, const GoldenFile *file, const float *logits, json_t *setting,
                    size_t index, double *error, unsigned *equal)
{
    CodeDraw draw = {.seed = SEED,
                     .frame = FRAME,
                     .top_k = (uint32_t)json_integer_value(json_array_get(setting, 0)),
                     .top_p = json_number_value(json_array_get(setting, 1)),
                     .temperature = (float)json_number_value(json_array_get(setting, 2))};
    float filtered[ROWS * CODES];
    int32_t tokens[ROWS];
    char name[32];
    const float *golden;

    snprintf(name, sizeof name, "p_%zu", index);
    golden = golden_tensor(file, name, "F32", ROWS * CODES);
    if (!golden || !run(s, logits, &draw, filtered, tokens))
        return false;
    for (unsigned row = 0; row < ROWS; row++) {
        const float *p = golden + row * CODES;
        double margin;
        int32_t token = rule(p, code_uniform(SEED, FRAME, row, CODE_STREAM_TOKEN), &margin);

        *error = fmax(*error, softmax_difference(filtered + row * CODES, draw.temperature, p));
        *equal += tokens[row] == token || margin < 1e-6;
    }
    return true;
}

static bool compare_all(Sampler *s, const GoldenFile *file, const GoldenOptions *options)
{
    const float *logits = golden_tensor(file, "logits", "F32", ROWS * CODES);
    json_t *settings = golden_metadata(file, "settings");
    size_t count = json_array_size(settings);
    CodesrcModelInfo info = {.device = s->backend->name, .precision = s->info.precision};
    double error = 0;
    unsigned equal = 0;
    bool good = logits && count > 0;

    for (size_t i = 0; good && i < count; i++)
        good = compare(s, file, logits, json_array_get(settings, i), i, &error, &equal);
    printf(" tokens %u/%zu", equal, count * ROWS);
    good = good && equal == count * ROWS;
    json_decref(settings);
    return golden_within(options, &info, "probabilities", error) && good;
}

bool golden_sampler(const GoldenFile *file, const GoldenOptions *options)
{
    Sampler s = {0};
    CodeDeviceOptions device = {
        .threads = options->threads, .precision = options->precision, .index = -1};
    CodesrcError error = {0};
    atomic_bool never = false;
    bool good = false;

    s.backend = code_backend_find(options->device, &error);
    s.device = s.backend ? s.backend->device_open(&device, &s.info, &error) : NULL;
    s.stream = s.device ? s.backend->stream_open(s.device, &never, &error) : NULL;
    if (s.stream) {
        s.logits = s.backend->alloc(s.device, ROWS * CODES * sizeof(float), &error);
        s.tokens = s.backend->alloc(s.device, ROWS * sizeof(int32_t), &error);
        s.draw = s.backend->alloc(s.device, sizeof(CodeDraw), &error);
        good = s.logits && s.tokens && s.draw && compare_all(&s, file, options);
        s.backend->release(s.device, s.logits);
        s.backend->release(s.device, s.tokens);
        s.backend->release(s.device, s.draw);
        s.backend->stream_close(s.stream);
    }
    if (s.device)
        s.backend->device_close(s.device);
    if (error.text[0])
        golden_refused(&error);
    return good;
}
