/* shape.c - the numbers of a model: what the manifest says, completed from the tensors' shapes. */
#include "model.h"

#include "error.h"
#include "weights.h"

#include <stdio.h>
#include <string.h>

/* Larger than any model we know of, small enough for the arithmetic of plan.c. */
enum { MAX_WIDTH = 16384, MAX_DEPTH = 256, MAX_CODES = 65536, MAX_CHANNELS = 1024, MAX_CH = 4096 };

/* Dimension `axis` of a tensor that must be there. 0 on failure. */
static unsigned dimension(const CodeWeights *weights, const char *name, unsigned rank,
                          unsigned axis, unsigned limit, CodesrcError *error)
{
    const CodesrcTensorInfo *tensor = code_weights_find(weights, name);

    if (!tensor)
        code_fail(error, CODESRC_MISMATCH, "%s: tensor %s is missing", code_weights_name(weights),
                  name);
    else if (tensor->rank != rank)
        code_fail(error, CODESRC_MISMATCH, "%s: tensor %s has %u dimensions, expected %u",
                  code_weights_name(weights), name, tensor->rank, rank);
    else if (tensor->dims[axis] < 1 || tensor->dims[axis] > limit)
        code_fail(error, CODESRC_MISMATCH, "%s: tensor %s: dimension %u is %llu, expected 1..%u",
                  code_weights_name(weights), name, axis, (unsigned long long)tensor->dims[axis],
                  limit);
    else
        return (unsigned)tensor->dims[axis];
    return 0;
}

/* How many of the tensors named by `format` with 0, 1, 2, ... there are. */
static unsigned run_length(const CodeWeights *weights, const char *format_head,
                           const char *format_tail, unsigned limit)
{
    char name[128];
    unsigned count = 0;

    do
        snprintf(name, sizeof name, "%s%u%s", format_head, count, format_tail);
    while (code_weights_find(weights, name) && ++count <= limit);
    return count;
}

/* *number = found, unless the manifest gave another number. */
static bool agree(unsigned given, unsigned found, const char *what, const CodeWeights *weights,
                  unsigned *number, CodesrcError *error)
{
    if (given && given != found)
        return code_fail(error, CODESRC_MISMATCH, "%s: %s is %u, but the manifest says %u",
                         code_weights_name(weights), what, found, given);
    *number = found;
    return true;
}

static bool vae_levels(const CodeManifestVae *given, const CodeWeights *weights,
                       CodeVaeShape *shape, CodesrcError *error)
{
    unsigned levels = run_length(weights, "decoder.up.", ".block.0.conv1.weight", CODE_MAX_LEVELS);

    if (levels < 1 || levels > CODE_MAX_LEVELS)
        return code_fail(error, CODESRC_MISMATCH, "%s: %u levels decoder.up.*, expected 1..%d",
                         code_weights_name(weights), levels, CODE_MAX_LEVELS);
    if (!agree(given->levels, levels, "the number of levels (ch_mult)", weights, &shape->levels,
               error))
        return false;
    for (unsigned level = 0; level < levels; level++) {
        char name[64];
        unsigned out;

        snprintf(name, sizeof name, "decoder.up.%u.block.0.conv1.weight", level);
        out = dimension(weights, name, 4, 0, MAX_CH * 16, error);
        if (!out)
            return false;
        if (out % shape->ch)
            return code_fail(error, CODESRC_MISMATCH,
                             "%s: tensor %s has %u outputs, expected a multiple of ch = %u",
                             code_weights_name(weights), name, out, shape->ch);
        if (!agree(given->ch_mult[level], out / shape->ch, "ch_mult", weights,
                   &shape->ch_mult[level], error))
            return false;
    }
    return true;
}

static bool groups_fit(const CodeVaeShape *shape, const char *name, CodesrcError *error)
{
    for (unsigned level = 0; level < shape->levels; level++) {
        unsigned channels = shape->ch * shape->ch_mult[level];

        if (channels % shape->groups)
            return code_fail(error, CODESRC_MISMATCH,
                             "%s: %u channels on level %u cannot be cut into groups: %u", name,
                             channels, level, shape->groups);
    }
    if (shape->ch % shape->groups)
        return code_fail(error, CODESRC_MISMATCH, "%s: ch = %u cannot be cut into groups: %u", name,
                         shape->ch, shape->groups);
    return true;
}

