/* stop.h - SIGINT and SIGTERM end a tool in good order: drawing is cancelled, the tool keeps the
 * pictures that it has, and then ends as the signal would have ended it. For one generator. */
#ifndef CODE_TOOLS_STOP_H
#define CODE_TOOLS_STOP_H

#include <codesrc.h>

/* From now on the first signal cancels the generator; a second one ends the process at once. */
void stop_watch(CodesrcGenerator *generator);

/* Leaves the signals as they were; call it before the generator is freed. */
void stop_unwatch(void);

/* The signal that came, or 0. */
int stop_signal(void);

/* Ends the process by the signal that came, so that shells and schedulers see why; returns if none
 * came. */
void stop_end(void);

#endif
