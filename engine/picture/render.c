/* render.c - from feature maps to pictures. An asynchronous backend renders on a separate stream
 * while the next pictures are drafted. */
#include "picture/render.h"

#include "draft/sample.h"
#include "picture/output.h"
#include "picture/series.h"

#include <string.h>

/* L */
static size_t length_of(const CodesrcModel *model)
{
    return model->shape.first[model->shape.scales];
}

void code_render_layout(CodeRenderer *renderer, CodeRoom *room)
{
    size_t features = code_map_floats(&room->model->shape), length = length_of(room->model);

    if (!code_renders_beside(room->model))
        return;
    renderer->rendered = code_arena_take(&room->device, room->batch * features, sizeof(float));
    renderer->features = code_arena_take(&room->device, features, sizeof(float));
    renderer->batch = room->batch;
    renderer->tokens =
        code_arena_take(&room->device, 2 * room->batch * length, sizeof *renderer->tokens);
    renderer->host_tokens =
        code_arena_take(&room->host, room->batch * length, sizeof *renderer->host_tokens);
}

void code_render_scratch(CodeRenderer *renderer, CodeRoom *room)
{
    code_vae_layout(&renderer->maps, room);
}

bool code_render_open(CodeRenderer *renderer, const CodesrcModel *model, CodeStream *drafting,
                      const atomic_bool *cancelled, CodesrcError *error)
{
    renderer->model = model;
    renderer->drafting = renderer->stream = drafting;
    if (code_renders_beside(model))
        renderer->stream = model->backend->stream_open(model->device, cancelled, error);
    return renderer->stream != NULL;
}

void code_render_close(CodeRenderer *renderer)
{
    if (renderer->stream && renderer->stream != renderer->drafting)
        renderer->model->backend->stream_close(renderer->stream);
}

/* Callers read errors from the drafting stream. */
static bool reported(CodeRenderer *renderer, bool good)
{
    if (!good)
        renderer->drafting->error = renderer->stream->error;
    return good;
}

/* Copies the tokens of a run, for code_render_sound. */
static bool keep_tokens(CodeRenderer *renderer, const CodeDrafted *drafted, unsigned count)
{
    size_t length = length_of(renderer->model);
    size_t at = ((size_t)drafted->call * renderer->batch + drafted->first) * length;

    return !code_renders_beside(renderer->model) ||
           renderer->model->backend->copy(renderer->drafting, renderer->tokens + at,
                                          drafted->tokens, count * length * sizeof(int32_t),
                                          CODE_INSIDE);
}

bool code_render_sound(CodeRenderer *renderer, unsigned call, unsigned count)
{
    const CodesrcModel *model = renderer->model;
    size_t length = length_of(model);
    const int32_t *tokens;

    if (!code_renders_beside(model) || renderer->stream->rehearsing)
        return true;
    tokens = renderer->tokens + (size_t)call * renderer->batch * length;
    return reported(renderer,
                    model->backend->copy(renderer->stream, renderer->host_tokens, tokens,
                                         count * length * sizeof(int32_t), CODE_DOWNLOAD)) &&
           code_sampler_sound(model, renderer->host_tokens, 0, count, 0, model->shape.scales - 1,
                              &renderer->drafting->error);
}

/* Copies f_hat, so that the next run may begin. */
static bool take_over(CodeRenderer *renderer, const float *f_hat, unsigned count)
{
    const CodeBackend *backend = renderer->model->backend;
    size_t bytes = count * code_map_floats(&renderer->model->shape) * sizeof(float);

    if (!code_renders_beside(renderer->model))
        return true;
    return backend->after(renderer->drafting, renderer->stream) &&
           backend->copy(renderer->drafting, renderer->rendered, f_hat, bytes, CODE_INSIDE) &&
           reported(renderer, backend->after(renderer->stream, renderer->drafting));
}

static bool render_features(void *user)
{
    CodeRenderer *renderer = user;

    return code_vae_render(&renderer->maps, renderer->model, renderer->stream, renderer->features);
}

/* Computes the image of image `image` of f_hat, or of the copy of it. */
static bool compute(CodeRenderer *renderer, const float *f_hat, unsigned image)
{
    const CodesrcModel *model = renderer->model;
    size_t features = code_map_floats(&model->shape);

    if (!code_renders_beside(model))
        return code_vae_render(&renderer->maps, model, renderer->stream, f_hat + image * features);
    return model->backend->copy(renderer->stream, renderer->features,
                                renderer->rendered + image * features, features * sizeof(float),
                                CODE_INSIDE) &&
           code_series(model->backend, renderer->stream, 0, render_features, renderer);
}

static bool render_one(CodeRenderer *renderer, const float *f_hat, unsigned image,
                       const CodesrcPicture *picture)
{
    const CodesrcModel *model = renderer->model;

    return reported(renderer, compute(renderer, f_hat, image) &&
                                  code_output_put(model, renderer->stream, &renderer->output,
                                                  code_vae_image(&renderer->maps, model), picture));
}

bool code_render(CodeRenderer *renderer, const CodeDrafted *drafted, const CodesrcPicture *pictures,
                 unsigned count)
{
    if (!keep_tokens(renderer, drafted, count) || !take_over(renderer, drafted->f_hat, count))
        return false;
    for (unsigned i = 0; i < count; i++)
        if (pictures[i].data && !render_one(renderer, drafted->f_hat, i, &pictures[i]))
            return false;
    return true;
}

void code_render_later(CodeRenderer *renderer, const CodeDrafted *drafted,
                       const CodesrcPicture *pictures, unsigned count)
{
    renderer->owed_count = count;
    renderer->owed_first = drafted->first;
    renderer->owed_call = drafted->call;
    memcpy(renderer->owed, pictures, count * sizeof *pictures);
}

bool code_render_owed(CodeRenderer *renderer, const float *f_hat, const int32_t *tokens)
{
    CodeDrafted drafted = {f_hat, tokens, renderer->owed_first, renderer->owed_call};
    unsigned count = renderer->owed_count;

    renderer->owed_count = 0;
    return !count || code_render(renderer, &drafted, renderer->owed, count);
}

bool code_render_wait(CodeRenderer *renderer)
{
    const CodeBackend *backend = renderer->model->backend;

    return !backend->wait || reported(renderer, backend->wait(renderer->stream));
}

void code_render_give_up(CodeRenderer *renderer)
{
    code_render_wait(renderer);
    renderer->owed_count = 0;
}

bool code_render_now(CodeRenderer *renderer, const float *f_hat, unsigned count, unsigned image,
                     const CodesrcPicture *picture)
{
    return take_over(renderer, f_hat, count) && render_one(renderer, f_hat, image, picture) &&
           code_render_wait(renderer);
}
