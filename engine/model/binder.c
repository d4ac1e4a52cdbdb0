/* binder.c - brings one tensor after the other from a weight file to the backend. */
#include "binder.h"

#include "error.h"
#include "model/digest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool code_binder_grow(float **buffer, size_t *size, size_t count, CodeError *error)
{
    float *larger;

    if (count <= *size)
        return true;
    larger = realloc(*buffer, count * sizeof(float));
    if (!larger)
        return code_fail(error, CODE_NO_MEMORY, "no memory to read a tensor of %zu values", count);
    *buffer = larger;
    *size = count;
    return true;
}

/* The first walk checks a tensor, and lists it where it is asked to. */
static bool check(CodeBinder *binder, const char *name, unsigned rank, const uint64_t *dims)
{
    CodeInventory *inventory = binder->inventory;
    CodeListed *listed;

    if (!code_weights_check(binder->weights, name, rank, dims, binder->error))
        return false;
    if (!inventory)
        return true;
    if (inventory->count == inventory->room) {
        size_t room = inventory->room ? 2 * inventory->room : 256;

        listed = realloc(inventory->all, room * sizeof *listed);
        if (!listed)
            return code_fail(binder->error, CODE_NO_MEMORY, "no memory for %zu tensors", room);
        inventory->all = listed;
        inventory->room = room;
    }
    listed = &inventory->all[inventory->count++];
    *listed = (CodeListed){.rank = rank, .part = binder->part};
    snprintf(listed->name, sizeof listed->name, "%s", name);
    memcpy(listed->dims, dims, rank * sizeof *dims);
    return true;
}

static void digest_name(CodeBinder *binder, const char *name)
{
    binder->digest = code_digest(binder->digest, name, strlen(name));
}

static void digest_values(CodeBinder *binder, const float *values, size_t count)
{
    binder->digest = code_digest(binder->digest, values, count * sizeof *values);
}

/* All of it, or each `step`-th row. */
static void digest_tensor(CodeBinder *binder, const char *name, unsigned rank, const uint64_t *dims,
                          const float *values, size_t count)
{
    size_t width = count / dims[0];

    digest_name(binder, name);
    if (binder->step <= 1 || rank < 2) {
        digest_values(binder, values, count);
        return;
    }
    for (size_t row = 0; row < dims[0]; row += binder->step)
        digest_values(binder, values + row * width, width);
}

bool code_binder_fetch(CodeBinder *binder, float **buffer, size_t *size, const char *name,
                       unsigned rank, const uint64_t *dims)
{
    size_t count = 1;

    for (unsigned i = 0; i < rank; i++)
        count *= dims[i];
    binder->parameters += count;
    if (code_binder_checks(binder)) {
        binder->all += count * sizeof(float);
        binder->model->weight_bytes += count * sizeof(float);
        return check(binder, name, rank, dims);
    }
    if (!code_binder_grow(buffer, size, count, binder->error) ||
        !code_weights_read(binder->weights, name, rank, dims, *buffer, binder->error))
        return false;
    digest_tensor(binder, name, rank, dims, *buffer, count);
    binder->done += count * sizeof(float);
    if (binder->options->progress &&
        !binder->options->progress(binder->options->progress_user,
                                   (double)binder->done / (double)binder->all))
        return code_fail(binder->error, CODE_CANCELLED, "%s: loading was cancelled",
                         code_weights_name(binder->weights));
    return true;
}

bool code_binder_fetch_main(CodeBinder *binder, const char *name, unsigned rank,
                            const uint64_t *dims)
{
    return code_binder_fetch(binder, &binder->staging, &binder->staging_size, name, rank, dims);
}

/* Appends to one of the model's lists of what is to be freed. */
static bool keep(void ***list, size_t *count, void *item, CodeError *error)
{
    void **longer = *list;

    if ((*count & (*count - 1)) == 0)
        longer = realloc(*list, (*count ? 2 * *count : 1) * sizeof *longer);
    if (!longer)
        return code_fail(error, CODE_NO_MEMORY, "no memory for a list of %zu weights", *count);
    *list = longer;
    longer[(*count)++] = item;
    return true;
}

