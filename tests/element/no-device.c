/* no-device.c - a module for device "cuda" that finds no device, as on a machine without a GPU. */
#include "codesrc.h"

#include <stdio.h>

CODESRC_API const void *code_module_backend(const char *version, CodesrcError *error);

CODESRC_API const void *code_module_backend(const char *version, CodesrcError *error)
{
    (void)version;
    error->status = CODESRC_NO_DEVICE;
    snprintf(error->text, sizeof error->text, "device \"cuda\": there is no GPU in this test");
    return NULL;
}
