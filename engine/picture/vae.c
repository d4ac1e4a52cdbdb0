/* vae.c - runs the layers of the VQ-VAE around the token pyramid, as model/vae_layers.c lists them.
 */
#include "picture/vae.h"

#include "run.h"

#include <math.h>

/* Bytes of the largest contents of map `map` that the layers write. */
static size_t largest(const CodeVaeLayers *layers, int map, size_t activation_size)
{
    size_t bytes = 0;

    for (unsigned i = 0; i < layers->count; i++) {
        const CodeVaeLayer *layer = &layers->all[i];
        size_t side = code_vae_layer_side(layer);
        size_t size = code_writes_f32(&layer->spec) ? sizeof(float) : activation_size;

        if (layer->to == map)
            bytes = code_larger(bytes, side * side * layer->out * size);
    }
    return bytes;
}

void code_vae_layout(CodeVaeMaps *maps, CodeRoom *room)
{
    const CodeVae *vae = &room->model->vae;
    size_t input = code_image_floats(&room->model->shape) * sizeof(float); /* the encoder's */
    size_t size = room->model->device_info.activation_size;

    for (int i = 0; i < CODE_VAE_MAPS; i++) {
        size_t bytes =
            code_larger(largest(&vae->encoder, i, size), largest(&vae->decoder, i, size));

        maps->map[i] = code_arena_take(&room->device, code_larger(input, bytes), 1);
    }
}

static CodeGroupNorm norm_of(const CodeVaeMaps *maps, const CodesrcModel *model,
                             const CodeVaeLayer *layer)
{
    return (CodeGroupNorm){.x = maps->map[layer->from],
                           .weight = layer->scale,
                           .bias = layer->shift,
                           .y = maps->map[layer->to],
                           .images = 1,
                           .positions = layer->side * layer->side,
                           .channels = layer->in,
                           .groups = model->shape.vae.groups,
                           .silu = layer->silu};
}

static bool attention(const CodesrcModel *model, CodeStream *stream, const CodeVaeLayer *layer,
                      void *from, void *to)
{
    size_t c = layer->out;
    CodeAttention args = {.q = from,
                          .k = code_activation(model, from, c),
                          .v = code_activation(model, from, 2 * c),
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

    return model->backend->attention(stream, &args);
}

/* `input` replaces CODE_VAE_INPUT. A convolution takes the norm before it along. */
static bool compute(const CodeVaeMaps *maps, const CodesrcModel *model, CodeStream *stream,
                    const CodeVaeLayer *layer, const CodeGroupNorm *norm, const float *input)
{
    void *to = maps->map[layer->to];
    CodeConv conv = {.weight = layer->weight,
                     .norm = norm,
                     .x = layer->from == CODE_VAE_INPUT ? input : maps->map[layer->from],
                     .add = layer->add == CODE_VAE_NO_MAP ? NULL : maps->map[layer->add],
                     .y = to,
                     .images = 1,
                     .side = layer->side};

    if (layer->op == CODE_VAE_ATTENTION)
        return attention(model, stream, layer, maps->map[layer->from], to);
    return model->backend->conv(stream, &conv);
}

static bool walk(const CodeVaeMaps *maps, const CodesrcModel *model, CodeStream *stream,
                 const CodeVaeLayers *layers, const float *input)
{
    for (unsigned i = 0; i < layers->count; i++) {
        CodeGroupNorm norm;
        bool normed = layers->all[i].op == CODE_VAE_NORM;

        if (normed)
            norm = norm_of(maps, model, &layers->all[i++]);
        if (!compute(maps, model, stream, &layers->all[i], normed ? &norm : NULL, input))
            return false;
    }
    return true;
}

static const float *result(const CodeVaeMaps *maps, const CodeVaeLayers *layers)
{
    return maps->map[layers->all[layers->count - 1].to];
}

bool code_vae_render(const CodeVaeMaps *maps, const CodesrcModel *model, CodeStream *stream,
                     const float *features)
{
    return walk(maps, model, stream, &model->vae.decoder, features);
}

const float *code_vae_image(const CodeVaeMaps *maps, const CodesrcModel *model)
{
    return result(maps, &model->vae.decoder);
}

const float *code_vae_encode(const CodeVaeMaps *maps, const CodesrcModel *model, CodeStream *stream)
{
    const CodeVaeLayers *encoder = &model->vae.encoder;

    return walk(maps, model, stream, encoder, NULL) ? result(maps, encoder) : NULL;
}
