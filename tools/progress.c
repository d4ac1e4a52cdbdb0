/* progress.c - reports the progress of a long job. */
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

/* True if it is time for the next line. */
static bool due(Progress *progress)
{
    const double first = progress->terminal ? 1 : 30, again = progress->terminal ? 0.2 : 30;
    double time = now();

    if (time - progress->started < first || time - progress->shown < again)
        return false;
    progress->shown = time;
    return true;
}

static void begin_line(Progress *progress)
{
    progress->visible = progress->terminal;
    fputs(progress->terminal ? "\r" : "", stderr);
}

static void end_line(const Progress *progress)
{
    fputs(progress->terminal ? "\033[K" : "\n", stderr);
    fflush(stderr);
}

void progress_show(Progress *progress, uint64_t done)
{
    const double seconds = progress_seconds(progress);
    double rate = seconds > 0 ? (double)done / seconds : 0;
    uint64_t left;

    if (!done || !due(progress))
        return;
    left = (uint64_t)((double)(progress->total - done) / rate);
    begin_line(progress);
    fprintf(stderr,
            "%" PRIu64 " of %" PRIu64 " %s, %.3g a second, %" PRIu64 ":%02" PRIu64 ":%02" PRIu64
            " left",
            done, progress->total, progress->what, rate, left / 3600, left / 60 % 60, left % 60);
    end_line(progress);
}

void progress_text(Progress *progress, const char *text)
{
    if (!progress->terminal || !due(progress))
        return;
    begin_line(progress);
    fputs(text, stderr);
    end_line(progress);
}

bool progress_loading(void *progress, double fraction)
{
    char text[60];

    snprintf(text, sizeof text, "%s, %.0f %%", ((Progress *)progress)->what, 100 * fraction);
    progress_text(progress, text);
    return true;
}

void progress_clear(Progress *progress)
{
    if (progress->visible)
        fputs("\r\033[K", stderr);
    progress->visible = false;
}
