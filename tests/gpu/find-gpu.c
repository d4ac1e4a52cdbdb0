/* find-gpu.c - whether device "cuda" can be had: exit 0, or 77 with the reason. A module that is
 * there and does not load for a reason of its own is a failure. */
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
