/* load.h - how busy the machine is, for tests that ask whether something stops at once. */
#ifndef CODE_TESTS_LOAD_H
#define CODE_TESTS_LOAD_H

#include <stdlib.h>
#include <unistd.h>

/* Runnable threads per processor, at least 1. Multiply a time limit by this, so that it tests the
 * program, not the load of the machine. */
static inline double busy(void)
{
    double load = 0, processors = (double)sysconf(_SC_NPROCESSORS_ONLN);

    return getloadavg(&load, 1) == 1 && load > processors ? load / processors : 1;
}

#endif
