/* binder.h - brings one tensor after another from a weight file to the backend: checks it, reads
 * it, and keeps the backend's packed form in the model. */
#ifndef CODE_MODEL_BINDER_H
#define CODE_MODEL_BINDER_H

#include "model/model.h"
#include "model/weights.h"

/* One tensor of a model. */
typedef struct CodeListed {
    char name[128];
    unsigned rank, part; /* part: 0 VQ-VAE, 1 drafter, 2 refiner */
    uint64_t dims[CODE_MAX_RANK];
    bool half; /* 16-bit devices keep it in 16 bits */
} CodeListed;

typedef struct CodeInventory {
    CodeListed *all;
    size_t count, room;
} CodeInventory;

/* A layer to load or, if `out` is NULL, to leave in its file. */
typedef struct CodeLayer {
    CodeWeights *weights;
    char name[112]; /* NAME.weight, NAME.bias; of attention NAME.mat_qkv.weight, q_bias, v_bias */
    bool attention;
    CodeWeightSpec spec;
    CodeWeight **out;
    unsigned step;   /* the digest covers every step-th row */
    uint64_t digest; /* of its values */
} CodeLayer;

typedef struct CodeBinder {
    CodesrcModel *model;
    CodeWeights *weights;     /* the file being walked */
    unsigned part;            /* its part of the model, as in CodeListed */
    CodeInventory *inventory; /* tensors that the first walk checks, or NULL */
    const CodesrcModelOptions *options;
    CodeStream *stream;  /* for uploading vectors; NULL: check only */
    float *staging;      /* one tensor at a time */
    size_t staging_size; /* floats */
    float *bias;
    size_t bias_size;
    uint64_t parameters; /* seen in this file */
    CodeLayer *layers;   /* found by the second walk, for code_layers_load */
    size_t layer_count, layer_room;
    size_t largest_weight, largest_bias; /* of them, floats */
    uint64_t done, all;                  /* bytes, for the progress */
    uint64_t digest;                     /* of everything read so far */
    unsigned adaln_step;                 /* of AdaLN weights, it covers every adaln_step-th row */
    CodesrcError *error;
} CodeBinder;

/* The weight files of a model. */
typedef struct CodeSources {
    CodeWeights *vae, *drafter, *refiner; /* refiner: NULL if there is none */
} CodeSources;

void code_sources_close(CodeSources *sources);

/* bind.c: opens the files of an open model, headers only, and lists its tensors. `sources` must
 * be all NULL before; close it in any case. */
bool code_model_list(CodesrcModel *model, unsigned steps, CodeInventory *inventory,
                     CodeSources *sources, const CodeManifestPair **pair, CodesrcError *error);

/* True on the first walk, which reads no values. */
static inline bool code_binder_checks(const CodeBinder *binder)
{
    return !binder->stream;
}

CodeWeightSpec code_weight_spec(CodeWeightKind kind, unsigned in, unsigned out, CodeTypes types);

/* Grows a buffer, kept from tensor to tensor, to hold `count` floats. */
bool code_binder_grow(float **buffer, size_t *size, size_t count, CodesrcError *error);

/* Reads a tensor into a buffer (binder->staging for _main), or only checks it. */
bool code_binder_fetch(CodeBinder *binder, float **buffer, size_t *size, const char *name,
                       unsigned rank, const uint64_t *dims);
bool code_binder_fetch_main(CodeBinder *binder, const char *name, unsigned rank,
                            const uint64_t *dims);

/* Appends to one of the model's lists of things to free. */
bool code_binder_keep(void ***list, size_t *count, void *item, CodesrcError *error);

/* Copies host floats to device memory that lives as long as the model. */
bool code_binder_place(CodeBinder *binder, const float *values, size_t count, const float **out);

/* A layer from the class vector to `parts` vectors: loaded, or left in its file for adaln.c. The
 * digest covers the same values either way. */
bool code_binder_adaln(CodeBinder *binder, CodeWeight **out, unsigned width, unsigned parts,
                       const char *name);

/* A whole vector (count), or a whole layer: NAME.weight with NAME.bias. The second walk only notes
 * layers, which code_layers_load then loads. */
bool code_binder_vector(CodeBinder *binder, const float **out, unsigned count, const char *format,
                        ...) __attribute__((format(printf, 4, 5)));
bool code_binder_layer(CodeBinder *binder, CodeWeight **out, CodeWeightSpec spec,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));
bool code_binder_attention(CodeBinder *binder, CodeWeight **out, unsigned width, const char *name);

/* Reports how many more values were read. False, with `error` filled in, if the caller cancels. */
bool code_binder_progress(CodeBinder *binder, uint64_t count);

/* layers.c: reads and packs all noted layers, on several threads if the device computes in host
 * memory. */
bool code_layers_load(CodeBinder *binder);

#endif
