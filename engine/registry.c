/* registry.c - the only file that names backends, the preferred one first. */
#include "registry.h"

#include "error.h"
#include "line/line.h"
#include "module.h"

#include <string.h>

static const CodeBackend *const backends[] = {
#ifdef CODE_HAVE_CPU
    &code_backend_cpu,
#endif
    &code_backend_reference,
};

static bool is_auto(const char *device)
{
    return !device || !strcmp(device, "auto");
}

const CodeBackend *code_backend_choose(const char *device, CodesrcError *passed_over,
                                       CodesrcError *error)
{
    char names[100] = "auto, cuda";
    const CodeBackend *backend;

    if (is_auto(device) || !strcmp(device, "cuda")) {
        backend = code_module_open("cuda", "libcuda.so.1", is_auto(device) ? passed_over : error);
        if (backend)
            return backend;
        if (!is_auto(device)) {
            error->status = CODESRC_NO_DEVICE;
            return NULL;
        }
    }
    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++) {
        if (is_auto(device) || !strcmp(device, backends[i]->name))
            return backends[i];
        strcat(strcat(names, ", "), backends[i]->name);
    }
    code_fail(error, CODESRC_NO_DEVICE, "device \"%.*s\" is not in this build, which has %s",
              CODE_CUT(device, 40), names);
    return NULL;
}

const CodeBackend *code_backend_instead(const char *device, const CodeBackend *backend)
{
    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++)
        if (backends[i] == backend)
            return NULL;
    return is_auto(device) ? backends[0] : NULL;
}

const CodeBackend *code_backend_find(const char *device, CodesrcError *error)
{
    CodesrcError passed_over;

    return code_backend_choose(device, &passed_over, error);
}
