/* pyramid.c - the token pyramid: what the token map of a scale adds to the feature map f_hat, and
 * what the next scale sees of it (VAR, algorithm 1 and 2; models/quant.py of its release). */
#include "generate.h"

#include <math.h>

/* Which of the four shared convolutions refines scale k: the one whose tick, of linspace(1/12,
 * 11/12, 4), is nearest to k / (K - 1). With odd K the middle scale lies half-way between two
 * ticks, and the rounding of this arithmetic, the same as in the release, decides. */
static unsigned phi_of(unsigned scale, unsigned scales)
{
    const double start = 1.0 / 12, step = (11.0 / 12 - start) / (CODE_PHI_COUNT - 1);
    double at = scales > 1 ? (double)scale / (scales - 1) : 0, best = INFINITY;
    unsigned nearest = 0;

    for (unsigned j = 0; j < CODE_PHI_COUNT; j++) {
        double distance = fabs(start + step * j - at);

        if (distance < best) {
            best = distance;
            nearest = j;
        }
    }
    return nearest;
}

bool code_pyramid_contribute(CodesrcGenerator *generator, unsigned scale, unsigned images,
                             const int32_t *tokens, const float *kept, const float *mask)
{
    const CodeBackend *backend = generator->model->backend;
    const CodeShape *shape = &generator->model->shape;
    const CodeVae *vae = &generator->model->vae;
    CodeBuffers *b = &generator->buffers;
    unsigned side = shape->patch_nums[scale], last = code_last_side(shape);
    unsigned z = shape->vae.channels;
    bool whole = side == last; /* the last scale needs no resizing */
    CodeLookUp codes = {.tokens = tokens + shape->first[scale],
                        .token_stride = shape->first[shape->scales],
                        .logits = b->logits,
                        .codebook = vae->codebook,
                        .draws = b->draws,
                        .map = whole ? b->up : b->small,
                        .images = images,
                        .rows = side * side,
                        .codes = shape->vae.codes,
                        .channels = z,
                        .scale = scale,
                        .scales = shape->scales,
                        .first = shape->first[scale]};
    CodeResize up = {.mode = CODE_BICUBIC,
                     .in = b->small,
                     .in_image = (size_t)side * side * z,
                     .out = b->up,
                     .out_image = (size_t)last * last * z,
                     .images = images,
                     .in_side = side,
                     .out_side = last,
                     .channels = z};
    CodeConv phi = {.weight = vae->phi[phi_of(scale, shape->scales)],
                    .x = b->up,
                    .y = b->phi,
                    .images = images,
                    .side = last};
    CodeAccumulate sum = {.f_hat = b->f_hat,
                          .h = b->up,
                          .conv = b->phi,
                          .kept = kept,
                          .mask = mask,
                          .images = images,
                          .positions = last * last,
                          .channels = z};

    return backend->look_up(generator->stream, &codes) &&
           (whole || backend->resize(generator->stream, &up)) &&
           backend->conv(generator->stream, &phi) && backend->accumulate(generator->stream, &sum);
}

bool code_pyramid_add(CodesrcGenerator *generator, unsigned scale)
{
    CodeBuffers *b = &generator->buffers;
    bool editing = generator->editing;

    if (editing && !code_canvas_upload(generator, scale))
        return false;
    return code_pyramid_contribute(generator, scale, generator->count,
                                   generator->feeding ? b->fed : b->drawn, editing ? b->kept : NULL,
                                   editing ? b->mask : NULL);
}

bool code_pyramid_next(CodesrcGenerator *generator, unsigned scale)
{
    const CodeShape *shape = &generator->model->shape;
    unsigned z = shape->vae.channels, last = code_last_side(shape);
    CodeResize down = {.mode = CODE_AREA,
                       .in = generator->buffers.f_hat,
                       .in_image = (size_t)last * last * z,
                       .out = generator->buffers.areas +
                              (size_t)(shape->first[scale] - shape->first[1]) * z,
                       .out_image = (size_t)(shape->first[shape->scales] - shape->first[1]) * z,
                       .images = generator->count,
                       .in_side = last,
                       .out_side = shape->patch_nums[scale],
                       .channels = z};

    return generator->model->backend->resize(generator->stream, &down);
}
