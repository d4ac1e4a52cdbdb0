/* registry.h - the backends that were built. */
#ifndef CODE_ENGINE_REGISTRY_H
#define CODE_ENGINE_REGISTRY_H

#include "backend.h"

/* The backend that `device` asks for; NULL or "auto" leaves the choice. NULL on failure. */
const CodeBackend *code_backend_find(const char *device, CodeError *error);

#endif
