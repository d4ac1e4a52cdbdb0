/* arguments.h - numbers from the command line. */
#ifndef CODE_TOOLS_ARGUMENTS_H
#define CODE_TOOLS_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

/* The whole of `text` as a number in the range; otherwise ends the program with a message that
 * names the option. */
uint64_t argument_integer(const char *option, const char *text, uint64_t least, uint64_t most);
double argument_real(const char *option, const char *text, double least, double most);

#endif
