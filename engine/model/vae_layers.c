/* vae_layers.c - lists the layers of the VQ-VAE (models/vqvae.py and models/basic_vae.py of VAR's
 * release). */
#include "model/vae_layers.h"

#include "error.h"

#include <stdio.h>
#include <stdlib.h>

/* The decoder's convolutions may lose a bit or two, which is faster if sums are long enough. The
 * encoder's may not, because it would then find other tokens. */
enum { COARSE_CHANNELS = 16 };

/* A map on its way through the layers: number x, (side, side, channels); maps a and b are free. */
typedef struct Walk {
    CodeVaeLayer *all; /* NULL: count only */
    unsigned count;
    CodeVaeLayer spare; /* written while counting */
    char block[48];     /* name of the block whose layers come next */
    unsigned side, channels;
    int x, a, b;
    bool coarse;
} Walk;

unsigned code_vae_layer_side(const CodeVaeLayer *layer)
{
    if (layer->op != CODE_VAE_CONV)
        return layer->side;
    return layer->spec.kind == CODE_WEIGHT_CONV3_X2   ? 2 * layer->side
           : layer->spec.kind == CODE_WEIGHT_CONV3_S2 ? layer->side / 2
                                                      : layer->side;
}

static CodeVaeLayer *add(Walk *walk, CodeVaeOp op, int from, int to)
{
    CodeVaeLayer *layer = walk->all ? &walk->all[walk->count] : &walk->spare;

    walk->count++;
    *layer = (CodeVaeLayer){.op = op,
                            .side = walk->side,
                            .in = walk->channels,
                            .out = walk->channels,
                            .from = from,
                            .add = CODE_VAE_NO_MAP,
                            .to = to};
    return layer;
}

static void norm(Walk *walk, int from, int to, const char *name, bool silu)
{
    CodeVaeLayer *layer = add(walk, CODE_VAE_NORM, from, to);

    layer->silu = silu;
    snprintf(layer->name, sizeof layer->name, "%s.%s", walk->block, name);
}

/* The type of the input, the output or both may be float32 instead of the activation type; the
 * caller says so in the layer's spec. */
static CodeVaeLayer *conv(Walk *walk, CodeWeightKind kind, int from, int to, unsigned out)
{
    CodeVaeLayer *layer = add(walk, CODE_VAE_CONV, from, to);

    layer->out = out;
    layer->spec = (CodeWeightSpec){.kind = kind, .in = layer->in, .out = out};
    walk->side = code_vae_layer_side(layer);
    walk->channels = out;
    return layer;
}

static CodeVaeLayer *named(Walk *walk, CodeVaeLayer *layer, const char *name)
{
    snprintf(layer->name, sizeof layer->name, "%s.%s", walk->block, name);
    return layer;
}

/* x = conv(x) */
static CodeVaeLayer *conv_x(Walk *walk, CodeWeightKind kind, unsigned out)
{
    CodeVaeLayer *layer = conv(walk, kind, walk->x, walk->a, out);

    walk->a = walk->x;
    walk->x = layer->to;
    return layer;
}

/* One of a block's 3 x 3 convolutions between activations. */
static CodeVaeLayer *block_conv(Walk *walk, int from, int to, unsigned out, const char *name)
{
    CodeVaeLayer *layer = named(walk, conv(walk, CODE_WEIGHT_CONV3, from, to, out), name);

    layer->spec.coarse = walk->coarse && layer->in >= COARSE_CHANNELS;
    return layer;
}

/* x = conv2(SiLU(GN(conv1(SiLU(GN(x)))))) + (x or shortcut(x)). After the shortcut x is needed no
 * more and is normalised in place, so that only one map of the decoder is as large as the last x
 * that is doubled. */
static void res_block(Walk *walk, unsigned out)
{
    unsigned in = walk->channels;
    int from = walk->x;

    if (in != out) {
        named(walk, conv_x(walk, CODE_WEIGHT_CONV1, out), "nin_shortcut");
        walk->channels = in;
        from = walk->a;
    }
    norm(walk, from, walk->a, "norm1", true);
    block_conv(walk, walk->a, walk->b, out, "conv1");
    norm(walk, walk->b, walk->b, "norm2", true);
    block_conv(walk, walk->b, walk->x, out, "conv2")->add = walk->x;
}

/* x += proj_out(attention(qkv(GN(x)))) */
static void attn_block(Walk *walk)
{
    unsigned channels = walk->channels;

    norm(walk, walk->x, walk->a, "norm", false);
    named(walk, conv(walk, CODE_WEIGHT_CONV1, walk->a, walk->b, 3 * channels), "qkv");
    add(walk, CODE_VAE_ATTENTION, walk->b, walk->a)->out = channels;
    walk->channels = channels;
    named(walk, conv(walk, CODE_WEIGHT_CONV1, walk->a, walk->x, channels), "proj_out")->add =
        walk->x;
}

