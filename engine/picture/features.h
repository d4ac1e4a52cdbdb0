/* features.h - feature maps that a caller holds, to render pictures between them. */
#ifndef CODE_PICTURE_FEATURES_H
#define CODE_PICTURE_FEATURES_H

#include "run.h"

/* Starts copying a run's f_hat (count, P, P, Z) to its images' places in `features`, an array for
 * all images of the call. */
bool code_features_keep(CodesrcFeatures *const *features, const CodeRun *run, const float *f_hat);

#endif
