/* generate.h - a generator's insides: its buffers, and the steps of decoding that its files are
 * about.
 *
 * Everything lies in one arena, laid out by plan.c for N, the batch and the shape. Arrays of images
 * have the images of one run in front; see the comments for shapes. B: batch. */
#ifndef CODE_ENGINE_GENERATE_H
#define CODE_ENGINE_GENERATE_H

#include "arena.h"
#include "model/model.h"

/* What is known of one class: a slot of floats in device memory, at these offsets. */
typedef struct CodeSlotLayout {
    size_t cond;   /* (C) class vector */
    size_t silu;   /* (C) SiLU of it */
    size_t shared; /* (6C) with shared_aln */
    size_t blocks; /* (depth, 6C): gamma1 gamma2 scale1 scale2 shift1 shift2 */
    size_t head;   /* (2C): scale, shift */
    size_t keys;   /* (2, heads, depth, n, 64) activations: keys, values of scale 0, n = p_0^2 */
    size_t logits; /* (n, V) of scale 0, drafter only */
    size_t stride; /* floats of a slot */
} CodeSlotLayout;

/* What a slot is of: a class, or a blend of two. In one form only, code_classes_prepare's, so that
 * equal pictures share a slot: a blend has 0 < mix < 1, and a class has class_id_2 -1 and mix 0. */
typedef struct CodeClassKey {
    int32_t class_id, class_id_2;
    double mix;
} CodeClassKey;

/* The classes that one transformer has seen lately. */
typedef struct CodeClassTable {
    const CodeVar *var;
    CodeSlotLayout layout;
    unsigned slots;
    float *memory;       /* device: (slots, stride) */
    int32_t *lane_slots; /* device: (2B), slot of each lane of this run */
    int32_t *no_slots;   /* device: (1), holding 0: for passes over one slot */
    CodeClassKey *key;   /* host: (slots), class_id -1 for an empty one */
    uint64_t *used;      /* host: (slots), tick of the last use */
    /* host: (B + 1), slots of this run that have a key and do not hold its class yet */
    uint32_t *pending;
    unsigned pending_count;
} CodeClassTable;

/* What adaln.c works with, on the host; nothing where the model keeps AdaLN weights. */
typedef struct CodeAdalnBuffers {
    uint8_t *staging; /* for reading */
    float *weights;   /* some rows of a layer */
    float *silu;      /* (B + 1, C) of the pending classes */
    float *out;       /* (B + 1, 6C) */
} CodeAdalnBuffers;

typedef struct CodeBuffers {
    /* device */
    CodeDraw *draws; /* (B) */
    float *t;        /* (K, B): guidance of each image at each scale */
    int32_t *drawn;  /* (B, L) tokens as drawn */
    int32_t *fed;    /* (B, L) tokens as fed, where the run is feeding: drawn, or given */
    float *f_hat;    /* (B, P, P, Z) */
    float *areas;    /* (B, L - p_0^2, Z): f_hat brought down to the sides of scales 1, 2, ... */
    void *cache;     /* (2, lanes, heads, room, 64): of the drafter, then of the refiner */
    float *logits;   /* (B, p^2, V) */
    /* device, scratch of a pass; shares bytes with maps below; void: activations */
    float *x;   /* (lanes, rows, C) residual stream */
    void *h;    /* (lanes, rows, C) */
    void *wide; /* (lanes, rows, 4C): q, k, v, then the hidden layer; or (lanes, rows, C) floats */
    /* device, scratch of the token pyramid */
    float *small; /* (B, p, p, Z) codes */
    float *up;    /* (B, P, P, Z) brought up */
    float *phi;   /* (B, P, P, Z) */
    float *kept;  /* (B, P, P, Z) of a canvas */
    float *mask;  /* (B, P, P) */
    /* device, scratch of the VQ-VAE, one image at a time */
    void *maps[3];
    /* device, where pictures are rendered beside the drafting of the next ones */
    float *rendered; /* (B, P, P, Z) f_hat of the run that is rendered */
    float *features; /* (P, P, Z) of the image that is rendered: a place that is always the same */
    /* host */
    float *host_map;    /* (max of P * P * Z and S * S * 3): transposing */
    float *host_vector; /* (2 C): a class vector and its SiLU */
    float *host_t;      /* (K, B) */
    float *host_mask;   /* (B, P, P) */
    CodeDraw *host_draws;
    int32_t *host_slots; /* (2B) */
} CodeBuffers;

