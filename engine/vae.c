/* vae.c - the VQ-VAE around the token pyramid: feature map -> picture and picture -> features
 * (models/vqvae.py and models/basic_vae.py of VAR's release). One image at a time, in three maps.
 */
#include "generate.h"

#include <math.h>

/* A map as it goes through the layers: (side, side, channels) in `x`; `a` and `b` are free. */
typedef struct Map {
    CodesrcGenerator *generator;
    void *x, *a, *b;
    unsigned side, channels;
} Map;

static void swap(void **one, void **other)
{
    void *kept = *one;

    *one = *other;
    *other = kept;
}

static bool norm(Map *map, const CodeNorm *weights, const void *x, void *y, bool silu)
{
    const CodesrcModel *model = map->generator->model;
    CodeGroupNorm args = {.x = x,
                          .weight = weights->weight,
                          .bias = weights->bias,
                          .y = y,
                          .images = 1,
                          .positions = map->side * map->side,
                          .channels = weights->channels,
                          .groups = model->shape.vae.groups,
                          .silu = silu};

    return model->backend->group_norm(map->generator->renderer, &args);
}

static bool conv(Map *map, const CodeWeight *weight, const void *x, const void *add, void *y)
{
    CodeConv args = {.weight = weight, .x = x, .add = add, .y = y, .images = 1, .side = map->side};

    return map->generator->model->backend->conv(map->generator->renderer, &args);
}

/* x = conv(x), to another number of channels. */
static bool conv_to(Map *map, const CodeWeight *weight, unsigned channels)
{
    if (!conv(map, weight, map->x, NULL, map->a))
        return false;
    swap(&map->x, &map->a);
    map->channels = channels;
    return true;
}

/* x = conv2(SiLU(GN(conv1(SiLU(GN(x)))))) + (x or shortcut(x)) */
static bool res_block(Map *map, const CodeResBlock *block)
{
    if (!norm(map, &block->norm1, map->x, map->a, true) ||
        !conv(map, block->conv1, map->a, NULL, map->b) ||
        !norm(map, &block->norm2, map->b, map->b, true))
        return false;
    if (block->shortcut) {
        if (!conv(map, block->shortcut, map->x, NULL, map->a))
            return false;
        swap(&map->x, &map->a);
    }
    map->channels = block->norm2.channels;
    return conv(map, block->conv2, map->b, map->x, map->x);
}

/* x += proj(attention(GN(x))), one head over all positions. */
static bool attn_block(Map *map, const CodeAttnBlock *block)
{
    const CodeBackend *backend = map->generator->model->backend;
    size_t c = map->channels;
    CodeAttention args = {.q = map->b,
                          .k = code_activation(map->generator, map->b, c),
                          .v = code_activation(map->generator, map->b, 2 * c),
                          .out = map->a,
                          .q_row = 3 * c,
                          .kv_row = 3 * c,
                          .out_row = c,
                          .lanes = 1,
                          .heads = 1,
                          .dim = map->channels,
                          .queries = map->side * map->side,
                          .keys = map->side * map->side,
                          .scale = 1 / sqrtf((float)c)};

    return norm(map, &block->norm, map->x, map->a, false) &&
           conv(map, block->qkv, map->a, NULL, map->b) &&
           backend->attention(map->generator->renderer, &args) &&
           conv(map, block->proj, map->a, map->x, map->x);
}

static bool middle(Map *map, const CodeVaeSide *side)
{
    return res_block(map, &side->mid1) && attn_block(map, &side->mid_attn) &&
           res_block(map, &side->mid2);
}

static bool level_blocks(Map *map, const CodeLevel *level, unsigned blocks, bool last)
{
    for (unsigned b = 0; b < blocks; b++)
        if (!res_block(map, &level->block[b]) || (last && !attn_block(map, &level->attn[b])))
            return false;
    return true;
}

/* x = SiLU(GN(x)), then the last convolution. */
static bool finish(Map *map, const CodeVaeSide *side, unsigned channels)
{
    return norm(map, &side->norm_out, map->x, map->x, true) &&
           conv_to(map, side->conv_out, channels);
}

