/* test-module.c - the module that nvcc made: it loads with all that it needs, and without a GPU it
 * says so. Exit 77 if this build has none, or this machine no driver. */
#include "../test.h"

#include "module.h"

int main(void)
{
    CodesrcError error = {0};
    const CodeBackend *backend = code_module_open("cuda", "libcuda.so.1", &error);

    if (!backend && error.status == CODESRC_NOT_FOUND) {
        printf("skipped: %s\n", error.text);
        return 77;
    }
    printf("%s\n", backend ? "there is a GPU" : error.text);
    CHECK(backend ? !strcmp(backend->name, "cuda") : error.status == CODESRC_NO_DEVICE, "%d",
          (int)error.status);
    /* A linker's complaint would mean that the module itself is wrong. */
    CHECK(backend || !strstr(error.text, "undefined symbol"), "%s", error.text);
    return test_end();
}
