/* generate.c - the decode loop: requests in, pictures out (CoDe, section 3).
 *
 * For each scale, the drafter (from scale N on, the refiner) computes logits, the sampler samples
 * a token map from them, and the pyramid adds it to the feature map and computes the next scale's
 * input. After the last scale the VQ-VAE renders the feature map. */
#include "generate.h"

#include "draft/passes.h"
#include "error.h"
#include "observe.h"
#include "picture/features.h"
#include "picture/series.h"
#include "request.h"

/* ---- one run --------------------------------------------------------------------------------- */

/* Everything that differs between requests: the slots of their classes, the sampling settings,
 * the logits of scale 0. After this, all runs with the same numbers of images, branches and
 * drafting steps use the same operations. */
static bool begin(CodesrcGenerator *generator)
{
    CodeStages *stages = &generator->stages;
    const CodeRun *run = &generator->run;

    code_observe_begin(generator, CODESRC_STAGE_CLASSES);
    if (!code_sampler_begin(&stages->sampler, run) ||
        !code_transformer_begin(&stages->transformer, run) ||
        !code_pyramid_begin(&stages->pyramid, run))
        return false;
    if (!code_classes_prepare(&stages->drafter, run, &stages->adaln, &stages->transformer) ||
        !code_classes_logits(&stages->drafter, run, stages->sampler.logits))
        return false;
    if (run->n < run->model->shape.scales &&
        !code_classes_prepare(&stages->refiner, run, &stages->adaln, &stages->transformer))
        return false;
    return code_observe_stage(generator, CODESRC_STAGE_CLASSES, 0);
}

/* Scales first..last by these classes' transformer. Computes the logits of the last. */
static bool pass(CodesrcGenerator *generator, const CodeClasses *classes, unsigned first,
                 unsigned last, CodeCacheRows rows)
{
    CodeStages *stages = &generator->stages;
    CodePass pass = {.slots = &classes->slots,
                     .lane_slots = classes->lane_slots,
                     .first_scale = first,
                     .last_scale = last,
                     .rows = rows};

    return code_transformer_scale(&stages->transformer, &generator->run, pass,
                                  stages->pyramid.areas, stages->sampler.logits);
}

/* Logits of scale k. Those of scale 0 exist already; the cache gets its keys and values. */
static bool decode(CodesrcGenerator *generator, unsigned k)
{
    CodeStages *stages = &generator->stages;
    const CodeRun *run = &generator->run;
    void *cache = stages->transformer.cache;
    CodeCacheRows drafted = code_drafter_rows(&run->model->shape, run->n);
    CodeCacheRows refined = code_refiner_rows(&run->model->shape, run->n);

    if (k == 0)
        return run->n == 1 || code_classes_recall(&stages->drafter, run, cache, drafted);
    if (k < run->n)
        return pass(generator, &stages->drafter, k, k, drafted);
    if (k > run->n)
        return pass(generator, &stages->refiner, k, k, refined);
    /* The hand-over: the refiner reads the drafter's scales, and overwrites the drafter's cache. */
    return code_classes_recall(&stages->refiner, run, cache, refined) &&
           pass(generator, &stages->refiner, 1, run->n, refined);
}

static bool scale(CodesrcGenerator *generator, unsigned k)
{
    CodeStages *stages = &generator->stages;
    const CodeRun *run = &generator->run;
    CodeTokenMaps maps = {.logits = stages->sampler.logits,
                          .draws = code_sampler_draws(&stages->sampler, run, k)};
    CodesrcStage decoder = k < run->n ? CODESRC_STAGE_DRAFTER : CODESRC_STAGE_REFINER;

    generator->scale = k;
    code_observe_begin(generator, decoder);
    if (!decode(generator, k) || !code_observe_logits(generator) ||
        !code_observe_stage(generator, decoder, k))
        return false;

    code_observe_begin(generator, CODESRC_STAGE_SAMPLE);
    maps.tokens = code_sample_scale(&stages->sampler, run, k);
    if (!maps.tokens || !code_observe_stage(generator, CODESRC_STAGE_SAMPLE, k))
        return false;

    code_observe_begin(generator, CODESRC_STAGE_PYRAMID);
    if (run->editing) {
        if (!code_canvas_upload(&stages->canvas, run, k))
            return false;
        maps.kept = stages->canvas.kept;
        maps.mask = stages->canvas.mask;
    }
    if (!code_pyramid_add(&stages->pyramid, run, k, &maps))
        return false;
    if (k + 1 < run->model->shape.scales && !code_pyramid_next(&stages->pyramid, run, k + 1))
        return false;
    return code_observe_stage(generator, CODESRC_STAGE_PYRAMID, k);
}

/* All scales of the run, to its feature maps. */
static bool scales(void *user)
{
    CodesrcGenerator *generator = user;

    for (unsigned k = 0; k < generator->run.model->shape.scales; k++) {
        if (!scale(generator, k))
            return false;
        code_observe_scale(generator);
    }
    return true;
}

