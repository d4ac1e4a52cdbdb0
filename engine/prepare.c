/* prepare.c - the rehearsal of a generator: the backend prepares for every shape that will come, so
 * that generating allocates nothing. */
#include "error.h"
#include "generate.h"

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
    if (code_vae_encode(&renderer->maps, generator->model, renderer->stream))
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
