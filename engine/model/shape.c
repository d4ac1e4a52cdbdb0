/* shape.c - the numbers of a model: from the manifest, completed from the tensors' shapes. */
#include "model/model.h"

#include "error.h"
#include "model/weights.h"

#include <stdio.h>
#include <string.h>

/* Dimension `axis` of a required tensor. 0 on failure. */
static unsigned dimension(const CodeWeights *weights, const char *name, unsigned rank,
                          unsigned axis, unsigned limit, CodesrcError *error)
{
    const CodesrcTensorInfo *tensor = code_weights_find(weights, name);

    if (!tensor)
        code_weights_missing(weights, name, "one", error);
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

/* N of a name that is `head`, N in decimal digits, a dot, and more. False for any other name. A
 * number too large for any limit becomes one that is above all of them. */
static bool read_index(const char *name, const char *head, unsigned *index)
{
    size_t length = strlen(head);
    const char *digit = name + length;

    if (strncmp(name, head, length))
        return false;
    *index = 0;
    for (; *digit >= '0' && *digit <= '9'; digit++)
        *index = *index < 100000 ? 10 * *index + (unsigned)(*digit - '0') : *index;
    return digit > name + length && *digit == '.';
}

/* One more than the highest N of all tensors named `head`N.*: a part of which one tensor is there
 * counts, so that the walk over the model's tensors names those that are missing. */
static unsigned count_parts(const CodeWeights *weights, const char *head)
{
    unsigned count = 0, index;

    for (size_t i = 0; i < code_weights_count(weights); i++)
        if (read_index(code_weights_at(weights, i)->name, head, &index) && index >= count)
            count = index + 1;
    return count;
}

/* The same, which must be one to `limit`; 0 on failure. */
static unsigned parts(const CodeWeights *weights, const char *head, unsigned limit,
                      CodesrcError *error)
{
    unsigned count = count_parts(weights, head);

    if (count >= 1 && count <= limit)
        return count;
    code_fail(error, CODESRC_MISMATCH, "%s: found %u parts %s*, expected 1 to %u",
              code_weights_name(weights), count, head, limit);
    return 0;
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

/* Whether the name of a tensor begins with `head` and ends with `tail`. */
static bool has_part(const CodeWeights *weights, const char *head, const char *tail)
{
    for (size_t i = 0; i < code_weights_count(weights); i++) {
        const char *name = code_weights_at(weights, i)->name;
        size_t length = strlen(name);

        if (!strncmp(name, head, strlen(head)) && length >= strlen(tail) &&
            !strcmp(name + length - strlen(tail), tail))
            return true;
    }
    return false;
}

static bool vae_phi(const CodeWeights *weights, CodeVaeShape *shape, CodesrcError *error)
{
    const char *head = "quantize.quant_resi.qresi_ls.";

    shape->phi_names = CODE_PHI_PARTLY_SHARED;
    shape->phi_count = 1;
    if (has_part(weights, "quantize.quant_resi.qresi.", "")) {
        shape->phi_names = CODE_PHI_SHARED;
        return true;
    }
    if (count_parts(weights, "quantize.quant_resi.")) {
        head = "quantize.quant_resi.";
        shape->phi_names = CODE_PHI_OWN;
    }
    shape->phi_count = parts(weights, head, CODE_MAX_PHI, error);
    return shape->phi_count;
}

/* ch and res_blocks, from the encoder or, if the file has none, from the decoder, whose last level
 * has ch_mult[0] * ch channels and one block more than the encoder's. */
static bool vae_widths(const CodeManifestVae *given, const CodeWeights *weights,
                       CodeVaeShape *shape, CodesrcError *error)
{
    unsigned ch, blocks, multiple = given->levels ? given->ch_mult[0] : 1;

    shape->encodes = has_part(weights, "encoder.", "") || has_part(weights, "quant_conv.", "");
    if (shape->encodes) {
        ch = dimension(weights, "encoder.conv_in.weight", 4, 0, CODE_MAX_CH, error);
        blocks = ch ? parts(weights, "encoder.down.0.block.", CODE_MAX_RES_BLOCKS, error) : 0;
    } else {
        ch = dimension(weights, "decoder.conv_out.weight", 4, 1, CODE_MAX_CH * multiple, error);
        if (ch % multiple)
            return code_fail(error, CODESRC_MISMATCH,
                             "%s: tensor decoder.conv_out.weight has %u inputs, expected a "
                             "multiple of the manifest's first ch_mult, %u",
                             code_weights_name(weights), ch, multiple);
        ch /= multiple;
        blocks = ch ? parts(weights, "decoder.up.0.block.", CODE_MAX_RES_BLOCKS + 1, error) : 0;
        if (blocks == 1)
            return code_weights_missing(weights, "decoder.up.0.block.1.conv1.weight", "one", error);
        blocks -= blocks > 0;
    }
    return blocks && agree(given->ch, ch, "ch", weights, &shape->ch, error) &&
           agree(given->res_blocks, blocks, "res_blocks", weights, &shape->res_blocks, error);
}

static bool vae_levels(const CodeManifestVae *given, const CodeWeights *weights,
                       CodeVaeShape *shape, CodesrcError *error)
{
    unsigned levels = parts(weights, "decoder.up.", CODE_MAX_LEVELS, error);

    if (!levels || !agree(given->levels, levels, "the number of levels (ch_mult)", weights,
                          &shape->levels, error))
        return false;
    for (unsigned level = 0; level < levels; level++) {
        char name[64];
        unsigned out;

        snprintf(name, sizeof name, "decoder.up.%u.block.0.conv1.weight", level);
        out = dimension(weights, name, 4, 0, CODE_MAX_CH * CODE_MAX_CH_MULT, error);
        if (!out)
            return false;
        if (out % shape->ch || out / shape->ch > CODE_MAX_CH_MULT)
            return code_fail(error, CODESRC_MISMATCH,
                             "%s: tensor %s has %u outputs, expected a multiple of ch = %u, up to "
                             "%d times as many",
                             code_weights_name(weights), name, out, shape->ch, CODE_MAX_CH_MULT);
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
    unsigned codes, channels;

    *shape = (CodeVaeShape){given->codes,
                            given->channels,
                            given->ch,
                            given->res_blocks,
                            given->groups ? given->groups : 32,
                            given->levels,
                            {0},
                            CODE_PHI_PARTLY_SHARED,
                            4,
                            true};
    memcpy(shape->ch_mult, given->ch_mult, sizeof shape->ch_mult);
    if (manifest->synthetic)
        return groups_fit(shape, manifest->path, error);

    codes = dimension(weights, "quantize.embedding.weight", 2, 0, CODE_MAX_CODES, error);
    channels =
        codes ? dimension(weights, "quantize.embedding.weight", 2, 1, CODE_MAX_CHANNELS, error) : 0;
    return channels && agree(given->codes, codes, "codes", weights, &shape->codes, error) &&
           agree(given->channels, channels, "channels", weights, &shape->channels, error) &&
           vae_phi(weights, shape, error) && vae_widths(given, weights, shape, error) &&
           vae_levels(given, weights, shape, error) &&
           groups_fit(shape, code_weights_name(weights), error);
}

bool code_shape_of_var(const CodeManifestVar *given, const char *role, const CodeWeights *weights,
                       CodeVarShape *shape, unsigned *classes, CodesrcError *error)
{
    unsigned depth, width, heads, rows;
    bool shared;

    *shape = (CodeVarShape){given->depth, given->width, given->heads, given->shared_aln, true};
    if (code_weights_is_synthetic(weights))
        return true;

    width = dimension(weights, "pos_1LC", 3, 2, CODE_MAX_WIDTH, error);
    depth = width ? parts(weights, "blocks.", CODE_MAX_DEPTH, error) : 0;
    /* attn_l2_norm=False has no block with this tensor, and as many heads as fit. */
    shape->l2_norm = has_part(weights, "blocks.", ".attn.scale_mul_1H11");
    heads = width / CODE_HEAD_SIZE;
    if (depth && shape->l2_norm)
        heads = dimension(weights, "blocks.0.attn.scale_mul_1H11", 4, 1, CODE_MAX_HEADS, error);
    heads = depth ? heads : 0;
    rows = heads ? dimension(weights, "class_emb.weight", 2, 0, CODE_MAX_CLASSES + 1, error) : 0;
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
    shared = code_weights_find(weights, "shared_ada_lin.1.weight") ||
             code_weights_find(weights, "blocks.0.ada_gss");
    if (given->aln_given && given->shared_aln != shared)
        return code_fail(error, CODESRC_MISMATCH, "%s: shared_aln is %s, but the manifest says %s",
                         code_weights_name(weights), shared ? "true" : "false",
                         shared ? "false" : "true");
    shape->shared_aln = shared;
    return agree(given->depth, depth, "depth", weights, &shape->depth, error) &&
           agree(given->width, width, "width", weights, &shape->width, error) &&
           agree(given->heads, heads, "heads", weights, &shape->heads, error);
}
