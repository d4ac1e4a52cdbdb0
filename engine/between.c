/* between.c - pictures between pictures: makes the features of requests and canvases, and renders
 * what lies between two of them. */
#include "error.h"
#include "observe.h"
#include "picture/channels.h"
#include "picture/features.h"
#include "request.h"
#include "state.h"

#include <string.h>

/* ---- features -------------------------------------------------------------------------------- */

static void free_array(CodesrcFeatures **features, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        codesrc_features_unref(features[i]);
}

/* `count` of them, or none. */
static bool new_array(CodesrcFeatures **features, unsigned count, CodesrcModel *model,
                      CodesrcError *error)
{
    for (unsigned i = 0; i < count; i++) {
        features[i] = code_features_new(model, error);
        if (!features[i]) {
            free_array(features, i);
            return false;
        }
    }
    return true;
}

bool codesrc_generate_features(CodesrcGenerator *generator, const CodesrcRequest *requests,
                               unsigned count, CodesrcFeatures **features, CodesrcError *error)
{
    CodesrcPicture none[CODESRC_MAX_BATCH] = {{0}};
    CodesrcFeatures *made[CODESRC_MAX_BATCH];
    bool good;

    if (!code_request_idle(generator, error) ||
        !code_request_call(generator, requests, count, none, error) ||
        !new_array(made, count, generator->model, error))
        return false;
    generator->features = made;
    good = codesrc_generate(generator, requests, count, none, error);
    generator->features = NULL;
    if (good)
        memcpy(features, made, count * sizeof *made);
    else
        free_array(made, count);
    return good;
}

CodesrcFeatures *codesrc_canvas_to_features(CodesrcGenerator *generator,
                                            const CodesrcCanvas *canvas, CodesrcError *error)
{
    const CodesrcModel *model = generator->model;
    const CodeShape *shape = &model->shape;
    CodesrcFeatures *features;

    if (!code_request_idle(generator, error) || !code_canvas_fits(canvas, model, error))
        return NULL;
    features = code_features_new(generator->model, error);
    if (!features)
        return NULL;
    code_channels_last(generator->stages.host_map,
                       codesrc_canvas_feature_map(canvas, shape->scales - 1), code_positions(shape),
                       shape->vae.channels);
    if (model->backend->copy(generator->stream, features->map, generator->stages.host_map,
                             code_map_floats(shape) * sizeof(float), CODE_UPLOAD) &&
        (!model->backend->wait || model->backend->wait(generator->stream)))
        return features;
    *error = generator->stream->error;
    codesrc_features_unref(features);
    return NULL;
}

/* ---- pictures between two -------------------------------------------------------------------- */

/* The feature map at t, a share that float32 can hold: at 0 and 1 one of the two, untouched; else
 * computed in `work`. NULL on failure. */
static const float *between(const CodesrcGenerator *generator, const CodesrcFeatures *a,
                            const CodesrcFeatures *b, float t, float *work)
{
    const CodeShape *shape = &generator->model->shape;
    CodeBetween args = {.a = a->map,
                        .b = b->map,
                        .y = work,
                        .t = t,
                        .positions = (unsigned)code_positions(shape),
                        .channels = shape->vae.channels};

    if (t == 0 || a == b)
        return a->map;
    if (t == 1)
        return b->map;
    return generator->model->backend->between(generator->stream, &args) ? work : NULL;
}

bool codesrc_render_between(CodesrcGenerator *generator, const CodesrcFeatures *a,
                            const CodesrcFeatures *b, double t, const CodesrcPicture *picture,
                            CodesrcError *error)
{
    CodeStages *stages = &generator->stages;
    const float *features;

    if (!code_request_idle(generator, error) || !code_request_picture(generator, picture, error))
        return false;
    if (a->model != generator->model || b->model != generator->model)
        return code_fail(error, CODESRC_SETTINGS, "features of another model than \"%s\"",
                         generator->model->info.name);
    if (!(t >= 0 && t <= 1))
        return code_fail(error, CODESRC_SETTINGS, "t is %g, expected 0..1", t);
    if (atomic_load(&generator->cancelled))
        return code_fail(error, CODESRC_CANCELLED, "cancelled");
    generator->run = (CodeRun){.model = generator->model, .stream = generator->stream, .count = 1};
    generator->trace.times = (CodesrcTimes){0};
    code_trace_start(&generator->trace);
    code_observe_begin(generator, CODESRC_STAGE_RENDER);
    features = between(generator, a, b, (float)t, stages->pyramid.f_hat);
    if (features && code_render_now(&stages->renderer, features, 1, 0, picture) &&
        code_observe_stage(generator, CODESRC_STAGE_RENDER, 0))
        return true;
    *error = generator->stream->error;
    return false;
}
