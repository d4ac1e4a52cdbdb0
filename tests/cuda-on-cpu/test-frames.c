/* test-frames.c - pictures in the emulated device's memory: byte for byte the pictures in host
 * memory, in other formats; NV12 by the standards' formula; for every batch and however late
 * streams are; and refused requests. */
#include "../engine/tiny.h"
#include "../test.h"

#include <cuda_runtime_api.h>
#include <math.h>
#include <nvtx3/nvToolsExt.h>

enum { IMAGES = 2, SIDE = TINY_SIDE, PIXELS = 3 * SIDE * SIDE, PAD = 7 };

static uint8_t rgb[IMAGES][PIXELS];

/* The bytes of each format, as letters. */
static const char *const orders[] = {
    [CODESRC_RGB] = "RGB",   [CODESRC_BGR] = "BGR",   [CODESRC_RGBA] = "RGBA",
    [CODESRC_BGRA] = "BGRA", [CODESRC_ARGB] = "ARGB", [CODESRC_ABGR] = "ABGR"};

static const CodesrcYuv bt601 = {.kr = 0.299, .kb = 0.114};
static const CodesrcYuv bt709 = {.kr = 0.2126, .kb = 0.0722, .cosited_x = true};
static const CodesrcYuv jpeg = {.kr = 0.299, .kb = 0.114, .full_range = true, .cosited_y = true};

static void requests_of(const CodesrcModel *model, CodesrcRequest *requests)
{
    for (unsigned i = 0; i < IMAGES; i++) {
        codesrc_request_init(model, &requests[i]);
        requests[i].class_id = 3 + (int32_t)i;
        requests[i].seed = 5;
    }
}

static void draw_rgb(CodesrcModel *model, CodesrcGenerator *generator)
{
    CodesrcPicture pictures[IMAGES];
    CodesrcRequest requests[IMAGES];
    CodesrcError error = {0};

    requests_of(model, requests);
    for (unsigned i = 0; i < IMAGES; i++)
        pictures[i] = (CodesrcPicture){rgb[i], 3 * SIDE};
    CHECK(codesrc_generator_output(generator, NULL, &error), "%s", error.text);
    CHECK(codesrc_generate(generator, requests, IMAGES, pictures, &error), "%s", error.text);
}

static void check_packed(const uint8_t *data, size_t stride, const uint8_t *expected,
                         const char *order)
{
    size_t size = strlen(order);
    unsigned wrong = 0;

    for (unsigned at = 0; at < SIDE * SIDE * size; at++) {
        unsigned pixel = at / (unsigned)size, component = at % (unsigned)size;
        const char *of_rgb = strchr("RGB", order[component]);
        uint8_t found = data[pixel / SIDE * stride + pixel % SIDE * size + component];

        wrong += found != (of_rgb ? expected[3 * pixel + (of_rgb - "RGB")] : 255);
    }
    CHECK(wrong == 0, "%s: %u bytes", order, wrong);
}

/* Mean of a component over what chroma sample (y, x) stands for. */
static double mean(const uint8_t *pixels, const CodesrcYuv *yuv, int y, int x, int component)
{
    static const double centred[] = {0, 2, 2}, cosited[] = {1, 2, 1};
    const double *rows = yuv->cosited_y ? cosited : centred;
    const double *columns = yuv->cosited_x ? cosited : centred;
    double sum = 0;

    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            int at_y = 2 * y + i - 1, at_x = 2 * x + j - 1;

            at_y = at_y < 0 ? 0 : at_y < SIDE ? at_y : SIDE - 1;
            at_x = at_x < 0 ? 0 : at_x < SIDE ? at_x : SIDE - 1;
            sum += rows[i] * columns[j] * pixels[3 * (at_y * SIDE + at_x) + component];
        }
    return sum / 16;
}

/* BT.601 and BT.709, section 3, in floating point; a weight is off by 2^-17 at most, so that only
 * values next to a half may be rounded to the other side. */
