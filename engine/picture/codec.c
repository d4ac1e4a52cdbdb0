/* codec.c - the VQ-VAE by itself: from a feature map to an image, and from an image to a canvas. */
#include "error.h"
#include "state.h"
#include "picture/channels.h"
#include "request.h"

#include <math.h>
#include <stdlib.h>

bool codesrc_decode(CodesrcGenerator *generator, const float *f_hat, float *image,
                    CodesrcError *error)
{
    const CodesrcModel *model = generator->model;
    const CodeRenderer *renderer = &generator->stages.renderer;
    float *host = generator->stages.host_map;
    size_t last = code_last_side(&model->shape), side = code_picture_side(&model->shape);
    size_t z = model->shape.vae.channels, pixels = 3 * side * side;
    float *place = renderer->features ? renderer->features : generator->stages.pyramid.f_hat;

    if (!code_request_idle(generator, error))
        return false;
    code_channels_last(host, f_hat, last * last, z);
    if (!model->backend->copy(renderer->stream, place, host, last * last * z * sizeof(float),
                              CODE_UPLOAD) ||
        !code_vae_render(&renderer->maps, model, renderer->stream, place) ||
        !model->backend->copy(renderer->stream, host, code_vae_image(&renderer->maps, model),
                              pixels * sizeof(float), CODE_DOWNLOAD)) {
        *error = renderer->stream->error;
        return false;
    }
    code_channels_first(image, host, side * side, 3);
    for (size_t i = 0; i < pixels; i++)
        image[i] = fminf(fmaxf(image[i], -1), 1);
    return true;
}

/* Features (P, P, Z) of an image (3, S, S), both on the host. */
static bool encode(const CodesrcGenerator *generator, const float *image, float *features,
                   CodesrcError *error)
{
    const CodesrcModel *model = generator->model;
    const CodeRenderer *renderer = &generator->stages.renderer;
    float *host = generator->stages.host_map;
    size_t last = code_last_side(&model->shape), side = code_picture_side(&model->shape);
    const float *found = NULL;

    code_channels_last(host, image, side * side, 3);
    if (model->backend->copy(renderer->stream, renderer->maps.map[0], host,
                             3 * side * side * sizeof(float), CODE_UPLOAD))
        found = code_vae_encode(&renderer->maps, model, renderer->stream);
    if (found && model->backend->copy(renderer->stream, features, found,
                                      last * last * model->shape.vae.channels * sizeof(float),
                                      CODE_DOWNLOAD))
        return true;
    *error = renderer->stream->error;
    return false;
}

static bool quantise(const CodesrcGenerator *generator, CodesrcCanvas *canvas, float *work,
                     CodesrcError *error)
{
    const CodeStages *stages = &generator->stages;
    CodeRun run = {.model = generator->model, .stream = generator->stream, .count = 1};

    if (code_canvas_quantise(canvas, &run, &stages->pyramid, &stages->sampler, work))
        return true;
    *error = generator->stream->error;
    return false;
}

CodesrcCanvas *codesrc_encode(CodesrcGenerator *generator, const float *image, CodesrcError *error)
{
    const CodeShape *shape = &generator->model->shape;
    size_t last = code_last_side(shape);
    CodesrcCanvas *canvas;
    float *work; /* three feature maps */

    if (!code_request_idle(generator, error))
        return NULL;
    canvas = code_canvas_new(shape, error);
    if (!canvas)
        return NULL;
    work = calloc(3 * last * last * shape->vae.channels, sizeof *work);
    if (!work)
        code_fail(error, CODESRC_NO_MEMORY, "no memory for a canvas");
    if (!work || !encode(generator, image, work, error) ||
        !quantise(generator, canvas, work, error)) {
        codesrc_canvas_free(canvas);
        canvas = NULL;
    }
    free(work);
    return canvas;
}
