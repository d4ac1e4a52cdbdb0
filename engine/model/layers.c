/* layers.c - reads and packs the layers of a model, each on one of several threads. Most of the
 * time goes into moving weights from the page cache into the order in which kernels read them,
 * and into touching new memory; both scale with the number of cores. */
#include "model/binder.h"

#include "error.h"
#include "model/digest.h"
#include "signals.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_THREADS = 8 }; /* each has a buffer for the largest layer */

typedef struct Loader {
    CodeBinder *binder;
    atomic_size_t next;        /* first layer not yet taken */
    atomic_uint_fast64_t read; /* values read by other threads and not yet reported */
    pthread_mutex_t lock;      /* guards the members below and the model's list */
    size_t failed;             /* index of the first layer that failed, or SIZE_MAX */
    CodesrcError error;        /* of that layer */
} Loader;

/* One thread's buffers. */
typedef struct Worker {
    Loader *loader;
    pthread_t thread;
    float *weight, *bias;
    uint8_t *staging;
} Worker;

static uint64_t weight_values(const CodeWeightSpec *spec)
{
    unsigned side = code_kernel_side(spec->kind);

    return (uint64_t)spec->out * spec->in * side * side;
}

/* Layers are taken in order, so the first one that fails is always reached, and its error is
 * reported, whatever the number of threads. */
static void fail(Loader *loader, size_t index, const CodesrcError *error)
{
    pthread_mutex_lock(&loader->lock);
    if (index < loader->failed) {
        loader->failed = index;
        loader->error = *error;
    }
    pthread_mutex_unlock(&loader->lock);
    atomic_store(&loader->next, loader->binder->layer_count);
}

static bool read_bias(Worker *worker, const CodeLayer *layer, const char *suffix, float *to,
                      CodesrcError *error)
{
    uint64_t dims[] = {layer->attention ? layer->spec.in : layer->spec.out};
    char name[128];
    CodeRows rows = {name, 1, dims, 0, dims[0]};

    snprintf(name, sizeof name, "%s.%s", layer->name, suffix);
    return code_weights_read_rows(layer->weights, &rows, worker->staging, to, error);
}

/* q_bias, 0, v_bias */
static bool read_biases(Worker *worker, const CodeLayer *layer, CodesrcError *error)
{
    size_t width = layer->spec.in;

    if (!layer->attention)
        return read_bias(worker, layer, "bias", worker->bias, error);
    memset(worker->bias + width, 0, width * sizeof *worker->bias);
    return read_bias(worker, layer, "q_bias", worker->bias, error) &&
           read_bias(worker, layer, "v_bias", worker->bias + 2 * width, error);
}

/* A layer's weight as a tensor of its file. */
typedef struct Tensor {
    char name[128];
    unsigned rank;
    uint64_t dims[4];
} Tensor;

static Tensor tensor_of(const CodeLayer *layer)
{
    const CodeWeightSpec *spec = &layer->spec;
    uint64_t side = code_kernel_side(spec->kind);
    Tensor tensor = {.rank = spec->kind == CODE_WEIGHT_LINEAR ? 2 : 4,
                     .dims = {spec->out, spec->in, side, side}};

    snprintf(tensor.name, sizeof tensor.name, layer->attention ? "%s.mat_qkv.weight" : "%s.weight",
             layer->name);
    return tensor;
}

static bool read_weight(Worker *worker, const CodeLayer *layer, uint64_t first, uint64_t count,
                        CodesrcError *error)
{
    Tensor tensor = tensor_of(layer);
    CodeRows rows = {tensor.name, tensor.rank, tensor.dims, first, count};

    return code_weights_read_rows(layer->weights, &rows, worker->staging, worker->weight, error);
}

/* False if the layer's weight is not synthetic. */
static bool find_rule(const CodeLayer *layer, CodeSynthetic *rule)
{
    Tensor tensor = tensor_of(layer);

    return code_weights_rule(layer->weights, tensor.name, tensor.rank, tensor.dims, rule);
}

/* Whether the device makes the layer's values. */
static bool is_made(const Worker *worker, const CodeLayer *layer, CodeSynthetic *rule)
{
    return worker->loader->binder->model->backend->weight_synthetic && find_rule(layer, rule);
}

/* Reads a layer or, if it stays in its file, the rows that the digest covers. */
static bool read_layer(Worker *worker, CodeLayer *layer, CodesrcError *error)
{
    const CodeWeightSpec *spec = &layer->spec;
    size_t row = (size_t)(weight_values(spec) / spec->out);
    uint64_t digest = code_digest(0, layer->name, strlen(layer->name));
    CodeSynthetic rule;

    if (!read_biases(worker, layer, error) || (layer->out && !is_made(worker, layer, &rule) &&
                                               !read_weight(worker, layer, 0, spec->out, error)))
        return false;
    digest = code_digest(digest, worker->bias, spec->out * sizeof *worker->bias);
    if (find_rule(layer, &rule)) { /* the rule and the shape stand for all values */
        digest = code_digest(digest, &rule, sizeof rule);
        layer->digest = code_digest(digest, &row, sizeof row);
        return true;
    }
    for (size_t i = 0; i < spec->out; i += layer->step) {
        const float *values = layer->out ? worker->weight + i * row : worker->weight;

        if (!layer->out && !read_weight(worker, layer, i, 1, error))
            return false;
        digest = code_digest(digest, values, row * sizeof *values);
    }
    layer->digest = digest;
    return true;
}

