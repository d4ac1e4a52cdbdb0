/* complain.h - messages on stderr. */
#ifndef CODE_TOOLS_COMPLAIN_H
#define CODE_TOOLS_COMPLAIN_H

#include <stdbool.h>

/* Prints "PROGRAM: TEXT" as one line on stderr, whatever characters the names in it have. */
__attribute__((format(printf, 1, 2))) void complain(const char *format, ...);

/* Whether standard output could not take all that was printed; with a message if so. For the end of
 * a program that prints results. */
bool complain_unwritten(void);

#endif
