/* model.h - a model in memory: shapes as data, and weights as the backend packed them. */
#ifndef CODE_MODEL_MODEL_H
#define CODE_MODEL_MODEL_H

#include "backend.h"
#include "model/manifest.h"
#include "model/vae_layers.h"
#include "model/weights.h"

/* ---- shapes ---------------------------------------------------------------------------------- */

typedef struct CodeVarShape {
    unsigned depth; /* 0: the model has no such transformer */
    unsigned width; /* C */
    unsigned heads; /* H = C / 64 */
    bool shared_aln;
    bool l2_norm; /* attn_l2_norm: queries and keys are normalised */
} CodeVarShape;

typedef struct CodeShape {
    unsigned scales; /* K */
    unsigned patch_nums[CODESRC_MAX_SCALES];
    unsigned first[CODESRC_MAX_SCALES + 1]; /* position of a scale's first token; first[K] = L */
    unsigned classes;
    uint32_t steps; /* bit N: the model serves N drafting steps */
    CodeVaeShape vae;
    CodeVarShape drafter, refiner;
} CodeShape;

static inline unsigned code_last_side(const CodeShape *shape)
{
    return shape->patch_nums[shape->scales - 1];
}

static inline unsigned code_picture_side(const CodeShape *shape)
{
    return code_last_side(shape) << (shape->vae.levels - 1);
}

/* Positions of the last scale, P * P. */
static inline size_t code_positions(const CodeShape *shape)
{
    return (size_t)code_last_side(shape) * code_last_side(shape);
}

/* Floats of a feature map (P, P, Z), and of an image (S, S, 3). */
static inline size_t code_map_floats(const CodeShape *shape)
{
    return code_positions(shape) * shape->vae.channels;
}

static inline size_t code_image_floats(const CodeShape *shape)
{
    return 3 * (size_t)code_picture_side(shape) * code_picture_side(shape);
}

/* ---- weights --------------------------------------------------------------------------------- */

typedef struct CodeBlock {
    CodeWeight *qkv;  /* (3C, C), bias q_bias, 0, v_bias */
    CodeWeight *proj; /* (C, C) */
    CodeWeight *fc1;  /* (4C, C) */
    CodeWeight *fc2;  /* (C, 4C) */
    CodeWeight *ada;  /* (6C, C): gamma1 gamma2 scale1 scale2 shift1 shift2; NULL with shared_aln */
    const float *gss; /* (6, C) with shared_aln, else NULL */
    const float *q_scale; /* (H), exp(min(scale_mul, ln 100)); NULL without l2_norm */
} CodeBlock;

typedef struct CodeVar {
    CodeVarShape shape;
    float *class_emb;       /* host: (classes + 1, C) */
    const float *start;     /* (p_0^2, C): pos_start + place of scale 0 */
    const float *place;     /* (L, C): lvl_embed + pos_1LC */
    CodeWeight *word_embed; /* (C, Z) */
    CodeWeight *shared_ada; /* (6C, C) with shared_aln */
    CodeWeight *head_ada;   /* (2C, C): scale, shift */
    CodeWeight *head;       /* (V, C) */
    CodeBlock *blocks;      /* depth */
    CodeWeights *adaln; /* the file of ada, shared_ada and head_ada, which are then NULL; NULL if
                           they are in memory */
} CodeVar;

typedef struct CodeVae {
    CodeVaeLayers encoder, decoder;
    CodeWeight *phi[CODE_MAX_PHI]; /* 3 x 3, Z to Z */
    const float *codebook;         /* (V, Z) */
    float *host_codebook;          /* the same, on the host */
} CodeVae;

struct CodesrcModel {
    atomic_uint references;
    CodeManifest *manifest;
    CodesrcModelInfo info;
    CodeShape shape;
    const CodeBackend *backend;
    CodesrcError passed_over; /* by "auto"; info has its text */
    CodeDevice *device;
    CodeDeviceInfo device_info;
    bool loaded;     /* false after headers_only */
    char digest[17]; /* empty until the model is loaded */
    CodeVar drafter, refiner;
    CodeVae vae;
    bool reads_adaln;      /* AdaLN weights are not loaded: adaln.c */
    uint64_t adaln_bytes;  /* of them, as float32 */
    uint64_t weight_bytes; /* of the weights, once loaded */
    void **vectors;        /* device memory of everything except CodeWeights */
    size_t vector_count;
    void **packed; /* every CodeWeight, for freeing */
    size_t packed_count;
};

/* ---- bind.c: tensors to weights -------------------------------------------------------------- */

/* Finds model->shape from the manifest and the headers of its weight files, for the pair that
 * serves `steps`, checks every tensor, and loads all of them unless options->headers_only. */
bool code_model_bind(CodesrcModel *model, unsigned steps, const CodesrcModelOptions *options,
                     CodesrcError *error);
void code_model_unbind(CodesrcModel *model);

/* ---- shape.c: what the files do not say ------------------------------------------------------ */

/* Complete a shape from the manifest or, for real files, from the tensors, which must agree with
 * the manifest. */
bool code_shape_of_vae(const CodeManifest *manifest, const CodeWeights *weights,
                       CodeVaeShape *shape, CodesrcError *error);
bool code_shape_of_var(const CodeManifestVar *given, const char *role, const CodeWeights *weights,
                       CodeVarShape *shape, unsigned *classes, CodesrcError *error);

#endif
