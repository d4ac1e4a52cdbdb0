/* canvas.c - a picture as a token pyramid: the encoder's features, quantised scale by scale (VAR,
 * algorithm 1), and what zero-shot editing keeps of it (CoDe's release). */
#include "generate.h"

#include "error.h"

#include <stdlib.h>
#include <string.h>

struct CodesrcCanvas {
    size_t length, features; /* L; floats of a feature map */
    int32_t *tokens;         /* (L) */
    float *f;                /* (Z, P, P) */
    float *f_hat;            /* (K, Z, P, P) */
};

void code_channels_first(float *out, const float *in, size_t positions, size_t channels)
{
    for (size_t i = 0; i < positions; i++)
        for (size_t c = 0; c < channels; c++)
            out[c * positions + i] = in[i * channels + c];
}

void code_channels_last(float *out, const float *in, size_t positions, size_t channels)
{
    for (size_t i = 0; i < positions; i++)
        for (size_t c = 0; c < channels; c++)
            out[i * channels + c] = in[c * positions + i];
}

static CodesrcCanvas *canvas_new(const CodeShape *shape, CodesrcError *error)
{
    CodesrcCanvas *canvas = calloc(1, sizeof *canvas);
    size_t last = code_last_side(shape);

    if (canvas) {
        canvas->length = shape->first[shape->scales];
        canvas->features = last * last * shape->vae.channels;
        canvas->tokens = calloc(canvas->length, sizeof *canvas->tokens);
        canvas->f = calloc(canvas->features, sizeof *canvas->f);
        canvas->f_hat = calloc(shape->scales * canvas->features, sizeof *canvas->f_hat);
    }
    if (canvas && canvas->tokens && canvas->f && canvas->f_hat)
        return canvas;
    codesrc_canvas_free(canvas);
    code_fail(error, CODESRC_NO_MEMORY, "no memory for a canvas");
    return NULL;
}

void codesrc_canvas_free(CodesrcCanvas *canvas)
{
    if (!canvas)
        return;
    free(canvas->tokens);
    free(canvas->f);
    free(canvas->f_hat);
    free(canvas);
}

const int32_t *codesrc_canvas_tokens(const CodesrcCanvas *canvas)
{
    return canvas->tokens;
}

const float *codesrc_canvas_features(const CodesrcCanvas *canvas)
{
    return canvas->f;
}

const float *codesrc_canvas_feature_map(const CodesrcCanvas *canvas, unsigned scale)
{
    return canvas->f_hat + scale * canvas->features;
}

/* The code nearest to z: |z - c|^2, less the |z|^2 that all share. */
static int32_t nearest(const CodesrcModel *model, const float *z)
{
    size_t channels = model->shape.vae.channels;
    const float *code = model->vae.host_codebook;
    double best = 0;
    int32_t found = 0;

    for (unsigned i = 0; i < model->shape.vae.codes; i++, code += channels) {
        double distance = 0;

        for (size_t c = 0; c < channels; c++)
            distance += code[c] * ((double)code[c] - 2.0 * z[c]);
        if (i == 0 || distance < best) {
            best = distance;
            found = (int32_t)i;
        }
    }
    return found;
}

/* Tokens of one scale: what is left of the features, brought down to its side, code by code. */
static bool quantise_scale(CodesrcGenerator *generator, unsigned scale, const float *rest,
                           int32_t *tokens)
{
    const CodesrcModel *model = generator->model;
    const CodeBackend *backend = model->backend;
    CodeStream *stream = generator->stream;
    CodeBuffers *b = &generator->buffers;
    unsigned last = code_last_side(&model->shape), side = model->shape.patch_nums[scale];
    unsigned z = model->shape.vae.channels;
    size_t rows = (size_t)side * side;
    CodeResize down = {.mode = CODE_AREA,
                       .in = b->up,
                       .in_image = (size_t)last * last * z,
                       .out = b->small,
                       .out_image = rows * z,
                       .images = 1,
                       .in_side = last,
                       .out_side = side,
                       .channels = z};

    if (!backend->copy(stream, b->up, rest, (size_t)last * last * z * sizeof(float), CODE_UPLOAD) ||
        !backend->resize(stream, &down) ||
        !backend->copy(stream, b->host_map, b->small, rows * z * sizeof(float), CODE_DOWNLOAD))
        return false;
    for (size_t i = 0; i < rows; i++)
        tokens[i] = nearest(model, b->host_map + i * z);
    return backend->copy(stream, b->fed + model->shape.first[scale], tokens, rows * sizeof(int32_t),
                         CODE_UPLOAD) &&
           code_pyramid_contribute(generator, scale, 1, b->fed, NULL, NULL);
}

