/* observe.c - lets callers look inside a call: tokens, logits, feature map and preview of a
 * scale, and the time of each stage. */
#include "observe.h"

#include "error.h"
#include "picture/channels.h"
#include "request.h"

#include <stdlib.h>
#include <string.h>

/* ---- stages ---------------------------------------------------------------------------------- */

void codesrc_generator_trace(CodesrcGenerator *generator, CodesrcStageDone done, void *user,
                             bool wait)
{
    generator->trace.done = done;
    generator->trace.user = user;
    generator->trace.waits = done && wait;
}

CodesrcTimes codesrc_generator_times(const CodesrcGenerator *generator)
{
    return generator->trace.times;
}

bool code_observes_scales(const CodesrcGenerator *generator)
{
    return generator->scale_done || generator->raw_logits || generator->trace.waits ||
           !generator->model->backend->series_begin;
}

static CodeStream *stream_of(const CodesrcGenerator *generator, CodesrcStage stage)
{
    return stage == CODESRC_STAGE_RENDER ? generator->stages.renderer.stream : generator->stream;
}

/* Errors are read from the drafting stream. */
static bool read_clock(CodesrcGenerator *generator, CodesrcStageInfo *ended)
{
    CodeStream *stream = stream_of(generator, ended->stage);

    if (generator->model->backend->time_end(stream, &ended->seconds))
        return true;
    if (stream != generator->stream)
        generator->stream->error = stream->error;
    return false;
}

static bool wait_for(CodesrcGenerator *generator, CodesrcStage stage)
{
    const CodeBackend *backend = generator->model->backend;

    if (stage == CODESRC_STAGE_RENDER)
        return code_render_wait(&generator->stages.renderer);
    return !backend->wait || backend->wait(generator->stream);
}

static void mark(const CodesrcGenerator *generator, const char *stage)
{
    if (generator->model->backend->mark && !generator->stream->rehearsing && !generator->recording)
        generator->model->backend->mark(generator->stream, stage);
}

void code_observe_begin(CodesrcGenerator *generator, CodesrcStage stage)
{
    const CodeBackend *backend = generator->model->backend;

    mark(generator, codesrc_stage_name(stage));
    if (generator->trace.waits && !generator->stream->rehearsing && !generator->recording &&
        stage != CODESRC_STAGE_WAIT && backend->time_begin)
        generator->trace.clocked = backend->time_begin(stream_of(generator, stage));
}

bool code_observe_stage(CodesrcGenerator *generator, CodesrcStage stage, unsigned scale)
{
    const CodeRun *run = &generator->run;
    CodesrcStageInfo ended = {.stage = stage,
                              .scale = scale,
                              .drafting_steps = run->n,
                              .first = run->first,
                              .count = run->count};

    if (generator->stream->rehearsing || generator->recording)
        return true;
    if ((generator->trace.clocked && !read_clock(generator, &ended)) ||
        (generator->trace.waits && !wait_for(generator, stage)))
        return false;
    if (stage == CODESRC_STAGE_WAIT) { /* of a whole call, not of the last run */
        ended.drafting_steps = ended.first = 0;
        ended.count = generator->asked[0];
    }
    mark(generator, NULL);
    code_trace_end(&generator->trace, ended);
    return true;
}

/* ---- scales ---------------------------------------------------------------------------------- */

bool code_observe_logits(CodesrcGenerator *generator)
{
    const CodeRun *run = &generator->run;
    const CodeShape *shape = &run->model->shape;
    size_t rows = code_scale_rows(shape, generator->scale);

    if (!generator->raw_logits || run->stream->rehearsing)
        return true;
    return run->model->backend->copy(
        run->stream, generator->raw_logits, generator->stages.sampler.logits,
        run->count * rows * shape->vae.codes * sizeof(float), CODE_DOWNLOAD);
}