struct CodesrcGenerator {
    CodesrcModel *model;
    CodeStream *stream;
    CodeStream *renderer; /* of the VQ-VAE: `stream`, or one beside it */
    atomic_bool cancelled;
    unsigned batch;
    uint32_t steps; /* bit N: this arena has room for N drafting steps */
    void *device_memory, *host_memory;
    CodeBuffers buffers;
    CodeClassTable drafter, refiner;
    CodeAdalnBuffers adaln;
    uint64_t tick; /* of class tables */
    CodesrcScaleDone scale_done;
    void *scale_done_user;
    float *raw_logits; /* host: (B, p^2, V) as the filters found them, for the observer; or NULL */
    CodesrcTimes times;
    const float *image; /* device: what the VQ-VAE rendered last, one of buffers.maps */
    CodesrcOutput output;
    unsigned begun; /* calls of codesrc_generate_begin without their end */
    struct {
        CodesrcPicture pictures[CODESRC_MAX_BATCH];
        unsigned count;
    } later; /* the run whose pictures are rendered after those of the call before; count 0: none */
    /* of the run that is going on */
    const CodesrcRequest *requests;
    unsigned first, count; /* images of the call in this run */
    unsigned branches;     /* 2 with guidance, else 1 */
    bool feeding;          /* tokens of requests are fed instead of drawn ones */
    bool editing;          /* there are canvases */
    unsigned scale;
};

/* Element `index` of an array of activations. */
static inline void *code_activation(const CodesrcGenerator *generator, const void *array,
                                    size_t index)
{
    return (char *)array + index * generator->model->device_info.activation_size;
}

/* ---- plan.c ---------------------------------------------------------------------------------- */

/* How keys, and then values, of a transformer lie: (2, lanes, heads, room, 64). A head has `kept`
 * rows for each layer, the last layer's first: those that a later pass reads. The last pass's own
 * rows are read in that pass only. They follow upon the layer's kept ones, over those of the layers
 * before it, which that pass has done with: so they take room once and not once a layer. */
typedef struct CodeCacheRows {
    unsigned kept, room;
} CodeCacheRows;

/* Those of the drafter, or of the refiner, for N drafting steps; room 0: it needs none. */
CodeCacheRows code_drafter_rows(const CodeShape *shape, unsigned n);
CodeCacheRows code_refiner_rows(const CodeShape *shape, unsigned n);

/* Lays out the device and the host arena; with bases NULL it measures. */
void code_layout(CodesrcGenerator *generator, CodeArena *device, CodeArena *host);

/* ---- classes.c ------------------------------------------------------------------------------- */

/* Lays out one slot, in floats. */
CodeSlotLayout code_slot_layout(const CodeShape *shape, const CodeVarShape *var,
                                size_t activation_size, bool with_logits);

/* Makes sure that the classes of the run are in the table, and uploads the slot of each lane. */
bool code_classes_prepare(CodesrcGenerator *generator, CodeClassTable *table);

/* Copies keys and values of scale 0 into the cache. */
bool code_classes_recall(CodesrcGenerator *generator, const CodeClassTable *table,
                         CodeCacheRows rows);

/* Copies the logits of scale 0. */
bool code_classes_logits(CodesrcGenerator *generator, const CodeClassTable *table);

/* ---- adaln.c --------------------------------------------------------------------------------- */

void code_adaln_layout(CodesrcGenerator *generator, CodeArena *host);

/* Modulations of the table's pending classes, whose SiLU vectors are in adaln.silu, to their slots.
 * Fails if the file was changed since the model was opened. */
bool code_adaln_read(CodesrcGenerator *generator, const CodeClassTable *table);

/* ---- transformer.c --------------------------------------------------------------------------- */

