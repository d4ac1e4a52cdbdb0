/* request.c - checks the requests of a call. */
#include "request.h"

#include "error.h"
#include "model/steps.h"

static bool check_settings(const CodesrcGenerator *generator, const CodesrcSettings *settings,
                           CodesrcError *error)
{
    const CodesrcModel *model = generator->model;

    if (!code_steps_check(model->info.path, generator->steps, settings->drafting_steps, error))
        return false;
    if (!(settings->guidance >= 0 && settings->guidance <= 100))
        return code_fail(error, CODESRC_SETTINGS, "guidance %g, expected 0..100",
                         settings->guidance);
    if (!(settings->top_p >= 0 && settings->top_p <= 1))
        return code_fail(error, CODESRC_SETTINGS, "top-p %g, expected 0..1", settings->top_p);
    for (unsigned k = 0; k < model->shape.scales; k++)
        /* Kernels take it as a float, which may be 0 where the double is not. */
        if (!((float)settings->temperature[k] > 0 && settings->temperature[k] <= 100))
            return code_fail(error, CODESRC_SETTINGS,
                             "temperature %g of scale %u, expected 0 < t <= 100",
                             settings->temperature[k], k);
    return true;
}

static bool check_request(const CodesrcGenerator *generator, const CodesrcRequest *request,
                          CodesrcError *error)
{
    const CodeShape *shape = &generator->model->shape;
    int32_t classes = (int32_t)shape->classes;

    if (request->class_id != CODESRC_CLASS_RANDOM &&
        (request->class_id < 0 || request->class_id > classes))
        return code_fail(
            error, CODESRC_SETTINGS, "class-id %d: \"%s\" has classes 0..%d, and %d for no class",
            (int)request->class_id, generator->model->info.name, (int)classes - 1, (int)classes);
    if (request->class_id_2 < CODESRC_CLASS_NONE || request->class_id_2 > classes)
        return code_fail(error, CODESRC_SETTINGS,
                         "class-id-2 %d: \"%s\" has classes 0..%d, %d for no class, and %d stands "
                         "for no second class",
                         (int)request->class_id_2, generator->model->info.name, (int)classes - 1,
                         (int)classes, CODESRC_CLASS_NONE);
    if (!(request->class_mix >= 0 && request->class_mix <= 1))
        return code_fail(error, CODESRC_SETTINGS, "class-mix %g, expected 0..1",
                         request->class_mix);
    if (request->keep_scales > shape->scales)
        return code_fail(error, CODESRC_SETTINGS, "keep-scales %u, expected 0..%u",
                         request->keep_scales, shape->scales);
    if (!request->canvas != !request->mask)
        return code_fail(error, CODESRC_SETTINGS,
                         "a canvas needs a mask and a mask needs a canvas");
    if (request->canvas && !code_canvas_fits(request->canvas, generator->model, error))
        return false;
    for (unsigned i = 0; request->tokens && i < shape->first[shape->scales]; i++)
        if (request->tokens[i] < 0 || (unsigned)request->tokens[i] >= shape->vae.codes)
            return code_fail(error, CODESRC_SETTINGS, "token %u is %d, expected 0..%u", i,
                             (int)request->tokens[i], shape->vae.codes - 1);
    return check_settings(generator, &request->settings, error);
}

bool code_request_batch(unsigned batch, CodesrcError *error)
{
    if (batch < 1 || batch > CODESRC_MAX_BATCH)
        return code_fail(error, CODESRC_SETTINGS, "batch %u, expected 1..%d", batch,
                         CODESRC_MAX_BATCH);
    return true;
}

bool code_request_picture(const CodesrcGenerator *generator, const CodesrcPicture *picture,
                          CodesrcError *error)
{
    const CodesrcOutput *output = &generator->stages.renderer.output;
    size_t row = codesrc_output_row(output, code_picture_side(&generator->model->shape));

    if (!picture->data)
        return code_fail(error, CODESRC_SETTINGS, "a picture has no data");
    if (picture->stride < row)
        return code_fail(error, CODESRC_SETTINGS, "stride %zu, expected at least %zu",
                         picture->stride, row);
    return true;
}

bool code_request_call(const CodesrcGenerator *generator, const CodesrcRequest *requests,
                       unsigned count, const CodesrcPicture *pictures, CodesrcError *error)
{
    if (count < 1 || count > generator->batch)
        return code_fail(error, CODESRC_SETTINGS, "%u pictures, expected 1..%u", count,
                         generator->batch);
    for (unsigned i = 0; i < count; i++) {
        if (!check_request(generator, &requests[i], error))
            return false;
        if (pictures[i].data && !code_request_picture(generator, &pictures[i], error))
            return false;
    }
    if (atomic_load(&generator->cancelled))
        return code_fail(error, CODESRC_CANCELLED, "cancelled");
    return true;
}

bool code_request_unobserved(const CodesrcGenerator *generator, CodesrcError *error)
{
    if (generator->observed)
        return code_fail(error, CODESRC_SETTINGS, "called by an observer: its picture is not done");
    return true;
}

bool code_request_idle(const CodesrcGenerator *generator, CodesrcError *error)
{
    if (!code_request_unobserved(generator, error))
        return false;
    if (generator->begun)
        return code_fail(error, CODESRC_SETTINGS, "a call that was begun has not ended");
    return true;
}
