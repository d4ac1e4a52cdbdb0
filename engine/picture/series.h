/* series.h - repeated operations, recorded and replayed if the backend supports it. */
#ifndef CODE_PICTURE_SERIES_H
#define CODE_PICTURE_SERIES_H

#include "backend.h"

/* Runs `operations` on `stream`, or replays what they recorded there under `key`. */
bool code_series(const CodeBackend *backend, CodeStream *stream, unsigned key,
                 bool (*operations)(void *user), void *user);

#endif
