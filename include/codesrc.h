/* codesrc.h - pictures from a VAR model, decoded with CoDe: the engine's one public header.
 *
 *     CodesrcError error;
 *     CodesrcModel *model = codesrc_model_open("vistas", NULL, &error);
 *     CodesrcGenerator *generator = codesrc_generator_new(model, 1, 0, &error);
 *     CodesrcRequest request;
 *     codesrc_request_init(model, &request);          // a random class, the model's own settings
 *     request.seed = 7;
 *     request.frame = 42;
 *     CodesrcPicture picture = {pixels, 3 * codesrc_model_info(model)->side};
 *     if (!codesrc_generate(generator, &request, 1, &picture, &error))
 *         fprintf(stderr, "%s\n", error.text);
 *     codesrc_generator_free(generator);
 *     codesrc_model_unref(model);
 *
 * A picture is a pure function of (model, device, precision, request): the batch it is drawn in,
 * the number of threads and the pictures before it change no byte of it.
 *
 * Terms are those of the papers: VAR (arXiv 2404.02905) decodes an image as K token maps of growing
 * side ("scales"); CoDe (arXiv 2411.17787) lets a large drafter decode the first N scales and a
 * small refiner the rest. P is the side of the last token map, Z the channels of a code, L the
 * number of tokens of all scales, S = side the edge of the picture in pixels.
 *
 * Threads: a CodesrcModel is immutable and may be used from any thread. A CodesrcGenerator is for one
 * thread at a time, but for codesrc_generator_cancel, which any thread may call. Functions that can
 * fail take a CodesrcError, which must not be NULL and is written only on failure. Nothing here
 * prints, exits or keeps process-wide state. */
#ifndef CODESRC_H
#define CODESRC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CODESRC_API __attribute__((visibility("default")))

#define CODESRC_MAX_SCALES   16 /* scales of a pyramid; the official models have 10 */
#define CODESRC_MAX_BATCH    64 /* pictures of one generator */
#define CODESRC_CLASS_RANDOM (-1)
#define CODESRC_CLASS_NONE   (-1) /* no second class */

/* ---- errors ---------------------------------------------------------------------------------- */

typedef enum CodesrcStatus {
    CODESRC_OK,
    CODESRC_NOT_FOUND,  /* no such file, or no bundled model of that name */
    CODESRC_UNREADABLE, /* it exists, but cannot be opened, or is no regular file */
    CODESRC_TRUNCATED,  /* a read failed or ended early, or the file changed meanwhile */
    CODESRC_MALFORMED,  /* not a valid manifest, .safetensors or .pth file */
    CODESRC_MISMATCH,   /* a valid file whose tensors do not fit: name, shape, type, value */
    CODESRC_SETTINGS,   /* an option or a request out of range */
    CODESRC_NO_DEVICE,  /* the device cannot be had here */
    CODESRC_NO_MEMORY,
    CODESRC_CANCELLED,
    CODESRC_FAILED, /* the device failed */
} CodesrcStatus;

/* What went wrong, in one line that names the file, tensor or setting, what was found and what was
 * expected. Owned by the caller. */
typedef struct CodesrcError {
    CodesrcStatus status;
    char text[500];
} CodesrcError;

/* ---- models ---------------------------------------------------------------------------------- */

typedef struct CodesrcModel CodesrcModel;

/* How tokens are drawn. Filters act before the temperature, top-k before top-p. */
typedef struct CodesrcSettings {
    unsigned drafting_steps; /* N, 1..K: scales that the drafter decodes; K: the drafter alone */
    double guidance;         /* >= 0; scale k is guided with t = guidance * k / (K - 1) */
    unsigned top_k;          /* keep that many of the largest logits; 0: all */
    double top_p;            /* 0..1, keep the smallest set with that mass; 0: all */
    double temperature[CODESRC_MAX_SCALES]; /* per scale, > 0 */
    bool more_smooth; /* feed a Gumbel-softmax blend of codes instead of the drawn code (display) */
} CodesrcSettings;

/* Where AdaLN weights are: a third of a transformer, which says what a class does to each layer and
 * is of use only when a class comes that was not among those drawn lately. */
