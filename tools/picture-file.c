/* picture-file.c - writes RGB pixels as PNG, PPM, JPEG or WebP. */
#include "picture-file.h"

#include "complain.h"
#include "whole-file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#ifdef HAVE_JPEG
#include <jpeglib.h>
#endif
#ifdef HAVE_WEBP
#include <webp/encode.h>
#endif

PictureFormat picture_file_format(const char *path)
{
    static const struct {
        const char *ending;
        PictureFormat format;
    } endings[] = {{".png", PICTURE_PNG},
                   {".ppm", PICTURE_PPM},
                   {".jpg", PICTURE_JPEG},
                   {".jpeg", PICTURE_JPEG},
                   {".webp", PICTURE_WEBP}};
    const char *name = strrchr(path, '/'), *dot = strrchr(path, '.');

    name = name ? name + 1 : path;
    for (size_t i = 0; dot && dot > name && i < sizeof endings / sizeof *endings; i++)
        if (!strcasecmp(dot, endings[i].ending))
            return endings[i].format;
    return PICTURE_FORMATS;
}

/* ---- formats --------------------------------------------------------------------------------- */

/* Each writes a picture to a file; false with a reason if the format cannot hold it, or with errno
 * if it cannot be written. */
typedef bool Write(FILE *file, Pixels pixels, unsigned quality, const char **reason);

static bool write_png(FILE *file, Pixels pixels, unsigned quality, const char **reason)
{
    (void)quality;
    *reason = "libpng refuses it";
    return picture_png_write(file, pixels);
}

static bool write_ppm(FILE *file, Pixels pixels, unsigned quality, const char **reason)
{
    (void)quality;
    (void)reason;
    return fprintf(file, "P6\n%zu %zu\n255\n", pixels.width, pixels.height) > 0 &&
           fwrite(pixels.data, 3 * pixels.width, pixels.height, file) == pixels.height;
}

#ifdef HAVE_JPEG
typedef struct JpegErrors {
    struct jpeg_error_mgr manager;
    jmp_buf back;
} JpegErrors;

static void jpeg_failed(j_common_ptr jpeg)
{
    longjmp(((JpegErrors *)jpeg->err)->back, 1);
}

/* A separate function, because no local variable may change after setjmp. */
static bool compress(struct jpeg_compress_struct *jpeg, JpegErrors *errors, Pixels pixels,
                     unsigned quality)
{
    if (setjmp(errors->back))
        return false;
    jpeg->image_width = (JDIMENSION)pixels.width;
    jpeg->image_height = (JDIMENSION)pixels.height;
    jpeg->input_components = 3;
    jpeg->in_color_space = JCS_RGB;
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, (int)quality, TRUE);
    jpeg->comp_info[0].h_samp_factor = jpeg->comp_info[0].v_samp_factor = 1;
    jpeg_start_compress(jpeg, TRUE);
    if (pixels.comment)
        jpeg_write_marker(jpeg, JPEG_COM, (const JOCTET *)pixels.comment,
                          (unsigned)strlen(pixels.comment));
    while (jpeg->next_scanline < jpeg->image_height) {
        JSAMPROW row = (JSAMPROW)pixels.data + jpeg->next_scanline * 3 * pixels.width;

        jpeg_write_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_compress(jpeg);
    return true;
}

static bool write_jpeg(FILE *file, Pixels pixels, unsigned quality, const char **reason)
{
    struct jpeg_compress_struct jpeg;
    JpegErrors errors;
    bool good;

    *reason = "JPEG holds up to 65500 pixels a side";
    if (pixels.width > 65500 || pixels.height > 65500)
        return false;
    *reason = NULL;
    jpeg.err = jpeg_std_error(&errors.manager);
    errors.manager.error_exit = jpeg_failed;
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, file);
    good = compress(&jpeg, &errors, pixels, quality);
    jpeg_destroy_compress(&jpeg);
    return good;
}
#endif

#ifdef HAVE_WEBP
static bool write_webp(FILE *file, Pixels pixels, unsigned quality, const char **reason)
{
    int width = (int)pixels.width, height = (int)pixels.height;
    uint8_t *bytes = NULL;
    size_t size;
    bool good;

    *reason = "WebP holds up to 16383 pixels a side";
    if (pixels.width > WEBP_MAX_DIMENSION || pixels.height > WEBP_MAX_DIMENSION)
        return false;
    *reason = NULL;
    size = quality == 100
               ? WebPEncodeLosslessRGB(pixels.data, width, height, 3 * width, &bytes)
               : WebPEncodeRGB(pixels.data, width, height, 3 * width, (float)quality, &bytes);
    good = size && fwrite(bytes, 1, size, file) == size;
    WebPFree(bytes);
    return good;
}
#endif

static Write *const writers[PICTURE_FORMATS] = {
    [PICTURE_PNG] = write_png,
    [PICTURE_PPM] = write_ppm,
#ifdef HAVE_JPEG
    [PICTURE_JPEG] = write_jpeg,
#endif
#ifdef HAVE_WEBP
    [PICTURE_WEBP] = write_webp,
#endif
};

bool picture_file_writes(PictureFormat format)
{
    return writers[format] != NULL;
}

/* ---- files ----------------------------------------------------------------------------------- */

static bool failed(const char *path, int error, const char *reason)
{
    complain("%s: cannot be written: %s", path,
             error    ? strerror(error)
             : reason ? reason
                      : "no memory");
    return false;
}

static bool write_output(Write *write, unsigned quality, Pixels pixels)
{
    const char *reason = NULL;

    errno = 0;
    if (write(stdout, pixels, quality, &reason) && !fflush(stdout))
        return true;
    return failed("standard output", errno, reason);
}

bool picture_file_write(const char *path, PictureFormat format, unsigned quality, Pixels pixels)
{
    char part[WHOLE_FILE_NAME];
    const char *reason = NULL;
    bool good = false;
    int error;
    FILE *file;

    if (!strcmp(path, "-"))
        return write_output(writers[format], quality, pixels);
    whole_file_part(part, path);
    errno = 0;
    file = fopen(part, "wb");
    if (file) {
        good = writers[format](file, pixels, quality, &reason);
        good = fclose(file) == 0 && good;
    }
    if (good)
        return whole_file_keep(part, path, false);
    error = errno;
    unlink(part);
    return failed(path, error, reason);
}
