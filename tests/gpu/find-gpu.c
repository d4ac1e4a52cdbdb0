/* find-gpu.c - exits with 0 if device "cuda" is available, or with 77 and the reason. A module
 * that exists but does not load is a failure. */
#include "module.h"

#include <stdio.h>

int main(void)
{
    CodesrcError error = {0};

    if (code_module_open("cuda", "libcuda.so.1", &error))
        return 0;
    printf("skipped: %s\n", error.text);
    return error.status == CODESRC_NO_DEVICE || error.status == CODESRC_NOT_FOUND ? 77 : 1;
}
