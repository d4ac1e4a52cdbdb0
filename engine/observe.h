/* observe.h - who looks at a call while it is decoded: the observer of scales, and the trace of
 * stages. */
#ifndef CODE_ENGINE_OBSERVE_H
#define CODE_ENGINE_OBSERVE_H

#include "state.h"

/* Whether scales are looked at one by one, so that they cannot be replayed as a whole. */
bool code_observes_scales(const CodesrcGenerator *generator);

/* A stage of the run begins: names it for the device's profilers. */
void code_observe_begin(CodesrcGenerator *generator, CodesrcStage stage);

/* A stage of the run has ended: waits for the device if the trace does, and traces it. */
bool code_observe_stage(CodesrcGenerator *generator, CodesrcStage stage, unsigned scale);

/* Keeps the logits of the scale if the observer wants them. */
bool code_observe_logits(CodesrcGenerator *generator);

/* Calls the observer: the scale is done. */
void code_observe_scale(CodesrcGenerator *generator);

#endif