/* f (P, P, Z) on the host -> tokens and feature maps of the canvas. `rest` has room for one map. */
static bool quantise(CodesrcGenerator *generator, CodesrcCanvas *canvas, const float *f,
                     float *rest)
{
    const CodesrcModel *model = generator->model;
    CodeBuffers *b = &generator->buffers;
    size_t count = canvas->features, bytes = count * sizeof(float), z = model->shape.vae.channels;
    CodeDraw plain = {0};

    memcpy(rest, f, bytes);
    if (!model->backend->copy(generator->stream, b->f_hat, NULL, bytes, CODE_CLEAR) ||
        !model->backend->copy(generator->stream, b->draws, &plain, sizeof plain, CODE_UPLOAD))
        return false;
    for (unsigned k = 0; k < model->shape.scales; k++) {
        if (!quantise_scale(generator, k, rest, canvas->tokens + model->shape.first[k]) ||
            !model->backend->copy(generator->stream, b->host_map, b->f_hat, bytes, CODE_DOWNLOAD))
            return false;
        for (size_t i = 0; i < count; i++)
            rest[i] = f[i] - b->host_map[i];
        code_channels_first(canvas->f_hat + k * count, b->host_map, count / z, z);
    }
    return true;
}

CodesrcCanvas *codesrc_encode(CodesrcGenerator *generator, const float *image, CodesrcError *error)
{
    const CodesrcModel *model = generator->model;
    CodeBuffers *b = &generator->buffers;
    CodesrcCanvas *canvas = canvas_new(&model->shape, error);
    size_t side = code_picture_side(&model->shape), z = model->shape.vae.channels;
    float *work = canvas ? calloc(2 * canvas->features, sizeof *work) : NULL;
    const float *features;
    bool encoded;

    if (!work) {
        if (canvas)
            code_fail(error, CODESRC_NO_MEMORY, "no memory for a canvas");
        codesrc_canvas_free(canvas);
        return NULL;
    }
    code_channels_last(b->host_map, image, side * side, 3);
    encoded = model->backend->copy(generator->renderer, b->maps[0], b->host_map,
                                   3 * side * side * sizeof(float), CODE_UPLOAD) &&
              (features = code_vae_encode(generator)) &&
              model->backend->copy(generator->renderer, work, features,
                                   canvas->features * sizeof(float), CODE_DOWNLOAD);
    if (!encoded || !quantise(generator, canvas, work, work + canvas->features)) {
        *error = encoded ? generator->stream->error : generator->renderer->error;
        codesrc_canvas_free(canvas);
        canvas = NULL;
    } else {
        code_channels_first(canvas->f, work, canvas->features / z, z);
    }
    free(work);
    return canvas;
}

/* Kept feature maps and masks of the run; images without a canvas are drawn anew all over. */
bool code_canvas_upload(CodesrcGenerator *generator, unsigned scale)
{
    const CodesrcModel *model = generator->model;
    CodeBuffers *b = &generator->buffers;
    size_t positions = (size_t)code_last_side(&model->shape) * code_last_side(&model->shape);
    size_t z = model->shape.vae.channels, bytes = positions * z * sizeof(float);

    for (unsigned i = 0; i < generator->count; i++) {
        const CodesrcRequest *request = &generator->requests[generator->first + i];

        if (request->canvas)
            code_channels_last(b->host_map, codesrc_canvas_feature_map(request->canvas, scale),
                               positions, z);
        else
            memset(b->host_map, 0, bytes);
        for (size_t at = 0; at < positions; at++)
            b->host_mask[i * positions + at] = request->canvas ? request->mask[at] : 1;
        if (!model->backend->copy(generator->stream, b->kept + i * positions * z, b->host_map,
                                  bytes, CODE_UPLOAD))
            return false;
    }
    return model->backend->copy(generator->stream, b->mask, b->host_mask,
                                generator->count * positions * sizeof(float), CODE_UPLOAD);
}
