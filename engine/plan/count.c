/* count.c - the plan: which transformer decodes each scale, and all bytes and operations needed. */
#include "draft/passes.h"
#include "error.h"
#include "model/steps.h"
#include "plan/layout.h"
#include "request.h"

/* Blocks: 12 C^2 weights each, and the head on the rows of scale k. Each scale of the hand-over
 * sees the scales up to its own. */
static void count_scale(const CodeShape *shape, CodesrcPlan *plan, unsigned k)
{
    bool hand_over = k == plan->drafting_steps;
    const CodeVarShape *var = plan->scale[k].refined ? &shape->refiner : &shape->drafter;
    uint64_t width = var->width, depth = var->depth, rows = 0, pairs = 0;

    for (unsigned j = hand_over ? 0 : k; j <= k; j++) {
        rows += 2 * code_scale_rows(shape, j);
        pairs += 2 * (uint64_t)code_scale_rows(shape, j) * shape->first[j + 1];
    }
    plan->scale[k].product_operations = 24 * width * width * depth * rows +
                                        4 * width * shape->vae.codes * code_scale_rows(shape, k);
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

static void count_operations(const CodesrcModel *model, CodesrcPlan *plan)
{
    const CodeShape *shape = &model->shape;

    for (unsigned k = 0; k < shape->scales; k++) {
        plan->scale[k].side = shape->patch_nums[k];
        plan->scale[k].first = shape->first[k];
        plan->scale[k].refined = k >= plan->drafting_steps;
        count_scale(shape, plan, k);
    }
    plan->render_operations = render_operations(&model->vae.decoder);
}

static uint64_t slot_bytes(const CodeSlots *slots)
{
    return sizeof(float) * slots->layout.stride * slots->count;
}

static void count_bytes(const CodeStages *stages, const CodeRoom *room, CodesrcPlan *plan)
{
    const CodesrcModel *model = room->model;
    uint64_t streams = code_renders_beside(model) ? 2 : 1;

    plan->weight_bytes = model->weight_bytes;
    plan->class_weight_bytes = model->reads_adaln ? model->adaln_bytes : 0;
    plan->cache_bytes = code_transformer_cache_bytes(room);
    plan->class_bytes = slot_bytes(&stages->drafter.slots) + slot_bytes(&stages->refiner.slots);
    plan->total_bytes = plan->weight_bytes + room->device.peak +
                        streams * model->device_info.stream_bytes + room->host.peak;
    plan->device_bytes = model->device_info.host_memory ? 0 : plan->total_bytes - room->host.peak;
    plan->scratch_bytes =
        plan->total_bytes - plan->weight_bytes - plan->cache_bytes - plan->class_bytes;
}

bool codesrc_plan(const CodesrcModel *model, unsigned drafting_steps, unsigned batch,
                  CodesrcPlan *plan, CodesrcError *error)
{
    CodeRoom room = {.model = model, .batch = batch};
    CodeStages stages = {0};

    if (!code_request_batch(batch, error) ||
        !code_steps_check(model->info.path, model->shape.steps, drafting_steps, error))
        return false;
    room.steps = 1u << drafting_steps;
    code_layout(&stages, &room);
    if (room.device.overflow || room.host.overflow)
        return code_fail(error, CODESRC_NO_MEMORY, "%s: more memory than can be addressed",
                         model->info.path);
    *plan = (CodesrcPlan){
        .scales = model->shape.scales, .drafting_steps = drafting_steps, .batch = batch};
    count_operations(model, plan);
    count_bytes(&stages, &room, plan);
    return true;
}
