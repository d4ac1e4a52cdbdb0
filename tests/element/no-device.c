/* no-device.c - a module for device "cuda" that finds no device, as on a machine without a GPU, or,
 * if $CODESRC_TEST_NO_DRIVER is set, no driver. */
#include "codesrc.h"

#include <stdio.h>
#include <stdlib.h>

CODESRC_API const void *code_module_backend(const char *version, CodesrcError *error);

CODESRC_API const void *code_module_backend(const char *version, CodesrcError *error)
{
    (void)version;
    error->status = getenv("CODESRC_TEST_NO_DRIVER") ? CODESRC_NOT_FOUND : CODESRC_NO_DEVICE;
    snprintf(error->text, sizeof error->text, "device \"cuda\": there is no GPU in this test");
    return NULL;
}
