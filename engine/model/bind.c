/* bind.c - walks over every tensor of a model by its checkpoint name. The same walk first checks
 * names and shapes of all files, so that an error costs no time, and then loads. */
#include "model/binder.h"

#include "error.h"
#include "formulas.h"
#include "model/steps.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the transformer ------------------------------------------------------------------------- */

static const float ln_100 = 4.6051702f;

static bool bind_q_scale(CodeBinder *binder, CodeBlock *block, unsigned heads, unsigned i)
{
    char name[128];
    uint64_t dims[] = {1, heads, 1, 1};

    snprintf(name, sizeof name, "blocks.%u.attn.scale_mul_1H11", i);
    if (!code_binder_fetch_main(binder, name, 4, dims))
        return false;
    if (code_binder_checks(binder))
        return true;
    for (unsigned head = 0; head < heads; head++)
        binder->staging[head] = code_exponential(fminf(binder->staging[head], ln_100));
    return code_binder_place(binder, binder->staging, heads, &block->q_scale);
}

static bool bind_block(CodeBinder *binder, CodeBlock *block, const CodeVarShape *shape, unsigned i)
{
    unsigned c = shape->width;
    char attention[64];

    if (shape->shared_aln) {
        char name[128];
        uint64_t dims[] = {1, 1, 6, c};

        snprintf(name, sizeof name, "blocks.%u.ada_gss", i);
        if (!code_binder_fetch_main(binder, name, 4, dims) ||
            (!code_binder_checks(binder) &&
             !code_binder_place(binder, binder->staging, 6 * (size_t)c, &block->gss)))
            return false;
    } else {
        char name[64];

        snprintf(name, sizeof name, "blocks.%u.ada_lin.1", i);
        if (!code_binder_adaln(binder, &block->ada, c, 6, name))
            return false;
    }
    snprintf(attention, sizeof attention, "blocks.%u.attn", i);
    return (!shape->l2_norm || bind_q_scale(binder, block, shape->heads, i)) &&
           code_binder_attention(binder, &block->qkv, c, attention) &&
           code_binder_layer(binder, &block->proj,
                             code_weight_spec(CODE_WEIGHT_LINEAR, c, c, ACT_TO_F32),
                             "blocks.%u.attn.proj", i) &&
           code_binder_layer(binder, &block->fc1,
                             code_weight_spec(CODE_WEIGHT_LINEAR, c, 4 * c, ACT_TO_ACT),
                             "blocks.%u.ffn.fc1", i) &&
           code_binder_layer(binder, &block->fc2,
                             code_weight_spec(CODE_WEIGHT_LINEAR, 4 * c, c, ACT_TO_F32),
                             "blocks.%u.ffn.fc2", i);
}

/* pos_1LC + lvl_embed of each position's scale, and pos_start on top of that for scale 0. */
static bool bind_places(CodeBinder *binder, CodeVar *var)
{
    const CodeShape *shape = &binder->model->shape;
    uint64_t c = var->shape.width, length = shape->first[shape->scales];
    uint64_t levels[] = {shape->scales, c}, places[] = {1, length, c},
             start[] = {1, shape->first[1], c};

    if (!code_binder_fetch(binder, &binder->bias, &binder->bias_size, "lvl_embed.weight", 2,
                           levels) ||
        !code_binder_fetch_main(binder, "pos_1LC", 3, places))
        return false;
    if (!code_binder_checks(binder)) {
        for (unsigned k = 0; k < shape->scales; k++)
            for (size_t i = shape->first[k] * c; i < shape->first[k + 1] * c; i++)
                binder->staging[i] = binder->bias[k * c + i % c] + binder->staging[i];
        if (!code_binder_place(binder, binder->staging, length * c, &var->place) ||
            !code_binder_grow(&binder->bias, &binder->bias_size, shape->first[1] * c,
                              binder->error))
            return false;
        memcpy(binder->bias, binder->staging, shape->first[1] * c * sizeof(float));
    }
    if (!code_binder_fetch_main(binder, "pos_start", 3, start))
        return false;
    if (code_binder_checks(binder))
        return true;
    for (size_t i = 0; i < shape->first[1] * c; i++)
        binder->staging[i] += binder->bias[i];
    return code_binder_place(binder, binder->staging, shape->first[1] * c, &var->start);
}