static double off(double exact, uint8_t found)
{
    return fabs(fmin(exact, 255) - found) - 0.5;
}

static void check_nv12(const uint8_t *data, size_t stride, const uint8_t *pixels,
                       const CodesrcYuv *yuv, const char *name)
{
    double kg = 1 - yuv->kr - yuv->kb, worst = -1, zero = yuv->full_range ? 0 : 16;
    double y_range = yuv->full_range ? 255 : 219, c_range = yuv->full_range ? 255 : 224;

    for (int i = 0; i < SIDE * SIDE; i++) {
        const uint8_t *c = pixels + 3 * i;
        double luma = (yuv->kr * c[0] + kg * c[1] + yuv->kb * c[2]) / 255;

        worst = fmax(worst, off(zero + y_range * luma, data[i / SIDE * stride + i % SIDE]));
    }
    for (int i = 0; i < SIDE / 2 * SIDE / 2; i++) {
        int y = i / (SIDE / 2), x = i % (SIDE / 2);
        const uint8_t *found = data + (SIDE + y) * stride + 2 * x;
        double r = mean(pixels, yuv, y, x, 0) / 255, g = mean(pixels, yuv, y, x, 1) / 255;
        double b = mean(pixels, yuv, y, x, 2) / 255, luma = yuv->kr * r + kg * g + yuv->kb * b;

        worst = fmax(worst, off(128 + c_range * (b - luma) / 2 / (1 - yuv->kb), found[0]));
        worst = fmax(worst, off(128 + c_range * (r - luma) / 2 / (1 - yuv->kr), found[1]));
    }
    CHECK(worst <= 0.01, "NV12 %s: further from the formula than rounding by %g", name, worst);
}

/* Draws IMAGES pictures into device memory; the caller frees them. */
static uint8_t *draw(CodesrcModel *model, CodesrcGenerator *generator, const CodesrcOutput *output,
                     size_t stride, size_t bytes)
{
    CodesrcPicture pictures[IMAGES];
    CodesrcRequest requests[IMAGES];
    CodesrcError error = {0};
    uint8_t *memory = codesrc_device_alloc(model, IMAGES * bytes, &error);

    requests_of(model, requests);
    CHECK(memory, "%s", error.text);
    memset(memory, 0xA5, IMAGES * bytes);
    for (unsigned i = 0; i < IMAGES; i++)
        pictures[i] = (CodesrcPicture){memory + i * bytes, stride};
    CHECK(codesrc_generator_output(generator, output, &error), "%s", error.text);
    CHECK(codesrc_generate(generator, requests, IMAGES, pictures, &error), "%s", error.text);
    return memory;
}

static void check_format(CodesrcModel *model, CodesrcGenerator *generator, CodesrcFormat format,
                         const CodesrcYuv *yuv, const char *name)
{
    CodesrcOutput output = {.on_device = true, .format = format, .yuv = *yuv};
    size_t row = codesrc_output_row(&output, SIDE), stride = row + PAD, broken = 0;
    size_t bytes = stride * codesrc_output_rows(&output, SIDE);
    uint8_t *memory = draw(model, generator, &output, stride, bytes);

    for (unsigned i = 0; i < IMAGES; i++) {
        const uint8_t *data = memory + i * bytes;

        if (format == CODESRC_NV12)
            check_nv12(data, stride, rgb[i], yuv, name);
        else
            check_packed(data, stride, rgb[i], orders[format]);
    }
    for (size_t at = 0; at < IMAGES * bytes; at++)
        broken += at % stride >= row && memory[at] != 0xA5;
    CHECK(broken == 0, "%s: %zu bytes beside rows", name, broken);
    codesrc_device_free(model, memory);
}

