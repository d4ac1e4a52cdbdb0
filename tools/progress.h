/* progress.h - reports the progress of a long job on stderr: on a terminal, one line that is
 * overwritten, once the job has taken a second; elsewhere, a line every half minute. */
#ifndef CODE_TOOLS_PROGRESS_H
#define CODE_TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Progress {
    const char *what; /* "pictures drawn" */
    uint64_t total;
    double started, shown; /* seconds */
    bool terminal, visible;
} Progress;

void progress_start(Progress *progress, const char *what, uint64_t total);

/* `done` of the total. */
void progress_show(Progress *progress, uint64_t done);

/* A text of the caller's, on a terminal only: "run 3 of 5". */
void progress_text(Progress *progress, const char *text);

/* For CodesrcModelOptions.progress, with a started Progress as progress_user: shows `what` and the
 * fraction in percent, on a terminal only. Always true. */
bool progress_loading(void *progress, double fraction);

/* Clears the line if there is one. */
void progress_clear(Progress *progress);

/* Seconds since it was started. */
double progress_seconds(const Progress *progress);

#endif
