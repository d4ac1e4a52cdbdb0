/* vae.c - runs the VQ-VAE around the token pyramid: feature map -> picture and picture -> features.
 * One image at a time, in three maps. */
#include "generate.h"

#include <math.h>

static bool norm(const CodesrcGenerator *generator, const CodeVaeLayer *layer, const void *from,
                 void *to)
{
    const CodesrcModel *model = generator->model;
    CodeGroupNorm args = {.x = from,
                          .weight = layer->scale,
                          .bias = layer->shift,
                          .y = to,
                          .images = 1,
                          .positions = layer->side * layer->side,
                          .channels = layer->in,
                          .groups = model->shape.vae.groups,
                          .silu = layer->silu};

    return model->backend->group_norm(generator->renderer, &args);
}

static bool attention(const CodesrcGenerator *generator, const CodeVaeLayer *layer,
                      const void *from, void *to)
{
    size_t c = layer->out;
    CodeAttention args = {.q = from,
                          .k = code_activation(generator, from, c),
                          .v = code_activation(generator, from, 2 * c),
                          .out = to,
                          .q_row = 3 * c,
                          .kv_row = 3 * c,
                          .out_row = c,
                          .lanes = 1,
                          .heads = 1,
                          .dim = layer->out,
                          .queries = layer->side * layer->side,
                          .keys = layer->side * layer->side,
                          .scale = 1 / sqrtf((float)c)};

    return generator->model->backend->attention(generator->renderer, &args);
}

/* All layers; `input` is what CODE_VAE_INPUT stands for. Returns the map that holds the result, or
 * NULL on failure. */
static const float *walk(const CodesrcGenerator *generator, const CodeVaeLayers *layers,
                         const float *input)
{
    void *const *maps = generator->buffers.maps;
    bool good = true;

    for (unsigned i = 0; good && i < layers->count; i++) {
        const CodeVaeLayer *layer = &layers->all[i];
        const void *from = layer->from == CODE_VAE_INPUT ? input : maps[layer->from];
        CodeConv conv = {.weight = layer->weight,
                         .x = from,
                         .add = layer->add == CODE_VAE_NO_MAP ? NULL : maps[layer->add],
                         .y = maps[layer->to],
                         .images = 1,
                         .side = layer->side};

        good = layer->op == CODE_VAE_NORM ? norm(generator, layer, from, maps[layer->to])
               : layer->op == CODE_VAE_CONV
                   ? generator->model->backend->conv(generator->renderer, &conv)
                   : attention(generator, layer, from, maps[layer->to]);
    }
    return good ? maps[layers->all[layers->count - 1].to] : NULL;
}

const float *code_vae_render(CodesrcGenerator *generator, const float *f_hat)
{
    const float *image = walk(generator, &generator->model->vae.decoder, f_hat);

    if (image)
        generator->image = image;
    return image;
}

const float *code_vae_encode(CodesrcGenerator *generator)
{
    return walk(generator, &generator->model->vae.encoder, NULL);
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t largest_of(const CodeVaeLayers *layers, size_t activation_size)
{
    size_t largest = 0;

    for (unsigned i = 0; i < layers->count; i++) {
        const CodeVaeLayer *layer = &layers->all[i];
        size_t side = code_vae_layer_side(layer);

        largest =
            larger(largest, side * side * layer->out *
                                (code_writes_f32(&layer->spec) ? sizeof(float) : activation_size));
    }
    return largest;
}

size_t code_vae_largest_map(const CodeVae *vae, size_t activation_size)
{
    const CodeVaeLayer *first = vae->encoder.all; /* its input, the image, lies in a map too */
    size_t image = (size_t)first->side * first->side * first->in * sizeof(float);

    return larger(image, larger(largest_of(&vae->encoder, activation_size),
                                largest_of(&vae->decoder, activation_size)));
}
