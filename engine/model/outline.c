/* outline.c - a manifest to start from, as far as the tensors of one weight file tell. */
#include "model/checkpoint.h"
#include "model/limits.h"
#include "model/weights.h"

#include "error.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the shapes of a file say; 0: nothing. */
typedef struct Outline {
    unsigned scales, length, sides[CODESRC_MAX_SCALES]; /* sides[0] 0: not known */
    uint64_t classes, depth, width;
    uint64_t codes, channels, ch;
} Outline;

/* Positions that a model may have, which bound what its scales may take in memory. */
#define MOST_POSITIONS (CODESRC_MAX_SCALES * CODE_MAX_SIDE * CODE_MAX_SIDE)

/* Sides of the scales that released models have, for files without `lvl_1L`. */
static const unsigned released[][CODESRC_MAX_SCALES] = {
    {1, 2, 3, 4, 5, 6, 8, 10, 13, 16},
    {1, 2, 3, 4, 6, 9, 13, 18, 24, 32},
};

static uint64_t dimension(const CodeWeights *weights, const char *name, unsigned axis)
{
    const CodesrcTensorInfo *tensor = code_weights_find(weights, name);

    return tensor && tensor->rank > axis ? tensor->dims[axis] : 0;
}

/* lvl_1L has the scale of each position: the side of a scale is the root of how often it comes. */
static bool read_sides(const CodeWeights *weights, Outline *outline)
{
    uint64_t length = dimension(weights, "lvl_1L", 1);
    unsigned counts[CODESRC_MAX_SCALES] = {0};
    int64_t *levels = NULL;
    CodesrcError error;
    bool good = length && length == outline->length && (levels = calloc(length, sizeof *levels)) &&
                code_weights_integers(weights, "lvl_1L", length, levels, &error);

    for (uint64_t i = 0; good && i < length; i++) {
        good = levels[i] >= 0 && levels[i] < outline->scales;
        counts[good ? levels[i] : 0]++;
    }
    free(levels);
    for (unsigned k = 0; good && k < outline->scales; k++) {
        while (outline->sides[k] * outline->sides[k] < counts[k])
            outline->sides[k]++;
        good = counts[k] && outline->sides[k] * outline->sides[k] == counts[k];
    }
    if (!good)
        memset(outline->sides, 0, sizeof outline->sides);
    return good;
}

static void guess_sides(Outline *outline)
{
    for (size_t i = 0; i < sizeof released / sizeof *released; i++) {
        unsigned scales = 0, length = 0;

        for (; scales < CODESRC_MAX_SCALES && released[i][scales]; scales++)
            length += released[i][scales] * released[i][scales];
        if (scales == outline->scales && length == outline->length)
            memcpy(outline->sides, released[i], sizeof outline->sides);
    }
}

static void look_for_var(const CodeWeights *weights, Outline *outline)
{
    uint64_t scales = dimension(weights, "lvl_embed.weight", 0);
    uint64_t length = dimension(weights, "pos_1LC", 1), rows;
    char name[64];

    rows = dimension(weights, "class_emb.weight", 0);
    if (!length || length > MOST_POSITIONS || !scales || scales > CODESRC_MAX_SCALES || !rows)
        return;
    outline->scales = (unsigned)scales;
    outline->length = (unsigned)length;
    outline->classes = rows - 1;
    outline->width = dimension(weights, "pos_1LC", 2);
    do
        snprintf(name, sizeof name, "blocks.%" PRIu64 ".attn.mat_qkv.weight", outline->depth);
    while (code_weights_find(weights, name) && ++outline->depth < CODE_MAX_DEPTH);
    if (!read_sides(weights, outline))
        guess_sides(outline);
}

static void look_for_vae(const CodeWeights *weights, Outline *outline)
{
    outline->codes = dimension(weights, "quantize.embedding.weight", 0);
    outline->channels = dimension(weights, "quantize.embedding.weight", 1);
    outline->ch = dimension(weights, "decoder.norm_out.weight", 0);
}

/* ---- text ------------------------------------------------------------------------------------ */

static void write_name(FILE *out, const char *name, size_t length)
{
    putc('"', out);
    for (size_t i = 0; i < length; i++) {
        if (name[i] == '"' || name[i] == '\\')
            putc('\\', out);
        putc(name[i], out);
    }
    putc('"', out);
}

static void write_sides(FILE *out, const Outline *outline)
{
    fputs("patch_nums: [", out);
    for (unsigned k = 0; k < outline->scales && outline->sides[0]; k++)
        fprintf(out, "%s%u", k ? ", " : "", outline->sides[k]);
    if (outline->sides[0])
        fputs("]\n", out);
    else if (outline->length)
        fprintf(out, "]  # %u growing numbers from 1 on, whose squares add up to %u\n",
                outline->scales, outline->length);
    else
        fputs("]  # those of the transformer\n", out);
}

/* Group norms usually have 32 groups; narrow ones need a divisor. */
static void write_vae(FILE *out, const Outline *outline, const char *file)
{
    unsigned groups = 32;

    fputs("vae: {file: ", out);
    write_name(out, outline->codes ? file : "VAE_FILE", outline->codes ? strlen(file) : 8);
    while (outline->ch && outline->ch % groups)
        groups--;
    if (outline->ch && groups != 32)
        fprintf(out, ", groups: %u", groups);
    fputc('}', out);
    if (!outline->codes)
        fputs("  # not in this file\n", out);
    else
        fprintf(out,
                "  # %" PRIu64 " codes of %" PRIu64 " channels, ch %" PRIu64
                "; groups cannot be derived\n",
                outline->codes, outline->channels, outline->ch);
}

static void write_drafter(FILE *out, const Outline *outline, const char *file)
{
    fputs("drafter: {file: ", out);
    write_name(out, outline->length ? file : "VAR_FILE", outline->length ? strlen(file) : 8);
    fputc('}', out);
    if (outline->length)
        fprintf(out, "  # depth %" PRIu64 ", width %" PRIu64 "; a smaller one may be the refiner\n",
                outline->depth, outline->width);
    else
        fputs("  # not in this file\n", out);
}

static char *write_outline(const Outline *outline, const char *path, CodesrcError *error)
{
    const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;
    const char *dot = strchr(file, '.');
    size_t size, stem = dot && dot > file ? (size_t)(dot - file) : strlen(file);
    char *text = NULL;
    FILE *out = open_memstream(&text, &size);

    if (out) {
        fputs("name: ", out);
        write_name(out, file, stem);
        putc('\n', out);
        write_sides(out, outline);
        if (outline->length)
            fprintf(out, "classes: %" PRIu64 "\n", outline->classes);
        else
            fputs("classes:  # of the transformer\n", out);
        write_vae(out, outline, file);
        write_drafter(out, outline, file);
        if (!fclose(out))
            return text;
        free(text);
    }
    code_fail(error, CODESRC_NO_MEMORY, "%.300s: no memory for a manifest", path);
    return NULL;
}

char *codesrc_weights_outline(const char *path, CodesrcError *error)
{
    Outline outline = {0};

    for (CodeRole role = CODE_ROLE_VAE; role <= CODE_ROLE_VAR; role++) {
        CodeWeights *weights = code_weights_open(path, role, error);

        if (!weights)
            return NULL;
        if (role == CODE_ROLE_VAE)
            look_for_vae(weights, &outline);
        else
            look_for_var(weights, &outline);
        code_weights_close(weights);
    }
    if (outline.codes || outline.length)
        return write_outline(&outline, path, error);
    code_fail(error, CODESRC_MISMATCH,
              "%.300s: found no model, expected a VQ-VAE or a VAR transformer", path);
    return NULL;
}