static void check_formats(bool late)
{
    CodesrcModel *model = tiny_model((TinyDevice){"cuda", "f16"}, 1);
    CodesrcError error = {0};
    CodesrcGenerator *generator = codesrc_generator_new(model, IMAGES, 0, &error);

    CHECK(generator, "%s", error.text);
    CHECK(codesrc_model_info(model)->cuda_device_id == 0, "%d",
          codesrc_model_info(model)->cuda_device_id);
    draw_rgb(model, generator);
    cuda_on_cpu_set_late(late);
    for (unsigned format = CODESRC_RGB; format < CODESRC_NV12; format++)
        check_format(model, generator, (CodesrcFormat)format, &bt601, orders[format]);
    check_format(model, generator, CODESRC_NV12, &bt601, "BT.601");
    check_format(model, generator, CODESRC_NV12, &bt709, "BT.709");
    check_format(model, generator, CODESRC_NV12, &jpeg, "full range");
    cuda_on_cpu_set_late(false);
    codesrc_generator_free(generator);
    codesrc_model_unref(model);
}

static void expect(bool done, const CodesrcError *error, const char *what)
{
    CHECK(!done && error->status == CODESRC_SETTINGS && strstr(error->text, what), "%s: %d %s",
          what, (int)error->status, done ? "was done" : error->text);
}

static void check_refusals(void)
{
    CodesrcModel *model = tiny_model((TinyDevice){"cuda", "f16"}, 1);
    CodesrcError error = {0};
    CodesrcGenerator *generator = codesrc_generator_new(model, 1, 0, &error);
    CodesrcOutput output = {.on_device = true, .format = CODESRC_NV12};
    CodesrcRequest request;
    CodesrcPicture picture = {.stride = 4 * SIDE - 1};

    expect(codesrc_generator_output(generator, &output, &error), &error, "kr 0 and kb 0");
    output.format = (CodesrcFormat)(CODESRC_NV12 + 1);
    expect(codesrc_generator_output(generator, &output, &error), &error, "picture format 7");
    output.format = CODESRC_RGBA;
    CHECK(codesrc_generator_output(generator, &output, &error), "%s", error.text);
    picture.data = codesrc_device_alloc(model, 4 * SIDE * SIDE, &error);
    codesrc_request_init(model, &request);
    expect(codesrc_generate(generator, &request, 1, &picture, &error), &error,
           "expected at least 128");
    picture.stride++;
    CHECK(codesrc_generate_begin(generator, &request, 1, &picture, &error), "%s", error.text);
    expect(codesrc_generator_output(generator, NULL, &error), &error, "has not ended");
    CHECK(codesrc_generate_end(generator, &error), "%s", error.text);
    codesrc_device_free(model, picture.data);
    codesrc_device_free(model, NULL);
    codesrc_generator_free(generator);
    codesrc_model_unref(model);
}

static void note_stage(void *user, const CodesrcStageInfo *info)
{
    char *stages = user;

    strcat(stages, codesrc_stage_name(info->stage));
    strcat(stages, " ");
}

/* A profiler sees the stages that the trace does, each as one range: scale by scale, then as a
 * series, recorded and replayed. */
static void check_ranges(void)
{
    CodesrcModel *model = tiny_model((TinyDevice){"cuda", "f16"}, 1);
    CodesrcError error = {0};
    CodesrcGenerator *generator = codesrc_generator_new(model, IMAGES, 0, &error);

    for (int call = 0; call < 3; call++) {
        char stages[1000] = "";
        const char *ranges;

        codesrc_generator_trace(generator, note_stage, stages, call == 0);
        cuda_on_cpu_ranges();
        draw_rgb(model, generator);
        ranges = cuda_on_cpu_ranges();
        CHECK(!strcmp(ranges, stages), "ranges of a profiler: %s, stages: %s", ranges, stages);
        CHECK(strstr(stages, call ? "scales render " : "drafter sample pyramid "), "%s", stages);
    }
    codesrc_generator_free(generator);
    codesrc_model_unref(model);
}

int main(void)
{
    check_ranges();
    check_formats(false);
    check_formats(true);
    check_refusals();
    return test_end();
}
