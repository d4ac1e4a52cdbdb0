/* sample-picture.c - one sampled picture as a PNG file. */
#include "sample-picture.h"

#include "complain.h"
#include "whole-file.h"

#include <png.h>

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char mark_key[] = "codesrc";

/* Passes libpng's error text to the caller. */
static void fail(png_structp png, png_const_charp message)
{
    snprintf(png_get_error_ptr(png), 100, "%s", message);
    longjmp(png_jmpbuf(png), 1);
}

static void ignore(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

/* ---- writing --------------------------------------------------------------------------------- */

/* On its own, because nothing may change in it behind setjmp. */
static bool encode(png_structp png, png_infop info, FILE *file, const uint8_t *pixels,
                   unsigned side, const char *mark)
{
    png_text text = {.compression = PNG_TEXT_COMPRESSION_NONE,
                     .key = (png_charp)mark_key,
                     .text = (png_charp)mark,
                     .text_length = strlen(mark)};

    if (setjmp(png_jmpbuf(png)))
        return false;
    png_init_io(png, file);
    png_set_IHDR(png, info, side, side, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_text(png, info, &text, 1);
    png_write_info(png, info);
    for (unsigned y = 0; y < side; y++)
        png_write_row(png, pixels + (size_t)y * side * 3);
    png_write_end(png, NULL);
    return true;
}

static bool write_png(FILE *file, const uint8_t *pixels, unsigned side, const char *mark,
                      char message[100])
{
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, message, fail, ignore);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    bool good = info && encode(png, info, file, pixels, side, mark);

    png_destroy_write_struct(&png, &info);
    return good;
}

bool sample_write(const char *path, const uint8_t *pixels, unsigned side, const char *mark)
{
    char part[WHOLE_FILE_NAME], message[100] = "no memory";
    bool good = false;
    FILE *file;

    whole_file_part(part, path);
    errno = 0;
    file = fopen(part, "wb");
    if (file) {
        good = write_png(file, pixels, side, mark, message);
        good = fclose(file) == 0 && good;
    }
    /* Waiting for the disk each time would cost more than a small model's picture. If a machine
     * crashes, the next run notices the loss. */
    if (good)
        return whole_file_keep(part, path, false);
    complain("%s: cannot be written: %s", path, errno ? strerror(errno) : message);
    unlink(part);
    return false;
}

/* ---- reading --------------------------------------------------------------------------------- */

typedef struct Source {
    const uint8_t *bytes;
    size_t left;
    bool no_memory; /* libpng's errors do not tell */
} Source;

static png_voidp allocate(png_structp png, png_alloc_size_t size)
{
    Source *source = png_get_mem_ptr(png);
    void *memory = malloc(size);

    source->no_memory = source->no_memory || !memory;
    return memory;
}

static void release(png_structp png, png_voidp memory)
{
    (void)png;
    free(memory);
}

static void take(png_structp png, png_bytep to, png_size_t count)
{
    Source *source = png_get_io_ptr(png);

    if (count > source->left)
        png_error(png, "the file ends early");
    memcpy(to, source->bytes, count);
    source->bytes += count;
    source->left -= count;
}

static bool is_marked(png_structp png, png_infop info, const char *mark)
{
    png_textp text;
    int count = 0;

    png_get_text(png, info, &text, &count);
    for (int i = 0; i < count; i++)
        if (!strcmp(text[i].key, mark_key))
            return !strcmp(text[i].text, mark);
    return false;
}

/* On its own, because nothing may change in it behind setjmp. */
static SampleState decode(png_structp png, png_infop info, Source *source, uint8_t *pixels,
                          unsigned side, const char *mark)
{
    if (setjmp(png_jmpbuf(png)))
        return SAMPLE_DAMAGED;
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_set_benign_errors(png, 0);
    png_set_read_fn(png, source, take);
    png_read_info(png, info);
    if (png_get_image_width(png, info) != side || png_get_image_height(png, info) != side ||
        png_get_bit_depth(png, info) != 8 || png_get_color_type(png, info) != PNG_COLOR_TYPE_RGB ||
        png_get_interlace_type(png, info) != PNG_INTERLACE_NONE || !is_marked(png, info, mark))
        return SAMPLE_FOREIGN;
    for (unsigned y = 0; y < side; y++)
        png_read_row(png, pixels + (size_t)y * side * 3, NULL);
    png_read_end(png, NULL);
    if (source->left)
        png_error(png, "there are bytes behind its end");
    return SAMPLE_WHOLE;
}

static SampleState read_png(Source *source, uint8_t *pixels, unsigned side, const char *mark,
                            char message[100])
{
    png_structp png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, message, fail, ignore, source,
                                               allocate, release);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    SampleState state = info ? decode(png, info, source, pixels, side, mark) : SAMPLE_UNKNOWN;

    png_destroy_read_struct(&png, &info, NULL);
    return source->no_memory ? SAMPLE_UNKNOWN : state;
}

SampleState sample_read(const char *path, uint8_t *pixels, unsigned side, const char *mark,
                        char digest[DIGEST_TEXT], char reason[200])
{
    const size_t most = (size_t)side * side * 4 + 65536;
    char message[100] = "no memory";
    size_t size = 0;
    uint8_t *bytes = whole_file_read(path, most, &size);
    Source source = {.bytes = bytes, .left = size};
    SampleState state;

    if (!bytes && errno == ENOENT)
        return SAMPLE_MISSING;
    if (!bytes) {
        bool foreign = errno == EFBIG || errno == EISDIR || errno == EINVAL;

        snprintf(reason, 200, "cannot be read: %s", strerror(errno));
        return foreign ? SAMPLE_FOREIGN : SAMPLE_UNKNOWN;
    }
    if (size >= 8 && bytes[0] && png_sig_cmp(bytes, 0, 8)) { /* zeros: never reached the disk */
        snprintf(reason, 200, "is no PNG file");
        free(bytes);
        return SAMPLE_FOREIGN;
    }
    state = read_png(&source, pixels, side, mark, message);
    if (state == SAMPLE_DAMAGED)
        snprintf(reason, 200, "is damaged: %s", message);
    if (state == SAMPLE_UNKNOWN)
        snprintf(reason, 200, "cannot be read: no memory");
    if (state == SAMPLE_FOREIGN)
        snprintf(reason, 200, "is not \"%s\", %u x %u pixels of RGB", mark, side, side);
    if (digest)
        digest_text(digest, bytes, size);
    free(bytes);
    return state;
}
