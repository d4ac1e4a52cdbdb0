/* bind.c - walks over every tensor of a model by its checkpoint name. The same walk first checks
 * names and shapes of all files, so that an error costs no time, and then loads. */
#include "model.h"

#include "error.h"
#include "weights.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Binder {
    CodeModel *model;
    CodeWeights *weights; /* the file that is being walked */
    const CodeModelOptions *options;
    CodeStream *stream;  /* for uploading vectors; NULL: check only */
    float *staging;      /* one tensor at a time */
    size_t staging_size; /* floats */
    float *bias;
    size_t bias_size;
    uint64_t parameters; /* seen in this file */
    uint64_t done, all;  /* bytes, for the progress */
    CodeError *error;
} Binder;

static bool checking(const Binder *binder)
{
    return !binder->stream;
}

static bool grow(float **buffer, size_t *size, size_t count, CodeError *error)
{
    float *larger;

    if (count <= *size)
        return true;
    larger = realloc(*buffer, count * sizeof(float));
    if (!larger)
        return code_fail(error, CODE_NO_MEMORY, "no memory to read a tensor of %zu values", count);
    *buffer = larger;
    *size = count;
    return true;
}

/* Reads one tensor into a buffer, or only checks it. */
static bool fetch(Binder *binder, float **buffer, size_t *size, const char *name, unsigned rank,
                  const uint64_t *dims)
{
    size_t count = 1;

    for (unsigned i = 0; i < rank; i++)
        count *= dims[i];
    binder->parameters += count;
    if (checking(binder)) {
        binder->all += count * sizeof(float);
        return code_weights_check(binder->weights, name, rank, dims, binder->error);
    }
    if (!grow(buffer, size, count, binder->error) ||
        !code_weights_read(binder->weights, name, rank, dims, *buffer, binder->error))
        return false;
    binder->done += count * sizeof(float);
    if (binder->options->progress &&
        !binder->options->progress(binder->options->progress_user,
                                   (double)binder->done / (double)binder->all))
        return code_fail(binder->error, CODE_CANCELLED, "%s: loading was cancelled",
                         code_weights_name(binder->weights));
    return true;
}

static bool fetch_main(Binder *binder, const char *name, unsigned rank, const uint64_t *dims)
{
    return fetch(binder, &binder->staging, &binder->staging_size, name, rank, dims);
}

/* Appends to one of the model's lists of what is to be freed. */
static bool keep(void ***list, size_t *count, void *item, CodeError *error)
{
    void **longer = *list;

    if ((*count & (*count - 1)) == 0)
        longer = realloc(*list, (*count ? 2 * *count : 1) * sizeof *longer);
    if (!longer)
        return code_fail(error, CODE_NO_MEMORY, "no memory for a list of %zu weights", *count);
    *list = longer;
    longer[(*count)++] = item;
    return true;
}

/* Copies host floats to device memory that lives as long as the model. */
static bool place_vector(Binder *binder, const float *values, size_t count, const float **out)
{
    CodeModel *model = binder->model;
    void *memory = model->backend->alloc(model->device, count * sizeof(float), binder->error);

    if (!memory)
        return false;
    if (!keep(&model->vectors, &model->vector_count, memory, binder->error)) {
        model->backend->release(model->device, memory);
        return false;
    }
    if (!model->backend->copy(binder->stream, memory, values, count * sizeof(float), CODE_UPLOAD)) {
        *binder->error = binder->stream->error;
        return false;
    }
    *out = memory;
    return true;
}

static bool pack(Binder *binder, const CodeWeightSpec *spec, const float *bias, CodeWeight **out)
{
    CodeModel *model = binder->model;

    *out = model->backend->weight_pack(model->device, spec, binder->staging, bias, binder->error);
    if (!*out)
        return false;
    if (!keep(&model->packed, &model->packed_count, *out, binder->error)) {
        model->backend->weight_free(model->device, *out);
        return false;
    }
    return true;
}

/* ---- kinds of tensors --------------------------------------------------------------------------
 */

