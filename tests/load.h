/* load.h - how busy the machine is, for tests that ask whether something stops at once. */
#ifndef CODE_TESTS_LOAD_H
#define CODE_TESTS_LOAD_H

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static inline double load_clock(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* How many times longer everything takes than with a processor for each thread, at least 1.
 * Multiply a time limit by this, so that it tests the program, not the load of the machine. The
 * runnable threads per processor are those of the last minute, and threads of a higher priority
 * count for more than one, so that a moment of work is measured as well: after the time that is
 * tested, not within it. */
static inline double busy(void)
{
    const double moment = 0.01;
    double load = 0, processors = (double)sysconf(_SC_NPROCESSORS_ONLN), times;
    double begin = load_clock(CLOCK_MONOTONIC), work = load_clock(CLOCK_THREAD_CPUTIME_ID);

    while (load_clock(CLOCK_THREAD_CPUTIME_ID) - work < moment)
        continue;
    times = (load_clock(CLOCK_MONOTONIC) - begin) / moment;
    if (getloadavg(&load, 1) == 1 && load / processors > times)
        times = load / processors;
    return times > 1 ? times : 1;
}

#endif
