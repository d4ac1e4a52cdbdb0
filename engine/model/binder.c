/* binder.c - brings one tensor after another from a weight file to the backend. */
#include "model/binder.h"

#include "error.h"
#include "model/digest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool code_binder_grow(float **buffer, size_t *size, size_t count, CodesrcError *error)
{
    float *larger;

    if (count <= *size)
        return true;
    larger = realloc(*buffer, count * sizeof(float));
    if (!larger)
        return code_fail(error, CODESRC_NO_MEMORY, "no memory to read a tensor of %zu values",
                         count);
    *buffer = larger;
    *size = count;
    return true;
}

/* The first walk: checks a tensor, and lists it if asked to. */
static bool check(CodeBinder *binder, const char *name, unsigned rank, const uint64_t *dims)
{
    CodeInventory *inventory = binder->inventory;
    CodeListed *listed;

    if (!code_weights_check(binder->weights, name, rank, dims, binder->error))
        return false;
    code_weights_take(binder->weights, name);
    if (!inventory)
        return true;
    if (inventory->count == inventory->room) {
        size_t room = inventory->room ? 2 * inventory->room : 256;

        listed = realloc(inventory->all, room * sizeof *listed);
        if (!listed)
            return code_fail(binder->error, CODESRC_NO_MEMORY, "no memory for %zu tensors", room);
        inventory->all = listed;
        inventory->room = room;
    }
    listed = &inventory->all[inventory->count++];
    *listed = (CodeListed){.rank = rank, .part = binder->part};
    snprintf(listed->name, sizeof listed->name, "%s", name);
    memcpy(listed->dims, dims, rank * sizeof *dims);
    return true;
}

/* The number of a tensor's values, which it adds to the parameters and to the second walk's
 * work. */
static size_t count_values(CodeBinder *binder, unsigned rank, const uint64_t *dims)
{
    size_t count = 1;

    for (unsigned i = 0; i < rank; i++)
        count *= dims[i];
    binder->parameters += count;
    if (code_binder_checks(binder))
        binder->all += count * sizeof(float);
    return count;
}

bool code_binder_fetch(CodeBinder *binder, float **buffer, size_t *size, const char *name,
                       unsigned rank, const uint64_t *dims)
{
    size_t count = count_values(binder, rank, dims);

    if (code_binder_checks(binder)) {
        binder->model->weight_bytes += count * sizeof(float);
        return check(binder, name, rank, dims);
    }
    if (!code_binder_grow(buffer, size, count, binder->error) ||
        !code_weights_read(binder->weights, name, rank, dims, *buffer, binder->error))
        return false;
    binder->digest = code_digest(binder->digest, name, strlen(name));
    binder->digest = code_digest(binder->digest, *buffer, count * sizeof(float));
    return code_binder_progress(binder, count);
}

bool code_binder_progress(CodeBinder *binder, uint64_t count)
{
    binder->done += count * sizeof(float);
    if (binder->options->progress &&
        !binder->options->progress(binder->options->progress_user,
                                   (double)binder->done / (double)binder->all))
        return code_fail(binder->error, CODESRC_CANCELLED, "%s: loading was cancelled",
                         binder->model->manifest->path);
    return true;
}

bool code_binder_fetch_main(CodeBinder *binder, const char *name, unsigned rank,
                            const uint64_t *dims)
{
    return code_binder_fetch(binder, &binder->staging, &binder->staging_size, name, rank, dims);
}

bool code_binder_keep(void ***list, size_t *count, void *item, CodesrcError *error)
{
    void **longer = *list;

    if ((*count & (*count - 1)) == 0)
        longer = realloc(*list, (*count ? 2 * *count : 1) * sizeof *longer);
    if (!longer)
        return code_fail(error, CODESRC_NO_MEMORY, "no memory for a list of %zu weights", *count);
    *list = longer;
    longer[(*count)++] = item;
    return true;
}

bool code_binder_place(CodeBinder *binder, const float *values, size_t count, const float **out)
{
    CodesrcModel *model = binder->model;
    void *memory = model->backend->alloc(model->device, count * sizeof(float), binder->error);

    if (!memory)
        return false;
    if (!code_binder_keep(&model->vectors, &model->vector_count, memory, binder->error)) {
        model->backend->release(model->device, memory);
        return false;
    }
    if (!model->backend->copy(binder->stream, memory, values, count * sizeof(float), CODE_UPLOAD)) {
        *binder->error = binder->stream->error;
        return false;
    }
    *out = memory;
    return true;
}

/* ---- kinds of tensors ------------------------------------------------------------------------ */

bool code_binder_vector(CodeBinder *binder, const float **out, unsigned count, const char *format,
                        ...)
{
    char name[128];
    uint64_t dims[] = {count};
    va_list args;

    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    return code_binder_fetch_main(binder, name, 1, dims) &&
           (code_binder_checks(binder) || code_binder_place(binder, binder->staging, count, out));
}