static bool vector(Binder *binder, const float **out, unsigned count, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static bool vector(Binder *binder, const float **out, unsigned count, const char *format, ...)
{
    char name[128];
    uint64_t dims[] = {count};
    va_list args;

    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    return fetch_main(binder, name, 1, dims) &&
           (checking(binder) || place_vector(binder, binder->staging, count, out));
}

/* NAME.weight with NAME.bias. */
static bool layer(Binder *binder, CodeWeight **out, CodeWeightKind kind, unsigned in,
                  unsigned width, const char *format, ...) __attribute__((format(printf, 6, 7)));

static bool layer(Binder *binder, CodeWeight **out, CodeWeightKind kind, unsigned in,
                  unsigned width, const char *format, ...)
{
    char base[112], name[128];
    unsigned kernel = kind == CODE_WEIGHT_CONV3 || kind == CODE_WEIGHT_CONV3_S2 ? 3 : 1;
    uint64_t dims[] = {width, in, kernel, kernel};
    CodeWeightSpec spec = {kind, in, width};
    va_list args;

    va_start(args, format);
    vsnprintf(base, sizeof base, format, args);
    va_end(args);
    snprintf(name, sizeof name, "%s.bias", base);
    if (!fetch(binder, &binder->bias, &binder->bias_size, name, 1, dims))
        return false;
    snprintf(name, sizeof name, "%s.weight", base);
    return fetch_main(binder, name, kind == CODE_WEIGHT_LINEAR ? 2 : 4, dims) &&
           (checking(binder) || pack(binder, &spec, binder->bias, out));
}

/* ---- the transformer ---------------------------------------------------------------------------
 */

/* mat_qkv.weight; its bias is q_bias, 0, v_bias. */
static bool bind_qkv(Binder *binder, CodeBlock *block, unsigned width, unsigned i)
{
    char name[128];
    uint64_t dims[] = {3 * (uint64_t)width, width};
    CodeWeightSpec spec = {CODE_WEIGHT_LINEAR, width, 3 * width};
    float *bias = NULL;
    bool good = false;

    if (!checking(binder) && !(bias = calloc(3 * (size_t)width, sizeof *bias)))
        return code_fail(binder->error, CODE_NO_MEMORY, "no memory for a bias of %u", 3 * width);
    snprintf(name, sizeof name, "blocks.%u.attn.q_bias", i);
    if (!fetch(binder, &binder->bias, &binder->bias_size, name, 1, dims + 1))
        goto out;
    if (bias)
        memcpy(bias, binder->bias, width * sizeof *bias);
    snprintf(name, sizeof name, "blocks.%u.attn.v_bias", i);
    if (!fetch(binder, &binder->bias, &binder->bias_size, name, 1, dims + 1))
        goto out;
    if (bias)
        memcpy(bias + 2 * (size_t)width, binder->bias, width * sizeof *bias);
    snprintf(name, sizeof name, "blocks.%u.attn.mat_qkv.weight", i);
    good = fetch_main(binder, name, 2, dims) &&
           (checking(binder) || pack(binder, &spec, bias, &block->qkv));
out:
    free(bias);
    return good;
}

static bool bind_q_scale(Binder *binder, CodeBlock *block, unsigned heads, unsigned i)
{
    char name[128];
    uint64_t dims[] = {1, heads, 1, 1};

    snprintf(name, sizeof name, "blocks.%u.attn.scale_mul_1H11", i);
    if (!fetch_main(binder, name, 4, dims))
        return false;
    if (checking(binder))
        return true;
    for (unsigned head = 0; head < heads; head++)
        binder->staging[head] = expf(fminf(binder->staging[head], logf(100.0f)));
    return place_vector(binder, binder->staging, heads, &block->q_scale);
}

static bool bind_block(Binder *binder, CodeBlock *block, const CodeVarShape *shape, unsigned i)
{
    unsigned c = shape->width;

    if (shape->shared_aln) {
        char name[128];
        uint64_t dims[] = {1, 1, 6, c};

        snprintf(name, sizeof name, "blocks.%u.ada_gss", i);
        if (!fetch_main(binder, name, 4, dims) ||
            (!checking(binder) &&
             !place_vector(binder, binder->staging, 6 * (size_t)c, &block->gss)))
            return false;
    } else if (!layer(binder, &block->ada, CODE_WEIGHT_LINEAR, c, 6 * c, "blocks.%u.ada_lin.1",
                      i)) {
        return false;
    }
    return bind_q_scale(binder, block, shape->heads, i) && bind_qkv(binder, block, c, i) &&
           layer(binder, &block->proj, CODE_WEIGHT_LINEAR, c, c, "blocks.%u.attn.proj", i) &&
           layer(binder, &block->fc1, CODE_WEIGHT_LINEAR, c, 4 * c, "blocks.%u.ffn.fc1", i) &&
           layer(binder, &block->fc2, CODE_WEIGHT_LINEAR, 4 * c, c, "blocks.%u.ffn.fc2", i);
}

/* pos_1LC + lvl_embed of each position's scale, and pos_start on top of that for scale 0. */
static bool bind_places(Binder *binder, CodeVar *var)
{
    const CodeShape *shape = &binder->model->shape;
    uint64_t c = var->shape.width, length = shape->first[shape->scales];
    uint64_t levels[] = {shape->scales, c}, places[] = {1, length, c},
             start[] = {1, shape->first[1], c};

    if (!fetch(binder, &binder->bias, &binder->bias_size, "lvl_embed.weight", 2, levels) ||
        !fetch_main(binder, "pos_1LC", 3, places))
        return false;
    if (!checking(binder)) {
        for (unsigned k = 0; k < shape->scales; k++)
            for (size_t i = shape->first[k] * c; i < shape->first[k + 1] * c; i++)
                binder->staging[i] = binder->bias[k * c + i % c] + binder->staging[i];
        if (!place_vector(binder, binder->staging, length * c, &var->place) ||
            !grow(&binder->bias, &binder->bias_size, shape->first[1] * c, binder->error))
            return false;
        memcpy(binder->bias, binder->staging, shape->first[1] * c * sizeof(float));
    }
    if (!fetch_main(binder, "pos_start", 3, start))
        return false;
    if (checking(binder))
        return true;
    for (size_t i = 0; i < shape->first[1] * c; i++)
        binder->staging[i] += binder->bias[i];
    return place_vector(binder, binder->staging, shape->first[1] * c, &var->start);
}

static bool bind_classes(Binder *binder, CodeVar *var)
{
    uint64_t dims[] = {binder->model->shape.classes + 1, var->shape.width};
    size_t bytes = dims[0] * dims[1] * sizeof(float);

    if (!fetch_main(binder, "class_emb.weight", 2, dims))
        return false;
    if (checking(binder))
        return true;
    var->class_emb = malloc(bytes);
    if (!var->class_emb)
        return code_fail(binder->error, CODE_NO_MEMORY, "no memory for %zu bytes of classes",
                         bytes);
    memcpy(var->class_emb, binder->staging, bytes);
    return true;
}

static bool bind_var(Binder *binder, CodeVar *var, const CodeVarShape *shape)
{
    const CodeVaeShape *vae = &binder->model->shape.vae;
    unsigned c = shape->width;

    var->shape = *shape;
    if (!var->blocks && !(var->blocks = calloc(shape->depth, sizeof *var->blocks)))
        return code_fail(binder->error, CODE_NO_MEMORY, "no memory for %u blocks", shape->depth);
    if (!bind_classes(binder, var) || !bind_places(binder, var) ||
        !layer(binder, &var->word_embed, CODE_WEIGHT_LINEAR, vae->channels, c, "word_embed") ||
        !layer(binder, &var->head_ada, CODE_WEIGHT_LINEAR, c, 2 * c, "head_nm.ada_lin.1") ||
        !layer(binder, &var->head, CODE_WEIGHT_LINEAR, c, vae->codes, "head") ||
        (shape->shared_aln &&
         !layer(binder, &var->shared_ada, CODE_WEIGHT_LINEAR, c, 6 * c, "shared_ada_lin.1")))
        return false;
    for (unsigned i = 0; i < shape->depth; i++)
        if (!bind_block(binder, &var->blocks[i], shape, i))
            return false;
    return true;
}

/* ---- the VQ-VAE --------------------------------------------------------------------------------
 */

static bool bind_norm(Binder *binder, CodeNorm *norm, unsigned channels, const char *name)
{
    norm->channels = channels;
    return vector(binder, &norm->weight, channels, "%s.weight", name) &&
           vector(binder, &norm->bias, channels, "%s.bias", name);
}

static bool bind_res(Binder *binder, CodeResBlock *block, unsigned in, unsigned out,
                     const char *name)
{
    char part[96];

    snprintf(part, sizeof part, "%s.norm1", name);
    if (!bind_norm(binder, &block->norm1, in, part))
        return false;
    snprintf(part, sizeof part, "%s.norm2", name);
    return bind_norm(binder, &block->norm2, out, part) &&
           layer(binder, &block->conv1, CODE_WEIGHT_CONV3, in, out, "%s.conv1", name) &&
           layer(binder, &block->conv2, CODE_WEIGHT_CONV3, out, out, "%s.conv2", name) &&
           (in == out ||
            layer(binder, &block->shortcut, CODE_WEIGHT_CONV1, in, out, "%s.nin_shortcut", name));
}

static bool bind_attn(Binder *binder, CodeAttnBlock *attn, unsigned channels, const char *name)
{
    char part[96];

    snprintf(part, sizeof part, "%s.norm", name);
    return bind_norm(binder, &attn->norm, channels, part) &&
           layer(binder, &attn->qkv, CODE_WEIGHT_CONV1, channels, 3 * channels, "%s.qkv", name) &&
           layer(binder, &attn->proj, CODE_WEIGHT_CONV1, channels, channels, "%s.proj_out", name);
}

static bool bind_mid(Binder *binder, CodeVaeSide *side, unsigned channels, const char *name)
{
    char part[64];

    snprintf(part, sizeof part, "%s.mid.block_1", name);
    if (!bind_res(binder, &side->mid1, channels, channels, part))
        return false;
    snprintf(part, sizeof part, "%s.mid.attn_1", name);
    if (!bind_attn(binder, &side->mid_attn, channels, part))
        return false;
    snprintf(part, sizeof part, "%s.mid.block_2", name);
    return bind_res(binder, &side->mid2, channels, channels, part);
}

/* The blocks of one level, `name` being encoder.down.L or decoder.up.L. *channels: in, then out. */
static bool bind_level(Binder *binder, CodeLevel *level, unsigned l, unsigned blocks,
                       unsigned *channels, const char *name)
{
    const CodeVaeShape *shape = &binder->model->shape.vae;
    unsigned out = shape->ch * shape->ch_mult[l];

    for (unsigned b = 0; b < blocks; b++, *channels = out) {
        char part[80];

        snprintf(part, sizeof part, "%s.block.%u", name, b);
        if (!bind_res(binder, &level->block[b], *channels, out, part))
            return false;
        snprintf(part, sizeof part, "%s.attn.%u", name, b);
        if (l == shape->levels - 1 && !bind_attn(binder, &level->attn[b], out, part))
            return false;
    }
    return true;
}

static bool bind_encoder(Binder *binder, CodeVaeSide *side)
{
    const CodeVaeShape *shape = &binder->model->shape.vae;
    unsigned channels = shape->ch;

    if (!layer(binder, &side->conv_in, CODE_WEIGHT_CONV3, 3, channels, "encoder.conv_in"))
        return false;
    for (unsigned l = 0; l < shape->levels; l++) {
        char name[48];

        snprintf(name, sizeof name, "encoder.down.%u", l);
        if (!bind_level(binder, &side->level[l], l, shape->res_blocks, &channels, name))
            return false;
        if (l < shape->levels - 1 && !layer(binder, &side->level[l].resample, CODE_WEIGHT_CONV3_S2,
                                            channels, channels, "%s.downsample.conv", name))
            return false;
    }
    return bind_mid(binder, side, channels, "encoder") &&
           bind_norm(binder, &side->norm_out, channels, "encoder.norm_out") &&
           layer(binder, &side->conv_out, CODE_WEIGHT_CONV3, channels, shape->channels,
                 "encoder.conv_out");
}

static bool bind_decoder(Binder *binder, CodeVaeSide *side)
{
    const CodeVaeShape *shape = &binder->model->shape.vae;
    unsigned channels = shape->ch * shape->ch_mult[shape->levels - 1];

    if (!layer(binder, &side->conv_in, CODE_WEIGHT_CONV3, shape->channels, channels,
               "decoder.conv_in") ||
        !bind_mid(binder, side, channels, "decoder"))
        return false;
    for (unsigned l = shape->levels; l-- > 0;) {
        char name[48];

        snprintf(name, sizeof name, "decoder.up.%u", l);
        if (!bind_level(binder, &side->level[l], l, shape->res_blocks + 1, &channels, name))
            return false;
        if (l > 0 && !layer(binder, &side->level[l].resample, CODE_WEIGHT_CONV3, channels, channels,
                            "%s.upsample.conv", name))
            return false;
    }
    return bind_norm(binder, &side->norm_out, channels, "decoder.norm_out") &&
           layer(binder, &side->conv_out, CODE_WEIGHT_CONV3, channels, 3, "decoder.conv_out");
}

static bool bind_codebook(Binder *binder, CodeVae *vae)
{
    const CodeVaeShape *shape = &binder->model->shape.vae;
    uint64_t dims[] = {shape->codes, shape->channels};
    size_t count = dims[0] * dims[1];

    if (!fetch_main(binder, "quantize.embedding.weight", 2, dims))
        return false;
    if (checking(binder))
        return true;
    vae->host_codebook = malloc(count * sizeof(float));
    if (!vae->host_codebook)
        return code_fail(binder->error, CODE_NO_MEMORY, "no memory for a codebook of %zu", count);
    memcpy(vae->host_codebook, binder->staging, count * sizeof(float));
    return place_vector(binder, binder->staging, count, &vae->codebook);
}

static bool bind_vae(Binder *binder, CodeVae *vae)
{
    unsigned z = binder->model->shape.vae.channels;

    for (unsigned j = 0; j < CODE_PHI_COUNT; j++)
        if (!layer(binder, &vae->phi[j], CODE_WEIGHT_CONV3, z, z, "quantize.quant_resi.qresi_ls.%u",
                   j))
            return false;
    return bind_codebook(binder, vae) &&
           layer(binder, &vae->quant_conv, CODE_WEIGHT_CONV3, z, z, "quant_conv") &&
           layer(binder, &vae->post_quant_conv, CODE_WEIGHT_CONV3, z, z, "post_quant_conv") &&
           bind_encoder(binder, &vae->encoder) && bind_decoder(binder, &vae->decoder);
}

/* ---- files -------------------------------------------------------------------------------------
 */

typedef struct Sources {
    CodeWeights *vae, *drafter, *refiner; /* refiner: NULL where there is none */
} Sources;

static CodeWeights *open_one(const CodeManifest *manifest, const char *file, CodeRole role,
                             uint32_t offset, CodeError *error)
{
    return manifest->synthetic
               ? code_weights_synthetic(manifest->synthetic_seed + offset, error)
               : code_weights_open_at(manifest->folder, manifest->folder_name, file, role, error);
}

static bool open_sources(const CodeManifest *manifest, const CodeManifestPair *pair,
                         Sources *sources, CodeError *error)
{
    sources->vae = open_one(manifest, manifest->vae.file, CODE_ROLE_VAE, 0, error);
    if (sources->vae)
        sources->drafter = open_one(manifest, pair->drafter.file, CODE_ROLE_VAR, 1, error);
    if (sources->drafter && pair->refiner.given)
        sources->refiner = open_one(manifest, pair->refiner.file, CODE_ROLE_VAR, 2, error);
    return sources->drafter && (!pair->refiner.given || sources->refiner);
}

static void close_sources(Sources *sources)
{
    code_weights_close(sources->vae);
    code_weights_close(sources->drafter);
    code_weights_close(sources->refiner);
}

static bool find_shape(CodeModel *model, const CodeManifestPair *pair, const Sources *sources,
                       CodeError *error)
{
    const CodeManifest *manifest = model->manifest;
    CodeShape *shape = &model->shape;

    shape->scales = manifest->scales;
    memcpy(shape->patch_nums, manifest->patch_nums, sizeof shape->patch_nums);
    for (unsigned k = 0; k < shape->scales; k++)
        shape->first[k + 1] = shape->first[k] + shape->patch_nums[k] * shape->patch_nums[k];
    shape->classes = manifest->classes;
    shape->steps = pair->steps;
    return code_shape_of_vae(manifest, sources->vae, &shape->vae, error) &&
           code_shape_of_var(&pair->drafter, "drafter", sources->drafter, &shape->drafter,
                             &shape->classes, error) &&
           (!sources->refiner || code_shape_of_var(&pair->refiner, "refiner", sources->refiner,
                                                   &shape->refiner, &shape->classes, error));
}

/* One walk over all files. */
static bool walk(Binder *binder, const Sources *sources)
{
    CodeModel *model = binder->model;
    struct {
        CodeWeights *weights;
        uint64_t *parameters;
    } parts[] = {{sources->vae, &model->info.vae_parameters},
                 {sources->drafter, &model->info.drafter_parameters},
                 {sources->refiner, &model->info.refiner_parameters}};

    for (unsigned i = 0; i < 3 && parts[i].weights; i++) {
        bool good;

        binder->weights = parts[i].weights;
        binder->parameters = 0;
        good = i == 0   ? bind_vae(binder, &model->vae)
               : i == 1 ? bind_var(binder, &model->drafter, &model->shape.drafter)
                        : bind_var(binder, &model->refiner, &model->shape.refiner);
        if (!good || (!checking(binder) && !code_weights_unchanged(binder->weights, binder->error)))
            return false;
        *parts[i].parameters = binder->parameters;
    }
    return true;
}

static bool load(Binder *binder, const Sources *sources)
{
    CodeModel *model = binder->model;
    atomic_bool never = false;
    bool good;

    binder->stream = model->backend->stream_open(model->device, &never, binder->error);
    if (!binder->stream)
        return false;
    good = walk(binder, sources);
    model->backend->stream_close(binder->stream);
    model->loaded = good;
    return good;
}

static const CodeManifestPair *pair_for(const CodeManifest *manifest, unsigned steps,
                                        CodeError *error)
{
    char offered[CODE_MAX_SCALES * 4] = "";
    size_t length = 0;

    for (unsigned i = 0; i < manifest->pair_count; i++)
        if (steps < 32 && manifest->pairs[i].steps >> steps & 1)
            return &manifest->pairs[i];
    for (unsigned n = 1; n <= manifest->scales; n++)
        for (unsigned i = 0; i < manifest->pair_count; i++)
            if (manifest->pairs[i].steps >> n & 1)
                length += (size_t)snprintf(offered + length, sizeof offered - length, " %u", n);
    code_fail(error, CODE_SETTINGS, "%s: drafting-steps %u: the model is made for%s",
              manifest->path, steps, offered);
    return NULL;
}

bool code_model_bind(CodeModel *model, unsigned steps, const CodeModelOptions *options,
                     CodeError *error)
{
    const CodeManifestPair *pair = pair_for(model->manifest, steps, error);
    Binder binder = {.model = model, .options = options, .error = error};
    Sources sources = {0};
    bool good = pair && open_sources(model->manifest, pair, &sources, error) &&
                find_shape(model, pair, &sources, error) && walk(&binder, &sources);

    if (good && !options->headers_only)
        good = load(&binder, &sources);
    free(binder.staging);
    free(binder.bias);
    close_sources(&sources);
    return good;
}

void code_model_unbind(CodeModel *model)
{
    for (size_t i = 0; i < model->packed_count; i++)
        model->backend->weight_free(model->device, model->packed[i]);
    for (size_t i = 0; i < model->vector_count; i++)
        model->backend->release(model->device, model->vectors[i]);
    free(model->packed);
    free(model->vectors);
    free(model->drafter.blocks);
    free(model->drafter.class_emb);
    free(model->refiner.blocks);
    free(model->refiner.class_emb);
    free(model->vae.host_codebook);
}