static bool bind_classes(CodeBinder *binder, CodeVar *var)
{
    uint64_t dims[] = {binder->model->shape.classes + 1, var->shape.width};
    size_t bytes = dims[0] * dims[1] * sizeof(float);

    if (!code_binder_fetch_main(binder, "class_emb.weight", 2, dims))
        return false;
    if (code_binder_checks(binder))
        return true;
    var->class_emb = malloc(bytes);
    if (!var->class_emb)
        return code_fail(binder->error, CODESRC_NO_MEMORY, "no memory for %zu bytes of classes",
                         bytes);
    memcpy(var->class_emb, binder->staging, bytes);
    return true;
}

static bool bind_var(CodeBinder *binder, CodeVar *var, const CodeVarShape *shape)
{
    const CodeVaeShape *vae = &binder->model->shape.vae;
    unsigned c = shape->width;

    var->shape = *shape;
    if (!var->blocks && !(var->blocks = calloc(shape->depth, sizeof *var->blocks)))
        return code_fail(binder->error, CODESRC_NO_MEMORY, "no memory for %u blocks", shape->depth);
    if (!bind_classes(binder, var) || !bind_places(binder, var) ||
        !code_binder_layer(binder, &var->word_embed,
                           code_weight_spec(CODE_WEIGHT_LINEAR, vae->channels, c, F32_TO_F32),
                           "word_embed") ||
        !code_binder_adaln(binder, &var->head_ada, c, 2, "head_nm.ada_lin.1") ||
        !code_binder_layer(binder, &var->head,
                           code_weight_spec(CODE_WEIGHT_LINEAR, c, vae->codes, F32_TO_F32),
                           "head") ||
        (shape->shared_aln &&
         !code_binder_adaln(binder, &var->shared_ada, c, 6, "shared_ada_lin.1")))
        return false;
    for (unsigned i = 0; i < shape->depth; i++)
        if (!bind_block(binder, &var->blocks[i], shape, i))
            return false;
    return true;
}

/* ---- the VQ-VAE ------------------------------------------------------------------------------ */

static bool bind_layers(CodeBinder *binder, CodeVaeLayers *layers)
{
    for (unsigned i = 0; i < layers->count; i++) { /* without an encoder it has none */
        CodeVaeLayer *layer = &layers->all[i];

        if (layer->op == CODE_VAE_NORM &&
            (!code_binder_vector(binder, &layer->scale, layer->in, "%s.weight", layer->name) ||
             !code_binder_vector(binder, &layer->shift, layer->in, "%s.bias", layer->name)))
            return false;
        if (layer->op == CODE_VAE_CONV &&
            !code_binder_layer(binder, &layer->weight, layer->spec, "%s", layer->name))
            return false;
    }
    return true;
}

static bool bind_codebook(CodeBinder *binder, CodeVae *vae)
{
    const CodeVaeShape *shape = &binder->model->shape.vae;
    uint64_t dims[] = {shape->codes, shape->channels};
    size_t count = dims[0] * dims[1];

    if (!code_binder_fetch_main(binder, "quantize.embedding.weight", 2, dims))
        return false;
    if (code_binder_checks(binder))
        return true;
    vae->host_codebook = malloc(count * sizeof(float));
    if (!vae->host_codebook)
        return code_fail(binder->error, CODESRC_NO_MEMORY, "no memory for a codebook of %zu",
                         count);
    memcpy(vae->host_codebook, binder->staging, count * sizeof(float));
    return code_binder_place(binder, binder->staging, count, &vae->codebook);
}

static bool bind_phi(CodeBinder *binder, CodeVae *vae)
{
    static const char *const names[] = {
        [CODE_PHI_PARTLY_SHARED] = "quantize.quant_resi.qresi_ls.",
        [CODE_PHI_SHARED] = "quantize.quant_resi.qresi",
        [CODE_PHI_OWN] = "quantize.quant_resi.",
    };
    const CodeVaeShape *shape = &binder->model->shape.vae;
    CodeWeightSpec spec =
        code_weight_spec(CODE_WEIGHT_CONV3, shape->channels, shape->channels, F32_TO_F32);

    for (unsigned j = 0; j < shape->phi_count; j++) {
        char number[12] = "";

        if (shape->phi_names != CODE_PHI_SHARED)
            snprintf(number, sizeof number, "%u", j);
        if (!code_binder_layer(binder, &vae->phi[j], spec, "%s%s", names[shape->phi_names], number))
            return false;
    }
    return true;
}

static bool bind_vae(CodeBinder *binder, CodeVae *vae)
{
    return bind_phi(binder, vae) && bind_codebook(binder, vae) &&
           bind_layers(binder, &vae->encoder) && bind_layers(binder, &vae->decoder);
}