bool code_shape_of_vae(const CodeManifest *manifest, const CodeWeights *weights,
                       CodeVaeShape *shape, CodesrcError *error)
{
    const CodeManifestVae *given = &manifest->vae;
    unsigned codes, channels, ch, blocks;

    *shape = (CodeVaeShape){given->codes,
                            given->channels,
                            given->ch,
                            given->res_blocks,
                            given->groups ? given->groups : 32,
                            given->levels,
                            {0}};
    memcpy(shape->ch_mult, given->ch_mult, sizeof shape->ch_mult);
    if (manifest->synthetic)
        return groups_fit(shape, manifest->path, error);

    codes = dimension(weights, "quantize.embedding.weight", 2, 0, MAX_CODES, error);
    channels =
        codes ? dimension(weights, "quantize.embedding.weight", 2, 1, MAX_CHANNELS, error) : 0;
    ch = channels ? dimension(weights, "encoder.conv_in.weight", 4, 0, MAX_CH, error) : 0;
    if (!ch)
        return false;
    blocks = run_length(weights, "encoder.down.0.block.", ".conv1.weight", CODE_MAX_RES_BLOCKS);
    if (blocks < 1 || blocks > CODE_MAX_RES_BLOCKS)
        return code_fail(error, CODESRC_MISMATCH,
                         "%s: %u blocks encoder.down.0.block.*, expected 1..%d",
                         code_weights_name(weights), blocks, CODE_MAX_RES_BLOCKS);
    return agree(given->codes, codes, "codes", weights, &shape->codes, error) &&
           agree(given->channels, channels, "channels", weights, &shape->channels, error) &&
           agree(given->ch, ch, "ch", weights, &shape->ch, error) &&
           agree(given->res_blocks, blocks, "res_blocks", weights, &shape->res_blocks, error) &&
           vae_levels(given, weights, shape, error) &&
           groups_fit(shape, code_weights_name(weights), error);
}

bool code_shape_of_var(const CodeManifestVar *given, const char *role, const CodeWeights *weights,
                       CodeVarShape *shape, unsigned *classes, CodesrcError *error)
{
    unsigned depth, width, heads, rows;

    *shape = (CodeVarShape){given->depth, given->width, given->heads, given->shared_aln};
    if (code_weights_is_synthetic(weights))
        return true;

    depth = run_length(weights, "blocks.", ".attn.mat_qkv.weight", MAX_DEPTH);
    if (depth < 1 || depth > MAX_DEPTH)
        return code_fail(error, CODESRC_MISMATCH, "%s: %u blocks, expected 1..%d for the %s",
                         code_weights_name(weights), depth, MAX_DEPTH, role);
    width = dimension(weights, "pos_1LC", 3, 2, MAX_WIDTH, error);
    heads = width ? dimension(weights, "blocks.0.attn.scale_mul_1H11", 4, 1, MAX_WIDTH, error) : 0;
    rows = heads ? dimension(weights, "class_emb.weight", 2, 0, 1 << 20, error) : 0;
    if (!rows)
        return false;
    if (heads * CODE_HEAD_SIZE != width)
        return code_fail(error, CODESRC_MISMATCH,
                         "%s: %u heads and a width of %u, expected heads of %d for the %s",
                         code_weights_name(weights), heads, width, CODE_HEAD_SIZE, role);
    if (*classes && rows != *classes + 1)
        return code_fail(error, CODESRC_MISMATCH,
                         "%s: tensor class_emb.weight has %u rows, expected %u classes and one row "
                         "for no class",
                         code_weights_name(weights), rows, *classes);
    *classes = rows - 1;
    shape->shared_aln = code_weights_find(weights, "shared_ada_lin.1.weight") != NULL;
    return agree(given->depth, depth, "depth", weights, &shape->depth, error) &&
           agree(given->width, width, "width", weights, &shape->width, error) &&
           agree(given->heads, heads, "heads", weights, &shape->heads, error);
}
