/* module.h - backends in separate modules, opened on request, so that the engine loads on
 * machines without the libraries they need. */
#ifndef CODE_ENGINE_MODULE_H
#define CODE_ENGINE_MODULE_H

#include "backend.h"

/* Opens the backend in libcodesrc-NAME.so, searching the folders of $CODESRC_MODULE_PATH, the
 * library's build tree and the installation folder. A module loads libraries of hundreds of
 * megabytes, so it is not opened if the library `driver` is missing, unless it is in
 * $CODESRC_MODULE_PATH. NULL on failure: *error has CODESRC_NO_DEVICE with the reason, or
 * CODESRC_NOT_FOUND if there is no such file or no driver. */
const CodeBackend *code_module_open(const char *name, const char *driver, CodesrcError *error);

#endif
