/* generate.c - the decode loop: requests in, pictures out (CoDe, section 3).
 *
 * For each scale: the drafter, or from scale N on the refiner, gives logits; the sampler draws a
 * token map; the pyramid adds it to the feature map and hands the next scale its input. After the
 * last scale the VQ-VAE renders the feature map. */
#include "generate.h"

#include "error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- what a caller may ask for --------------------------------------------------------------- */

static bool check_settings(const CodesrcGenerator *generator, const CodesrcSettings *settings,
                           CodesrcError *error)
{
    const CodesrcModel *model = generator->model;
    unsigned n = settings->drafting_steps;

    if (n < 1 || n > model->shape.scales || !(generator->steps >> n & 1))
        return code_fail(error, CODESRC_SETTINGS,
                         "drafting-steps %u: the weights of \"%s\" that are loaded do not serve it",
                         n, model->info.name);
    if (!(settings->guidance >= 0 && settings->guidance <= 100))
        return code_fail(error, CODESRC_SETTINGS, "guidance %g, expected 0..100",
                         settings->guidance);
    if (!(settings->top_p >= 0 && settings->top_p <= 1))
        return code_fail(error, CODESRC_SETTINGS, "top-p %g, expected 0..1", settings->top_p);
    for (unsigned k = 0; k < model->shape.scales; k++)
        if (!(settings->temperature[k] > 0 && settings->temperature[k] <= 100))
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
    if (!request->canvas != !request->mask)
        return code_fail(error, CODESRC_SETTINGS,
                         "a canvas needs a mask and a mask needs a canvas");
    for (unsigned i = 0; request->tokens && i < shape->first[shape->scales]; i++)
        if (request->tokens[i] < 0 || (unsigned)request->tokens[i] >= shape->vae.codes)
            return code_fail(error, CODESRC_SETTINGS, "token %u is %d, expected 0..%u", i,
                             (int)request->tokens[i], shape->vae.codes - 1);
    return check_settings(generator, &request->settings, error);
}

/* ---- one run: images that share N and the number of branches --------------------------------- */

static bool guided(const CodesrcRequest *request)
{
    return request->settings.guidance > 0;
}