/* x doubled in side, then a convolution, which may do both. */
static bool upsample(Map *map, const CodeWeight *weight)
{
    CodeResize args = {.mode = CODE_NEAREST,
                       .in = map->x,
                       .out = map->a,
                       .images = 1,
                       .in_side = map->side,
                       .out_side = 2 * map->side,
                       .channels = map->channels};

    if (map->generator->model->device_info.doubles) {
        map->side *= conv_to(map, weight, map->channels) ? 2 : 0;
        return map->side;
    }
    if (!map->generator->model->backend->resize(map->generator->renderer, &args))
        return false;
    swap(&map->x, &map->a);
    map->side *= 2;
    return conv_to(map, weight, map->channels);
}

const float *code_vae_render(CodesrcGenerator *generator, const float *f_hat)
{
    const CodeVae *vae = &generator->model->vae;
    const CodeVaeShape *shape = &generator->model->shape.vae;
    void **maps = generator->buffers.maps;
    Map map = {generator,      maps[0], maps[1], maps[2], code_last_side(&generator->model->shape),
               shape->channels};

    if (!conv(&map, vae->post_quant_conv, f_hat, NULL, map.x) ||
        !conv_to(&map, vae->decoder.conv_in, shape->ch * shape->ch_mult[shape->levels - 1]) ||
        !middle(&map, &vae->decoder))
        return NULL;
    for (unsigned l = shape->levels; l-- > 0;) {
        const CodeLevel *level = &vae->decoder.level[l];

        if (!level_blocks(&map, level, shape->res_blocks + 1, l == shape->levels - 1) ||
            (l > 0 && !upsample(&map, level->resample)))
            return NULL;
    }
    if (!finish(&map, &vae->decoder, 3))
        return NULL;
    generator->image = map.x;
    return map.x;
}

const float *code_vae_encode(CodesrcGenerator *generator)
{
    const CodeVae *vae = &generator->model->vae;
    const CodeVaeShape *shape = &generator->model->shape.vae;
    void **maps = generator->buffers.maps;
    Map map = {generator, maps[0], maps[1], maps[2], code_picture_side(&generator->model->shape),
               3};

    if (!conv_to(&map, vae->encoder.conv_in, shape->ch))
        return NULL;
    for (unsigned l = 0; l < shape->levels; l++) {
        const CodeLevel *level = &vae->encoder.level[l];
        bool last = l == shape->levels - 1;

        if (!level_blocks(&map, level, shape->res_blocks, last) ||
            (!last && !conv_to(&map, level->resample, map.channels)))
            return NULL;
        map.side = last ? map.side : map.side / 2;
    }
    return middle(&map, &vae->encoder) && finish(&map, &vae->encoder, shape->channels) &&
                   conv_to(&map, vae->quant_conv, shape->channels)
               ? map.x
               : NULL;
}

size_t code_vae_largest_map(const CodeShape *shape, size_t activation_size)
{
    const CodeVaeShape *vae = &shape->vae;
    size_t side = code_picture_side(shape), top = code_last_side(shape);
    size_t pixels = 3 * side * side * sizeof(float);
    size_t features = top * top * vae->channels * sizeof(float), largest = 0, attention;

    for (unsigned l = 0; l < vae->levels; l++, side /= 2) {
        /* On level l there are its own channels, and those of the level that it comes from. */
        unsigned from = l + 1 < vae->levels ? vae->ch_mult[l + 1] : 1;
        unsigned mult = vae->ch_mult[l] > from ? vae->ch_mult[l] : from;
        unsigned below = l > 0 ? vae->ch_mult[l - 1] : 1;
        size_t map = side * side * vae->ch * (mult > below ? mult : below);

        largest = map > largest ? map : largest;
    }
    attention = 3 * top * top * vae->ch * vae->ch_mult[vae->levels - 1];
    largest = (attention > largest ? attention : largest) * activation_size;
    largest = pixels > largest ? pixels : largest;
    return features > largest ? features : largest;
}
