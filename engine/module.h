/* module.h - backends that are modules of their own, opened when they are asked for: so the engine
 * loads where the libraries that they need are not installed. */
#ifndef CODE_ENGINE_MODULE_H
#define CODE_ENGINE_MODULE_H

#include "backend.h"

/* The backend in libcodesrc-NAME.so, which is searched for in the folders of $CODESRC_MODULE_PATH,
 * beside the library in its build tree and where modules are installed. A module loads libraries of
 * hundreds of megabytes: it is not even opened where the library `driver` is missing, unless it
 * lies in $CODESRC_MODULE_PATH. NULL on failure: *error says CODESRC_NO_DEVICE and why, or
 * CODESRC_NOT_FOUND if there is no such file or no driver. */
const CodeBackend *code_module_open(const char *name, const char *driver, CodesrcError *error);

#endif
