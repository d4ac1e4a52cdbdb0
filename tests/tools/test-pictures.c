/* test-pictures.c - what picture-file writes, read again by the decoders of the libraries. */
#include "../test.h"
#include "picture-file.h"

#include <png.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef HAVE_JPEG
#include <jpeglib.h>
#endif
#ifdef HAVE_WEBP
#include <webp/decode.h>
#endif

enum { WIDTH = 37, HEIGHT = 23, BYTES = 3 * WIDTH * HEIGHT, MOST = 1 << 20 };

static uint8_t original[BYTES], decoded[BYTES], file_bytes[MOST];

/* Smooth, so that lossy formats come near, with channels that cannot be mistaken for each other. */
static void draw(void)
{
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            uint8_t *pixel = original + 3 * (y * WIDTH + x);

            pixel[0] = (uint8_t)(40 + 5 * x);
            pixel[1] = (uint8_t)(10 + 9 * y);
            pixel[2] = (uint8_t)(200 - 2 * x - 3 * y);
        }
}

/* The mean difference of bytes. */
static double difference(void)
{
    double sum = 0;

    for (int i = 0; i < BYTES; i++)
        sum += abs(original[i] - decoded[i]);
    return sum / BYTES;
}

static size_t written(const char *path, PictureFormat format, unsigned quality)
{
    const Pixels pixels = {original, WIDTH, HEIGHT, NULL};
    size_t size = 0;
    FILE *file;

    memset(decoded, 0, sizeof decoded);
    CHECK(picture_file_write(path, format, quality, pixels), "%s", path);
    file = fopen(path, "rb");
    if (file) {
        size = fread(file_bytes, 1, MOST, file);
        fclose(file);
    }
    CHECK(size > 0 && size < MOST, "%s has %zu bytes", path, size);
    return size;
}

static void test_png(void)
{
    size_t size = written("a.png", PICTURE_PNG, 90);
    png_image image = {.version = PNG_IMAGE_VERSION};

    CHECK(png_image_begin_read_from_memory(&image, file_bytes, size), "%s", image.message);
    CHECK(image.width == WIDTH && image.height == HEIGHT, "%u x %u", image.width, image.height);
    image.format = PNG_FORMAT_RGB;
    CHECK(png_image_finish_read(&image, NULL, decoded, 0, NULL), "%s", image.message);
    CHECK(difference() == 0, "differs by %g", difference());
}

static void test_ppm(void)
{
    static const char head[] = "P6\n37 23\n255\n";
    size_t size = written("a.ppm", PICTURE_PPM, 90);

    CHECK(size == strlen(head) + BYTES, "%zu bytes", size);
    CHECK(!memcmp(file_bytes, head, strlen(head)), "the head is %.13s", (char *)file_bytes);
    memcpy(decoded, file_bytes + strlen(head), BYTES);
    CHECK(difference() == 0, "differs by %g", difference());
}

#ifdef HAVE_JPEG
static void test_jpeg(void)
{
    size_t size = written("a.jpg", PICTURE_JPEG, 90), worse;
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;

    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&jpeg);
    jpeg_mem_src(&jpeg, file_bytes, size);
    jpeg_read_header(&jpeg, TRUE);
    CHECK(jpeg.image_width == WIDTH && jpeg.image_height == HEIGHT, "%u x %u", jpeg.image_width,
          jpeg.image_height);
    CHECK(jpeg.comp_info[1].h_samp_factor == jpeg.comp_info[0].h_samp_factor &&
              jpeg.comp_info[1].v_samp_factor == jpeg.comp_info[0].v_samp_factor,
          "chroma is subsampled");
    jpeg.out_color_space = JCS_RGB;
    jpeg_start_decompress(&jpeg);
    while (jpeg.output_scanline < HEIGHT) {
        JSAMPROW row = decoded + 3 * WIDTH * jpeg.output_scanline;

        jpeg_read_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_decompress(&jpeg);
    jpeg_destroy_decompress(&jpeg);
    CHECK(difference() > 0 && difference() < 3, "differs by %g", difference());
    worse = written("a.jpg", PICTURE_JPEG, 20);
    CHECK(worse < size, "quality 20 has %zu bytes, 90 has %zu", worse, size);
}
#endif

#ifdef HAVE_WEBP
static void test_webp(void)
{
    size_t size = written("a.webp", PICTURE_WEBP, 90);
    int width = 0, height = 0;

    CHECK(WebPGetInfo(file_bytes, size, &width, &height), "no WebP picture");
    CHECK(width == WIDTH && height == HEIGHT, "%d x %d", width, height);
    CHECK(WebPDecodeRGBInto(file_bytes, size, decoded, BYTES, 3 * WIDTH), "cannot be decoded");
    CHECK(difference() > 0 && difference() < 4, "differs by %g", difference());
    size = written("a.webp", PICTURE_WEBP, 100);
    CHECK(WebPDecodeRGBInto(file_bytes, size, decoded, BYTES, 3 * WIDTH), "cannot be decoded");
    CHECK(difference() == 0, "without loss, but differs by %g", difference());
}
#endif

static void test_names(void)
{
    static const struct {
        const char *name;
        PictureFormat format;
    } cases[] = {
        {"a.png", PICTURE_PNG},       {"b/a.PPM", PICTURE_PPM},   {"a.b.jpg", PICTURE_JPEG},
        {"a.jpeg", PICTURE_JPEG},     {"a.webp", PICTURE_WEBP},   {"a.gif", PICTURE_FORMATS},
        {"png", PICTURE_FORMATS},     {".png", PICTURE_FORMATS},  {"", PICTURE_FORMATS},
        {"a.png/b", PICTURE_FORMATS}, {"b/.png", PICTURE_FORMATS}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK(picture_file_format(cases[i].name) == cases[i].format, "%s", cases[i].name);
}

/* A format's limits are an error, and leave no file. */
static void test_too_large(void)
{
    static uint8_t row[3 * 70000];
    const Pixels wide = {row, 70000, 1, NULL};

    for (PictureFormat format = PICTURE_JPEG; format <= PICTURE_WEBP; format++)
        if (picture_file_writes(format))
            CHECK(!picture_file_write("large", format, 90, wide), "format %u", format);
    CHECK(access("large", F_OK), "a file that could not be written is there");
}

int main(void)
{
    char folder[] = "/tmp/test-pictures-XXXXXX";

    if (!mkdtemp(folder) || chdir(folder)) {
        perror(folder);
        return 1;
    }
    draw();
    test_png();
    test_ppm();
#ifdef HAVE_JPEG
    test_jpeg();
#endif
#ifdef HAVE_WEBP
    test_webp();
#endif
    test_names();
    test_too_large();
    for (const char *const *name = (const char *[]){"a.png", "a.ppm", "a.jpg", "a.webp", NULL};
         *name; name++)
        unlink(*name);
    CHECK(!rmdir(folder), "%s: files are left", folder);
    return test_end();
}
