/* codesrc-model.h - the part of codesrc.h that needs no generator: errors, models, the plan of
 * their memory, weight files. Include codesrc.h; its head explains terms, threads, errors and
 * ownership. */
#ifndef CODESRC_MODEL_H
#define CODESRC_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CODESRC_API __attribute__((visibility("default")))

#define CODESRC_MAX_SCALES   16   /* largest K; the official models have 10 scales */
#define CODESRC_MAX_BATCH    64   /* most pictures that one generator generates at a time */
#define CODESRC_CLASS_RANDOM (-1) /* CodesrcRequest.class_id: a class chosen by seed and frame */
#define CODESRC_CLASS_NONE   (-1) /* CodesrcRequest.class_id_2: no second class */

/* ---- errors ---------------------------------------------------------------------------------- */

typedef enum CodesrcStatus {
    CODESRC_OK,
    CODESRC_NOT_FOUND,  /* no such file, or no bundled model of that name */
    CODESRC_UNREADABLE, /* the file exists, but cannot be opened or is not a regular file */
    CODESRC_TRUNCATED,  /* a read failed or ended early, or the file changed while being read */
    CODESRC_MALFORMED,  /* not a valid manifest, .safetensors or .pth file */
    CODESRC_MISMATCH,   /* a valid file whose tensors do not fit: name, shape, type, value */
    CODESRC_SETTINGS,   /* an option or a request is out of range */
    CODESRC_NO_DEVICE,  /* the device is not available on this machine or in this build */
    CODESRC_NO_MEMORY,  /* host or device memory is exhausted */
    CODESRC_CANCELLED,  /* by codesrc_generator_cancel or a progress callback */
    CODESRC_FAILED,     /* the device failed */
} CodesrcStatus;

/* A failure. `text` is one line that names the file, tensor or setting, the value found
 * and the value expected. */
typedef struct CodesrcError {
    CodesrcStatus status;
    char text[500];
} CodesrcError;

/* ---- models ---------------------------------------------------------------------------------- */

/* An open model: immutable, reference-counted, usable from any thread. */
typedef struct CodesrcModel CodesrcModel;

/* How tokens are sampled. The filters act before the temperature, top-k before top-p. */
typedef struct CodesrcSettings {
    unsigned drafting_steps; /* N, 1..K: the drafter decodes N scales; K: the drafter decodes all */
    double guidance;         /* 0..100; scale k is guided with t = guidance * k / (K - 1) */
    unsigned top_k;          /* keep this many of the largest logits; 0: all */
    double top_p;            /* 0..1: keep the smallest set with this probability; 0: all */
    double temperature[CODESRC_MAX_SCALES]; /* K values, above 0, up to 100 */
    bool more_smooth; /* feed a Gumbel-softmax blend of codes, not the sampled code (for display) */
} CodesrcSettings;

/* Where to keep AdaLN weights. They are a third of a transformer and turn a class into the
 * modulations of each layer, so they are needed only for a class that was not generated
 * recently. */
typedef enum CodesrcClassWeights {
    /* READ if they exceed 256 MiB and the device computes in host memory, otherwise KEEP. */
    CODESRC_CLASS_WEIGHTS_AUTO,
    CODESRC_CLASS_WEIGHTS_KEEP, /* in the device's memory */
    CODESRC_CLASS_WEIGHTS_READ, /* in their files, which stay open; read once for each new class */
} CodesrcClassWeights;

/* Initialise with codesrc_model_options_init, then change what you need. */
typedef struct CodesrcModelOptions {
    const char *device;    /* "auto" or NULL, "cuda", "cpu", "reference" */
    const char *precision; /* "auto" or NULL, "f32"; "bf16", "f16", "int8" on some devices */
    unsigned threads;      /* 0: one for each core in the process's affinity mask */
    int cuda_device_id; /* 0..; -1: the first suitable one. Devices other than "cuda" ignore it */
    unsigned drafting_steps; /* N whose pair to load, if the manifest has several pairs;
                                0: the manifest's default */
    CodesrcClassWeights class_weights;
    bool headers_only;  /* check and plan, but load no weights: no generator can be created */
    bool keeps_refiner; /* for N = K, load the refiner too, to serve the other N of its pair;
                           false: K needs no refiner, and only K is served */

    /* Reports progress while weights are read, on the thread that opens the model. `fraction` is
     * 0..1. Returning false cancels (CODESRC_CANCELLED). May be NULL. */
    bool (*progress)(void *user, double fraction);
    void *progress_user;
} CodesrcModelOptions;

