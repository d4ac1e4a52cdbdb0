# shellcheck shell=sh
# programs.sh - sourced by the tests of packages: programs that the documents show, to be compiled against what
# was installed.

# header_program SOURCE: the sample at the head of codesrc.h, in C and C++. Prints the pixels.
header_program() {
    echo '#include <codesrc.h>
#include <stdio.h>
#include <stdlib.h>
int main(void)
{
    unsigned char *pixels = (unsigned char *)calloc(256 * 256, 3);'
    sed -n '2,/^ \* A picture is/s/^ \*     //p' "$1/include/codesrc.h"
    echo '    fwrite(pixels, 3, 256 * 256, stdout);
    free(pixels);
    return 0;
}'
}

# guide_program SOURCE: the program of docs/c-api.md. Writes aurora.ppm.
guide_program() {
    sed -n '/^```c$/,/^```$/p' "$1/docs/c-api.md" | grep -v '^```'
}
