/* gstcodetext.c - the project's one helper for messages, as a string of GLib's. */
#include "report/gstcodetext.h"

#include <string.h>

#include "line.h"

gchar *gst_code_text_clean(const gchar *text)
{
    gsize room = CODE_LINE_GROWTH * (text ? strlen(text) : 0) + 1;
    gchar *line = g_malloc(room);

    code_line(line, room, text ? text : "");
    return line;
}
