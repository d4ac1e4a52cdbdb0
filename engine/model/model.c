/* model.c - opening, describing and closing a model. */
#include "model/model.h"

#include "error.h"
#include "philox.h"
#include "registry.h"

#include <stdlib.h>
#include <string.h>

void codesrc_model_options_init(CodesrcModelOptions *options)
{
    *options = (CodesrcModelOptions){.cuda_device_id = -1};
}

/* `steps`: the drafting steps that it was opened for. */
static void describe(CodesrcModel *model, unsigned steps)
{
    const CodeManifest *manifest = model->manifest;
    const CodeShape *shape = &model->shape;
    CodesrcModelInfo *info = &model->info;

    info->name = manifest->name;
    info->description = manifest->description;
    info->license = manifest->license;
    info->path = manifest->path;
    info->device = model->backend->name;
    info->precision = model->device_info.precision;
    info->cuda_device_id = model->device_info.host_memory ? -1 : model->device_info.index;
    info->overlaps = model->backend->after != NULL;
    info->passed_over =
        model->passed_over.status == CODESRC_NO_DEVICE ? model->passed_over.text : "";
    info->absent = model->passed_over.status == CODESRC_NOT_FOUND ? model->passed_over.text : "";
    info->digest = model->digest;
    info->threads = model->device_info.threads;
    info->classes = shape->classes;
    info->class_names = (const char *const *)manifest->class_names;
    info->side = code_picture_side(shape);
    info->scales = shape->scales;
    memcpy(info->patch_nums, shape->patch_nums, sizeof info->patch_nums);
    info->positions = shape->first[shape->scales];
    info->codes = shape->vae.codes;
    info->channels = shape->vae.channels;
    info->encodes = shape->vae.encodes;
    info->steps = shape->steps;
    info->defaults = manifest->defaults;
    if (!(shape->steps >> info->defaults.drafting_steps & 1))
        info->defaults.drafting_steps = steps;
}

static void model_free(CodesrcModel *model)
{
    if (model->device) {
        code_model_unbind(model);
        model->backend->device_close(model->device);
    }
    code_manifest_free(model->manifest);
    free(model);
}

/* If "auto" finds a GPU that cannot be opened, it goes on without it, unless it was told which. */
static bool open_device(CodesrcModel *model, const CodesrcModelOptions *options,
                        CodesrcError *error)
{
    CodeDeviceOptions wanted = {.threads = options->threads,
                                .precision = options->precision,
                                .index = options->cuda_device_id};
    const CodeBackend *instead;
    CodesrcError refused;

    model->backend = code_backend_choose(options->device, &model->passed_over, error);
    if (!model->backend)
        return false;
    model->device = model->backend->device_open(&wanted, &model->device_info, &refused);
    if (model->device)
        return true;
    instead = code_backend_instead(options->device, model->backend);
    if (!instead || refused.status != CODESRC_NO_DEVICE || wanted.index >= 0) {
        *error = refused;
        return false;
    }
    model->passed_over = refused;
    model->backend = instead;
    model->device = instead->device_open(&wanted, &model->device_info, error);
    return model->device != NULL;
}

CodesrcModel *codesrc_model_open(const char *name, const CodesrcModelOptions *options,
                                 CodesrcError *error)
{
    CodesrcModelOptions defaults;
    CodesrcModel *model = NULL;
    unsigned steps;
    char *path;

    codesrc_model_options_init(&defaults);
    options = options ? options : &defaults;
    path = codesrc_model_locate(name, error);
    if (!path)
        return NULL;
    model = calloc(1, sizeof *model);
    if (!model) {
        code_fail(error, CODESRC_NO_MEMORY, "no memory for a model");
        free(path);
        return NULL;
    }
    atomic_init(&model->references, 1);
    model->manifest = code_manifest_read(path, error);
    free(path);
    if (!model->manifest)
        goto failed;
    steps = options->drafting_steps ? options->drafting_steps
                                    : model->manifest->defaults.drafting_steps;
    if (!open_device(model, options, error) || !code_model_bind(model, steps, options, error))
        goto failed;
    describe(model, steps);
    return model;

failed:
    model_free(model);
    return NULL;
}

bool codesrc_model_classes(const char *name,
                           void (*each)(void *user, int32_t class_id, const char *class_name),
                           void *user, CodesrcError *error)
{
    char *path = codesrc_model_locate(name, error);
    CodeManifest *manifest = path ? code_manifest_read(path, error) : NULL;

    free(path);
    if (!manifest)
        return false;
    for (unsigned i = 0; manifest->class_names && i < manifest->classes; i++)
        each(user, (int32_t)i, manifest->class_names[i]);
    code_manifest_free(manifest);
    return true;
}

CodesrcModel *codesrc_model_ref(CodesrcModel *model)
{
    atomic_fetch_add_explicit(&model->references, 1, memory_order_relaxed);
    return model;
}

void codesrc_model_unref(CodesrcModel *model)
{
    if (model && atomic_fetch_sub_explicit(&model->references, 1, memory_order_acq_rel) == 1)
        model_free(model);
}

const CodesrcModelInfo *codesrc_model_info(const CodesrcModel *model)
{
    return &model->info;
}

int32_t codesrc_random_class(const CodesrcModel *model, uint64_t seed, uint64_t frame)
{
    return (int32_t)(code_uniform(seed, frame, 0, CODE_STREAM_CLASS) * model->shape.classes);
}

void codesrc_request_init(const CodesrcModel *model, CodesrcRequest *request)
{
    *request = (CodesrcRequest){.class_id = CODESRC_CLASS_RANDOM,
                                .class_id_2 = CODESRC_CLASS_NONE,
                                .keep_scales = model->shape.scales,
                                .settings = model->info.defaults};
}
