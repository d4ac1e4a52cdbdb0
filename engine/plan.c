/* plan.c - who decodes which scale, and every byte and operation that it takes: the layout of a
 * generator's memory as a function of the shape, N and the batch. */
#include "generate.h"

#include "error.h"

#include <string.h>

/* Rows of a transformer's largest pass, for one N. */
typedef struct Needs {
    unsigned drafter_rows, refiner_rows;
} Needs;

static unsigned larger(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

static unsigned scale_rows(const CodeShape *shape, unsigned k)
{
    return shape->first[k + 1] - shape->first[k];
}

/* Of passes whose last one has scales from..last; what is before them was kept. */
static CodeCacheRows cache_rows(const CodeShape *shape, const CodeVarShape *var, unsigned from,
                                unsigned last)
{
    unsigned kept = shape->first[from];

    return (CodeCacheRows){kept, var->depth * kept + shape->first[last + 1] - kept};
}

CodeCacheRows code_drafter_rows(const CodeShape *shape, unsigned n)
{
    /* Scale 0 alone comes from the class table. */
    return n == 1 ? (CodeCacheRows){0, 0} : cache_rows(shape, &shape->drafter, n - 1, n - 1);
}

CodeCacheRows code_refiner_rows(const CodeShape *shape, unsigned n)
{
    unsigned last = shape->scales - 1;

    /* Where the hand-over is the last pass, it has all scales but the first. */
    return n > last ? (CodeCacheRows){0, 0}
                    : cache_rows(shape, &shape->refiner, n == last ? 1 : last, last);
}

static Needs needs_of(const CodeShape *shape, unsigned n)
{
    Needs needs = {scale_rows(shape, n - 1), 0};

    if (n == shape->scales)
        return needs;
    /* The hand-over pass: scales 1..N; scale 0 comes from the class table. */
    needs.refiner_rows =
        larger(shape->first[n + 1] - shape->first[1], scale_rows(shape, shape->scales - 1));
    return needs;
}

static size_t activation_size(const CodesrcGenerator *generator)
{
    return generator->model->device_info.activation_size;
}

static size_t cache_elements(const CodeVarShape *var, size_t lanes, CodeCacheRows rows)
{
    return 2 * lanes * var->width * rows.room;
}

static void layout_table(CodesrcGenerator *generator, CodeClassTable *table, const CodeVar *var,
                         const CodeVarShape *var_shape, bool with_logits, CodeArena *device,
                         CodeArena *host)
{
    const CodeShape *shape = &generator->model->shape;
    unsigned classes = shape->classes + 1, least = generator->batch + 1;

    /* A run needs a slot for each image's class, or blend of two, and one for "no class"; more keep
     * recent classes. */
    table->var = var;
    table->slots = larger(least, classes < least + 15 ? classes : least + 15);
    table->layout = code_slot_layout(shape, var_shape, activation_size(generator), with_logits);
    table->memory = code_arena_take(device, table->layout.stride * table->slots, sizeof(float));
    table->lane_slots = code_arena_take(device, 2 * (size_t)generator->batch, sizeof(int32_t));
    table->no_slots = code_arena_take(device, 1, sizeof(int32_t));
    table->key = code_arena_take(host, table->slots, sizeof(CodeClassKey));
    table->used = code_arena_take(host, table->slots, sizeof(uint64_t));
    table->pending = code_arena_take(host, (size_t)generator->batch + 1, sizeof(uint32_t));
}

/* Scratch of a pass over `rows` rows a lane; rewound, so that the larger of both transformers
 * counts. */
static void layout_pass(CodesrcGenerator *generator, CodeArena *device, size_t rows, size_t width)
{
    CodeBuffers *buffers = &generator->buffers;

    buffers->x = code_arena_take(device, rows * width, sizeof(float));
    buffers->h = code_arena_take(device, rows * width, activation_size(generator));
    buffers->wide = code_arena_take(device, 4 * rows * width, activation_size(generator));
}

static void layout_scratch(CodesrcGenerator *generator, CodeArena *device, const Needs *needs)
{
    const CodeShape *shape = &generator->model->shape;
    CodeBuffers *buffers = &generator->buffers;
    size_t lanes = 2 * (size_t)generator->batch, batch = generator->batch, start = device->used;
    size_t drafter = lanes * needs->drafter_rows, refiner = lanes * needs->refiner_rows;
    size_t map = batch * code_last_side(shape) * code_last_side(shape);

    /* One set of pointers serves both: sizes of the wider product of rows and width. */
    if (refiner * shape->refiner.width > drafter * shape->drafter.width)
        layout_pass(generator, device, refiner, shape->refiner.width);
    else
        layout_pass(generator, device, drafter, shape->drafter.width);
    code_arena_rewind(device, start);

    buffers->small = code_arena_take(device, map * shape->vae.channels, sizeof(float));
    buffers->up = code_arena_take(device, map * shape->vae.channels, sizeof(float));
    buffers->phi = code_arena_take(device, map * shape->vae.channels, sizeof(float));
    buffers->kept = code_arena_take(device, map * shape->vae.channels, sizeof(float));
    buffers->mask = code_arena_take(device, map, sizeof(float));
    code_arena_rewind(device, start);

    /* Rendering beside the drafting of the next pictures takes bytes of its own. */
    if (code_renders_beside(generator->model))
        code_arena_rewind(device, device->peak);
    for (int i = 0; i < 3; i++)
        buffers->maps[i] = code_arena_take(
            device, code_vae_largest_map(&generator->model->vae, activation_size(generator)), 1);
    code_arena_rewind(device, start);
}

static void layout_host(CodesrcGenerator *generator, CodeArena *host)
{
    const CodeShape *shape = &generator->model->shape;
    CodeBuffers *buffers = &generator->buffers;
    size_t batch = generator->batch, last = code_last_side(shape), side = code_picture_side(shape);
    size_t features = batch * last * last * shape->vae.channels, picture = 3 * side * side;

    buffers->host_map =
        code_arena_take(host, features > picture ? features : picture, sizeof(float));
    buffers->host_vector = code_arena_take(
        host, 2 * (size_t)larger(shape->drafter.width, shape->refiner.width), sizeof(float));
    buffers->host_t = code_arena_take(host, shape->scales * batch, sizeof(float));
    buffers->host_mask = code_arena_take(host, batch * last * last, sizeof(float));
    buffers->host_draws = code_arena_take(host, batch, sizeof(CodeDraw));
    buffers->host_slots = code_arena_take(host, 2 * batch, sizeof(int32_t));
    code_adaln_layout(generator, host);
}

/* The most that any N of the generator's steps needs. */
static Needs needs_of_all(const CodesrcGenerator *generator, size_t *cache)
{
    const CodeShape *shape = &generator->model->shape;
    size_t lanes = 2 * (size_t)generator->batch;
    Needs most = {0};

    *cache = 0;
    for (unsigned n = 1; n <= shape->scales; n++) {
        Needs needs = needs_of(shape, n);
        size_t drafter = cache_elements(&shape->drafter, lanes, code_drafter_rows(shape, n));
        size_t refiner = cache_elements(&shape->refiner, lanes, code_refiner_rows(shape, n));

        if (!(generator->steps >> n & 1))
            continue;
        most.drafter_rows = larger(most.drafter_rows, needs.drafter_rows);
        most.refiner_rows = larger(most.refiner_rows, needs.refiner_rows);
        /* They never live together: CoDe's saving of memory. */
        *cache = drafter > *cache ? drafter : *cache;
        *cache = refiner > *cache ? refiner : *cache;
    }
    return most;
}

void code_layout(CodesrcGenerator *generator, CodeArena *device, CodeArena *host)
{
    const CodesrcModel *model = generator->model;
    const CodeShape *shape = &model->shape;
    CodeBuffers *buffers = &generator->buffers;
    size_t batch = generator->batch, last = code_last_side(shape),
           length = shape->first[shape->scales];
    size_t cache, features = batch * last * last * shape->vae.channels;
    Needs needs = needs_of_all(generator, &cache);

    layout_table(generator, &generator->drafter, &model->drafter, &shape->drafter, true, device,
                 host);
    if (shape->refiner.depth)
        layout_table(generator, &generator->refiner, &model->refiner, &shape->refiner, false,
                     device, host);
    buffers->draws = code_arena_take(device, batch, sizeof(CodeDraw));
    buffers->t = code_arena_take(device, shape->scales * batch, sizeof(float));
    buffers->drawn = code_arena_take(device, batch * length, sizeof(int32_t));
    buffers->fed = code_arena_take(device, batch * length, sizeof(int32_t));
    buffers->f_hat = code_arena_take(device, features, sizeof(float));
    buffers->areas = code_arena_take(
        device, batch * (length - shape->first[1]) * shape->vae.channels, sizeof(float));
    buffers->cache = code_arena_take(device, cache, activation_size(generator));
    buffers->logits =
        code_arena_take(device, batch * last * last * shape->vae.codes, sizeof(float));
    if (code_renders_beside(model)) {
        buffers->rendered = code_arena_take(device, features, sizeof(float));
        buffers->features =
            code_arena_take(device, last * last * shape->vae.channels, sizeof(float));
    }
    layout_scratch(generator, device, &needs);
    layout_host(generator, host);
}

/* ---- operations ------------------------------------------------------------------------------ */

/* Blocks: 12 C^2 weights each, and the head on the rows of scale k. Each scale of the hand-over
 * sees the scales up to its own. */
static void count_scale(const CodeShape *shape, CodesrcPlan *plan, unsigned k)
{
    bool hand_over = k == plan->drafting_steps;
    const CodeVarShape *var = plan->scale[k].refined ? &shape->refiner : &shape->drafter;
    uint64_t width = var->width, depth = var->depth, rows = 0, pairs = 0;

    for (unsigned j = hand_over ? 0 : k; j <= k; j++) {
        rows += 2 * scale_rows(shape, j);
        pairs += 2 * (uint64_t)scale_rows(shape, j) * shape->first[j + 1];
    }
    plan->scale[k].product_operations =
        24 * width * width * depth * rows + 4 * width * shape->vae.codes * scale_rows(shape, k);
    plan->scale[k].attention_operations = 4 * width * depth * pairs;
}

/* Of the VQ-VAE's decoder; norms and additions are not counted. */
static uint64_t render_operations(const CodeVaeLayers *decoder)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < decoder->count; i++) {
        const CodeVaeLayer *layer = &decoder->all[i];
        uint64_t side = code_vae_layer_side(layer), kernel = code_kernel_side(layer->spec.kind);

        if (layer->op == CODE_VAE_CONV)
            sum += 2 * side * side * kernel * kernel * layer->in * layer->out;
        if (layer->op == CODE_VAE_ATTENTION)
            sum += 4 * side * side * side * side * layer->out;
    }
    return sum;
}

