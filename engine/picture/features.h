/* features.h - feature maps that a caller holds, to render pictures between them. */
#ifndef CODE_PICTURE_FEATURES_H
#define CODE_PICTURE_FEATURES_H

#include "run.h"

struct CodesrcFeatures {
    atomic_uint references;
    CodesrcModel *model;
    float *map; /* device: (P, P, Z) */
};

/* With one reference and an empty map. NULL without memory. */
CodesrcFeatures *code_features_new(CodesrcModel *model, CodesrcError *error);

/* Starts copying a run's f_hat (count, P, P, Z) to its images' places in `features`, an array for
 * all images of the call. */
bool code_features_keep(CodesrcFeatures *const *features, const CodeRun *run, const float *f_hat);

#endif