typedef enum CodesrcClassWeights {
    CODESRC_CLASS_WEIGHTS_AUTO, /* read, where they are more than 256 MiB and the device computes in
                                the host's memory; else kept */
    CODESRC_CLASS_WEIGHTS_KEEP, /* in the device's memory */
    CODESRC_CLASS_WEIGHTS_READ, /* in their files, which stay open: read once for each new class */
} CodesrcClassWeights;

typedef struct CodesrcModelOptions {
    const char *device;      /* "auto" or NULL, "cuda", "cpu", "reference" */
    const char *precision;   /* "auto" or NULL, "f32"; "bf16", "f16", ... where the device has it */
    unsigned threads;        /* 0: the cores of the process's affinity mask */
    int cuda_device_id;      /* which of the CUDA devices; -1: the first that will do. Others: no
                                meaning */
    unsigned drafting_steps; /* which drafter and refiner to load, where the manifest has one pair
                                per N; 0: the manifest's default */
    CodesrcClassWeights class_weights;
    bool headers_only; /* check and plan, but load no weights: no generator can be made */

    /* Called while weights are read, with 0..1; returning false cancels (CODESRC_CANCELLED). May be
     * NULL. Called on the thread that opens the model. */
    bool (*progress)(void *user, double fraction);
    void *progress_user;
} CodesrcModelOptions;

typedef struct CodesrcModelInfo {
    const char *name, *description, *license; /* as in the manifest; "" where it does not say */
    const char *path;                         /* of the manifest */
    const char *device, *precision;           /* what "auto" came to */
    int cuda_device_id;      /* which of the CUDA devices; -1: it computes in the host's memory */
    bool overlaps;           /* a call begun before the last has ended saves time, see
                                codesrc_generate_begin */
    const char *passed_over; /* why "auto" did not come to a device of this build, or "" */
    const char *digest; /* 16 hex digits that change with any byte of the manifest and any value of
                           the weights loaded, whatever device and file format; where AdaLN weights
                           are more than 256 MiB, with 1 of 64 of their rows. "" if none are loaded.
                           Tells models apart, and is no protection against forgery. */
    unsigned threads;
    unsigned classes;               /* class ids are 0..classes-1; `classes` itself is "no class" */
    const char *const *class_names; /* `classes` names, or NULL */
    unsigned side;                  /* S, pixels */
    unsigned scales;                /* K */
    unsigned patch_nums[CODESRC_MAX_SCALES];
    unsigned positions; /* L, tokens of all scales */
    unsigned codes;     /* V */
    unsigned channels;  /* Z */
    uint32_t steps;     /* bit N is set if these weights serve N drafting steps */
    CodesrcSettings defaults;
    uint64_t drafter_parameters, refiner_parameters, vae_parameters;
} CodesrcModelInfo;

/* Fills in the defaults: everything automatic, no progress. */
CODESRC_API void codesrc_model_options_init(CodesrcModelOptions *options);

/* Opens a model. `name`: a manifest (.yaml), a folder that holds one, or the name of a bundled
 * model, which is searched for in the folders of $CODESRC_MODEL_PATH, beside the library in its
 * build tree and where models are installed. `options` may be NULL. Returns a reference, or NULL.
 */
CODESRC_API CodesrcModel *codesrc_model_open(const char *name, const CodesrcModelOptions *options,
                                             CodesrcError *error);
CODESRC_API CodesrcModel *codesrc_model_ref(CodesrcModel *model);
CODESRC_API void codesrc_model_unref(CodesrcModel *model); /* NULL is allowed */

/* Writes the model that codesrc_model_open would open into a new folder: one .safetensors file for
 * each part, holding the tensors that a model is made of and no others, and a manifest. Of the
 * options it takes drafting_steps, which chooses the pair; precision, "f32" or "bf16" (also for
 * NULL): all weights as float32, or in 16 bits those that a device of that precision does not keep
 * in more, which then draws the same pictures; and progress. The folder must not exist; it appears
 * when all is written, or not at all. */
CODESRC_API bool codesrc_model_convert(const char *name, const CodesrcModelOptions *options,
                                       const char *folder, CodesrcError *error);

/* Valid as long as the model. */
CODESRC_API const CodesrcModelInfo *codesrc_model_info(const CodesrcModel *model);

/* The class of that name: the whole name, or a part that only one name has; upper and lower case
 * count as the same. The error lists names that are near. */
CODESRC_API bool codesrc_model_find_class(const CodesrcModel *model, const char *name,
                                          int32_t *class_id, CodesrcError *error);

