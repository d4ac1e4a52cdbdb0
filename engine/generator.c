/* generator.c - the life of a generator: open, prepare, free; and its settings. */
#include "error.h"
#include "generate.h"
#include "model/steps.h"
#include "picture/output.h"
#include "request.h"
#include "state.h"

#include <stdlib.h>

/* ---- opening --------------------------------------------------------------------------------- */

/* Allocates both arenas and empties the tables of classes. */
static bool allocate(CodesrcGenerator *generator, CodesrcError *error)
{
    CodesrcModel *model = generator->model;
    CodeStages *stages = &generator->stages;
    CodeRoom room = {.model = model, .batch = generator->batch, .steps = generator->steps};

    code_layout(stages, &room);
    if (room.device.overflow || room.host.overflow)
        return code_fail(error, CODESRC_NO_MEMORY, "%s: more memory than can be addressed",
                         model->info.path);
    generator->device_memory = model->backend->alloc(model->device, room.device.peak, error);
    if (!generator->device_memory)
        return false;
    if (posix_memalign(&generator->host_memory, 64, room.host.peak))
        return code_fail(error, CODESRC_NO_MEMORY, "no memory for %zu bytes of a generator",
                         room.host.peak);
    room.device = (CodeArena){.base = generator->device_memory};
    room.host = (CodeArena){.base = generator->host_memory};
    code_layout(stages, &room);
    if (code_classes_clear(&stages->drafter, model, generator->stream) &&
        code_classes_clear(&stages->refiner, model, generator->stream))
        return true;
    *error = generator->stream->error;
    return false;
}

static bool open_streams(CodesrcGenerator *generator, CodesrcError *error)
{
    const CodesrcModel *model = generator->model;

    generator->stream = model->backend->stream_open(model->device, &generator->cancelled, error);
    return generator->stream && code_render_open(&generator->stages.renderer, model,
                                                 generator->stream, &generator->cancelled, error);
}

/* The model serves every N of the set. */
static bool check_steps(const CodesrcModel *model, uint32_t steps, CodesrcError *error)
{
    for (unsigned n = 0; n < 32; n++)
        if (steps >> n & 1 && !code_steps_check(model->info.path, model->shape.steps, n, error))
            return false;
    return true;
}

CodesrcGenerator *codesrc_generator_open(CodesrcModel *model, unsigned batch, uint32_t steps,
                                         CodesrcError *error)
{
    CodesrcGenerator *generator;

    if (!model->loaded) {
        code_fail(error, CODESRC_SETTINGS, "%s was opened for its headers only", model->info.path);
        return NULL;
    }
    if (!code_request_batch(batch, error) || !check_steps(model, steps, error))
        return NULL;
    generator = calloc(1, sizeof *generator);
    if (!generator) {
        code_fail(error, CODESRC_NO_MEMORY, "no memory for a generator");
        return NULL;
    }
    generator->model = codesrc_model_ref(model);
    generator->batch = batch;
    generator->steps = steps ? steps : model->shape.steps;
    atomic_init(&generator->cancelled, false);
    if (open_streams(generator, error) && allocate(generator, error))
        return generator;
    codesrc_generator_free(generator);
    return NULL;
}

void codesrc_generator_free(CodesrcGenerator *generator)
{
    if (!generator)
        return;
    code_render_close(&generator->stages.renderer);
    if (generator->stream)
        generator->model->backend->stream_close(generator->stream);
    if (generator->device_memory)
        generator->model->backend->release(generator->model->device, generator->device_memory);
    free(generator->host_memory);
    free(generator->raw_logits);
    codesrc_model_unref(generator->model);
    free(generator);
}

/* ---- preparing ------------------------------------------------------------------------------- */

/* A rehearsal asks for every shape that will come, and computes nothing: the backend prepares, so
 * that generating allocates nothing. */
static void rehearsing(CodesrcGenerator *generator, bool now)
{
    generator->stream->rehearsing = generator->stages.renderer.stream->rehearsing = now;
}

/* N drafting steps, with guidance or without. */
static bool rehearse(CodesrcGenerator *generator, unsigned n, double guidance, CodesrcError *error)
{
    const CodesrcModel *model = generator->model;
    CodesrcRequest requests[CODESRC_MAX_BATCH];
    CodesrcPicture pictures[CODESRC_MAX_BATCH];
    uint8_t nothing = 0;

    for (unsigned i = 0; i < generator->batch; i++) {
        codesrc_request_init(model, &requests[i]);
        requests[i].settings.drafting_steps = n;
        requests[i].settings.guidance = guidance;
        pictures[i] = (CodesrcPicture){&nothing, 3 * (size_t)model->info.side};
    }
    if (code_generate_runs(generator, requests, generator->batch, pictures, false) &&
        code_render_wait(&generator->stages.renderer))
        return true;
    *error = generator->stream->error;
    return false;
}

static bool rehearse_all(CodesrcGenerator *generator, CodesrcError *error)
{
    const CodeRenderer *renderer = &generator->stages.renderer;

    for (unsigned n = 1; n <= generator->model->shape.scales; n++)
        if (generator->steps >> n & 1 &&
            (!rehearse(generator, n, 0, error) || !rehearse(generator, n, 1, error)))
            return false;
    if (!generator->model->info.encodes ||
        code_vae_encode(&renderer->maps, generator->model, renderer->stream))
        return true;
    *error = renderer->stream->error;
    return false;
}

bool codesrc_generator_prepare(CodesrcGenerator *generator, CodesrcError *error)
{
    bool good;

    if (atomic_load(&generator->cancelled))
        return code_fail(error, CODESRC_CANCELLED, "cancelled");
    rehearsing(generator, true);
    good = rehearse_all(generator, error);
    rehearsing(generator, false);
    return good;
}

CodesrcGenerator *codesrc_generator_new(CodesrcModel *model, unsigned batch, uint32_t steps,
                                        CodesrcError *error)
{
    CodesrcGenerator *generator = codesrc_generator_open(model, batch, steps, error);

    if (!generator || codesrc_generator_prepare(generator, error))
        return generator;
    codesrc_generator_free(generator);
    return NULL;
}

/* ---- settings -------------------------------------------------------------------------------- */

void codesrc_generator_cancel(CodesrcGenerator *generator, bool cancelled)
{
    atomic_store(&generator->cancelled, cancelled);
}

bool codesrc_generator_output(CodesrcGenerator *generator, const CodesrcOutput *output,
                              CodesrcError *error)
{
    if (!code_request_idle(generator, error) || !code_output_check(generator->model, output, error))
        return false;
    generator->stages.renderer.output = output && output->on_device ? *output : (CodesrcOutput){0};
    return true;
}
