/* gstcodetext.h - text from elsewhere, such as file names, made fit for messages. */
#ifndef GST_CODE_TEXT_H
#define GST_CODE_TEXT_H

#include <glib.h>

/* A copy of `text` in one line of UTF-8: control characters and bytes that are not UTF-8 are
 * written as \n, \t or \xNN, and what is left at the end of a character that was cut is dropped.
 * NULL gives "". Free with g_free. */
gchar *gst_code_text_clean(const gchar *text);

#endif
