/* picture-file.c - writes RGB pixels to a .png or .ppm file. */
#include "picture-file.h"

#include <png.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool ends_with(const char *path, const char *ending)
{
    size_t length = strlen(path), tail = strlen(ending);

    return length > tail && !strcasecmp(path + length - tail, ending);
}

bool picture_file_known(const char *path)
{
    return ends_with(path, ".png") || ends_with(path, ".ppm");
}

static bool write_png(FILE *file, const uint8_t *pixels, size_t width, size_t height)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)width,
                       .height = (png_uint_32)height,
                       .format = PNG_FORMAT_RGB};

    return png_image_write_to_stdio(&image, file, 0, pixels, (png_int_32)(3 * width), NULL);
}

static bool write_ppm(FILE *file, const uint8_t *pixels, size_t width, size_t height)
{
    return fprintf(file, "P6\n%zu %zu\n255\n", width, height) > 0 &&
           fwrite(pixels, 3 * width, height, file) == height;
}

/* Into a file beside it, which then takes its name. */
bool picture_file_write(const char *path, const uint8_t *pixels, size_t width, size_t height)
{
    size_t length = strlen(path);
    char *part = malloc(length + 6);
    FILE *file;
    bool good = false;

    if (!part)
        return false;
    memcpy(part, path, length);
    memcpy(part + length, ".part", 6);
    errno = 0;
    file = fopen(part, "wb");
    if (file) {
        good = ends_with(path, ".png") ? write_png(file, pixels, width, height)
                                       : write_ppm(file, pixels, width, height);
        good = fclose(file) == 0 && good && rename(part, path) == 0;
        if (!good)
            remove(part);
    }
    if (!good)
        fprintf(stderr, "%s: cannot be written: %s\n", path,
                errno ? strerror(errno) : "no picture");
    free(part);
    return good;
}
