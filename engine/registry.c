/* registry.c - the only place that names backends, the preferred one first. */
#include "registry.h"

#include "error.h"

#include <string.h>

static const CodeBackend *const backends[] = {
#ifdef CODE_HAVE_CPU
    &code_backend_cpu,
#endif
    &code_backend_reference,
};

const CodeBackend *code_backend_find(const char *device, CodeError *error)
{
    char names[100] = "auto";

    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++) {
        if (!device || !strcmp(device, "auto") || !strcmp(device, backends[i]->name))
            return backends[i];
        strcat(strcat(names, ", "), backends[i]->name);
    }
    code_fail(error, CODE_NO_DEVICE, "device \"%.40s\" is not in this build, which has %s", device,
              names);
    return NULL;
}