static void middle(Walk *walk, const char *part)
{
    snprintf(walk->block, sizeof walk->block, "%s.mid.block_1", part);
    res_block(walk, walk->channels);
    snprintf(walk->block, sizeof walk->block, "%s.mid.attn_1", part);
    attn_block(walk);
    snprintf(walk->block, sizeof walk->block, "%s.mid.block_2", part);
    res_block(walk, walk->channels);
}

/* The blocks of one level, `name` being encoder.down.L or decoder.up.L. */
static void level(Walk *walk, const CodeVaeShape *shape, unsigned l, unsigned blocks,
                  const char *name)
{
    for (unsigned b = 0; b < blocks; b++) {
        snprintf(walk->block, sizeof walk->block, "%s.block.%u", name, b);
        res_block(walk, shape->ch * shape->ch_mult[l]);
        snprintf(walk->block, sizeof walk->block, "%s.attn.%u", name, b);
        if (l == shape->levels - 1)
            attn_block(walk);
    }
}

/* The encoder's or decoder's first convolution. */
static void conv_in(Walk *walk, unsigned out, const char *part)
{
    CodeVaeLayer *layer = conv_x(walk, CODE_WEIGHT_CONV3, out);

    snprintf(walk->block, sizeof walk->block, "%s", part);
    named(walk, layer, "conv_in")->spec.types = F32_TO_ACT;
}

/* x = SiLU(GN(x)), then the last convolution. */
static void conv_out(Walk *walk, unsigned out, const char *part)
{
    snprintf(walk->block, sizeof walk->block, "%s", part);
    norm(walk, walk->x, walk->x, "norm_out", true);
    named(walk, conv_x(walk, CODE_WEIGHT_CONV3, out), "conv_out")->spec.types = ACT_TO_F32;
}

/* Around the quantiser, from float32 to float32. */
static void quantiser_conv(CodeVaeLayer *layer, const char *name)
{
    layer->spec.types = F32_TO_F32;
    snprintf(layer->name, sizeof layer->name, "%s", name);
}

static void encoder(Walk *walk, const CodeVaeShape *shape)
{
    char name[32];

    conv_in(walk, shape->ch, "encoder");
    for (unsigned l = 0; l < shape->levels; l++) {
        snprintf(name, sizeof name, "encoder.down.%u", l);
        level(walk, shape, l, shape->res_blocks, name);
        snprintf(walk->block, sizeof walk->block, "%s", name);
        if (l < shape->levels - 1)
            named(walk, conv_x(walk, CODE_WEIGHT_CONV3_S2, walk->channels), "downsample.conv");
    }
    middle(walk, "encoder");
    conv_out(walk, shape->channels, "encoder");
    quantiser_conv(conv_x(walk, CODE_WEIGHT_CONV3, shape->channels), "quant_conv");
}

static void decoder(Walk *walk, const CodeVaeShape *shape)
{
    char name[32];

    walk->coarse = true;
    quantiser_conv(conv(walk, CODE_WEIGHT_CONV3, CODE_VAE_INPUT, walk->x, shape->channels),
                   "post_quant_conv");
    conv_in(walk, shape->ch * shape->ch_mult[shape->levels - 1], "decoder");
    middle(walk, "decoder");
    for (unsigned l = shape->levels; l-- > 0;) {
        snprintf(name, sizeof name, "decoder.up.%u", l);
        level(walk, shape, l, shape->res_blocks + 1, name);
        snprintf(walk->block, sizeof walk->block, "%s", name);
        if (l > 0)
            named(walk, conv_x(walk, CODE_WEIGHT_CONV3_X2, walk->channels), "upsample.conv")
                ->spec.coarse = true;
    }
    conv_out(walk, 3, "decoder");
}

/* Walks twice: to count, and to fill the list. */
static bool list(CodeVaeLayers *layers, const CodeVaeShape *shape, Walk start,
                 void (*walk)(Walk *walk, const CodeVaeShape *shape), CodesrcError *error)
{
    Walk counting = start;

    walk(&counting, shape);
    start.all = calloc(counting.count, sizeof *start.all);
    if (!start.all)
        return code_fail(error, CODESRC_NO_MEMORY, "no memory for %u layers of the VQ-VAE",
                         counting.count);
    walk(&start, shape);
    *layers = (CodeVaeLayers){start.all, start.count};
    return true;
}

bool code_vae_encoder(CodeVaeLayers *layers, const CodeVaeShape *shape, unsigned last_side,
                      CodesrcError *error)
{
    Walk start = {.side = last_side << (shape->levels - 1), .channels = 3, .x = 0, .a = 1, .b = 2};

    if (!shape->encodes) {
        *layers = (CodeVaeLayers){0};
        return true;
    }
    return list(layers, shape, start, encoder, error);
}

bool code_vae_decoder(CodeVaeLayers *layers, const CodeVaeShape *shape, unsigned last_side,
                      CodesrcError *error)
{
    Walk start = {.side = last_side, .channels = shape->channels, .x = 0, .a = 1, .b = 2};

    return list(layers, shape, start, decoder, error);
}

void code_vae_layers_free(CodeVaeLayers *layers)
{
    free(layers->all);
    *layers = (CodeVaeLayers){0};
}