/* N of the run. */
static unsigned drafting_steps(const CodesrcGenerator *generator)
{
    return generator->requests[generator->first].settings.drafting_steps;
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Computes, or asks for, what depends on what is asked for: how tokens are drawn, what is known of
 * each class, the logits of scale 0. What comes after it is the same for every run of as many
 * images, branches and drafting steps, but for the contents of memory. */
static bool begin(CodesrcGenerator *generator)
{
    const CodeBackend *backend = generator->model->backend;
    const CodeShape *shape = &generator->model->shape;
    CodeBuffers *b = &generator->buffers;
    CodeStream *stream = generator->stream;
    size_t last = code_last_side(shape);
    size_t features = generator->count * last * last * shape->vae.channels * sizeof(float);

    generator->feeding = generator->editing = false;
    for (unsigned i = 0; i < generator->count; i++) {
        const CodesrcRequest *request = &generator->requests[generator->first + i];
        const CodesrcSettings *settings = &request->settings;

        generator->feeding |= request->tokens != NULL;
        generator->editing |= request->canvas != NULL;
        b->host_draws[i] = (CodeDraw){.seed = request->seed,
                                      .frame = request->frame,
                                      .top_p = settings->top_p,
                                      .top_k = settings->top_k,
                                      .more_smooth = settings->more_smooth};
        for (unsigned k = 0; k < shape->scales; k++) {
            double ratio = shape->scales > 1 ? (double)k / (shape->scales - 1) : 0;

            b->host_draws[i].temperature[k] = (float)settings->temperature[k];
            b->host_t[k * generator->batch + i] = (float)(settings->guidance * ratio);
        }
    }
    return backend->copy(stream, b->draws, b->host_draws, generator->count * sizeof(CodeDraw),
                         CODE_UPLOAD) &&
           backend->copy(stream, b->t, b->host_t,
                         (size_t)shape->scales * generator->batch * sizeof(float), CODE_UPLOAD) &&
           backend->copy(stream, b->f_hat, NULL, features, CODE_CLEAR) &&
           code_classes_prepare(generator, &generator->drafter) &&
           code_classes_logits(generator, &generator->drafter) &&
           (drafting_steps(generator) == shape->scales ||
            code_classes_prepare(generator, &generator->refiner));
}

/* Logits of scale k > 0, from whoever decodes it, or the cache that they need. */
static bool decode(CodesrcGenerator *generator, unsigned k, unsigned n)
{
    const CodeShape *shape = &generator->model->shape;
    CodeCacheRows drafted = code_drafter_rows(shape, n), refined = code_refiner_rows(shape, n);

    if (k == 0)
        return n == 1 || code_classes_recall(generator, &generator->drafter, drafted);
    if (k < n)
        return code_transformer_scale(generator, &generator->drafter, k, k, drafted);
    if (k > n)
        return code_transformer_scale(generator, &generator->refiner, k, k, refined);
    /* The hand-over: the refiner takes in what the drafter decoded, and the drafter's cache is
     * free. */
    return code_classes_recall(generator, &generator->refiner, refined) &&
           code_transformer_scale(generator, &generator->refiner, 1, n, refined);
}

static bool keep_logits(CodesrcGenerator *generator, unsigned k)
{
    const CodeShape *shape = &generator->model->shape;
    size_t rows = shape->first[k + 1] - shape->first[k];

    if (!generator->raw_logits || generator->stream->rehearsing)
        return true;
    return generator->model->backend->copy(
        generator->stream, generator->raw_logits, generator->buffers.logits,
        generator->count * rows * shape->vae.codes * sizeof(float), CODE_DOWNLOAD);
}

/* All scales of the run, from what `begin` has made to its feature maps. */
static bool scales(CodesrcGenerator *generator)
{
    const CodeShape *shape = &generator->model->shape;
    unsigned n = drafting_steps(generator);

    for (unsigned k = 0; k < shape->scales; k++) {
        double start = now();

        generator->scale = k;
        if (!decode(generator, k, n) || !keep_logits(generator, k) ||
            !code_sample_scale(generator, k) || !code_pyramid_add(generator, k) ||
            (k + 1 < shape->scales && !code_pyramid_next(generator, k + 1)))
            return false;
        *(k < n ? &generator->times.drafter : &generator->times.refiner) += now() - start;
        if (generator->scale_done && !generator->stream->rehearsing)
            generator->scale_done(generator->scale_done_user, generator, k, generator->first,
                                  generator->count);
    }
    return true;
}

/* A series where nobody looks and nothing comes from the host meanwhile. */
static bool draft(CodesrcGenerator *generator)
{
    unsigned key = generator->count << 8 | generator->branches << 6 | drafting_steps(generator);

    if (generator->scale_done || generator->raw_logits || generator->feeding || generator->editing)
        return scales(generator);
    return code_series(generator, generator->stream, key, scales);
}

/* Keeps the pictures of a run for later. */
static void keep_for_later(CodesrcGenerator *generator, const CodesrcPicture *pictures)
{
    generator->later.count = generator->count;
    memcpy(generator->later.pictures, pictures, generator->count * sizeof *pictures);
}

static bool run(CodesrcGenerator *generator, const CodesrcPicture *pictures, bool later)
{
    double start = now();
    bool good;

    generator->branches = guided(&generator->requests[generator->first]) ? 2 : 1;
    if (!begin(generator))
        return false;
    generator->times.drafter += now() - start;
    if (!draft(generator))
        return false;
    if (later) {
        keep_for_later(generator, pictures + generator->first);
        return true;
    }
    start = now();
    good = code_render(generator, pictures + generator->first, generator->count);
    generator->times.vae += now() - start;
    return good;
}

/* Splits the call into runs, in order; `later`: the last one's pictures are not asked for yet. */
static bool run_all(CodesrcGenerator *generator, const CodesrcRequest *requests, unsigned count,
                    const CodesrcPicture *pictures, bool later)
{
    generator->requests = requests;
    generator->times = (CodesrcTimes){0};
    for (unsigned first = 0; first < count; first += generator->count) {
        const CodesrcRequest *lead = &requests[first];
        unsigned end = first + 1;

        while (end < count && guided(&requests[end]) == guided(lead) &&
               requests[end].settings.drafting_steps == lead->settings.drafting_steps)
            end++;
        generator->first = first;
        generator->count = end - first;
        if (!run(generator, pictures, later && end == count))
            return false;
    }
    return true;
}

static bool check_call(CodesrcGenerator *generator, const CodesrcRequest *requests, unsigned count,
                       const CodesrcPicture *pictures, CodesrcError *error)
{
    size_t row =
        codesrc_output_row(&generator->output, code_picture_side(&generator->model->shape));

    if (count < 1 || count > generator->batch)
        return code_fail(error, CODESRC_SETTINGS, "%u pictures asked of a generator for 1..%u",
                         count, generator->batch);
    for (unsigned i = 0; i < count; i++) {
        if (!check_request(generator, &requests[i], error))
            return false;
        if (pictures[i].data && pictures[i].stride < row)
            return code_fail(error, CODESRC_SETTINGS, "stride %zu, expected at least %zu",
                             pictures[i].stride, row);
    }
    if (atomic_load(&generator->cancelled))
        return code_fail(error, CODESRC_CANCELLED, "cancelled");
    return true;
}

/* Nothing is under way any more: no picture's memory is written after this. */
static bool give_up(CodesrcGenerator *generator)
{
    code_render_wait(generator);
    generator->begun = generator->later.count = 0;
    return false;
}

bool codesrc_generate_begin(CodesrcGenerator *generator, const CodesrcRequest *requests,
                            unsigned count, const CodesrcPicture *pictures, CodesrcError *error)
{
    bool later = generator->begun > 0 && code_renders_beside(generator->model);

    if (generator->begun == 2)
        return code_fail(error, CODESRC_SETTINGS, "two calls are under way already");
    if (!check_call(generator, requests, count, pictures, error))
        return give_up(generator);
    if (!run_all(generator, requests, count, pictures, later)) {
        *error = generator->stream->error;
        return give_up(generator);
    }
    generator->begun++;
    return true;
}

bool codesrc_generate_end(CodesrcGenerator *generator, CodesrcError *error)
{
    unsigned count = generator->later.count;
    double start = now();
    bool good;

    if (!generator->begun)
        return code_fail(error, CODESRC_SETTINGS, "no call is under way");
    good = code_render_wait(generator);
    generator->later.count = 0;
    if (!good || (count && !code_render(generator, generator->later.pictures, count))) {
        *error = generator->stream->error;
        return give_up(generator);
    }
    generator->times.vae += now() - start;
    generator->begun--;
    return true;
}

bool codesrc_generate(CodesrcGenerator *generator, const CodesrcRequest *requests, unsigned count,
                      const CodesrcPicture *pictures, CodesrcError *error)
{
    if (generator->begun)
        return code_fail(error, CODESRC_SETTINGS, "a call that was begun has not ended");
    return codesrc_generate_begin(generator, requests, count, pictures, error) &&
           codesrc_generate_end(generator, error);
}

/* ---- life ------------------------------------------------------------------------------------ */

/* A rehearsal: the backend prepares for every shape, so that generating allocates nothing. */
bool codesrc_generator_prepare(CodesrcGenerator *generator, CodesrcError *error)
{
    const CodesrcModel *model = generator->model;
    CodesrcRequest requests[CODESRC_MAX_BATCH];
    CodesrcPicture pictures[CODESRC_MAX_BATCH];
    uint8_t nothing = 0;
    bool good = true;

    if (atomic_load(&generator->cancelled))
        return code_fail(error, CODESRC_CANCELLED, "cancelled");
    for (unsigned i = 0; i < generator->batch; i++) {
        codesrc_request_init(model, &requests[i]);
        pictures[i] = (CodesrcPicture){&nothing, 3 * (size_t)model->info.side};
    }
    generator->stream->rehearsing = generator->renderer->rehearsing = true;
    /* Each N, with guidance and without. */
    for (unsigned way = 2; good && way < 2 * model->shape.scales + 2; way++) {
        for (unsigned i = 0; i < generator->batch; i++) {
            requests[i].settings.drafting_steps = way / 2;
            requests[i].settings.guidance = way % 2;
        }
        if (generator->steps >> way / 2 & 1)
            good = run_all(generator, requests, generator->batch, pictures, false) &&
                   code_render_wait(generator);
    }
    if (!good)
        *error = generator->stream->error;
    if (good && !code_vae_encode(generator)) {
        *error = generator->renderer->error;
        good = false;
    }
    generator->stream->rehearsing = generator->renderer->rehearsing = false;
    return good;
}

static void empty_table(CodeClassTable *table)
{
    for (unsigned i = 0; i < table->slots; i++) {
        table->key[i].class_id = -1;
        table->used[i] = 0;
    }
}

/* Allocates both arenas and brings the tables into their first state. */
static bool allocate(CodesrcGenerator *generator, CodesrcError *error)
{
    CodesrcModel *model = generator->model;
    CodeArena device = {0}, host = {0};
    int32_t zero = 0;

    code_layout(generator, &device, &host);
    if (device.overflow || host.overflow)
        return code_fail(error, CODESRC_NO_MEMORY, "%s: more memory than can be addressed",
                         model->info.path);
    generator->device_memory = model->backend->alloc(model->device, device.peak, error);
    if (!generator->device_memory)
        return false;
    if (posix_memalign(&generator->host_memory, 64, host.peak))
        return code_fail(error, CODESRC_NO_MEMORY, "no memory: %zu bytes were asked for",
                         host.peak);
    device = (CodeArena){.base = generator->device_memory};
    host = (CodeArena){.base = generator->host_memory};
    code_layout(generator, &device, &host);

    empty_table(&generator->drafter);
    empty_table(&generator->refiner);
    if (!model->backend->copy(generator->stream, generator->drafter.no_slots, &zero, sizeof zero,
                              CODE_UPLOAD) ||
        (generator->refiner.slots &&
         !model->backend->copy(generator->stream, generator->refiner.no_slots, &zero, sizeof zero,
                               CODE_UPLOAD))) {
        *error = generator->stream->error;
        return false;
    }
    return true;
}

static bool open_streams(CodesrcGenerator *generator, CodesrcError *error)
{
    const CodesrcModel *model = generator->model;

    generator->stream = model->backend->stream_open(model->device, &generator->cancelled, error);
    generator->renderer = generator->stream;
    if (generator->stream && code_renders_beside(model))
        generator->renderer =
            model->backend->stream_open(model->device, &generator->cancelled, error);
    return generator->stream && generator->renderer;
}

CodesrcGenerator *codesrc_generator_open(CodesrcModel *model, unsigned batch, uint32_t steps,
                                         CodesrcError *error)
{
    CodesrcGenerator *generator;

    steps = steps ? steps : model->shape.steps;
    if (!model->loaded) {
        code_fail(error, CODESRC_SETTINGS, "%s was opened for its headers only", model->info.path);
        return NULL;
    }
    if (batch < 1 || batch > CODESRC_MAX_BATCH) {
        code_fail(error, CODESRC_SETTINGS, "batch %u, expected 1..%d", batch, CODESRC_MAX_BATCH);
        return NULL;
    }
    if (steps & ~model->shape.steps) {
        code_fail(error, CODESRC_SETTINGS, "drafting-steps: bits 0x%x asked for, 0x%x served by %s",
                  steps, model->shape.steps, model->info.path);
        return NULL;
    }
    generator = calloc(1, sizeof *generator);
    if (!generator) {
        code_fail(error, CODESRC_NO_MEMORY, "no memory for a generator");
        return NULL;
    }
    generator->model = codesrc_model_ref(model);
    generator->batch = batch;
    generator->steps = steps;
    atomic_init(&generator->cancelled, false);
    if (open_streams(generator, error) && allocate(generator, error))
        return generator;
    codesrc_generator_free(generator);
    return NULL;
}

CodesrcGenerator *codesrc_generator_new(CodesrcModel *model, unsigned batch, uint32_t steps,
                                        CodesrcError *error)
{
    CodesrcGenerator *generator = codesrc_generator_open(model, batch, steps, error);

    if (!generator || codesrc_generator_prepare(generator, error))
        return generator;
    codesrc_generator_free(generator);
    return NULL;
}

void codesrc_generator_free(CodesrcGenerator *generator)
{
    if (!generator)
        return;
    if (generator->renderer && generator->renderer != generator->stream)
        generator->model->backend->stream_close(generator->renderer);
    if (generator->stream)
        generator->model->backend->stream_close(generator->stream);
    if (generator->device_memory)
        generator->model->backend->release(generator->model->device, generator->device_memory);
    free(generator->host_memory);
    free(generator->raw_logits);
    codesrc_model_unref(generator->model);
    free(generator);
}

void codesrc_generator_cancel(CodesrcGenerator *generator, bool cancelled)
{
    atomic_store(&generator->cancelled, cancelled);
}

CodesrcTimes codesrc_generator_times(const CodesrcGenerator *generator)
{
    return generator->times;
}

/* ---- looking inside -------------------------------------------------------------------------- */

bool codesrc_generator_observe(CodesrcGenerator *generator, CodesrcScaleDone scale_done, void *user,
                               bool with_logits, CodesrcError *error)
{
    const CodeShape *shape = &generator->model->shape;
    size_t positions = (size_t)code_last_side(shape) * code_last_side(shape);

    if (with_logits && !generator->raw_logits) {
        generator->raw_logits =
            calloc(generator->batch * positions * shape->vae.codes, sizeof *generator->raw_logits);
        if (!generator->raw_logits)
            return code_fail(error, CODESRC_NO_MEMORY, "no memory to keep logits");
    }
    if (!with_logits) {
        free(generator->raw_logits);
        generator->raw_logits = NULL;
    }
    generator->scale_done = scale_done;
    generator->scale_done_user = user;
    return true;
}

/* Place of image `image` of the call in the run that is going on. */
static bool in_run(const CodesrcGenerator *generator, unsigned image, unsigned *index,
                   CodesrcError *error)
{
    if (image < generator->first || image - generator->first >= generator->count)
        return code_fail(error, CODESRC_SETTINGS, "image %u, expected %u..%u", image,
                         generator->first, generator->first + generator->count - 1);
    *index = image - generator->first;
    return true;
}

static bool download(CodesrcGenerator *generator, void *to, const void *from, size_t bytes,
                     CodesrcError *error)
{
    if (generator->model->backend->copy(generator->stream, to, from, bytes, CODE_DOWNLOAD))
        return true;
    *error = generator->stream->error;
    return false;
}

bool codesrc_generator_tokens(CodesrcGenerator *generator, unsigned image, int32_t *tokens,
                              CodesrcError *error)
{
    const unsigned *first = generator->model->shape.first, k = generator->scale;
    size_t length = first[generator->model->shape.scales];
    unsigned index = 0;

    return in_run(generator, image, &index, error) &&
           download(generator, tokens, generator->buffers.drawn + index * length + first[k],
                    (first[k + 1] - first[k]) * sizeof *tokens, error);
}

bool codesrc_generator_logits(CodesrcGenerator *generator, unsigned image, float *logits,
                              CodesrcError *error)
{
    const CodeShape *shape = &generator->model->shape;
    size_t rows = shape->first[generator->scale + 1] - shape->first[generator->scale];
    size_t count = rows * shape->vae.codes;
    unsigned index = 0;

    if (!in_run(generator, image, &index, error))
        return false;
    if (!generator->raw_logits)
        return code_fail(error, CODESRC_SETTINGS, "logits are not kept: observe with_logits");
    memcpy(logits, generator->raw_logits + index * count, count * sizeof *logits);
    return true;
}

bool codesrc_generator_feature_map(CodesrcGenerator *generator, unsigned image, float *f_hat,
                                   CodesrcError *error)
{
    const CodeShape *shape = &generator->model->shape;
    size_t positions = (size_t)code_last_side(shape) * code_last_side(shape);
    size_t count = positions * shape->vae.channels;
    float *host = generator->buffers.host_map;
    unsigned index = 0;

    if (!in_run(generator, image, &index, error) ||
        !download(generator, host, generator->buffers.f_hat + index * count, count * sizeof *host,
                  error))
        return false;
    code_channels_first(f_hat, host, positions, shape->vae.channels);
    return true;
}

bool codesrc_generator_preview(CodesrcGenerator *generator, unsigned image,
                               const CodesrcPicture *picture, CodesrcError *error)
{
    unsigned index = 0;

    if (!in_run(generator, image, &index, error))
        return false;
    if (code_render_now(generator, index, picture))
        return true;
    *error = generator->stream->error;
    return false;
}

bool codesrc_decode(CodesrcGenerator *generator, const float *f_hat, float *image,
                    CodesrcError *error)
{
    const CodesrcModel *model = generator->model;
    const CodeShape *shape = &model->shape;
    CodeBuffers *b = &generator->buffers;
    size_t last = code_last_side(shape), side = code_picture_side(shape);
    size_t features = last * last * shape->vae.channels, pixels = 3 * side * side;
    float *place = code_renders_beside(model) ? b->features : b->f_hat;
    const float *x = NULL;

    code_channels_last(b->host_map, f_hat, last * last, shape->vae.channels);
    if (model->backend->copy(generator->renderer, place, b->host_map, features * sizeof(float),
                             CODE_UPLOAD))
        x = code_vae_render(generator, place);
    if (!x || !model->backend->copy(generator->renderer, b->host_map, x, pixels * sizeof(float),
                                    CODE_DOWNLOAD)) {
        *error = generator->renderer->error;
        return false;
    }
    code_channels_first(image, b->host_map, side * side, 3);
    for (size_t i = 0; i < pixels; i++)
        image[i] = fminf(fmaxf(image[i], -1), 1);
    return true;
}
