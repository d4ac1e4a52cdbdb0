/* pyramid.c - adds the token map of a scale to the feature map f_hat, and reduces it to the next
 * scale's input (VAR, algorithm 1 and 2; models/quant.py of its release). */
#include "draft/pyramid.h"

#include <math.h>

void code_pyramid_layout(CodePyramid *pyramid, CodeRoom *room)
{
    const CodeShape *shape = &room->model->shape;
    size_t areas = shape->first[shape->scales] - shape->first[1];

    pyramid->f_hat =
        code_arena_take(&room->device, room->batch * code_map_floats(shape), sizeof(float));
    pyramid->areas =
        code_arena_take(&room->device, room->batch * areas * shape->vae.channels, sizeof(float));
}

void code_pyramid_scratch(CodePyramid *pyramid, CodeRoom *room)
{
    size_t map = room->batch * code_map_floats(&room->model->shape);

    pyramid->small = code_arena_take(&room->device, map, sizeof(float));
    pyramid->up = code_arena_take(&room->device, map, sizeof(float));
    pyramid->phi = code_arena_take(&room->device, map, sizeof(float));
}

bool code_pyramid_begin(const CodePyramid *pyramid, const CodeRun *run)
{
    size_t map = code_map_floats(&run->model->shape);

    return run->model->backend->copy(run->stream, pyramid->f_hat, NULL,
                                     run->count * map * sizeof(float), CODE_CLEAR);
}

/* Which of `count` convolutions refines scale k: the one whose tick is nearest to k / (K - 1). The
 * ticks are linspace(1/12, 11/12, 4), and linspace(1/2n, 1 - 1/2n, n) for any other count n. Some
 * scales are half-way between two ticks, and the rounding of this arithmetic, the same as in the
 * release, decides. */
static unsigned phi_of(unsigned count, unsigned scale, unsigned scales)
{
    const double start = count == 4 ? 1.0 / 12 : 0.5 / count;
    const double step = count > 1 ? (1 - start - start) / (count - 1) : 0;
    double at = scales > 1 ? (double)scale / (scales - 1) : 0, best = INFINITY;
    unsigned nearest = 0;

    for (unsigned j = 0; j < count; j++) {
        double distance = fabs((j && j + 1 == count ? 1 - start : start + step * j) - at);

        if (distance < best) {
            best = distance;
            nearest = j;
        }
    }
    return nearest;
}

bool code_pyramid_add(const CodePyramid *pyramid, const CodeRun *run, unsigned scale,
                      const CodeTokenMaps *maps)
{
    const CodeBackend *backend = run->model->backend;
    const CodeShape *shape = &run->model->shape;
    const CodeVae *vae = &run->model->vae;
    unsigned side = shape->patch_nums[scale], last = code_last_side(shape);
    unsigned z = shape->vae.channels;
    bool whole = side == last; /* the last scale needs no resizing */
    CodeLookUp codes = {.tokens = maps->tokens + shape->first[scale],
                        .token_stride = shape->first[shape->scales],
                        .logits = maps->logits,
                        .codebook = vae->codebook,
                        .draws = maps->draws,
                        .map = whole ? pyramid->up : pyramid->small,
                        .images = run->count,
                        .rows = side * side,
                        .codes = shape->vae.codes,
                        .channels = z,
                        .scale = scale,
                        .scales = shape->scales,
                        .first = shape->first[scale]};
    CodeResize up = {.mode = CODE_BICUBIC,
                     .in = pyramid->small,
                     .in_image = (size_t)side * side * z,
                     .out = pyramid->up,
                     .out_image = code_map_floats(shape),
                     .images = run->count,
                     .in_side = side,
                     .out_side = last,
                     .channels = z};
    CodeConv phi = {.weight = vae->phi[phi_of(shape->vae.phi_count, scale, shape->scales)],
                    .x = pyramid->up,
                    .y = pyramid->phi,
                    .images = run->count,
                    .side = last};
    CodeAccumulate sum = {.f_hat = pyramid->f_hat,
                          .h = pyramid->up,
                          .conv = pyramid->phi,
                          .kept = maps->kept,
                          .mask = maps->mask,
                          .images = run->count,
                          .positions = last * last,
                          .channels = z};

    return backend->look_up(run->stream, &codes) && (whole || backend->resize(run->stream, &up)) &&
           backend->conv(run->stream, &phi) && backend->accumulate(run->stream, &sum);
}

/* From maps of side P to maps of scale k's side. */
static CodeResize down(const CodeRun *run, unsigned scale)
{
    const CodeShape *shape = &run->model->shape;
    unsigned last = code_last_side(shape), side = shape->patch_nums[scale], z = shape->vae.channels;

    return (CodeResize){.mode = CODE_AREA,
                        .in_image = code_map_floats(shape),
                        .out_image = (size_t)side * side * z,
                        .images = run->count,
                        .in_side = last,
                        .out_side = side,
                        .channels = z};
}

bool code_pyramid_next(const CodePyramid *pyramid, const CodeRun *run, unsigned scale)
{
    const CodeShape *shape = &run->model->shape;
    size_t z = shape->vae.channels;
    CodeResize args = down(run, scale);

    args.in = pyramid->f_hat;
    args.out = pyramid->areas + (shape->first[scale] - shape->first[1]) * z;
    args.out_image = (shape->first[shape->scales] - shape->first[1]) * z;
    return run->model->backend->resize(run->stream, &args);
}

bool code_pyramid_shrink(const CodePyramid *pyramid, const CodeRun *run, unsigned scale,
                         const float *map, float *out)
{
    const CodeBackend *backend = run->model->backend;
    CodeResize args = down(run, scale);

    args.in = pyramid->up;
    args.out = pyramid->small;
    args.images = 1;
    return backend->copy(run->stream, pyramid->up, map, args.in_image * sizeof(float),
                         CODE_UPLOAD) &&
           backend->resize(run->stream, &args) &&
           backend->copy(run->stream, out, pyramid->small, args.out_image * sizeof(float),
                         CODE_DOWNLOAD);
}
