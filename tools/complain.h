/* complain.h - messages on stderr. */
#ifndef CODE_TOOLS_COMPLAIN_H
#define CODE_TOOLS_COMPLAIN_H

/* Prints one line on stderr, whatever characters the names in it have, and ends it. */
__attribute__((format(printf, 1, 2))) void complain(const char *format, ...);

#endif