/* ---- files ----------------------------------------------------------------------------------- */

static CodeWeights *open_one(const CodeManifest *manifest, const CodeWeightsFile *file,
                             CodeRole role, uint32_t offset, CodesrcError *error)
{
    return manifest->synthetic
               ? code_weights_synthetic(manifest->synthetic_seed + offset, error)
               : code_weights_open_at(manifest->folder, manifest->folder_name, file, role, error);
}

/* The weights of the released models are no part of this project: says how to get them. */
static void advise(const CodeManifest *manifest, CodesrcError *error)
{
    static const char *const published[] = {"official-256", "code-d30-d16", "var-d"};
    size_t length = strlen(error->text);

    for (unsigned i = 0; i < sizeof published / sizeof published[0]; i++)
        if (error->status == CODESRC_NOT_FOUND &&
            !strncmp(manifest->name, published[i], strlen(published[i])))
            snprintf(error->text + length, sizeof error->text - length,
                     "; `code-model fetch %s FOLDER` gets it", manifest->name);
}

/* `alone`: the drafter decodes all scales, so that no refiner is needed. */
static bool open_sources(const CodeManifest *manifest, const CodeManifestPair *pair, bool alone,
                         CodeSources *sources, CodesrcError *error)
{
    bool refined = pair->refiner.given && !alone;

    sources->vae = open_one(manifest, &manifest->vae.file, CODE_ROLE_VAE, 0, error);
    if (sources->vae)
        sources->drafter = open_one(manifest, &pair->drafter.file, CODE_ROLE_VAR, 1, error);
    if (sources->drafter && refined)
        sources->refiner = open_one(manifest, &pair->refiner.file, CODE_ROLE_VAR, 2, error);
    if (sources->drafter && (!refined || sources->refiner))
        return true;
    advise(manifest, error);
    return false;
}

void code_sources_close(CodeSources *sources)
{
    code_weights_close(sources->vae);
    code_weights_close(sources->drafter);
    code_weights_close(sources->refiner);
}

static bool find_shape(CodesrcModel *model, const CodeManifestPair *pair,
                       const CodeSources *sources, CodesrcError *error)
{
    const CodeManifest *manifest = model->manifest;
    CodeShape *shape = &model->shape;

    shape->scales = manifest->scales;
    memcpy(shape->patch_nums, manifest->patch_nums, sizeof shape->patch_nums);
    for (unsigned k = 0; k < shape->scales; k++)
        shape->first[k + 1] = shape->first[k] + shape->patch_nums[k] * shape->patch_nums[k];
    shape->classes = manifest->classes;
    shape->steps = sources->refiner ? pair->steps : pair->steps & (uint32_t)1 << shape->scales;
    return code_shape_of_vae(manifest, sources->vae, &shape->vae, error) &&
           code_shape_of_var(&pair->drafter, "drafter", sources->drafter, &shape->drafter,
                             &shape->classes, error) &&
           (!sources->refiner || code_shape_of_var(&pair->refiner, "refiner", sources->refiner,
                                                   &shape->refiner, &shape->classes, error));
}

/* Above this many bytes AdaLN weights cost more memory than reading them costs time. */
#define MOST_ADALN ((uint64_t)256 << 20)

/* And the digest takes in one row of so many, wherever they are: all of them would take seconds. */
#define SAMPLED_ROWS 64

static uint64_t adaln_bytes(const CodeVarShape *shape)
{
    uint64_t layers = 2 + 6 * (uint64_t)(shape->shared_aln ? 1 : shape->depth);

    return layers * shape->width * (shape->width + 1) * sizeof(float);
}

static void choose_class_weights(CodesrcModel *model, CodesrcClassWeights wish)
{
    const CodeVarShape *refiner = &model->shape.refiner;

    model->adaln_bytes =
        adaln_bytes(&model->shape.drafter) + (refiner->depth ? adaln_bytes(refiner) : 0);
    model->reads_adaln = wish == CODESRC_CLASS_WEIGHTS_READ ||
                         (wish == CODESRC_CLASS_WEIGHTS_AUTO && model->device_info.host_memory &&
                          model->adaln_bytes > MOST_ADALN);
}