/* Facts about an open model. Its strings are never NULL. */
typedef struct CodesrcModelInfo {
    const char *name, *description, *license; /* from the manifest; "" if it gives none */
    const char *path;                         /* of the manifest */
    const char *device, *precision;           /* in use, never "auto" */
    int cuda_device_id; /* the CUDA device in use; -1: the device computes in host memory */
    bool overlaps;      /* beginning a call before the last has ended saves time, see
                           codesrc_generate_begin */

    /* passed_over: why "auto" passed over a faster device that is present but failed. absent: why
     * it did not try one, because this build or machine has no such device or driver. "" if not
     * so. */
    const char *passed_over, *absent;

    /* 16 hex digits that change with any byte of the manifest and any value of the loaded weights,
     * whatever the device and file format; "" if none are loaded. If AdaLN weights exceed 256 MiB,
     * one in 64 of their rows counts. Distinguishes models, but does not protect against
     * forgery. */
    const char *digest;

    unsigned threads;               /* processor threads that compute */
    unsigned classes;               /* ids are 0..classes-1; `classes` itself means "no class" */
    const char *const *class_names; /* `classes` names, or NULL */
    unsigned side;                  /* S, pixels */
    unsigned scales;                /* K */
    unsigned patch_nums[CODESRC_MAX_SCALES]; /* p of the K scales, ascending from 1 to P */
    unsigned positions;                      /* L */
    unsigned codes;                          /* V */
    unsigned channels;                       /* Z */
    bool encodes;             /* false: the VQ-VAE's file has no encoder, codesrc_encode fails */
    uint32_t steps;           /* bit N is set if these weights serve N drafting steps */
    CodesrcSettings defaults; /* the manifest's, or the paper's; drafting_steps is in `steps` */
    uint64_t drafter_parameters, refiner_parameters, vae_parameters; /* numbers of weights */
} CodesrcModelInfo;

/* Fills in the defaults: automatic device, precision, threads and pair; no progress callback. */
CODESRC_API void codesrc_model_options_init(CodesrcModelOptions *options);

/* Opens a model. `name` is a manifest (.yaml), a folder that holds one, or the name of a bundled
 * model; these are searched for in the folders of $CODESRC_MODEL_PATH, next to the library in its
 * build tree, and in the installation folder. `options` may be NULL for the defaults. Returns a
 * reference that the caller releases with codesrc_model_unref, or NULL. */
CODESRC_API CodesrcModel *codesrc_model_open(const char *name, const CodesrcModelOptions *options,
                                             CodesrcError *error);

/* Adds a reference and returns `model`; each needs its codesrc_model_unref, the last of which frees
 * the model. Any thread. */
CODESRC_API CodesrcModel *codesrc_model_ref(CodesrcModel *model);
CODESRC_API void codesrc_model_unref(CodesrcModel *model); /* NULL is allowed */

/* Writes the model that codesrc_model_open would open to a new folder: a manifest, and one
 * .safetensors file for each part, which holds only the tensors that the engine uses. It reads
 * these options: drafting_steps, which selects the pair; progress; and precision. "f32" stores all
 * weights as float32. "bf16", also the meaning of NULL, stores those weights in 16 bits that a bf16
 * device keeps in 16 bits, so that such a device generates the same pictures. NULL options are
 * those of codesrc_model_options_init. `folder` must not exist; it appears when everything is
 * written, or not at all. If it then cannot be synced to the disk, it stays, and the call fails
 * with CODESRC_FAILED. */
CODESRC_API bool codesrc_model_convert(const char *name, const CodesrcModelOptions *options,
                                       const char *folder, CodesrcError *error);

/* Never NULL; belongs to the model and is valid as long as the model is. */
CODESRC_API const CodesrcModelInfo *codesrc_model_info(const CodesrcModel *model);

