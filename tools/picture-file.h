/* picture-file.h - writes RGB pixels as PNG, PPM, JPEG or WebP. */
#ifndef CODE_TOOLS_PICTURE_FILE_H
#define CODE_TOOLS_PICTURE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef enum PictureFormat {
    PICTURE_PNG,
    PICTURE_PPM,
    PICTURE_JPEG, /* without subsampling of chroma */
    PICTURE_WEBP,
    PICTURE_FORMATS
} PictureFormat;

#define PICTURE_FORMAT_NAMES "png ppm jpeg webp" /* in the order of PictureFormat */

/* The format for a name's extension, .png, .ppm, .jpg, .jpeg or .webp; PICTURE_FORMATS for any
 * other. */
PictureFormat picture_file_format(const char *path);

/* False if this build lacks the format's library. */
bool picture_file_writes(PictureFormat format);

/* A picture of `height` rows of `width` RGB pixels. */
typedef struct Pixels {
    const uint8_t *data;
    size_t width, height;
    const char *comment; /* for PNG and JPEG; NULL: none */
} Pixels;

/* picture-png.c: writes a picture as PNG to an open file. False if libpng cannot. */
bool picture_png_write(FILE *file, Pixels pixels);

/* To find out before a picture is drawn whether it can be written: its size suits the format, and
 * its folder is there. False with a message on stderr. */
bool picture_file_check(const char *path, PictureFormat format, size_t width, size_t height);

/* Writes a picture to a file, which appears whole or not at all; or to standard output if the path
 * is "-", to a pipe or to a device. `quality`, 1..100, is for JPEG and WebP; a WebP picture of
 * quality 100 is lossless. False with a message on stderr. */
bool picture_file_write(const char *path, PictureFormat format, unsigned quality, Pixels pixels);

#endif