/* One walk over all files. */
static bool walk(CodeBinder *binder, const CodeSources *sources)
{
    CodesrcModel *model = binder->model;
    struct {
        const char *name;
        CodeWeights *weights;
        uint64_t *parameters;
    } parts[] = {{"vae", sources->vae, &model->info.vae_parameters},
                 {"drafter", sources->drafter, &model->info.drafter_parameters},
                 {"refiner", sources->refiner, &model->info.refiner_parameters}};

    for (unsigned i = 0; i < 3 && parts[i].weights; i++) {
        bool good;

        binder->weights = parts[i].weights;
        binder->part = i;
        binder->parameters = 0;
        good = i == 0   ? bind_vae(binder, &model->vae)
               : i == 1 ? bind_var(binder, &model->drafter, &model->shape.drafter)
                        : bind_var(binder, &model->refiner, &model->shape.refiner);
        if (!good || (code_binder_checks(binder) &&
                      !code_weights_all_taken(parts[i].weights, parts[i].name, binder->error)))
            return false;
        *parts[i].parameters = binder->parameters;
    }
    return true;
}

static bool load(CodeBinder *binder, const CodeSources *sources)
{
    CodesrcModel *model = binder->model;
    atomic_bool never = false;
    bool good;

    binder->stream = model->backend->stream_open(model->device, &never, binder->error);
    if (!binder->stream)
        return false;
    binder->digest = model->manifest->digest;
    binder->adaln_step = model->adaln_bytes > MOST_ADALN ? SAMPLED_ROWS : 1;
    good = walk(binder, sources) && code_layers_load(binder) &&
           code_weights_unchanged(sources->vae, binder->error) &&
           code_weights_unchanged(sources->drafter, binder->error) &&
           (!sources->refiner || code_weights_unchanged(sources->refiner, binder->error));
    model->backend->stream_close(binder->stream);
    snprintf(model->digest, sizeof model->digest, "%016" PRIx64, binder->digest);
    model->loaded = good;
    return good;
}

static const CodeManifestPair *pair_for(const CodeManifest *manifest, unsigned steps,
                                        CodesrcError *error)
{
    uint32_t served = 0;

    for (unsigned i = 0; i < manifest->pair_count; i++) {
        if (steps < 32 && manifest->pairs[i].steps >> steps & 1)
            return &manifest->pairs[i];
        served |= manifest->pairs[i].steps;
    }
    code_steps_check(manifest->path, served, steps, error);
    return NULL;
}

bool code_model_list(CodesrcModel *model, unsigned steps, CodeInventory *inventory,
                     CodeSources *sources, const CodeManifestPair **pair, CodesrcError *error)
{
    CodeBinder binder = {.model = model, .inventory = inventory, .error = error};

    *pair = pair_for(model->manifest, steps, error);
    return *pair && open_sources(model->manifest, *pair, false, sources, error) &&
           walk(&binder, sources);
}

bool code_model_bind(CodesrcModel *model, unsigned steps, const CodesrcModelOptions *options,
                     CodesrcError *error)
{
    const CodeManifestPair *pair = pair_for(model->manifest, steps, error);
    CodeBinder binder = {.model = model, .options = options, .error = error};
    CodeSources sources = {0};
    bool alone = steps == model->manifest->scales && !options->keeps_refiner;
    bool good = pair && open_sources(model->manifest, pair, alone, &sources, error) &&
                find_shape(model, pair, &sources, error) &&
                code_vae_encoder(&model->vae.encoder, &model->shape.vae,
                                 code_last_side(&model->shape), error) &&
                code_vae_decoder(&model->vae.decoder, &model->shape.vae,
                                 code_last_side(&model->shape), error);

    if (good) {
        choose_class_weights(model, options->class_weights);
        good = walk(&binder, &sources) && (options->headers_only || load(&binder, &sources));
    }
    if (good && model->loaded && model->reads_adaln) {
        model->drafter.adaln = sources.drafter;
        model->refiner.adaln = sources.refiner;
        sources.drafter = sources.refiner = NULL;
    }
    free(binder.staging);
    free(binder.bias);
    free(binder.layers);
    code_sources_close(&sources);
    return good;
}

void code_model_unbind(CodesrcModel *model)
{
    for (size_t i = 0; i < model->packed_count; i++)
        model->backend->weight_free(model->device, model->packed[i]);
    for (size_t i = 0; i < model->vector_count; i++)
        model->backend->release(model->device, model->vectors[i]);
    free(model->packed);
    free(model->vectors);
    code_weights_close(model->drafter.adaln);
    code_weights_close(model->refiner.adaln);
    free(model->drafter.blocks);
    free(model->drafter.class_emb);
    free(model->refiner.blocks);
    free(model->refiner.class_emb);
    code_vae_layers_free(&model->vae.encoder);
    code_vae_layers_free(&model->vae.decoder);
    free(model->vae.host_codebook);
}
