/* series.c - operations that come again and again, asked for as a whole where the backend can. */
#include "generate.h"

bool code_series(CodesrcGenerator *generator, CodeStream *stream, unsigned key,
                 bool (*operations)(CodesrcGenerator *generator))
{
    const CodeBackend *backend = generator->model->backend;
    CodeSeries series = CODE_SERIES_PLAIN;

    if (backend->series_begin && !stream->rehearsing)
        series = backend->series_begin(stream, key);
    if (series == CODE_SERIES_RECORDS)
        series = backend->series_end(stream, operations(generator));
    return series == CODE_SERIES_PLAIN ? operations(generator) : series == CODE_SERIES_DONE;
}
