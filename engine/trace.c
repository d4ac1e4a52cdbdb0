/* trace.c - the clock of the stages. */
#include "trace.h"

#include <time.h>

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* The member of CodesrcTimes that counts a stage. */
static double *sum_of(CodesrcTimes *times, const CodesrcStageInfo *ended)
{
    if (ended->stage == CODESRC_STAGE_RENDER || ended->stage == CODESRC_STAGE_WAIT)
        return &times->vae;
    return ended->scale < ended->drafting_steps ? &times->drafter : &times->refiner;
}

const char *codesrc_stage_name(CodesrcStage stage)
{
    static const char *const names[] = {"classes", "drafter", "refiner", "sample",
                                        "pyramid", "scales",  "render",  "wait"};

    return (unsigned)stage < sizeof names / sizeof *names ? names[stage] : "";
}

void code_trace_start(CodeTrace *trace)
{
    trace->since = now();
}

void code_trace_end(CodeTrace *trace, CodesrcStageInfo ended)
{
    double time = now();

    if (!trace->clocked)
        ended.seconds = time - trace->since;
    trace->clocked = false;
    *sum_of(&trace->times, &ended) += ended.seconds;
    trace->since = time;
    if (trace->done) {
        trace->done(trace->user, &ended);
        trace->since = now(); /* the callback's time belongs to no stage */
    }
}