/* Path of the manifest that codesrc_model_open would read for `name`, without reading it. The caller
 * frees it with free(). */
CODESRC_API char *codesrc_model_locate(const char *name, CodesrcError *error);

/* ---- the plan -------------------------------------------------------------------------------- */

/* Who decodes which scale, every byte that decoding takes, and how much there is to compute.
 * Operations are those of one picture with guidance as the papers decode it, two for each
 * multiply-add: two branches, all rows of a pass through all layers, logits where tokens are drawn.
 * What this engine leaves out of them (docs/performance.md) is less than 1 % for the official
 * models. */
typedef struct CodesrcPlan {
    unsigned scales, drafting_steps, batch;
    struct {
        unsigned side;  /* p_k */
        unsigned first; /* position of its first token in the pyramid */
        bool refined;   /* by the refiner, not the drafter */
        uint64_t product_operations, attention_operations;
    } scale[CODESRC_MAX_SCALES];
    uint64_t render_operations; /* of the VQ-VAE's decoder */
    uint64_t weight_bytes;      /* of the model, shared by its generators */
    uint64_t
        class_weight_bytes; /* and those that stay in their files: CODESRC_CLASS_WEIGHTS_READ */
    uint64_t cache_bytes;   /* keys and values; drafter and refiner share them */
    uint64_t class_bytes;   /* modulations and first scales of recent classes */
    uint64_t scratch_bytes; /* everything else of a generator */
    uint64_t total_bytes;
    uint64_t device_bytes; /* of these in the device's memory; 0: it computes in the host's */
} CodesrcPlan;

/* Plans for N = drafting_steps and `batch` pictures at a time. Computes only, needs no weights. */
CODESRC_API bool codesrc_plan(const CodesrcModel *model, unsigned drafting_steps, unsigned batch,
                              CodesrcPlan *plan, CodesrcError *error);

/* ---- generating ------------------------------------------------------------------------------ */

typedef struct CodesrcGenerator CodesrcGenerator;
typedef struct CodesrcCanvas CodesrcCanvas;

typedef struct CodesrcRequest {
    int32_t class_id; /* 0..classes, or CODESRC_CLASS_RANDOM: drawn from (seed, frame) */

    /* A blend of two classes, whose vectors are (1 - class_mix) * class_id's + class_mix *
     * class_id_2's, in float32: 0..classes, or CODESRC_CLASS_NONE; and 0..1. With a mix of 0 the
     * picture is that of class_id, with 1 that of class_id_2, to the last byte. */
    int32_t class_id_2;
    double class_mix;

    uint64_t seed;
    uint64_t frame; /* frame n of a seed is the same picture whatever was drawn before it */
    CodesrcSettings settings;
    const int32_t *tokens; /* L tokens to feed instead of the drawn ones, or NULL */

    /* Zero-shot editing: a picture from codesrc_encode, and P * P floats, 1 where it is drawn anew and
     * 0 where it is kept. Both or neither. */
    const CodesrcCanvas *canvas;
    const float *mask;
} CodesrcRequest;

/* Where a picture goes: S rows of S RGB pixels, 8 bits each, `stride` bytes apart (>= 3 * S), in
 * the host's memory; but see codesrc_generator_output. */
typedef struct CodesrcPicture {
    uint8_t *data; /* NULL: not wanted, do not render it */
    size_t stride;
} CodesrcPicture;

/* A random class of the model, unblended, seed 0, frame 0, the model's default settings. */
CODESRC_API void codesrc_request_init(const CodesrcModel *model, CodesrcRequest *request);

/* The class that CODESRC_CLASS_RANDOM stands for: uniform over the model's classes. */
CODESRC_API int32_t codesrc_random_class(const CodesrcModel *model, uint64_t seed, uint64_t frame);

/* A generator of up to `batch` (1..CODESRC_MAX_BATCH) pictures at a time, for the drafting steps whose
 * bits are set in `steps` (0: all that the model serves). Its memory is that of the most demanding
 * of them, see codesrc_plan, and all of it is allocated here. Holds a reference to the model. */
CODESRC_API CodesrcGenerator *codesrc_generator_new(CodesrcModel *model, unsigned batch,
                                                    uint32_t steps, CodesrcError *error);

