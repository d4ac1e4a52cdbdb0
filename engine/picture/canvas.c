/* canvas.c - a picture as a token pyramid: the encoder's features, quantised scale by scale (VAR,
 * algorithm 1), and the part of it that zero-shot editing keeps (CoDe's release). */
#include "picture/canvas.h"

#include "draft/passes.h"
#include "error.h"
#include "picture/channels.h"

#include <stdlib.h>
#include <string.h>

struct CodesrcCanvas {
    unsigned scales;         /* K */
    size_t length, features; /* L; floats of a feature map */
    int32_t *tokens;         /* (L) */
    float *f;                /* (Z, P, P) */
    float *f_hat;            /* (K, Z, P, P) */
};

/* ---- a canvas -------------------------------------------------------------------------------- */

CodesrcCanvas *code_canvas_new(const CodeShape *shape, CodesrcError *error)
{
    CodesrcCanvas *canvas = calloc(1, sizeof *canvas);

    if (canvas) {
        canvas->scales = shape->scales;
        canvas->length = shape->first[shape->scales];
        canvas->features = code_map_floats(shape);
        canvas->tokens = calloc(canvas->length, sizeof *canvas->tokens);
        canvas->f = calloc(canvas->features, sizeof *canvas->f);
        canvas->f_hat = calloc(shape->scales * canvas->features, sizeof *canvas->f_hat);
    }
    if (canvas && canvas->tokens && canvas->f && canvas->f_hat)
        return canvas;
    codesrc_canvas_free(canvas);
    code_fail(error, CODESRC_NO_MEMORY, "no memory for a canvas");
    return NULL;
}

void codesrc_canvas_free(CodesrcCanvas *canvas)
{
    if (!canvas)
        return;
    free(canvas->tokens);
    free(canvas->f);
    free(canvas->f_hat);
    free(canvas);
}

bool code_canvas_fits(const CodesrcCanvas *canvas, const CodesrcModel *model, CodesrcError *error)
{
    const CodeShape *shape = &model->shape;

    if (canvas->scales == shape->scales && canvas->length == shape->first[shape->scales] &&
        canvas->features == code_map_floats(shape))
        return true;
    return code_fail(error, CODESRC_SETTINGS, "a canvas of another model than \"%s\"",
                     model->info.name);
}

const int32_t *codesrc_canvas_tokens(const CodesrcCanvas *canvas)
{
    return canvas->tokens;
}

const float *codesrc_canvas_features(const CodesrcCanvas *canvas)
{
    return canvas->f;
}

const float *codesrc_canvas_feature_map(const CodesrcCanvas *canvas, unsigned scale)
{
    return canvas->f_hat + scale * canvas->features;
}

/* The code nearest to z: |z - c|^2, without the |z|^2 common to all. */
static int32_t nearest(const CodesrcModel *model, const float *z)
{
    size_t channels = model->shape.vae.channels;
    const float *code = model->vae.host_codebook;
    double best = 0;
    int32_t found = 0;

    for (unsigned i = 0; i < model->shape.vae.codes; i++, code += channels) {
        double distance = 0;

        for (size_t c = 0; c < channels; c++)
            distance += code[c] * ((double)code[c] - 2.0 * z[c]);
        if (i == 0 || distance < best) {
            best = distance;
            found = (int32_t)i;
        }
    }
    return found;
}

/* Finds the tokens of one scale for `rest`, the residual features of earlier scales, and adds
 * them to f_hat. `codes` has room for a map. */
static bool quantise_scale(CodesrcCanvas *canvas, const CodeRun *run, const CodePyramid *pyramid,
                           const CodeSampler *sampler, unsigned scale, const float *rest,
                           float *codes)
{
    const CodesrcModel *model = run->model;
    size_t rows = code_scale_rows(&model->shape, scale), first = model->shape.first[scale];
    int32_t *tokens = canvas->tokens + first;
    CodeTokenMaps maps = {
        .tokens = sampler->fed, .logits = sampler->logits, .draws = sampler->draws};

    if (!code_pyramid_shrink(pyramid, run, scale, rest, codes))
        return false;
    for (size_t i = 0; i < rows; i++)
        tokens[i] = nearest(model, codes + i * model->shape.vae.channels);
    return model->backend->copy(run->stream, sampler->fed + first, tokens, rows * sizeof *tokens,
                                CODE_UPLOAD) &&
           code_pyramid_add(pyramid, run, scale, &maps);
}

bool code_canvas_quantise(CodesrcCanvas *canvas, const CodeRun *run, const CodePyramid *pyramid,
                          const CodeSampler *sampler, float *work)
{
    const CodesrcModel *model = run->model;
    size_t count = canvas->features, bytes = count * sizeof(float), z = model->shape.vae.channels;
    float *f = work, *rest = work + count, *f_hat = work + 2 * count;
    CodeDraw plain = {0};

    memcpy(rest, f, bytes);
    if (!code_pyramid_begin(pyramid, run) ||
        !model->backend->copy(run->stream, sampler->draws, &plain, sizeof plain, CODE_UPLOAD))
        return false;
    for (unsigned k = 0; k < model->shape.scales; k++) {
        if (!quantise_scale(canvas, run, pyramid, sampler, k, rest, f_hat) ||
            !model->backend->copy(run->stream, f_hat, pyramid->f_hat, bytes, CODE_DOWNLOAD))
            return false;
        for (size_t i = 0; i < count; i++)
            rest[i] = f[i] - f_hat[i];
        code_channels_first(canvas->f_hat + k * count, f_hat, count / z, z);
    }
    code_channels_first(canvas->f, f, count / z, z);
    return true;
}

/* ---- what a run keeps ------------------------------------------------------------------------ */

void code_canvas_layout(CodeCanvasMaps *maps, float *host_map, CodeRoom *room)
{
    size_t positions = room->batch * code_positions(&room->model->shape);

    maps->host_map = host_map;
    maps->host_mask = code_arena_take(&room->host, positions, sizeof(float));
}

void code_canvas_scratch(CodeCanvasMaps *maps, CodeRoom *room)
{
    const CodeShape *shape = &room->model->shape;

    maps->kept =
        code_arena_take(&room->device, room->batch * code_map_floats(shape), sizeof(float));
    maps->mask = code_arena_take(&room->device, room->batch * code_positions(shape), sizeof(float));
}

/* Images without a canvas are generated everywhere. */
bool code_canvas_upload(const CodeCanvasMaps *maps, const CodeRun *run, unsigned scale)
{
    const CodesrcModel *model = run->model;
    size_t positions = code_positions(&model->shape);
    size_t z = model->shape.vae.channels, bytes = positions * z * sizeof(float);

    for (unsigned i = 0; i < run->count; i++) {
        const CodesrcRequest *request = &run->requests[i];

        if (request->canvas)
            code_channels_last(maps->host_map, codesrc_canvas_feature_map(request->canvas, scale),
                               positions, z);
        else
            memset(maps->host_map, 0, bytes);
        for (size_t at = 0; at < positions; at++)
            maps->host_mask[i * positions + at] = request->canvas ? request->mask[at] : 1;
        if (!model->backend->copy(run->stream, maps->kept + i * positions * z, maps->host_map,
                                  bytes, CODE_UPLOAD))
            return false;
    }
    return model->backend->copy(run->stream, maps->mask, maps->host_mask,
                                run->count * positions * sizeof(float), CODE_UPLOAD);
}
