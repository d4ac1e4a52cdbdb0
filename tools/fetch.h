/* fetch.h - gets the files of a released model from where they are published. */
#ifndef CODE_TOOLS_FETCH_H
#define CODE_TOOLS_FETCH_H

#include <stdbool.h>

#include <codesrc.h>

/* Prints the files that `drafting_steps` (0: the model's default) needs, with sizes and addresses,
 * and fetches those that are not yet complete into `folder`, which it makes if need be, next to a
 * copy of the manifest. `from` replaces the addresses' part before the file's name; NULL: as
 * published. A transfer that broke off is resumed. A file gets its name when its size, and its
 * digest if the server states one, are right. */
bool fetch_model(const char *name, const char *folder, unsigned drafting_steps, const char *from,
                 CodesrcError *error);

#endif
