/* gstcodetext.c - escapes control characters and bytes that are not UTF-8. */
#include "report/gstcodetext.h"

static void append(GString *line, gunichar character)
{
    if (character == '\n')
        g_string_append(line, "\\n");
    else if (character == '\t')
        g_string_append(line, "\\t");
    else if (g_unichar_iscntrl(character))
        g_string_append_printf(line, "\\x%02x", character);
    else
        g_string_append_unichar(line, character);
}

gchar *gst_code_text_clean(const gchar *text)
{
    GString *line = g_string_new(NULL);

    while (text && *text) {
        gunichar character = g_utf8_get_char_validated(text, -1);

        if (character == (gunichar)-2) /* the text ends within a character */
            break;
        if (character == (gunichar)-1) {
            g_string_append_printf(line, "\\x%02x", (guint)(guchar)*text++);
            continue;
        }
        append(line, character);
        text = g_utf8_next_char(text);
    }
    return g_string_free(line, FALSE);
}