/* Finds a class and writes its id, 0..classes-1: that of exactly this name; else of the name that
 * differs from it only in upper and lower case; else of the only name that contains it. If several
 * fit equally well, or none does: CODESRC_SETTINGS, and the text lists the nearest names. */
CODESRC_API bool codesrc_model_find_class(const CodesrcModel *model, const char *name,
                                          int32_t *class_id, CodesrcError *error);

/* Calls `each` for the classes that a manifest names, from 0, whether its weight files are there or
 * not. `name` is as for codesrc_model_open; `class_name` is valid during the callback. There is no
 * call if the manifest names no classes. Any thread. */
CODESRC_API bool codesrc_model_classes(const char *name,
                                       void (*each)(void *user, int32_t class_id,
                                                    const char *class_name),
                                       void *user, CodesrcError *error);

/* Returns the path of the manifest that codesrc_model_open would read for `name`, without reading
 * it. The caller frees it with free(). NULL on failure. */
CODESRC_API char *codesrc_model_locate(const char *name, CodesrcError *error);

/* ---- the plan -------------------------------------------------------------------------------- */

/* Which transformer decodes each scale, every byte of memory that decoding needs, and the amount of
 * computation. Operations count one picture as the papers decode it, with guidance, and two
 * operations for each multiply-add: two branches, all rows of a pass through all layers, logits at
 * sampled tokens. The part that this engine avoids (docs/performance.md) is less than 1 % for the
 * official models. */
typedef struct CodesrcPlan {
    unsigned scales, drafting_steps, batch;
    struct {
        unsigned side;  /* p */
        unsigned first; /* position of its first token in the pyramid, 0..L-1 */
        bool refined;   /* decoded by the refiner, not the drafter */
        uint64_t product_operations, attention_operations;
    } scale[CODESRC_MAX_SCALES];
    uint64_t render_operations;  /* of the VQ-VAE's decoder */
    uint64_t weight_bytes;       /* of the model, shared by its generators */
    uint64_t class_weight_bytes; /* stay in their files (CODESRC_CLASS_WEIGHTS_READ) */
    uint64_t cache_bytes;        /* keys and values; drafter and refiner share them */
    uint64_t class_bytes;        /* modulations and first scales of recent classes */
    uint64_t scratch_bytes;      /* everything else of a generator */
    uint64_t total_bytes;        /* weights and one generator */
    uint64_t device_bytes; /* the part in device memory; 0: the device computes in host memory */
} CodesrcPlan;

/* Plans for N = drafting_steps and `batch` (1..CODESRC_MAX_BATCH) pictures at a time. It only
 * computes, and needs no weights. CODESRC_SETTINGS if the model does not serve N or the batch is
 * out of range. Any thread. */
CODESRC_API bool codesrc_plan(const CodesrcModel *model, unsigned drafting_steps, unsigned batch,
                              CodesrcPlan *plan, CodesrcError *error);

/* ---- weight files ---------------------------------------------------------------------------- */

/* One tensor of a weight file. Valid only during the callback. */
typedef struct CodesrcTensorInfo {
    const char *name; /* UTF-8 */
    const char *type; /* "F32", "F16", "BF16", "F64", "I64", ... as in .safetensors */
    unsigned rank;    /* 0..8 */
    uint64_t dims[8]; /* `rank` of them */
    uint64_t elements;
} CodesrcTensorInfo;

/* Calls `each` (may be NULL) for every tensor of a .safetensors or .pth file, in the file's order.
 * With `verify`, it also reads every value and refuses values that are not finite. Any thread. */
CODESRC_API bool codesrc_weights_inspect(const char *path, bool verify,
                                         void (*each)(void *user, const CodesrcTensorInfo *tensor),
                                         void *user, CodesrcError *error);

/* Whether the first bytes of a file are those of a weight file, or of what servers and tools leave
 * in place of one. False for a manifest, and for a file that cannot be read. Any thread. */
CODESRC_API bool codesrc_weights_recognised(const char *path);

/* A manifest to start from, as text: what the shapes in a weight file say. The caller frees it with
 * free(). NULL, with the error filled in, if the file holds no model. Any thread. */
CODESRC_API char *codesrc_weights_outline(const char *path, CodesrcError *error);

#ifdef __cplusplus
}
#endif
#endif
