/* series.c - runs operations, or records and replays them. */
#include "picture/series.h"

bool code_series(const CodeBackend *backend, CodeStream *stream, unsigned key,
                 bool (*operations)(void *user), void *user)
{
    CodeSeries series = CODE_SERIES_PLAIN;

    if (backend->series_begin && !stream->rehearsing)
        series = backend->series_begin(stream, key);
    if (series == CODE_SERIES_RECORDS)
        series = backend->series_end(stream, operations(user));
    return series == CODE_SERIES_PLAIN ? operations(user) : series == CODE_SERIES_DONE;
}
