/* vae_layers.h - the VQ-VAE around the token pyramid as two lists of layers, in the order in which
 * they run. Binding its weights, computing it, counting its operations and sizing its maps all
 * walk these lists, so that its structure is stated once. */
#ifndef CODE_MODEL_VAE_LAYERS_H
#define CODE_MODEL_VAE_LAYERS_H

#include "backend.h"
#include "model/limits.h"

/* How the scales share the convolutions that refine their feature maps, which VAR calls phi. The
 * tensors' names tell. */
typedef enum CodePhiNames {
    CODE_PHI_PARTLY_SHARED, /* quantize.quant_resi.qresi_ls.0, ... */
    CODE_PHI_SHARED,        /* quantize.quant_resi.qresi, the only one */
    CODE_PHI_OWN,           /* quantize.quant_resi.0, ...: one a scale */
} CodePhiNames;

typedef struct CodeVaeShape {
    unsigned codes;    /* V */
    unsigned channels; /* Z */
    unsigned ch, res_blocks, groups;
    unsigned levels, ch_mult[CODE_MAX_LEVELS];
    CodePhiNames phi_names;
    unsigned phi_count; /* 1..CODE_MAX_PHI */
    bool encodes;       /* the file has an encoder */
} CodeVaeShape;

typedef enum CodeVaeOp {
    CODE_VAE_NORM,      /* to = GN(from), then SiLU if `silu`; the next layer is a CONV of it */
    CODE_VAE_CONV,      /* to = conv(from), plus map `add` if there is one */
    CODE_VAE_ATTENTION, /* to = attention of one head over all positions; from holds q, k, v */
} CodeVaeOp;

/* Layers read and write three maps; the decoder's first layer reads its input from elsewhere. */
enum { CODE_VAE_MAPS = 3, CODE_VAE_INPUT = CODE_VAE_MAPS, CODE_VAE_NO_MAP = -1 };

/* From a map (side, side, in) to a map (side, side, out), whose side a convolution may halve or
 * double. */
typedef struct CodeVaeLayer {
    CodeVaeOp op;
    char name[64]; /* of its tensors, NAME.weight and NAME.bias; empty: it has none */
    unsigned side, in, out;
    int from, add, to;          /* numbers of maps */
    bool silu;                  /* NORM */
    CodeWeightSpec spec;        /* CONV */
    CodeWeight *weight;         /* CONV, once the model is loaded */
    const float *scale, *shift; /* NORM, once the model is loaded: (in) in device memory */
} CodeVaeLayer;

typedef struct CodeVaeLayers {
    CodeVaeLayer *all;
    unsigned count;
} CodeVaeLayers;

/* Side of the map that a layer writes. */
unsigned code_vae_layer_side(const CodeVaeLayer *layer);

/* The encoder takes an image (S, S, 3) in map 0 to features (P, P, Z), S = P * 2^(levels - 1); the
 * decoder takes features at CODE_VAE_INPUT to an image. Both ends are float32, and the last layer's
 * `to` holds the result. A shape that does not encode has no encoder layers. False without memory;
 * `layers` is freed by code_vae_layers_free. */
bool code_vae_encoder(CodeVaeLayers *layers, const CodeVaeShape *shape, unsigned last_side,
                      CodesrcError *error);
bool code_vae_decoder(CodeVaeLayers *layers, const CodeVaeShape *shape, unsigned last_side,
                      CodesrcError *error);
void code_vae_layers_free(CodeVaeLayers *layers);

#endif
