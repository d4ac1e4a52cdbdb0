/* png.h - the comment in a PNG that the studio made. */
#ifndef TEST_STUDIO_PNG_H
#define TEST_STUDIO_PNG_H

#include <glib.h>
#include <string.h>

/* The text of its first tEXt chunk with the keyword Comment; the chunk must be there. */
static inline const gchar *png_comment(const gchar *png, gsize size)
{
    static const gchar begin[] = "tEXtComment"; /* with the zero that ends the keyword */
    const gchar *chunk = memmem(png, size, begin, sizeof begin);

    g_assert_nonnull(chunk);
    return chunk + sizeof begin;
}

#endif