void code_observe_scale(CodesrcGenerator *generator)
{
    if (!generator->scale_done || generator->stream->rehearsing)
        return;
    generator->observed = true;
    generator->scale_done(generator->scale_done_user, generator, generator->scale,
                          generator->run.first, generator->run.count);
    generator->observed = false;
    code_trace_start(&generator->trace); /* the observer's time belongs to no stage */
}

bool codesrc_generator_observe(CodesrcGenerator *generator, CodesrcScaleDone scale_done, void *user,
                               bool with_logits, CodesrcError *error)
{
    const CodeShape *shape = &generator->model->shape;
    size_t logits = code_positions(shape) * shape->vae.codes;

    if (with_logits && !generator->raw_logits) {
        generator->raw_logits = calloc(generator->batch * logits, sizeof *generator->raw_logits);
        if (!generator->raw_logits)
            return code_fail(error, CODESRC_NO_MEMORY, "no memory to keep logits");
    }
    if (!with_logits) {
        free(generator->raw_logits);
        generator->raw_logits = NULL;
    }
    generator->scale_done = scale_done;
    generator->scale_done_user = user;
    return true;
}

/* Index of the call's image `image` in the current run. */
static bool in_run(const CodesrcGenerator *generator, unsigned image, unsigned *index,
                   CodesrcError *error)
{
    if (image < generator->run.first || image - generator->run.first >= generator->run.count)
        return code_fail(error, CODESRC_SETTINGS, "image %u, expected %u..%u", image,
                         generator->run.first, generator->run.first + generator->run.count - 1);
    *index = image - generator->run.first;
    return true;
}

static bool download(CodesrcGenerator *generator, void *to, const void *from, size_t bytes,
                     CodesrcError *error)
{
    if (generator->model->backend->copy(generator->stream, to, from, bytes, CODE_DOWNLOAD))
        return true;
    *error = generator->stream->error;
    return false;
}

bool codesrc_generator_tokens(CodesrcGenerator *generator, unsigned image, int32_t *tokens,
                              CodesrcError *error)
{
    const unsigned *first = generator->model->shape.first, k = generator->scale;
    size_t length = first[generator->model->shape.scales];
    unsigned index = 0;

    return in_run(generator, image, &index, error) &&
           download(generator, tokens, generator->stages.sampler.drawn + index * length + first[k],
                    (first[k + 1] - first[k]) * sizeof *tokens, error);
}

bool codesrc_generator_logits(CodesrcGenerator *generator, unsigned image, float *logits,
                              CodesrcError *error)
{
    const CodeShape *shape = &generator->model->shape;
    size_t rows = code_scale_rows(shape, generator->scale);
    size_t count = rows * shape->vae.codes;
    unsigned index = 0;

    if (!in_run(generator, image, &index, error))
        return false;
    if (!generator->raw_logits)
        return code_fail(error, CODESRC_SETTINGS, "logits are not kept: observe with_logits");
    memcpy(logits, generator->raw_logits + index * count, count * sizeof *logits);
    return true;
}

bool codesrc_generator_feature_map(CodesrcGenerator *generator, unsigned image, float *f_hat,
                                   CodesrcError *error)
{
    const CodeShape *shape = &generator->model->shape;
    size_t count = code_map_floats(shape);
    float *host = generator->stages.host_map;
    unsigned index = 0;

    if (!in_run(generator, image, &index, error) ||
        !download(generator, host, generator->stages.pyramid.f_hat + index * count,
                  count * sizeof *host, error))
        return false;
    code_channels_first(f_hat, host, code_positions(shape), shape->vae.channels);
    return true;
}

bool codesrc_generator_preview(CodesrcGenerator *generator, unsigned image,
                               const CodesrcPicture *picture, CodesrcError *error)
{
    unsigned index = 0;

    if (!in_run(generator, image, &index, error) ||
        !code_request_picture(generator, picture, error))
        return false;
    if (code_render_now(&generator->stages.renderer, generator->stages.pyramid.f_hat,
                        generator->run.count, index, picture))
        return true;
    *error = generator->stream->error;
    return false;
}
