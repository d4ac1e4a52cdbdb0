/* features.c - feature maps that a caller holds, in the device's memory. */
#include "picture/features.h"

#include "error.h"

#include <stdlib.h>

CodesrcFeatures *code_features_new(CodesrcModel *model, CodesrcError *error)
{
    CodesrcFeatures *features = calloc(1, sizeof *features);
    size_t bytes = code_map_floats(&model->shape) * sizeof(float);

    if (!features) {
        code_fail(error, CODESRC_NO_MEMORY, "no memory for a feature map");
        return NULL;
    }
    atomic_init(&features->references, 1);
    features->model = codesrc_model_ref(model);
    features->map = model->backend->alloc(model->device, bytes, error);
    if (features->map)
        return features;
    codesrc_features_unref(features);
    return NULL;
}

CodesrcFeatures *codesrc_features_ref(CodesrcFeatures *features)
{
    atomic_fetch_add(&features->references, 1);
    return features;
}

void codesrc_features_unref(CodesrcFeatures *features)
{
    if (!features || atomic_fetch_sub(&features->references, 1) > 1)
        return;
    if (features->map)
        features->model->backend->release(features->model->device, features->map);
    codesrc_model_unref(features->model);
    free(features);
}

bool code_features_keep(CodesrcFeatures *const *features, const CodeRun *run, const float *f_hat)
{
    const CodeBackend *backend = run->model->backend;
    size_t count = code_map_floats(&run->model->shape);

    for (unsigned i = 0; i < run->count; i++)
        if (!backend->copy(run->stream, features[run->first + i]->map, f_hat + i * count,
                           count * sizeof(float), CODE_INSIDE))
            return false;
    return true;
}