/* The same in two steps, for whoever may have to give up meanwhile. The first takes the memory; the
 * second lets the device prepare for every shape that will come, 0.1 to 0.5 s with a large model,
 * and any thread may cancel it (codesrc_generator_cancel). Until it has succeeded the generator may
 * only be cancelled, prepared again, or freed. */
CODESRC_API CodesrcGenerator *codesrc_generator_open(CodesrcModel *model, unsigned batch,
                                                     uint32_t steps, CodesrcError *error);
CODESRC_API bool codesrc_generator_prepare(CodesrcGenerator *generator, CodesrcError *error);
CODESRC_API void codesrc_generator_free(CodesrcGenerator *generator); /* NULL is allowed */

/* Draws `count` (1..batch) pictures. Each request has its own class, seed, frame and settings.
 * Allocates nothing. On failure the contents of `pictures` are undefined and the generator stays
 * usable. */
CODESRC_API bool codesrc_generate(CodesrcGenerator *generator, const CodesrcRequest *requests,
                                  unsigned count, const CodesrcPicture *pictures,
                                  CodesrcError *error);

/* The same in two steps, for devices that compute by themselves (CodesrcModelInfo.overlaps): a second
 * call may begin before the first has ended, and is drafted while the pictures of the first are
 * rendered. Calls end in the order in which they began, two can be under way, and until they have
 * ended only these two functions may be called. `pictures[].data` is written until then; the arrays
 * themselves are not used after the beginning. On failure nothing is under way any more. */
CODESRC_API bool codesrc_generate_begin(CodesrcGenerator *generator, const CodesrcRequest *requests,
                                        unsigned count, const CodesrcPicture *pictures,
                                        CodesrcError *error);
CODESRC_API bool codesrc_generate_end(CodesrcGenerator *generator, CodesrcError *error);

/* ---- pictures in the device's memory ----------------------------------------------------------
 */

/* Components of 8 bits in the order of their bytes; A is 255. */
typedef enum CodesrcFormat {
    CODESRC_RGB,
    CODESRC_BGR,
    CODESRC_RGBA,
    CODESRC_BGRA,
    CODESRC_ARGB,
    CODESRC_ABGR,
    CODESRC_NV12, /* S rows of luma, and after the last of them (S + 1) / 2 rows of pairs Cb, Cr, each
                  for 2 x 2 pixels; all rows `stride` bytes apart */
} CodesrcFormat;

/* How CODESRC_NV12 is made of RGB: Y = kr R + (1 - kr - kb) G + kb B, Cb and Cr from B - Y and R - Y
 * of the mean colour of the pixels that they stand for, rounded half up. */
typedef struct CodesrcYuv {
    double kr, kb;   /* BT.601: 0.299, 0.114; BT.709: 0.2126, 0.0722 */
    bool full_range; /* 0..255, not 16..235 and 16..240 */
    bool cosited_x;  /* chroma lies on luma's even columns, weights 1 2 1; else between two */
    bool cosited_y;  /* the same for rows */
} CodesrcYuv;

typedef struct CodesrcOutput {
    bool on_device; /* CodesrcPicture.data is the device's memory; false: the rest has no meaning */
    CodesrcFormat format;
    CodesrcYuv yuv; /* of CODESRC_NV12 */
} CodesrcOutput;

/* Where pictures go from now on, and how they lie there; NULL: RGB in the host's memory, as at
 * first. What is said about codesrc_generate and codesrc_generator_preview holds for the device's memory
 * as well: when they return it is written. CODESRC_SETTINGS where the device has no memory of its own
 * ("cpu", "reference"). Not between codesrc_generate_begin and _end. */
CODESRC_API bool codesrc_generator_output(CodesrcGenerator *generator, const CodesrcOutput *output,
                                          CodesrcError *error);

/* Bytes of a row of a picture with `side` pixels a side: the least stride; and how many rows. */
CODESRC_API size_t codesrc_output_row(const CodesrcOutput *output, unsigned side);
CODESRC_API unsigned codesrc_output_rows(const CodesrcOutput *output, unsigned side);

/* Memory of the device that `model` was opened for, for such pictures: any thread; also of a model
 * opened with headers_only. With device "cuda" it belongs to the primary context of device
 * CodesrcModelInfo.cuda_device_id. NULL on failure, CODESRC_SETTINGS as above. */
