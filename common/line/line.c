/* line.c - cuts text between characters, escapes what a line cannot show, and counts digits. */
#include "line.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t code_utf8_length(const char *text, size_t left)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *bytes = (const unsigned char *)text;
    size_t length;
    uint32_t point;

    if (!left)
        return 0;
    if (bytes[0] < 0x80)
        return 1;
    length = bytes[0] >= 0xF0 ? 4 : bytes[0] >= 0xE0 ? 3 : 2;
    if (bytes[0] < 0xC2 || bytes[0] > 0xF4 || length > left)
        return 0;
    point = bytes[0] & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xC0) != 0x80)
            return 0;
        point = point << 6 | (bytes[i] & 0x3F);
    }
    if (point < least[length] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF))
        return 0;
    return length;
}

size_t code_line_length(const char *text, size_t left)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t length = code_utf8_length(text, left);

    if (length == 1 && (bytes[0] < 0x20 || bytes[0] == 0x7F))
        return 0;
    if (length == 2 && bytes[0] == 0xC2 && bytes[1] < 0xA0)
        return 0;
    if (length == 3 && bytes[0] == 0xE2 && bytes[1] == 0x80 &&
        (bytes[2] == 0xA8 || bytes[2] == 0xA9))
        return 0;
    return length;
}

/* Whether the text ends within its last character. */
static int is_cut(const char *text, size_t left)
{
    static const char rest[] = "\x80\x80\x80";
    char whole[8] = {0};

    if (left > 3 || (unsigned char)*text < 0xC2)
        return 0;
    memcpy(whole, text, left);
    for (size_t more = 1; left + more <= 4; more++) {
        memcpy(whole + left, rest, more);
        if (code_utf8_length(whole, left + more) == left + more)
            return 1;
    }
    return 0;
}

/* What stands for a byte that cannot stand in a line. */
static size_t escape(char out[5], unsigned char byte)
{
    if (byte != '\n' && byte != '\t')
        return (size_t)snprintf(out, 5, "\\x%02x", byte);
    memcpy(out, byte == '\n' ? "\\n" : "\\t", 3);
    return 2;
}

void code_line(char *out, size_t room, const char *text)
{
    size_t left = strlen(text);

    while (left && !is_cut(text, left)) {
        char escaped[5];
        size_t used = code_line_length(text, left);
        size_t size = used ? used : escape(escaped, (unsigned char)*text);

        if (size >= room)
            break;
        memcpy(out, used ? text : escaped, size);
        used = used ? used : 1;
        out += size;
        room -= size;
        text += used;
        left -= used;
    }
    *out = '\0';
}

int code_line_fit(const char *text, int most)
{
    int length = (int)strnlen(text, (size_t)most + 1), start = most;

    if (length <= most)
        return length;
    while (start > 0 && start > most - 4 && ((unsigned char)text[start] & 0xC0) == 0x80)
        start--;
    return code_utf8_length(text + start, 4) ? start : most;
}

int code_line_digits(double number)
{
    char text[40];
    int digits = 15;

    while (digits < 17 && snprintf(text, sizeof text, "%.*g", digits, number) > 0 &&
           strtod(text, NULL) != number)
        digits++;
    return digits;
}