static bool load_layer(Worker *worker, CodeLayer *layer, CodesrcError *error)
{
    Loader *loader = worker->loader;
    CodesrcModel *model = loader->binder->model;
    CodeSynthetic rule;
    CodeWeight *weight;
    bool kept;

    if (!read_layer(worker, layer, error))
        return false;
    if (!layer->out)
        return true;
    weight = is_made(worker, layer, &rule)
                 ? model->backend->weight_synthetic(model->device, &layer->spec, &rule,
                                                    worker->bias, error)
                 : model->backend->weight_pack(model->device, &layer->spec, worker->weight,
                                               worker->bias, error);
    if (!weight)
        return false;
    pthread_mutex_lock(&loader->lock);
    kept = code_binder_keep(&model->packed, &model->packed_count, weight, error);
    pthread_mutex_unlock(&loader->lock);
    if (!kept)
        model->backend->weight_free(model->device, weight);
    else
        *layer->out = weight;
    return kept;
}

/* Of all layers, in their order. */
static void digest_layers(CodeBinder *binder)
{
    for (size_t i = 0; i < binder->layer_count; i++)
        binder->digest =
            code_digest(binder->digest, &binder->layers[i].digest, sizeof binder->layers[i].digest);
}

/* The opening thread also reports progress, which may cancel. */
static void work(Worker *worker, bool opening)
{
    Loader *loader = worker->loader;
    CodeBinder *binder = loader->binder;
    CodesrcError error;
    size_t index;

    while ((index = atomic_fetch_add(&loader->next, 1)) < binder->layer_count) {
        CodeLayer *layer = &binder->layers[index];

        if (!load_layer(worker, layer, &error)) {
            fail(loader, index, &error);
            return;
        }
        if (layer->out)
            atomic_fetch_add(&loader->read, weight_values(&layer->spec) + layer->spec.out);
        if (opening && !code_binder_progress(binder, atomic_exchange(&loader->read, 0))) {
            fail(loader, 0, binder->error);
            return;
        }
    }
}

static void *worker_main(void *argument)
{
    work(argument, false);
    return NULL;
}

static bool open_worker(Worker *worker, Loader *loader)
{
    const CodeBinder *binder = loader->binder;

    worker->loader = loader;
    worker->weight = malloc(binder->largest_weight * sizeof *worker->weight);
    worker->bias = malloc(binder->largest_bias * sizeof *worker->bias);
    worker->staging = malloc(CODE_WEIGHTS_STAGING);
    return worker->weight && worker->bias && worker->staging;
}

static void close_worker(Worker *worker)
{
    free(worker->weight);
    free(worker->bias);
    free(worker->staging);
}

/* Returns how many threads there are; fewer than requested suffice. */
static unsigned start(Worker *workers, unsigned count, Loader *loader)
{
    unsigned started = 0;
    sigset_t old;

    code_signals_block(&old);
    while (started < count && open_worker(&workers[started], loader) &&
           !pthread_create(&workers[started].thread, NULL, worker_main, &workers[started]))
        started++;
    if (started < count)
        close_worker(&workers[started]);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return started;
}

bool code_layers_load(CodeBinder *binder)
{
    const CodeDeviceInfo *info = &binder->model->device_info;
    unsigned threads = info->host_memory ? info->threads : 1, started;
    Loader loader = {.binder = binder, .failed = SIZE_MAX};
    Worker workers[MOST_THREADS] = {0}, *own = &workers[MOST_THREADS - 1];

    threads = threads < MOST_THREADS ? threads : MOST_THREADS;
    pthread_mutex_init(&loader.lock, NULL);
    started = start(workers, threads - 1, &loader);
    if (open_worker(own, &loader)) {
        work(own, true);
    } else {
        CodesrcError error;

        code_fail(&error, CODESRC_NO_MEMORY, "no memory to read a layer of %zu values",
                  binder->largest_weight);
        fail(&loader, 0, &error);
    }
    close_worker(own);
    for (unsigned i = 0; i < started; i++) {
        pthread_join(workers[i].thread, NULL);
        close_worker(&workers[i]);
    }
    pthread_mutex_destroy(&loader.lock);
    digest_layers(binder);
    if (loader.failed == SIZE_MAX)
        return code_binder_progress(binder, atomic_load(&loader.read));
    *binder->error = loader.error;
    return false;
}
