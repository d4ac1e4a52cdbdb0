/* progress.c - how far a long job is. */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

void progress_start(Progress *progress, const char *what, uint64_t total)
{
    *progress = (Progress){.what = what, .total = total, .terminal = isatty(STDERR_FILENO)};
    progress->started = progress->shown = now();
}

double progress_seconds(const Progress *progress)
{
    return now() - progress->started;
}

void progress_show(Progress *progress, uint64_t done)
{
    const double interval = progress->terminal ? 0.2 : 30, seconds = progress_seconds(progress);
    double rate = seconds > 0 ? (double)done / seconds : 0;
    uint64_t left;

    if (!done || now() - progress->shown < interval)
        return;
    progress->shown = now();
    left = (uint64_t)((double)(progress->total - done) / rate);
    fprintf(stderr,
            "%s%" PRIu64 " of %" PRIu64 " pictures %s, %.3g a second, %" PRIu64 ":%02" PRIu64
            ":%02" PRIu64 " left%s",
            progress->terminal ? "\r" : "", done, progress->total, progress->what, rate,
            left / 3600, left / 60 % 60, left % 60, progress->terminal ? "\033[K" : "\n");
}

void progress_clear(const Progress *progress)
{
    if (progress->terminal)
        fputs("\r\033[K", stderr);
}
