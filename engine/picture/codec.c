/* codec.c - the VQ-VAE by itself: from a feature map to an image, and from an image to a canvas. */
#include "error.h"
#include "picture/channels.h"
#include "request.h"
#include "state.h"

#include <math.h>
#include <stdlib.h>

bool codesrc_decode(CodesrcGenerator *generator, const float *f_hat, float *image,
                    CodesrcError *error)
{
    const CodesrcModel *model = generator->model;
    const CodeShape *shape = &model->shape;
    const CodeRenderer *renderer = &generator->stages.renderer;
    float *host = generator->stages.host_map;
    size_t values = code_image_floats(shape);
    float *place = renderer->features ? renderer->features : generator->stages.pyramid.f_hat;

    if (!code_request_idle(generator, error))
        return false;
    code_channels_last(host, f_hat, code_positions(shape), shape->vae.channels);
    if (!model->backend->copy(renderer->stream, place, host, code_map_floats(shape) * sizeof(float),
                              CODE_UPLOAD) ||
        !code_vae_render(&renderer->maps, model, renderer->stream, place) ||
        !model->backend->copy(renderer->stream, host, code_vae_image(&renderer->maps, model),
                              values * sizeof(float), CODE_DOWNLOAD)) {
        *error = renderer->stream->error;
        return false;
    }
    code_channels_first(image, host, values / 3, 3);
    for (size_t i = 0; i < values; i++)
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
    size_t values = code_image_floats(&model->shape);
    const float *found = NULL;

    code_channels_last(host, image, values / 3, 3);
    if (model->backend->copy(renderer->stream, renderer->maps.map[0], host, values * sizeof(float),
                             CODE_UPLOAD))
        found = code_vae_encode(&renderer->maps, model, renderer->stream);
    if (found &&
        model->backend->copy(renderer->stream, features, found,
                             code_map_floats(&model->shape) * sizeof(float), CODE_DOWNLOAD))
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
    CodesrcCanvas *canvas;
    float *work; /* three feature maps */

    if (!code_request_idle(generator, error))
        return NULL;
    if (!shape->vae.encodes) {
        code_fail(error, CODESRC_MISMATCH,
                  "%s: found a VQ-VAE without an encoder, expected one that encodes pictures: use "
                  "the whole file of the VQ-VAE",
                  generator->model->manifest->path);
        return NULL;
    }
    canvas = code_canvas_new(shape, error);
    if (!canvas)
        return NULL;
    work = calloc(3 * code_map_floats(shape), sizeof *work);
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
