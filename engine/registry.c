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

static bool is_auto(const char *text)
{
    return !text || !strcmp(text, "auto");
}

const CodeBackend *code_backend_find(const char *device, const char *precision, CodeError *error)
{
    char names[100] = "auto";

    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++) {
        const CodeBackend *backend = backends[i];

        if (is_auto(device) || !strcmp(device, backend->name)) {
            if (is_auto(precision) || !strcmp(precision, backend->precision))
                return backend;
            code_fail(error, CODE_SETTINGS, "precision \"%.40s\": device \"%s\" has \"%s\"",
                      precision, backend->name, backend->precision);
            return NULL;
        }
        strcat(strcat(names, ", "), backend->name);
    }
    code_fail(error, CODE_NO_DEVICE, "device \"%.40s\" is not in this build, which has %s", device,
              names);
    return NULL;
}
