/* output.c - the destination of pictures: RGB in host memory, or other formats in device memory. */
#include "picture/output.h"

#include "error.h"

#include <math.h>

/* ---- what a caller may ask for --------------------------------------------------------------- */

/* A device that computes in host memory leaves other formats to the caller. */
static bool check_device(const CodesrcModel *model, CodesrcError *error)
{
    if (model->backend->frame && !model->device_info.host_memory)
        return true;
    return code_fail(error, CODESRC_SETTINGS,
                     "device \"%s\" computes in the host's memory: found pictures for the device's "
                     "own, expected a device that has one (cuda)",
                     model->info.device);
}

static bool check_format(const CodesrcOutput *output, CodesrcError *error)
{
    const CodesrcYuv *yuv = &output->yuv;

    if (output->format > CODESRC_NV12)
        return code_fail(error, CODESRC_SETTINGS, "picture format %u, expected 0..%u",
                         (unsigned)output->format, (unsigned)CODESRC_NV12);
    if (output->format == CODESRC_NV12 && !(yuv->kr > 0 && yuv->kb > 0 && yuv->kr + yuv->kb < 1))
        return code_fail(error, CODESRC_SETTINGS,
                         "kr %g and kb %g of NV12, expected shares of red and blue in luma",
                         yuv->kr, yuv->kb);
    return true;
}

bool code_output_check(const CodesrcModel *model, const CodesrcOutput *output, CodesrcError *error)
{
    return !output || !output->on_device ||
           (check_device(model, error) && check_format(output, error));
}

size_t codesrc_output_row(const CodesrcOutput *output, unsigned side)
{
    if (!output->on_device || output->format <= CODESRC_BGR)
        return 3 * (size_t)side;
    return output->format == CODESRC_NV12 ? (side + (size_t)1) / 2 * 2 : 4 * (size_t)side;
}

unsigned codesrc_output_rows(const CodesrcOutput *output, unsigned side)
{
    return output->on_device && output->format == CODESRC_NV12 ? side + (side + 1) / 2 : side;
}

void *codesrc_device_alloc(CodesrcModel *model, size_t bytes, CodesrcError *error)
{
    return check_device(model, error) ? model->backend->alloc(model->device, bytes, error) : NULL;
}

void codesrc_device_free(CodesrcModel *model, void *memory)
{
    if (memory)
        model->backend->release(model->device, memory);
}

/* ---- conversion ------------------------------------------------------------------------------ */

static int32_t fixed(double value)
{
    return (int32_t)lround(65536 * value);
}

/* Green gets the remainder of the sums, so that grey has no chroma and white is white. */
static void set_yuv(CodeFrame *frame, const CodesrcYuv *yuv)
{
    double y_range = yuv->full_range ? 1 : 219 / 255.0, c_range = yuv->full_range ? 1 : 224 / 255.0;
    int32_t half = fixed(c_range / 2);

    frame->cosited_x = yuv->cosited_x;
    frame->cosited_y = yuv->cosited_y;
    frame->y_zero = yuv->full_range ? 0 : 16;
    frame->y[0] = fixed(y_range * yuv->kr);
    frame->y[2] = fixed(y_range * yuv->kb);
    frame->y[1] = fixed(y_range) - frame->y[0] - frame->y[2];
    frame->cb[0] = fixed(-c_range / 2 * yuv->kr / (1 - yuv->kb));
    frame->cb[1] = -half - frame->cb[0];
    frame->cb[2] = half;
    frame->cr[0] = half;
    frame->cr[2] = fixed(-c_range / 2 * yuv->kb / (1 - yuv->kr));
    frame->cr[1] = -half - frame->cr[2];
}

bool code_output_put(const CodesrcModel *model, CodeStream *stream, const CodesrcOutput *output,
                     const float *x, const CodesrcPicture *picture)
{
    unsigned side = code_picture_side(&model->shape);
    CodePixels pixels = {.x = x, .out = picture->data, .stride = picture->stride, .side = side};
    CodeFrame frame = {.x = x,
                       .out = picture->data,
                       .stride = picture->stride,
                       .side = side,
                       .format = output->format};

    if (!output->on_device)
        return model->backend->pixels(stream, &pixels);
    if (output->format == CODESRC_NV12)
        set_yuv(&frame, &output->yuv);
    return model->backend->frame(stream, &frame);
}
