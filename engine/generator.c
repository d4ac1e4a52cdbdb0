/* generator.c - the life of a generator, and its settings. */
#include "generator.h"

#include "error.h"
#include "model/steps.h"
#include "picture/output.h"
#include "request.h"

#include <stdlib.h>

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