CodeWeightSpec code_weight_spec(CodeWeightKind kind, unsigned in, unsigned out, CodeTypes types)
{
    return (CodeWeightSpec){.kind = kind, .in = in, .out = out, .types = types};
}

/* Checks one of a layer's tensors, and counts it if it will be loaded. A bias counts as float32;
 * only the device knows the bytes of a weight, which check_layer adds. */
static bool check_tensor(CodeBinder *binder, const CodeLayer *layer, const char *suffix,
                         unsigned rank, const uint64_t *dims)
{
    char name[128];

    snprintf(name, sizeof name, "%s.%s", layer->name, suffix);
    if (layer->out) {
        size_t count = count_values(binder, rank, dims);

        binder->model->weight_bytes += rank == 1 ? count * sizeof(float) : 0;
    }
    return check(binder, name, rank, dims);
}

static bool check_layer(CodeBinder *binder, const CodeLayer *layer)
{
    const CodeWeightSpec *spec = &layer->spec;
    unsigned kernel = code_kernel_side(spec->kind), rank = spec->kind == CODE_WEIGHT_LINEAR ? 2 : 4;
    uint64_t dims[] = {spec->out, spec->in, kernel, kernel}, width[] = {spec->in};
    size_t count = (size_t)spec->out * spec->in * kernel * kernel;
    bool good;

    if (layer->attention)
        good = check_tensor(binder, layer, "q_bias", 1, width) &&
               check_tensor(binder, layer, "v_bias", 1, width) &&
               check_tensor(binder, layer, "mat_qkv.weight", 2, dims);
    else
        good = check_tensor(binder, layer, "bias", 1, dims) &&
               check_tensor(binder, layer, "weight", rank, dims);
    if (!good)
        return false;
    if (binder->inventory)
        /* A coarse convolution may sum its weights before it rounds them. */
        binder->inventory->all[binder->inventory->count - 1].half =
            spec->types != F32_TO_F32 && !spec->coarse;
    if (layer->out)
        binder->model->weight_bytes +=
            binder->model->backend->weight_bytes(binder->model->device, spec);
    else
        count = spec->in; /* rows for the digest are read one by one */
    if (count > binder->largest_weight)
        binder->largest_weight = count;
    if (spec->out > binder->largest_bias)
        binder->largest_bias = spec->out;
    return true;
}

static bool note_layer(CodeBinder *binder, const CodeLayer *layer)
{
    const CodeWeightSpec *spec = &layer->spec;
    uint64_t taps = code_kernel_side(spec->kind) * code_kernel_side(spec->kind);

    if (code_binder_checks(binder) && !check_layer(binder, layer))
        return false;
    if (!code_binder_checks(binder) || !layer->out)
        binder->parameters +=
            spec->out * taps * spec->in + (layer->attention ? 2 * spec->in : spec->out);
    if (code_binder_checks(binder))
        return true;
    if (binder->layer_count == binder->layer_room) {
        size_t room = binder->layer_room ? 2 * binder->layer_room : 64;
        CodeLayer *layers = realloc(binder->layers, room * sizeof *layers);

        if (!layers)
            return code_fail(binder->error, CODESRC_NO_MEMORY, "no memory for %zu layers", room);
        binder->layers = layers;
        binder->layer_room = room;
    }
    binder->layers[binder->layer_count++] = *layer;
    return true;
}

bool code_binder_layer(CodeBinder *binder, CodeWeight **out, CodeWeightSpec spec,
                       const char *format, ...)
{
    CodeLayer layer = {.weights = binder->weights, .spec = spec, .out = out, .step = 1};
    va_list args;

    va_start(args, format);
    vsnprintf(layer.name, sizeof layer.name, format, args);
    va_end(args);
    return note_layer(binder, &layer);
}

bool code_binder_attention(CodeBinder *binder, CodeWeight **out, unsigned width, const char *name)
{
    CodeLayer layer = {.weights = binder->weights,
                       .attention = true,
                       .spec = code_weight_spec(CODE_WEIGHT_LINEAR, width, 3 * width, ACT_TO_ACT),
                       .out = out,
                       .step = 1};

    snprintf(layer.name, sizeof layer.name, "%s", name);
    return note_layer(binder, &layer);
}

bool code_binder_adaln(CodeBinder *binder, CodeWeight **out, unsigned width, unsigned parts,
                       const char *name)
{
    CodeLayer layer = {
        .weights = binder->weights,
        .spec = code_weight_spec(CODE_WEIGHT_LINEAR, width, parts * width, F32_TO_F32),
        .out = binder->model->reads_adaln ? NULL : out,
        .step = binder->adaln_step,
    };

    /* VAR is trained and released with these products in 16 bits. */
    layer.spec.coarse = true;
    snprintf(layer.name, sizeof layer.name, "%s", name);
    return note_layer(binder, &layer);
}
