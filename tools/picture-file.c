/* picture-file.c - writes RGB pixels as PNG, PPM, JPEG or WebP. */
#include "picture-file.h"

#include "complain.h"
#include "whole-file.h"

#include <errno.h>
#include <libgen.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef HAVE_JPEG
#include <jpeglib.h>
#endif
#ifdef HAVE_WEBP
#include <webp/encode.h>
#endif

enum { PNG_MOST = 1000000 }; /* libpng's own limit, unless a program raises it */

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

/* Each writes a picture to a file; false, with errno if it is the file's fault. */
typedef bool Write(FILE *file, Pixels pixels, unsigned quality);

static bool write_png(FILE *file, Pixels pixels, unsigned quality)
{
    (void)quality;
    return picture_png_write(file, pixels);
}

static bool write_ppm(FILE *file, Pixels pixels, unsigned quality)
{
    (void)quality;
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
static bool compress(struct jpeg_compress_struct *jpeg, JpegErrors *errors, FILE *file,
                     Pixels pixels, unsigned quality)
{
    if (setjmp(errors->back))
        return false;
    jpeg_create_compress(jpeg);
    jpeg_stdio_dest(jpeg, file);
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

static bool write_jpeg(FILE *file, Pixels pixels, unsigned quality)
{
    struct jpeg_compress_struct jpeg = {0};
    JpegErrors errors;
    bool good;

    jpeg.err = jpeg_std_error(&errors.manager);
    errors.manager.error_exit = jpeg_failed;
    good = compress(&jpeg, &errors, file, pixels, quality);
    jpeg_destroy_compress(&jpeg);
    return good;
}
#endif

#ifdef HAVE_WEBP
static bool write_webp(FILE *file, Pixels pixels, unsigned quality)
{
    int width = (int)pixels.width, height = (int)pixels.height;
    uint8_t *bytes = NULL;
    size_t size;
    bool good;

    size = quality == 100
               ? WebPEncodeLosslessRGB(pixels.data, width, height, 3 * width, &bytes)
               : WebPEncodeRGB(pixels.data, width, height, 3 * width, (float)quality, &bytes);
    good = size && fwrite(bytes, 1, size, file) == size;
    WebPFree(bytes);
    return good;
}
#endif

static const struct {
    Write *write;
    const char *name;
    size_t most; /* pixels a side; 0: any number */
} formats[PICTURE_FORMATS] = {
    [PICTURE_PNG] = {write_png, "PNG", PNG_MOST},
    [PICTURE_PPM] = {write_ppm, "PPM", 0},
#ifdef HAVE_JPEG
    [PICTURE_JPEG] = {write_jpeg, "JPEG", JPEG_MAX_DIMENSION},
#endif
#ifdef HAVE_WEBP
    [PICTURE_WEBP] = {write_webp, "WebP", WEBP_MAX_DIMENSION},
#endif
};

bool picture_file_writes(PictureFormat format)
{
    return formats[format].write != NULL;
}

/* ---- files ----------------------------------------------------------------------------------- */

static bool failed(const char *path, int error)
{
    complain("%s: cannot be written: %s", path,
             error ? strerror(error) : "no memory, or the format's library refuses it");
    return false;
}

bool picture_file_check(const char *path, PictureFormat format, size_t width, size_t height)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t most = formats[format].most;
    struct stat status;
    char *target;
    bool good;

    if (most && (width > most || height > most)) {
        complain("%s: found %zu x %zu pixels, expected up to %zu a side, which %s holds", path,
                 width, height, most, formats[format].name);
        return false;
    }
    if (!strcmp(path, "-"))
        return true;
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
        return !S_ISDIR(status.st_mode) || failed(path, EISDIR);
    if (!*name)
        return failed(path, ENOENT);
    target = whole_file_behind(path);
    good =
        (target && (!whole_file_replaces(target) || access(dirname(target), W_OK | X_OK) == 0)) ||
        failed(path, errno);
    free(target);
    return good;
}

/* Into a pipe or a device, which nothing may replace. */
static bool write_stream(FILE *file, const char *name, Write *write, unsigned quality,
                         Pixels pixels)
{
    errno = 0;
    if (write(file, pixels, quality) && !fflush(file))
        return true;
    return failed(name, errno);
}

static bool write_device(const char *path, Write *write, unsigned quality, Pixels pixels)
{
    FILE *file = fopen(path, "wb");
    bool good = file ? write_stream(file, path, write, quality, pixels) : failed(path, errno);

    if (file && fclose(file) && good)
        good = failed(path, errno);
    return good;
}

/* `target`: the file that the path leads to. */
static bool write_whole(const char *path, const char *target, Write *write, unsigned quality,
                        Pixels pixels)
{
    char part[WHOLE_FILE_NAME];
    bool good = false;
    int error;
    FILE *file;

    whole_file_clean(target);
    whole_file_part(part, target);
    errno = 0;
    file = fopen(part, "wb");
    if (file) {
        good = write(file, pixels, quality);
        good = fclose(file) == 0 && good;
    }
    if (good)
        return whole_file_keep(part, target, false);
    error = errno;
    unlink(part);
    return failed(path, error);
}

bool picture_file_write(const char *path, PictureFormat format, unsigned quality, Pixels pixels)
{
    Write *write = formats[format].write;
    char *target;
    bool good;

    if (!strcmp(path, "-"))
        return write_stream(stdout, "standard output", write, quality, pixels);
    target = whole_file_behind(path);
    if (!target)
        return failed(path, ENOMEM);
    good = whole_file_replaces(target) ? write_whole(path, target, write, quality, pixels)
                                       : write_device(path, write, quality, pixels);
    free(target);
    return good;
}
