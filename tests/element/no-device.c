/* no-device.c - a module for device "cuda" that finds no device, as on a machine without a GPU. */
#include "code.h"

#include <stdio.h>

CODE_API const void *code_module_backend(const char *version, CodeError *error);

CODE_API const void *code_module_backend(const char *version, CodeError *error)
{
    (void)version;
    error->status = CODE_NO_DEVICE;
    snprintf(error->text, sizeof error->text, "device \"cuda\": there is no GPU in this test");
    return NULL;
}
