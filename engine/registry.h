/* registry.h - the backends of this build. */
#ifndef CODE_ENGINE_REGISTRY_H
#define CODE_ENGINE_REGISTRY_H

#include "backend.h"

/* The backend for `device`; NULL or "auto" chooses one. NULL on failure. */
const CodeBackend *code_backend_find(const char *device, CodesrcError *error);

/* The same. If "auto" passes a device over, *passed_over says why: CODESRC_NO_DEVICE if it failed,
 * CODESRC_NOT_FOUND if this build does not have it or this machine has no driver. */
const CodeBackend *code_backend_choose(const char *device, CodesrcError *passed_over,
                                       CodesrcError *error);

/* What "auto" chooses instead of `backend`, whose device cannot be opened; NULL if nothing. */
const CodeBackend *code_backend_instead(const char *device, const CodeBackend *backend);

#endif
