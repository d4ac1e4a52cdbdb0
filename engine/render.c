/* render.c - from feature maps to pictures. Where the backend is asynchronous that is done on a
 * stream of its own, so that the next pictures are drafted meanwhile. */
#include "generate.h"

static size_t features_of(const CodesrcGenerator *generator)
{
    size_t last = code_last_side(&generator->model->shape);

    return last * last * generator->model->shape.vae.channels;
}

/* Errors are read from the first stream. */
static bool rendered(CodesrcGenerator *generator, bool good)
{
    if (!good)
        generator->stream->error = generator->renderer->error;
    return good;
}

/* Copies f_hat of the run, so that the next run may begin. */
static bool take_over(CodesrcGenerator *generator, unsigned count)
{
    const CodeBackend *backend = generator->model->backend;
    CodeBuffers *b = &generator->buffers;

    if (!code_renders_beside(generator->model))
        return true;
    return backend->after(generator->stream, generator->renderer) &&
           backend->copy(generator->stream, b->rendered, b->f_hat,
                         count * features_of(generator) * sizeof(float), CODE_INSIDE) &&
           rendered(generator, backend->after(generator->renderer, generator->stream));
}

static bool render_features(CodesrcGenerator *generator)
{
    return code_vae_render(generator, generator->buffers.features) != NULL;
}

/* The image that the VQ-VAE makes of image `image` of the run; NULL on failure. */
static const float *image_of(CodesrcGenerator *generator, unsigned image)
{
    CodeBuffers *b = &generator->buffers;
    size_t features = features_of(generator);

    if (!code_renders_beside(generator->model))
        return code_vae_render(generator, b->f_hat + image * features);
    if (!generator->model->backend->copy(generator->renderer, b->features,
                                         b->rendered + image * features, features * sizeof(float),
                                         CODE_INSIDE) ||
        !code_series(generator, generator->renderer, 0, render_features))
        return NULL;
    return generator->image; /* a series leaves it where it was when it was recorded */
}

static bool render_one(CodesrcGenerator *generator, unsigned image, const CodesrcPicture *picture)
{
    const float *x = image_of(generator, image);

    return rendered(generator, x && code_output_put(generator, x, picture));
}

bool code_render(CodesrcGenerator *generator, const CodesrcPicture *pictures, unsigned count)
{
    bool good = take_over(generator, count);

    for (unsigned i = 0; good && i < count; i++)
        good = !pictures[i].data || render_one(generator, i, &pictures[i]);
    return good;
}

bool code_render_wait(CodesrcGenerator *generator)
{
    const CodeBackend *backend = generator->model->backend;

    return !backend->wait || rendered(generator, backend->wait(generator->renderer));
}

bool code_render_now(CodesrcGenerator *generator, unsigned image, const CodesrcPicture *picture)
{
    return take_over(generator, generator->count) && render_one(generator, image, picture) &&
           code_render_wait(generator);
}
