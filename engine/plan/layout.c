/* layout.c - which buffers share bytes: the memory of a generator as a function of the shape, the
 * drafting steps and the batch. */
#include "plan/layout.h"

/* The passes of the transformers, the steps of the pyramid and the layers of the VQ-VAE never need
 * their scratch at the same time. */
static void share_scratch(CodeStages *stages, CodeRoom *room)
{
    size_t start = room->device.used;

    code_transformer_scratch(&stages->transformer, room);
    code_arena_rewind(&room->device, start);

    code_pyramid_scratch(&stages->pyramid, room);
    code_canvas_scratch(&stages->canvas, room);
    code_arena_rewind(&room->device, start);

    /* Rendering overlaps drafting here, so its maps may not share the scratch. */
    if (code_renders_beside(room->model))
        code_arena_rewind(&room->device, room->device.peak);
    code_render_scratch(&stages->renderer, room);
    code_arena_rewind(&room->device, start);
}

void code_layout(CodeStages *stages, CodeRoom *room)
{
    const CodesrcModel *model = room->model;
    size_t map = code_larger(code_map_floats(&model->shape), code_image_floats(&model->shape));

    code_classes_layout(&stages->drafter, &model->drafter, room);
    if (model->shape.refiner.depth)
        code_classes_layout(&stages->refiner, &model->refiner, room);
    code_adaln_layout(&stages->adaln, room);
    code_transformer_layout(&stages->transformer, room);
    code_sampler_layout(&stages->sampler, room);
    code_pyramid_layout(&stages->pyramid, room);
    code_render_layout(&stages->renderer, room);
    stages->host_map = code_arena_take(&room->host, map, sizeof(float));
    code_canvas_layout(&stages->canvas, stages->host_map, room);
    share_scratch(stages, room);
}
