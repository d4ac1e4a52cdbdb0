/* stop.c - SIGINT and SIGTERM end a tool in an orderly way. */
#include "stop.h"

#include <signal.h>
#include <stddef.h>

static CodesrcGenerator *watched;
static volatile sig_atomic_t stopped_by;

static void stop(int number)
{
    stopped_by = number;
    codesrc_generator_cancel(watched, true);
}

void stop_watch(CodesrcGenerator *generator)
{
    /* A write that the signal interrupts goes on: what is finished is kept. */
    struct sigaction action = {.sa_handler = stop, .sa_flags = SA_RESETHAND | SA_RESTART};

    watched = generator;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

void stop_unwatch(void)
{
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
}

int stop_signal(void)
{
    return stopped_by;
}

void stop_end(void)
{
    if (!stopped_by)
        return;
    signal(stopped_by, SIG_DFL);
    raise(stopped_by);
}