static size_t stream_bytes(const CodesrcModel *model)
{
    return (code_renders_beside(model) ? 2 : 1) * model->device_info.stream_bytes;
}

bool codesrc_plan(const CodesrcModel *model, unsigned drafting_steps, unsigned batch,
                  CodesrcPlan *plan, CodesrcError *error)
{
    const CodeShape *shape = &model->shape;
    CodesrcGenerator sketch = {.model = (CodesrcModel *)model, .batch = batch};
    CodeArena device = {0}, host = {0};
    size_t cache;

    if (batch < 1 || batch > CODESRC_MAX_BATCH)
        return code_fail(error, CODESRC_SETTINGS, "batch %u, expected 1..%d", batch,
                         CODESRC_MAX_BATCH);
    if (drafting_steps < 1 || drafting_steps > shape->scales ||
        !(shape->steps >> drafting_steps & 1))
        return code_fail(error, CODESRC_SETTINGS, "drafting-steps %u is not served by %s",
                         drafting_steps, model->info.path);
    sketch.steps = 1u << drafting_steps;
    code_layout(&sketch, &device, &host);
    if (device.overflow || host.overflow)
        return code_fail(error, CODESRC_NO_MEMORY, "%s: more memory than can be addressed",
                         model->info.path);
    needs_of_all(&sketch, &cache);

    *plan =
        (CodesrcPlan){.scales = shape->scales, .drafting_steps = drafting_steps, .batch = batch};
    for (unsigned k = 0; k < shape->scales; k++) {
        plan->scale[k].side = shape->patch_nums[k];
        plan->scale[k].first = shape->first[k];
        plan->scale[k].refined = k >= drafting_steps;
        count_scale(shape, plan, k);
    }
    plan->render_operations = render_operations(&model->vae.decoder);
    plan->weight_bytes = model->weight_bytes;
    plan->class_weight_bytes = model->reads_adaln ? model->adaln_bytes : 0;
    plan->cache_bytes = cache * activation_size(&sketch);
    plan->class_bytes = sizeof(float) * (sketch.drafter.layout.stride * sketch.drafter.slots +
                                         sketch.refiner.layout.stride * sketch.refiner.slots);
    plan->total_bytes = plan->weight_bytes + device.peak + stream_bytes(model) + host.peak;
    plan->device_bytes = model->device_info.host_memory ? 0 : plan->total_bytes - host.peak;
    plan->scratch_bytes =
        plan->total_bytes - plan->weight_bytes - plan->cache_bytes - plan->class_bytes;
    return true;
}