/* One pass of a transformer over scales first_scale..last_scale of all lanes. */
typedef struct CodePass {
    const CodeClassTable *table;
    const int32_t *slots; /* device: (lanes) */
    unsigned lanes, lanes_per_image;
    unsigned first_scale, last_scale;
    void *cache; /* filled before first_scale */
    CodeCacheRows rows;
} CodePass;

/* buffers.x (lanes, rows, C) through all blocks, after which it holds the rows of the last scale,
 * (lanes, rows of it, C); the cache grows by the pass's rows. */
bool code_transformer_blocks(CodesrcGenerator *generator, const CodePass *pass);

/* Logits of what code_transformer_blocks left: (images, rows, V), guided by t where there are two
 * branches. */
bool code_transformer_head(CodesrcGenerator *generator, const CodePass *pass, const float *t,
                           float *logits);

/* Decodes scale k of the run: from areas and caches to logits. At the hand-over the refiner also
 * sees the scales that the drafter decoded. */
bool code_transformer_scale(CodesrcGenerator *generator, const CodeClassTable *table,
                            unsigned first_scale, unsigned last_scale, CodeCacheRows rows);

/* ---- sample.c, pyramid.c --------------------------------------------------------------------- */

/* logits -> drawn and fed tokens of scale k. */
bool code_sample_scale(CodesrcGenerator *generator, unsigned scale);

/* fed tokens of scale k -> f_hat. */
bool code_pyramid_add(CodesrcGenerator *generator, unsigned scale);

/* f_hat -> areas of scale k, the input of the next pass. */
bool code_pyramid_next(CodesrcGenerator *generator, unsigned scale);

/* What token maps `tokens` of scale k add to `f_hat` of `images` images; kept and mask may be NULL.
 */
bool code_pyramid_contribute(CodesrcGenerator *generator, unsigned scale, unsigned images,
                             const int32_t *tokens, const float *kept, const float *mask);

/* ---- output.c ----------------------------------------------------------------------------------
 */

/* Has the VQ-VAE's image x put where the picture goes. */
bool code_output_put(CodesrcGenerator *generator, const float *x, const CodesrcPicture *picture);

/* ---- series.c, render.c ---------------------------------------------------------------------- */

/* Has `operations` computed on `stream`, as a recorded series where the backend has such a thing.
 */
bool code_series(CodesrcGenerator *generator, CodeStream *stream, unsigned key,
                 bool (*operations)(CodesrcGenerator *generator));

/* Whether pictures are rendered on a stream of their own. */
static inline bool code_renders_beside(const CodesrcModel *model)
{
    return model->backend->after != NULL;
}

/* Asks for `count` pictures of f_hat; those without data are left out. */
bool code_render(CodesrcGenerator *generator, const CodesrcPicture *pictures, unsigned count);

/* Waits until the pictures that were asked for are in memory. */
bool code_render_wait(CodesrcGenerator *generator);

/* The picture of image `image` of f_hat, at once. */
bool code_render_now(CodesrcGenerator *generator, unsigned image, const CodesrcPicture *picture);

/* ---- vae.c, canvas.c ------------------------------------------------------------------------- */

/* All on the renderer's stream. f_hat (P, P, Z) -> image (S, S, 3), uncut. Returns where it lies,
 * one of buffers.maps. */
const float *code_vae_render(CodesrcGenerator *generator, const float *f_hat);

/* buffers.maps[0], an image (S, S, 3), -> features (P, P, Z), one of buffers.maps. */
const float *code_vae_encode(CodesrcGenerator *generator);

/* Bytes of the largest map in either direction. */
size_t code_vae_largest_map(const CodeVae *vae, size_t activation_size);

/* Uploads the feature maps after scale k of the canvases of the run. */
bool code_canvas_upload(CodesrcGenerator *generator, unsigned scale);

/* (Z, P, P) <-> (P, P, Z) */
void code_channels_first(float *out, const float *in, size_t positions, size_t channels);
void code_channels_last(float *out, const float *in, size_t positions, size_t channels);

#endif
