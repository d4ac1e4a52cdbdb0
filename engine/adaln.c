/* adaln.c - modulations from AdaLN weights that stay in their file.
 *
 * These weights are a third of a transformer's parameters, and a picture needs what they make of
 * its class only: six vectors a block. Where they are many, they are not kept in memory. When a
 * class is asked for that the table does not hold, one pass over the file computes its modulations,
 * and those of all other classes that are missing in the same run.
 *
 * The products are computed here, in plain C in one order, so that modulations are the same bits on
 * every device and every processor, whatever the classes that share a pass. */
#include "generate.h"

#include "error.h"
#include "model/weights.h"

#include <stdio.h>
#include <string.h>

enum { PIECE = 64 * 1024, SUMS = 16 }; /* floats of weights at a time, which stay in a cache */

static size_t piece_rows(size_t width)
{
    return PIECE / width ? PIECE / width : 1;
}

void code_adaln_layout(CodesrcGenerator *generator, CodeArena *host)
{
    const CodeShape *shape = &generator->model->shape;
    CodeAdalnBuffers *b = &generator->adaln;
    size_t width =
        shape->drafter.width > shape->refiner.width ? shape->drafter.width : shape->refiner.width;

    if (!generator->model->reads_adaln)
        return;
    b->staging = code_arena_take(host, CODE_WEIGHTS_STAGING, 1);
    /* Of both widths: a piece of the narrower one's whole rows may be the larger. */
    b->weights = code_arena_take(host, PIECE > width ? PIECE : width, sizeof(float));
    b->silu = code_arena_take(host, (generator->batch + 1) * width, sizeof(float));
    b->out = code_arena_take(host, (generator->batch + 1) * 6 * width, sizeof(float));
}

/* `width` is a multiple of 64: of a head. */
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

/* One layer: parts * C outputs of each of `count` classes, to buffers.out (count, parts * C). */
static bool layer(CodesrcGenerator *generator, const CodeVar *var, const char *name, unsigned parts,
                  unsigned count)
{
    CodeAdalnBuffers *b = &generator->adaln;
    CodesrcError *error = &generator->stream->error;
    size_t width = var->shape.width, out = parts * width, step = piece_rows(width);
    uint64_t dims[] = {out, width};
    char tensor[128];

    for (size_t row = 0, rows; row < out; row += rows) {
        rows = out - row < step ? out - row : step;
        if (atomic_load_explicit(&generator->cancelled, memory_order_relaxed))
            return code_fail(error, CODESRC_CANCELLED, "cancelled");
        snprintf(tensor, sizeof tensor, "%s.bias", name);
        if (!code_weights_read_rows(var->adaln, b->staging, tensor, 1, dims, row, rows, b->weights,
                                    error))
            return false;
        for (unsigned i = 0; i < count; i++)
            memcpy(b->out + i * out + row, b->weights, rows * sizeof(float));
        snprintf(tensor, sizeof tensor, "%s.weight", name);
        if (!code_weights_read_rows(var->adaln, b->staging, tensor, 2, dims, row, rows, b->weights,
                                    error))
            return false;
        for (size_t r = 0; r < rows; r++)
            for (unsigned i = 0; i < count; i++)
                b->out[i * out + row + r] +=
                    dot(b->weights + r * width, b->silu + i * width, width);
    }
    return true;
}

/* The same, to `place` of each class's slot. */
static bool layer_to_slots(CodesrcGenerator *generator, const CodeClassTable *table,
                           const char *name, unsigned parts, size_t place)
{
    size_t out = parts * (size_t)table->var->shape.width;

    if (!layer(generator, table->var, name, parts, table->pending_count))
        return false;
    for (unsigned i = 0; i < table->pending_count; i++)
        if (!generator->model->backend->copy(
                generator->stream, table->memory + table->pending[i] * table->layout.stride + place,
                generator->adaln.out + i * out, out * sizeof(float), CODE_UPLOAD))
            return false;
    return true;
}

bool code_adaln_read(CodesrcGenerator *generator, const CodeClassTable *table)
{
    const CodeVar *var = table->var;
    const CodeSlotLayout *layout = &table->layout;
    CodesrcError *error = &generator->stream->error;
    char name[64];

    /* Weights of another file would make a picture of no model. */
    if (!code_weights_unchanged(var->adaln, error))
        return false;
    if (var->shape.shared_aln &&
        !layer_to_slots(generator, table, "shared_ada_lin.1", 6, layout->shared))
        return false;
    for (unsigned i = 0; i < var->shape.depth && !var->shape.shared_aln; i++) {
        snprintf(name, sizeof name, "blocks.%u.ada_lin.1", i);
        if (!layer_to_slots(generator, table, name, 6,
                            layout->blocks + i * 6 * (size_t)var->shape.width))
            return false;
    }
    return layer_to_slots(generator, table, "head_nm.ada_lin.1", 2, layout->head) &&
           code_weights_unchanged(var->adaln, error);
}