bool code_binder_place(CodeBinder *binder, const float *values, size_t count, const float **out)
{
    CodeModel *model = binder->model;
    void *memory = model->backend->alloc(model->device, count * sizeof(float), binder->error);

    if (!memory)
        return false;
    if (!keep(&model->vectors, &model->vector_count, memory, binder->error)) {
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

static unsigned kernel_side(CodeWeightKind kind)
{
    return kind == CODE_WEIGHT_CONV3 || kind == CODE_WEIGHT_CONV3_S2 ? 3 : 1;
}

/* What packing makes of a weight that was counted as float32. */
static void count_packed(CodeBinder *binder, const CodeWeightSpec *spec)
{
    const CodeDeviceInfo *info = &binder->model->device_info;
    uint64_t size = info->activation_size, side = kernel_side(spec->kind);

    if (spec->x_f32 && spec->y_f32)
        return;
    if (spec->kind == CODE_WEIGHT_LINEAR && info->linear_size)
        size = info->linear_size;
    binder->model->weight_bytes -= (sizeof(float) - size) * spec->in * spec->out * side * side;
}

bool code_binder_pack(CodeBinder *binder, const CodeWeightSpec *spec, const float *bias,
                      CodeWeight **out)
{
    CodeModel *model = binder->model;

    if (code_binder_checks(binder)) {
        count_packed(binder, spec);
        if (binder->inventory) /* its last tensor is the weight */
            binder->inventory->all[binder->inventory->count - 1].half =
                !(spec->x_f32 && spec->y_f32);
        return true;
    }
    *out = model->backend->weight_pack(model->device, spec, binder->staging, bias, binder->error);
    if (!*out)
        return false;
    if (!keep(&model->packed, &model->packed_count, *out, binder->error)) {
        model->backend->weight_free(model->device, *out);
        return false;
    }
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
    return (CodeWeightSpec){.kind = kind,
                            .in = in,
                            .out = out,
                            .x_f32 = types == F32_TO_ACT || types == F32_TO_F32,
                            .y_f32 = types == ACT_TO_F32 || types == F32_TO_F32};
}

bool code_binder_layer(CodeBinder *binder, CodeWeight **out, CodeWeightSpec spec,
                       const char *format, ...)
{
    char base[112], name[128];
    unsigned kernel = kernel_side(spec.kind);
    uint64_t dims[] = {spec.out, spec.in, kernel, kernel};
    va_list args;

    va_start(args, format);
    vsnprintf(base, sizeof base, format, args);
    va_end(args);
    snprintf(name, sizeof name, "%s.bias", base);
    if (!code_binder_fetch(binder, &binder->bias, &binder->bias_size, name, 1, dims))
        return false;
    snprintf(name, sizeof name, "%s.weight", base);
    return code_binder_fetch_main(binder, name, spec.kind == CODE_WEIGHT_LINEAR ? 2 : 4, dims) &&
           code_binder_pack(binder, &spec, binder->bias, out);
}

/* Of a tensor that is not loaded: what code_binder_fetch would take into the digest. */
static bool digest_left(CodeBinder *binder, const char *name, unsigned rank, const uint64_t *dims)
{
    bool whole = binder->step <= 1 || rank < 2;
    size_t rows = whole ? dims[0] : 1, width = rank < 2 ? 1 : dims[1];

    if (!code_binder_grow(&binder->staging, &binder->staging_size, rows * width, binder->error) ||
        !code_binder_grow(&binder->bias, &binder->bias_size, CODE_WEIGHTS_STAGING / sizeof(float),
                          binder->error))
        return false;
    digest_name(binder, name);
    for (size_t row = 0; row < dims[0]; row += whole ? rows : binder->step) {
        if (!code_weights_read_rows(binder->weights, (uint8_t *)binder->bias, name, rank, dims, row,
                                    rows, binder->staging, binder->error))
            return false;
        digest_values(binder, binder->staging, rows * width);
    }
    return true;
}

bool code_binder_leave_layer(CodeBinder *binder, unsigned in, unsigned out, const char *name)
{
    uint64_t dims[] = {out, in};
    char bias[128], weight[128];

    binder->parameters += (uint64_t)out * (in + 1);
    snprintf(bias, sizeof bias, "%s.bias", name);
    snprintf(weight, sizeof weight, "%s.weight", name);
    if (code_binder_checks(binder))
        return check(binder, bias, 1, dims) && check(binder, weight, 2, dims);
    return digest_left(binder, bias, 1, dims) && digest_left(binder, weight, 2, dims);
}
