/* trace.h - times the stages of a call, for CodesrcTimes and for the callback of
 * codesrc_generator_trace. */
#ifndef CODE_ENGINE_TRACE_H
#define CODE_ENGINE_TRACE_H

#include "codesrc.h"

typedef struct CodeTrace {
    CodesrcStageDone done; /* or NULL */
    void *user;
    bool waits;   /* for the device at the end of each stage */
    bool clocked; /* the device's clock runs for this stage */
    double since; /* when the stage began, in seconds of the monotonic clock */
    CodesrcTimes times;
} CodeTrace;

/* A stage begins now. */
void code_trace_start(CodeTrace *trace);

/* It ends now, and the next one begins. Fills in `seconds` of `ended`, unless the device's clock
 * has. */
void code_trace_end(CodeTrace *trace, CodesrcStageInfo ended);

#endif
