/* signals.h - which signals a thread of ours receives. */
#ifndef CODE_COMMON_SIGNALS_H
#define CODE_COMMON_SIGNALS_H

#include <signal.h>

/* Call it before starting threads, which inherit what is blocked, and then restore *old with
 * pthread_sigmask(). Signals to the process belong to the application's threads, so all are
 * blocked but faults: a fault that is blocked ends the process without calling the application's
 * handler. */
void code_signals_block(sigset_t *old);

#endif
