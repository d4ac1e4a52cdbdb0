/* adaln.c - modulations of classes from AdaLN weights that stay in their file.
 *
 * These weights are a third of a transformer's parameters, and a picture needs only their products
 * with its class: six vectors per block. The engine does not keep large ones in memory. When a run
 * needs classes that have no slot yet, one pass over the file computes the modulations of all of
 * them.
 *
 * The products are computed here, in plain C and in one fixed order, so that modulations have the
 * same bits on every device and processor, whichever classes share a pass. */
#include "draft/adaln.h"

#include "error.h"
#include "model/weights.h"

#include <stdio.h>
#include <string.h>

enum { PIECE = 64 * 1024, SUMS = 16 }; /* floats of weights at a time, few enough for a cache */

/* One pass over the file. */
typedef struct Reading {
    CodeAdaln *adaln;
    const CodeRun *run;
    const CodeSlots *slots;
    const uint32_t *pending; /* (count) slots */
    unsigned count;
} Reading;

static size_t piece_rows(size_t width)
{
    return PIECE / width ? PIECE / width : 1;
}

void code_adaln_layout(CodeAdaln *adaln, CodeRoom *room)
{
    const CodeShape *shape = &room->model->shape;
    size_t classes = (size_t)room->batch + 1;
    size_t width =
        shape->drafter.width > shape->refiner.width ? shape->drafter.width : shape->refiner.width;

    if (!room->model->reads_adaln)
        return;
    adaln->staging = code_arena_take(&room->host, CODE_WEIGHTS_STAGING, 1);
    /* For both widths: whole rows of the narrower one may fill more of a piece. */
    adaln->weights = code_arena_take(&room->host, PIECE > width ? PIECE : width, sizeof(float));
    adaln->silu = code_arena_take(&room->host, classes * width, sizeof(float));
    adaln->out = code_arena_take(&room->host, classes * 6 * width, sizeof(float));
}

/* `width` is a multiple of 64, the width of a head. */
static float dot(const float *a, const float *b, size_t width)
{
    float sum[SUMS] = {0};

    for (size_t i = 0; i < width; i += SUMS)
        for (size_t j = 0; j < SUMS; j++)
            sum[j] += a[i + j] * b[i + j];
    for (size_t half = SUMS / 2; half; half /= 2)
        for (size_t j = 0; j < half; j++)
            sum[j] += sum[j + half];
    return sum[0];
}

/* Reads rows first..first + count - 1 of NAME.SUFFIX to adaln->weights. */
static bool read_rows(const Reading *reading, const char *name, const char *suffix, unsigned rank,
                      const uint64_t *dims, size_t first, size_t count)
{
    CodeAdaln *adaln = reading->adaln;
    char tensor[128];
    CodeRows rows = {tensor, rank, dims, first, count};

    snprintf(tensor, sizeof tensor, "%s.%s", name, suffix);
    return code_weights_read_rows(reading->slots->var->adaln, &rows, adaln->staging, adaln->weights,
                                  &reading->run->stream->error);
}

/* One layer, from C inputs to parts * C outputs, to adaln->out (count, parts * C). */
static bool layer(const Reading *reading, const char *name, unsigned parts)
{
    CodeAdaln *adaln = reading->adaln;
    CodeStream *stream = reading->run->stream;
    size_t width = reading->slots->var->shape.width, out = parts * width;
    size_t step = piece_rows(width);
    uint64_t dims[] = {out, width};

    for (size_t row = 0, rows; row < out; row += rows) {
        rows = out - row < step ? out - row : step;
        if (atomic_load_explicit(stream->cancelled, memory_order_relaxed))
            return code_fail(&stream->error, CODESRC_CANCELLED, "cancelled");
        if (!read_rows(reading, name, "bias", 1, dims, row, rows))
            return false;
        for (unsigned i = 0; i < reading->count; i++)
            memcpy(adaln->out + i * out + row, adaln->weights, rows * sizeof(float));
        if (!read_rows(reading, name, "weight", 2, dims, row, rows))
            return false;
        for (size_t r = 0; r < rows; r++)
            for (unsigned i = 0; i < reading->count; i++)
                adaln->out[i * out + row + r] +=
                    dot(adaln->weights + r * width, adaln->silu + i * width, width);
    }
    return true;
}

/* Computes a layer and uploads its outputs to `offset` of each pending slot. */
static bool layer_to_slots(const Reading *reading, const char *name, unsigned parts, size_t offset)
{
    const CodeSlots *slots = reading->slots;
    const CodeRun *run = reading->run;
    size_t out = parts * (size_t)slots->var->shape.width;

    if (!layer(reading, name, parts))
        return false;
    for (unsigned i = 0; i < reading->count; i++)
        if (!run->model->backend->copy(run->stream, code_slot(slots, reading->pending[i], offset),
                                       reading->adaln->out + i * out, out * sizeof(float),
                                       CODE_UPLOAD))
            return false;
    return true;
}

bool code_adaln_read(CodeAdaln *adaln, const CodeRun *run, const CodeSlots *slots,
                     const uint32_t *pending, unsigned count)
{
    Reading reading = {adaln, run, slots, pending, count};
    const CodeVar *var = slots->var;
    CodesrcError *error = &run->stream->error;
    char name[64];

    /* Weights from a changed file would give a picture of no model. */
    if (!code_weights_unchanged(var->adaln, error))
        return false;
    if (var->shape.shared_aln &&
        !layer_to_slots(&reading, "shared_ada_lin.1", 6, slots->layout.shared))
        return false;
    for (unsigned i = 0; i < var->shape.depth && !var->shape.shared_aln; i++) {
        snprintf(name, sizeof name, "blocks.%u.ada_lin.1", i);
        if (!layer_to_slots(&reading, name, 6, code_slot_block(slots, i)))
            return false;
    }
    return layer_to_slots(&reading, "head_nm.ada_lin.1", 2, slots->layout.head) &&
           code_weights_unchanged(var->adaln, error);
}
