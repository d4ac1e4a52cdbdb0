/* sample.c - from the logits of a scale to its token maps. The rule of drawing is the backend's
 * `sample`; here is whose tokens go on: drawn ones, or those that a request gives. */
#include "generate.h"

bool code_sample_scale(CodesrcGenerator *generator, unsigned scale)
{
    const CodeBackend *backend = generator->model->backend;
    const CodeShape *shape = &generator->model->shape;
    CodeBuffers *b = &generator->buffers;
    size_t length = shape->first[shape->scales], first = shape->first[scale];
    size_t rows = shape->first[scale + 1] - first;
    CodeSample args = {.logits = b->logits,
                       .tokens = b->drawn + first,
                       .token_stride = length,
                       .draws = b->draws,
                       .images = generator->count,
                       .rows = (unsigned)rows,
                       .codes = shape->vae.codes,
                       .scale = scale,
                       .first = (unsigned)first};

    if (!backend->sample(generator->stream, &args))
        return false;
    if (!generator->feeding)
        return true;
    for (unsigned i = 0; i < generator->count; i++) {
        const int32_t *given = generator->requests[generator->first + i].tokens;
        size_t at = i * length + first;

        if (!backend->copy(generator->stream, b->fed + at, given ? given + first : b->drawn + at,
                           rows * sizeof(int32_t), given ? CODE_UPLOAD : CODE_INSIDE))
            return false;
    }
    return true;
}
