/* signals.c - which signals a thread of ours receives. */
#include "signals.h"

#include <pthread.h>
#include <stddef.h>

void code_signals_block(sigset_t *old)
{
    static const int faults[] = {SIGBUS, SIGFPE, SIGILL, SIGSEGV};
    sigset_t all;

    sigfillset(&all);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&all, faults[i]);
    pthread_sigmask(SIG_SETMASK, &all, old);
}
