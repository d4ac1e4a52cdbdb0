/* progress.h - how far a long job is, on stderr: one line that is written over on a terminal, a
 * line every half minute elsewhere. */
#ifndef CODE_TOOLS_PROGRESS_H
#define CODE_TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Progress {
    const char *what; /* "drawn" */
    uint64_t total;
    double started, shown; /* seconds */
    bool terminal;
} Progress;

void progress_start(Progress *progress, const char *what, uint64_t total);
void progress_show(Progress *progress, uint64_t done);

/* Clears the line where there is one. */
void progress_clear(const Progress *progress);

/* Seconds since it was started. */
double progress_seconds(const Progress *progress);

#endif
