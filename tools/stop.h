/* stop.h - SIGINT and SIGTERM end a tool in an orderly way: drawing is cancelled, the tool keeps
 * its finished pictures, and then ends as the signal would have ended it. For one generator. */
#ifndef CODE_TOOLS_STOP_H
#define CODE_TOOLS_STOP_H

#include <codesrc.h>

/* From now on the first signal cancels the generator; a second one ends the process at once. */
void stop_watch(CodesrcGenerator *generator);

/* Restores the signals; call it before the generator is freed. */
void stop_unwatch(void);

/* The signal received, or 0. */
int stop_signal(void);

/* Ends the process by the signal received, so that shells and schedulers see why; returns if
 * there was none. */
void stop_end(void);

#endif