/* As a series, unless scales are observed or data arrives from the host in between. */
static bool draft(CodesrcGenerator *generator)
{
    const CodeRun *run = &generator->run;
    unsigned key = run->count << 8 | run->branches << 6 | run->n;
    bool good;

    if (run->feeding || run->editing || code_observes_scales(generator))
        return scales(generator);
    code_observe_begin(generator, CODESRC_STAGE_SCALES);
    generator->recording = true;
    good = code_series(run->model->backend, run->stream, key, scales, generator);
    generator->recording = false;
    return good && code_observe_stage(generator, CODESRC_STAGE_SCALES, 0);
}

/* Renders the run's pictures, now or, if `later`, after those of the call before. */
static bool render(CodesrcGenerator *generator, const CodesrcPicture *pictures, bool later)
{
    CodeStages *stages = &generator->stages;
    CodeDrafted drafted = {.f_hat = stages->pyramid.f_hat,
                           .tokens = stages->sampler.drawn,
                           .first = generator->run.first,
                           .call = (generator->oldest + generator->begun) % 2};

    if (later) {
        code_render_later(&stages->renderer, &drafted, pictures, generator->run.count);
        return true;
    }
    code_observe_begin(generator, CODESRC_STAGE_RENDER);
    return code_render(&stages->renderer, &drafted, pictures, generator->run.count) &&
           code_observe_stage(generator, CODESRC_STAGE_RENDER, 0);
}

static bool keep(const CodesrcGenerator *generator)
{
    return !generator->features || code_features_keep(generator->features, &generator->run,
                                                      generator->stages.pyramid.f_hat);
}

/* ---- one call -------------------------------------------------------------------------------- */

static bool guided(const CodesrcRequest *request)
{
    return request->settings.guidance > 0;
}

/* The longest run at the beginning of these requests. */
static CodeRun next_run(const CodesrcGenerator *generator, const CodesrcRequest *requests,
                        unsigned first, unsigned end)
{
    const CodesrcRequest *lead = &requests[first];
    CodeRun run = {.model = generator->model,
                   .stream = generator->stream,
                   .requests = lead,
                   .first = first,
                   .branches = guided(lead) ? 2 : 1,
                   .n = lead->settings.drafting_steps};

    for (unsigned i = first; i < end; i++) {
        if (guided(&requests[i]) != guided(lead) || requests[i].settings.drafting_steps != run.n)
            break;
        run.count++;
        run.feeding |= requests[i].tokens != NULL;
        run.editing |= requests[i].canvas != NULL;
    }
    return run;
}

bool code_generate_runs(CodesrcGenerator *generator, const CodesrcRequest *requests, unsigned count,
                        const CodesrcPicture *pictures, bool later)
{
    generator->trace.times = (CodesrcTimes){0};
    for (unsigned first = 0; first < count; first += generator->run.count) {
        code_trace_start(&generator->trace);
        generator->run = next_run(generator, requests, first, count);
        if (!begin(generator) || !draft(generator) || !keep(generator))
            return false;
        if (!render(generator, pictures + first, later && first + generator->run.count == count))
            return false;
    }
    return true;
}

/* Abandons all calls: nothing writes to a picture's memory after this. */
static bool give_up(CodesrcGenerator *generator)
{
    code_render_give_up(&generator->stages.renderer);
    generator->begun = 0;
    return false;
}

bool codesrc_generate_begin(CodesrcGenerator *generator, const CodesrcRequest *requests,
                            unsigned count, const CodesrcPicture *pictures, CodesrcError *error)
{
    bool later = generator->begun > 0 && code_renders_beside(generator->model);

    if (!code_request_unobserved(generator, error))
        return false;
    if (generator->begun == 2)
        return code_fail(error, CODESRC_SETTINGS, "two calls are under way already");
    if (!code_request_call(generator, requests, count, pictures, error))
        return give_up(generator);
    if (!code_generate_runs(generator, requests, count, pictures, later)) {
        *error = generator->stream->error;
        return give_up(generator);
    }
    generator->asked[generator->begun++] = count;
    return true;
}

bool codesrc_generate_end(CodesrcGenerator *generator, CodesrcError *error)
{
    CodeRenderer *renderer = &generator->stages.renderer;
    bool owed = renderer->owed_count > 0;

    if (!generator->begun)
        return code_fail(error, CODESRC_SETTINGS, "no call is under way");
    code_trace_start(&generator->trace);
    code_observe_begin(generator, CODESRC_STAGE_WAIT);
    if (!code_render_wait(renderer) || !code_observe_stage(generator, CODESRC_STAGE_WAIT, 0) ||
        !code_render_sound(renderer, generator->oldest, generator->asked[0]) ||
        !code_render_owed(renderer, generator->stages.pyramid.f_hat,
                          generator->stages.sampler.drawn) ||
        (owed && !code_observe_stage(generator, CODESRC_STAGE_RENDER, 0))) {
        *error = generator->stream->error;
        return give_up(generator);
    }
    generator->asked[0] = generator->asked[1];
    generator->oldest ^= 1;
    generator->begun--;
    return true;
}

bool codesrc_generate(CodesrcGenerator *generator, const CodesrcRequest *requests, unsigned count,
                      const CodesrcPicture *pictures, CodesrcError *error)
{
    if (generator->begun)
        return code_fail(error, CODESRC_SETTINGS, "a call that was begun has not ended");
    return codesrc_generate_begin(generator, requests, count, pictures, error) &&
           codesrc_generate_end(generator, error);
}
