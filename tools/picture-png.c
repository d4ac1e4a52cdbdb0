/* picture-png.c - writes RGB pixels as PNG, with libpng. */
#include "picture-file.h"

#include <png.h>

#include <setjmp.h>
#include <string.h>

/* Passes errors of libpng to picture_png_write. */
static void png_failed(png_structp png, png_const_charp message)
{
    (void)message;
    longjmp(png_jmpbuf(png), 1);
}

static void png_warned(png_structp png, png_const_charp message)
{
    (void)png, (void)message;
}

/* A separate function, because no local variable may change after setjmp. */
static bool encode(png_structp png, png_infop info, FILE *file, Pixels pixels)
{
    png_text text = {.compression = PNG_TEXT_COMPRESSION_NONE,
                     .key = (png_charp) "Comment",
                     .text = (png_charp)pixels.comment,
                     .text_length = pixels.comment ? strlen(pixels.comment) : 0};

    if (setjmp(png_jmpbuf(png)))
        return false;
    png_init_io(png, file);
    png_set_IHDR(png, info, (png_uint_32)pixels.width, (png_uint_32)pixels.height, 8,
                 PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_set_sRGB(png, info, PNG_sRGB_INTENT_PERCEPTUAL);
    if (pixels.comment)
        png_set_text(png, info, &text, 1);
    png_write_info(png, info);
    for (size_t y = 0; y < pixels.height; y++)
        png_write_row(png, pixels.data + 3 * y * pixels.width);
    png_write_end(png, NULL);
    return true;
}

bool picture_png_write(FILE *file, Pixels pixels)
{
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, png_failed, png_warned);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    bool good = info && encode(png, info, file, pixels);

    png_destroy_write_struct(&png, &info);
    return good;
}
