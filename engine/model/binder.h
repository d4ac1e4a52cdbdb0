/* binder.h - brings one tensor after the other from a weight file to the backend: checks it, reads
 * it, and keeps what the backend makes of it in the model. */
#ifndef CODE_MODEL_BINDER_H
#define CODE_MODEL_BINDER_H

#include "model/model.h"
#include "model/weights.h"

/* One tensor that a model is made of. */
typedef struct CodeListed {
    char name[128];
    unsigned rank, part; /* part: 0 VQ-VAE, 1 drafter, 2 refiner */
    uint64_t dims[CODE_MAX_RANK];
    bool half; /* a device of 16 bits keeps it in 16 bits */
} CodeListed;

typedef struct CodeInventory {
    CodeListed *all;
    size_t count, room;
} CodeInventory;

/* A layer that is to be loaded, or, where `out` is NULL, left in its file. */
typedef struct CodeLayer {
    CodeWeights *weights;
    char name[112]; /* NAME.weight, NAME.bias; of attention NAME.mat_qkv.weight, q_bias, v_bias */
    bool attention;
    CodeWeightSpec spec;
    CodeWeight **out;
    unsigned step;   /* the digest takes in each row whose number this divides */
    uint64_t digest; /* of its values */
} CodeLayer;

typedef struct CodeBinder {
    CodesrcModel *model;
    CodeWeights *weights;     /* the file that is being walked */
    unsigned part;            /* that it is of the model, as in CodeListed */
    CodeInventory *inventory; /* of what the first walk checks, or NULL */
    const CodesrcModelOptions *options;
    CodeStream *stream;  /* for uploading vectors; NULL: check only */
    float *staging;      /* one tensor at a time */
    size_t staging_size; /* floats */
    float *bias;
    size_t bias_size;
    uint64_t parameters; /* seen in this file */
    CodeLayer *layers;   /* that the second walk found, for code_layers_load */
    size_t layer_count, layer_room;
    size_t largest_weight, largest_bias; /* of them, floats */
    uint64_t done, all;                  /* bytes, for the progress */
    uint64_t digest;                     /* of all that was read so far */
    unsigned adaln_step; /* of AdaLN weights it takes in each row whose number this divides */
    CodesrcError *error;
} CodeBinder;

/* The weight files of a model. */
typedef struct CodeSources {
    CodeWeights *vae, *drafter, *refiner; /* refiner: NULL where there is none */
} CodeSources;

void code_sources_close(CodeSources *sources);

/* bind.c: opens the files of a model that was opened already, headers only, and lists the tensors
 * that it is made of. `sources`, all NULL before, is to be closed in any case. */
bool code_model_list(CodesrcModel *model, unsigned steps, CodeInventory *inventory,
                     CodeSources *sources, const CodeManifestPair **pair, CodesrcError *error);

/* True on the first walk, which reads no values. */
static inline bool code_binder_checks(const CodeBinder *binder)
{
    return !binder->stream;
}

CodeWeightSpec code_weight_spec(CodeWeightKind kind, unsigned in, unsigned out, CodeTypes types);

/* Makes room for `count` floats in a buffer that is kept for the next tensor. */
bool code_binder_grow(float **buffer, size_t *size, size_t count, CodesrcError *error);

/* Reads a tensor into a buffer (binder->staging for _main), or only checks it. */
bool code_binder_fetch(CodeBinder *binder, float **buffer, size_t *size, const char *name,
                       unsigned rank, const uint64_t *dims);
bool code_binder_fetch_main(CodeBinder *binder, const char *name, unsigned rank,
                            const uint64_t *dims);

/* Appends to one of the model's lists of what is to be freed. */
bool code_binder_keep(void ***list, size_t *count, void *item, CodesrcError *error);

/* Copies host floats to device memory that lives as long as the model. */
bool code_binder_place(CodeBinder *binder, const float *values, size_t count, const float **out);

/* A layer from the class vector to `parts` vectors: loaded, or left in its file for adaln.c. The
 * digest takes in the same values either way. */
bool code_binder_adaln(CodeBinder *binder, CodeWeight **out, unsigned width, unsigned parts,
                       const char *name);

/* A whole vector (count), or a whole layer: NAME.weight with NAME.bias. The second walk only notes
 * layers, which code_layers_load then loads. */
bool code_binder_vector(CodeBinder *binder, const float **out, unsigned count, const char *format,
                        ...) __attribute__((format(printf, 4, 5)));
bool code_binder_layer(CodeBinder *binder, CodeWeight **out, CodeWeightSpec spec,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));
bool code_binder_attention(CodeBinder *binder, CodeWeight **out, unsigned width, const char *name);

/* Tells how many values more were read; false, with `error` filled in, where the caller cancels. */
bool code_binder_progress(CodeBinder *binder, uint64_t count);

/* layers.c: reads and packs all noted layers, on several threads where the device computes in the
 * host's memory. */
bool code_layers_load(CodeBinder *binder);

#endif
