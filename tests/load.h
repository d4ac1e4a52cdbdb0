/* load.h - how busy the machine is, for tests that ask whether something stops at once. */
#ifndef CODE_TESTS_LOAD_H
#define CODE_TESTS_LOAD_H

#include <stdlib.h>
#include <unistd.h>

/* Threads that want a processor for each processor there is, at least 1. A bound on a time, times
 * this, tests what the program does, not how busy the machine is. */
static inline double busy(void)
{
    double load = 0, processors = (double)sysconf(_SC_NPROCESSORS_ONLN);

    return getloadavg(&load, 1) == 1 && load > processors ? load / processors : 1;
}

#endif
