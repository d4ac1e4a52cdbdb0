/* text.h - text from a file: checks that it is UTF-8, and makes it fit into a one-line error. */
#ifndef CODE_MODEL_TEXT_H
#define CODE_MODEL_TEXT_H

#include "line/line.h"

#include <stdbool.h>
#include <stddef.h>

#define CODE_QUOTED 100 /* characters of a file's text that an error shows */

typedef struct CodeQuoted {
    char text[CODE_QUOTED + 12];
} CodeQuoted;

/* Whether all of it is UTF-8. */
bool code_utf8_valid(const char *text, size_t length);

/* Whether it is UTF-8 without control characters (C0, DEL, C1) or line and paragraph separators. */
bool code_text_plain(const char *text, size_t length);

/* Copies text to out[room], with everything that is not plain as \xNN. Text too long for the room
 * loses its middle. Returns out. */
const char *code_text_escape(char *out, size_t room, const char *text, size_t length);

/* The same into its own buffer, for use inside a call of code_fail. */
const char *code_quote(CodeQuoted *out, const char *text, size_t length);
const char *code_quote_string(CodeQuoted *out, const char *text);

#endif