CODESRC_API void *codesrc_device_alloc(CodesrcModel *model, size_t bytes, CodesrcError *error);
CODESRC_API void codesrc_device_free(CodesrcModel *model, void *memory); /* NULL is allowed */

/* Any thread, any time: while `cancelled` is true every call on the generator fails at once with
 * CODESRC_CANCELLED, the running one too. */
CODESRC_API void codesrc_generator_cancel(CodesrcGenerator *generator, bool cancelled);

/* Seconds that the last codesrc_generate took in each stage. Those of a device that computes by itself
 * are of asking it, and `vae` is the wait for its pictures. */
typedef struct CodesrcTimes {
    double drafter, refiner, vae;
} CodesrcTimes;

CODESRC_API CodesrcTimes codesrc_generator_times(const CodesrcGenerator *generator);

/* ---- looking inside -------------------------------------------------------------------------- */

/* Called during codesrc_generate each time when a scale of `count` pictures is done, beginning with
 * picture `first` of the call. The four functions below may be called from it, and only from it. */
typedef void (*CodesrcScaleDone)(void *user, CodesrcGenerator *generator, unsigned scale,
                                 unsigned first, unsigned count);

/* Sets the observer; NULL removes it. Logits are kept for it only where `with_logits` is set: that
 * takes memory, which is allocated here, and a copy from the device at each scale. */
CODESRC_API bool codesrc_generator_observe(CodesrcGenerator *generator, CodesrcScaleDone scale_done,
                                           void *user, bool with_logits, CodesrcError *error);

/* Of picture `image` of the call, at the scale just done: p * p tokens as drawn (not as fed); p * p
 * * V guided logits before the filters; the feature map (Z, P, P) so far. */
CODESRC_API bool codesrc_generator_tokens(CodesrcGenerator *generator, unsigned image,
                                          int32_t *tokens, CodesrcError *error);
CODESRC_API bool codesrc_generator_logits(CodesrcGenerator *generator, unsigned image,
                                          float *logits, CodesrcError *error);
CODESRC_API bool codesrc_generator_feature_map(CodesrcGenerator *generator, unsigned image,
                                               float *f_hat, CodesrcError *error);

/* The picture that the scales so far make: a coarse preview that gets sharper with each scale. */
CODESRC_API bool codesrc_generator_preview(CodesrcGenerator *generator, unsigned image,
                                           const CodesrcPicture *picture, CodesrcError *error);

/* ---- the VQ-VAE by itself -------------------------------------------------------------------- */

/* Feature map (Z, P, P) -> image (3, S, S), cut to [-1, 1]. */
CODESRC_API bool codesrc_decode(CodesrcGenerator *generator, const float *f_hat, float *image,
                                CodesrcError *error);

/* Image (3, S, S) in [-1, 1] -> its token pyramid, for CodesrcRequest.canvas. NULL on failure. */
CODESRC_API CodesrcCanvas *codesrc_encode(CodesrcGenerator *generator, const float *image,
                                          CodesrcError *error);
CODESRC_API void codesrc_canvas_free(CodesrcCanvas *canvas); /* NULL is allowed */

CODESRC_API const int32_t *codesrc_canvas_tokens(const CodesrcCanvas *canvas); /* L */
CODESRC_API const float *
codesrc_canvas_features(const CodesrcCanvas *canvas); /* (Z, P, P), unquantised */

/* Feature map (Z, P, P) after scale k of its pyramid, k = 0..K-1. */
CODESRC_API const float *codesrc_canvas_feature_map(const CodesrcCanvas *canvas, unsigned scale);

/* ---- weight files ---------------------------------------------------------------------------- */

typedef struct CodesrcTensorInfo {
    const char *name;
    const char *type; /* "F32", "F16", "BF16", "F64", "I64", ... as in .safetensors */
    unsigned rank;
    uint64_t dims[8];
    uint64_t elements;
} CodesrcTensorInfo;

/* Lists the tensors of a .safetensors or .pth file in the file's order. `verify` also reads every
 * value and refuses what is not finite. `each` may be NULL. */
CODESRC_API bool codesrc_weights_inspect(const char *path, bool verify,
                                         void (*each)(void *user, const CodesrcTensorInfo *tensor),
                                         void *user, CodesrcError *error);

#ifdef __cplusplus
}
#endif
#endif
