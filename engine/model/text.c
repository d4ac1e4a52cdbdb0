/* text.c - text from a file: checks that it is UTF-8, and makes it fit into a one-line error. */
#include "model/text.h"

#include <stdio.h>
#include <string.h>

bool code_utf8_valid(const char *text, size_t length)
{
    for (size_t i = 0, step; i < length; i += step) {
        step = code_utf8_length(text + i, length - i);
        if (!step)
            return false;
    }
    return true;
}

bool code_text_plain(const char *text, size_t length)
{
    for (size_t i = 0, step; i < length; i += step) {
        step = code_line_length(text + i, length - i);
        if (!step)
            return false;
    }
    return true;
}

/* Escapes text[0..length) into out as long as it fits; returns the characters written. */
static size_t escape(char *out, size_t room, const char *text, size_t length)
{
    size_t written = 0;

    for (size_t i = 0, step; i < length; i += step) {
        char shown[5];
        size_t size;

        step = code_line_length(text + i, length - i);
        size = step ? step : 4;
        if (written + size >= room)
            break;
        if (step) {
            memcpy(out + written, text + i, step);
        } else {
            snprintf(shown, sizeof shown, "\\x%02x", (unsigned char)text[i]);
            memcpy(out + written, shown, 4);
            step = 1;
        }
        written += size;
    }
    out[written] = '\0';
    return written;
}

static size_t escaped_length(const char *text, size_t length)
{
    size_t total = 0;

    for (size_t i = 0, step; i < length; i += step ? step : 1) {
        step = code_line_length(text + i, length - i);
        total += step ? step : 4;
    }
    return total;
}

const char *code_text_escape(char *out, size_t room, const char *text, size_t length)
{
    size_t head, tail = room / 2;

    if (escaped_length(text, length) < room) {
        escape(out, room, text, length);
        return out;
    }
    if (tail > length / 2)
        tail = length / 2;
    while (tail > 1 && ((unsigned char)text[length - tail] & 0xC0) == 0x80)
        tail--;
    head = escape(out, room / 2 - 3, text, length - tail);
    memcpy(out + head, "...", 3);
    escape(out + head + 3, room - head - 3, text + length - tail, tail);
    return out;
}

const char *code_quote(CodeQuoted *out, const char *text, size_t length)
{
    return code_text_escape(out->text, sizeof out->text, text, length);
}

const char *code_quote_string(CodeQuoted *out, const char *text)
{
    return code_quote(out, text, strlen(text));
}
