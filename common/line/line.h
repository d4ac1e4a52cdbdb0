/* line.h - text from elsewhere, such as the name of a file, as a line that a terminal, a log and a
 * UTF-8 string can show, and the digits of a number in a line. All parts of the project use it. */
#ifndef CODE_COMMON_LINE_H
#define CODE_COMMON_LINE_H

#include <stddef.h>

enum { CODE_LINE_GROWTH = 4 }; /* bytes of the line for a byte of the text, at most */

/* Bytes of the UTF-8 character at `text`, 0 if there is none (overlong, surrogate, cut, ...). */
size_t code_utf8_length(const char *text, size_t left);

/* Bytes of the character at `text` if it can stand in a line: UTF-8, but neither a control
 * character (C0, DEL, C1) nor a separator of lines or paragraphs. Otherwise 0. */
size_t code_line_length(const char *text, size_t left);

/* Copies text to out[room], with \n, \t or \xNN for bytes that cannot stand in a line. Text that is
 * too long is cut between characters, and a character that is cut at its end is left out. */
void code_line(char *out, size_t room, const char *text);

/* The length of the text, or of its part of up to `most` bytes that ends between characters. */
int code_line_fit(const char *text, int most);

/* The fewest digits, from 15 on, in which "%.*g" writes a number that reads as the same one. */
int code_line_digits(double number);

/* Two arguments for "%.*s". */
#define CODE_CUT(text, most) code_line_fit(text, most), text

#endif
