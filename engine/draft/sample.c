/* sample.c - from the logits of a scale to its token maps. The backend's `sample` implements the
 * sampling rule; this file selects the tokens to feed, those sampled or those that a request
 * gives. */
#include "draft/sample.h"

#include "draft/passes.h"
#include "error.h"

void code_sampler_layout(CodeSampler *sampler, CodeRoom *room)
{
    const CodeShape *shape = &room->model->shape;
    size_t batch = room->batch, length = shape->first[shape->scales];

    sampler->draws = code_arena_take(&room->device, shape->scales * batch, sizeof(CodeDraw));
    sampler->drawn = code_arena_take(&room->device, batch * length, sizeof(int32_t));
    sampler->fed = code_arena_take(&room->device, batch * length, sizeof(int32_t));
    sampler->logits = code_arena_take(
        &room->device, batch * code_positions(shape) * shape->vae.codes, sizeof(float));
    sampler->host_draws = code_arena_take(&room->host, shape->scales * batch, sizeof(CodeDraw));
}

/* How to sample scale k of an image: a variation has other random numbers from some scale on. */
static CodeDraw draw_of(const CodesrcRequest *request, unsigned scale)
{
    const CodesrcSettings *settings = &request->settings;
    bool kept = scale < request->keep_scales;

    return (CodeDraw){.seed = kept ? request->seed : request->seed_2,
                      .frame = kept ? request->frame : request->frame_2,
                      .top_p = settings->top_p,
                      .temperature = (float)settings->temperature[scale],
                      .top_k = settings->top_k,
                      .more_smooth = settings->more_smooth};
}

bool code_sampler_begin(const CodeSampler *sampler, const CodeRun *run)
{
    unsigned scales = run->model->shape.scales, count = run->count;

    for (unsigned k = 0; k < scales; k++)
        for (unsigned i = 0; i < count; i++)
            sampler->host_draws[k * count + i] = draw_of(&run->requests[i], k);
    return run->model->backend->copy(run->stream, sampler->draws, sampler->host_draws,
                                     scales * count * sizeof(CodeDraw), CODE_UPLOAD);
}

const CodeDraw *code_sampler_draws(const CodeSampler *sampler, const CodeRun *run, unsigned scale)
{
    return sampler->draws + scale * run->count;
}

/* The tokens to feed, both for images whose requests give them and for the others. */
static bool feed(const CodeSampler *sampler, const CodeRun *run, unsigned scale)
{
    const CodeShape *shape = &run->model->shape;
    size_t length = shape->first[shape->scales], first = shape->first[scale];
    size_t bytes = code_scale_rows(shape, scale) * sizeof(int32_t);

    for (unsigned i = 0; i < run->count; i++) {
        const int32_t *given = run->requests[i].tokens;
        size_t at = i * length + first;

        if (!run->model->backend->copy(run->stream, sampler->fed + at,
                                       given ? given + first : sampler->drawn + at, bytes,
                                       given ? CODE_UPLOAD : CODE_INSIDE))
            return false;
    }
    return true;
}

bool code_sampler_sound(const CodesrcModel *model, const int32_t *tokens, unsigned first,
                        unsigned count, unsigned from, unsigned last, CodesrcError *error)
{
    const CodeShape *shape = &model->shape;

    for (unsigned i = 0; i < count; i++)
        for (unsigned k = from; k <= last; k++)
            for (unsigned at = shape->first[k]; at < shape->first[k + 1]; at++)
                if (tokens[(size_t)i * shape->first[shape->scales] + at] == CODE_NO_TOKEN)
                    return code_fail(error, CODESRC_MISMATCH,
                                     "%s: picture %u, scale %u: found logits that are NaN or "
                                     "infinite, expected finite ones: the weights overflow at "
                                     "precision %s",
                                     model->manifest->path, first + i, k,
                                     model->device_info.precision);
    return true;
}

const int32_t *code_sample_scale(const CodeSampler *sampler, const CodeRun *run, unsigned scale)
{
    const CodeShape *shape = &run->model->shape;
    CodeSample args = {.logits = sampler->logits,
                       .tokens = sampler->drawn + shape->first[scale],
                       .token_stride = shape->first[shape->scales],
                       .draws = code_sampler_draws(sampler, run, scale),
                       .images = run->count,
                       .rows = code_scale_rows(shape, scale),
                       .codes = shape->vae.codes,
                       .first = shape->first[scale]};

    if (!run->model->backend->sample(run->stream, &args))
        return NULL;
    /* A device with memory of its own computes later: render.c looks at its tokens. */
    if (run->model->device_info.host_memory && !run->stream->rehearsing &&
        !code_sampler_sound(run->model, sampler->drawn, run->first, run->count, scale, scale,
                            &run->stream->error))
        return NULL;
    if (!run->feeding)
        return sampler->drawn;
    return feed(sampler, run, scale) ? sampler->fed : NULL;
}
