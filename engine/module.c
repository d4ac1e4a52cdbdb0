/* module.c - finds and opens modules. */
#include "module.h"

#include "error.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef const CodeBackend *(*Entry)(const char *version, CodesrcError *error);

/* folder/libcodesrc-name.so, if there is one. */
static bool in_folder(char path[PATH_MAX], const char *folder, size_t length, const char *inside,
                      const char *name)
{
    int written =
        snprintf(path, PATH_MAX, "%.*s%s/libcodesrc-%s.so", (int)length, folder, inside, name);

    return written > 0 && written < PATH_MAX && access(path, F_OK) == 0;
}

static bool find_in_list(char path[PATH_MAX], const char *name)
{
    const char *list = secure_getenv("CODESRC_MODULE_PATH");

    while (list && *list) {
        size_t length = strcspn(list, ":");

        if (length && in_folder(path, list, length, "", name))
            return true;
        list += length + (list[length] == ':');
    }
    return false;
}

/* A library in its build tree finds kernels/NAME next to its own folder, as it finds models. */
static bool find(char path[PATH_MAX], const char *name)
{
    char inside[64];
    Dl_info info;

    snprintf(inside, sizeof inside, "/../kernels/%s", name);
    if (dladdr((void *)code_module_open, &info) && info.dli_fname) {
        const char *slash = strrchr(info.dli_fname, '/');

        if (slash &&
            in_folder(path, info.dli_fname, (size_t)(slash - info.dli_fname), inside, name))
            return true;
    }
    return in_folder(path, CODE_MODULES_DIR, strlen(CODE_MODULES_DIR), "", name);
}

static bool loads(const char *library)
{
    void *handle = dlopen(library, RTLD_LAZY | RTLD_LOCAL);

    if (handle)
        dlclose(handle);
    return handle != NULL;
}

const CodeBackend *code_module_open(const char *name, const char *driver, CodesrcError *error)
{
    char path[PATH_MAX];
    const CodeBackend *backend = NULL;
    void *module, *entry;
    bool listed = find_in_list(path, name);

    if (!listed && !find(path, name)) {
        code_fail(error, CODESRC_NOT_FOUND,
                  "device \"%s\" is not in this build: libcodesrc-%s.so is neither in "
                  "$CODESRC_MODULE_PATH nor in %s",
                  name, name, CODE_MODULES_DIR);
        return NULL;
    }
    if (!listed && !loads(driver)) {
        code_fail(error, CODESRC_NOT_FOUND, "device \"%s\": no driver: %.400s", name, dlerror());
        return NULL;
    }
    /* The backend's table is in the module, so the module stays open; opening it again is cheap. */
    module = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    entry = module ? dlsym(module, "code_module_backend") : NULL;
    if (entry)
        backend = ((Entry)entry)(CODE_VERSION, error);
    else
        code_fail(error, CODESRC_NO_DEVICE, "device \"%s\": %.400s", name, dlerror());
    if (module)
        dlclose(module);
    return backend;
}
