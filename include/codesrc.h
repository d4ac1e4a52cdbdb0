/* codesrc.h - generates pictures with a VAR model, decoded with CoDe: the engine's public header.
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
 * A picture is a pure function of (model, device, precision, request). The batch it is generated
 * in, the number of threads and the pictures before it change no byte of it.
 *
 * Terms are the papers'. VAR (arXiv 2404.02905) decodes an image as K token maps of growing side,
 * the "scales". CoDe (arXiv 2411.17787) lets a large drafter decode the first N scales and a small
 * refiner the rest. In comments below:
 *
 *     K  scales              p  side of a scale's token map        S  side of a picture, in pixels
 *     L  tokens of all K     P  side of the last token map         V  codes of the codebook
 *     N  drafting steps      Z  channels of a code
 *
 * Arrays are dense and in C order: (Z, P, P) is Z planes of P rows of P floats.
 *
 * Threads: a CodesrcModel is immutable and may be used from any thread. A CodesrcGenerator serves
 * one thread at a time, except for codesrc_generator_cancel, which any thread may call.
 *
 * Errors: functions that can fail return false or NULL and fill a CodesrcError, which must not be
 * NULL and is written only on failure. Nothing here prints, exits or keeps process-wide state.
 *
 * Ownership: the caller owns everything it passes, and may free it once the call returns, unless
 * the function says otherwise. Pointers that the engine returns as const belong to their object. */
#ifndef CODESRC_H
#define CODESRC_H

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
    bool headers_only; /* check and plan, but load no weights: no generator can be created */

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
    uint32_t steps;           /* bit N is set if these weights serve N drafting steps */
    CodesrcSettings defaults; /* the manifest's, or the paper's */
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
 * device keeps in 16 bits, so that such a device generates the same pictures. `folder` must not
 * exist; it appears when everything is written, or not at all. */
CODESRC_API bool codesrc_model_convert(const char *name, const CodesrcModelOptions *options,
                                       const char *folder, CodesrcError *error);

/* Never NULL; belongs to the model and is valid as long as the model is. */
CODESRC_API const CodesrcModelInfo *codesrc_model_info(const CodesrcModel *model);

/* Finds a class and writes its id, 0..classes-1: that of exactly this name; else of the name that
 * differs from it only in upper and lower case; else of the only name that contains it. If several
 * fit equally well, or none does: CODESRC_SETTINGS, and the text lists the nearest names. */
CODESRC_API bool codesrc_model_find_class(const CodesrcModel *model, const char *name,
                                          int32_t *class_id, CodesrcError *error);

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

/* ---- generating ------------------------------------------------------------------------------ */

/* One device context with all memory for generating; serves one thread at a time. */
typedef struct CodesrcGenerator CodesrcGenerator;

/* An encoded picture (codesrc_encode), for generators of the same model. Immutable. */
typedef struct CodesrcCanvas CodesrcCanvas;

/* One picture. Initialise with codesrc_request_init, then change what you need. */
typedef struct CodesrcRequest {
    int32_t class_id; /* 0..classes, or CODESRC_CLASS_RANDOM: chosen by (seed, frame) */

    /* A second class to blend in: 0..classes, or CODESRC_CLASS_NONE; and its share, 0..1. The class
     * vector is (1 - class_mix) * class_id's + class_mix * class_id_2's, in float32. A share of 0
     * gives exactly the picture of class_id, 1 exactly that of class_id_2, byte for byte. */
    int32_t class_id_2;
    double class_mix;

    uint64_t seed;  /* of the random numbers */
    uint64_t frame; /* frame n of a seed is the same picture whatever was generated before it */
    CodesrcSettings settings;
    const int32_t *tokens; /* L tokens, 0..V-1, to feed instead of the sampled ones, or NULL */

    /* Zero-shot editing: a canvas, and (P, P) floats, 1 to generate a cell again and 0 to keep it.
     * Set both or neither. */
    const CodesrcCanvas *canvas;
    const float *mask;
} CodesrcRequest;

/* Destination of a picture: S rows of S RGB pixels, 8 bits per component, in host memory, unless
 * codesrc_generator_output selects another format or device memory. */
typedef struct CodesrcPicture {
    uint8_t *data; /* NULL: do not render the picture */
    size_t stride; /* bytes from one row to the next, at least 3 * S for RGB */
} CodesrcPicture;

/* Fills in a random class, unblended, seed 0, frame 0, and the model's default settings. */
CODESRC_API void codesrc_request_init(const CodesrcModel *model, CodesrcRequest *request);

/* Returns the class that CODESRC_CLASS_RANDOM selects, 0..classes-1, uniformly distributed. */
CODESRC_API int32_t codesrc_random_class(const CodesrcModel *model, uint64_t seed, uint64_t frame);

/* Creates a generator of up to `batch` (1..CODESRC_MAX_BATCH) pictures at a time, for the drafting
 * steps whose bits are set in `steps` (0: all that the model serves). It allocates all of its
 * memory here, enough for the most demanding of these steps (codesrc_plan), and holds a reference
 * to the model. Returns a generator that the caller frees with codesrc_generator_free, or NULL:
 * CODESRC_SETTINGS if an argument is out of range or the model was opened with headers_only,
 * NO_MEMORY, or FAILED. */
CODESRC_API CodesrcGenerator *codesrc_generator_new(CodesrcModel *model, unsigned batch,
                                                    uint32_t steps, CodesrcError *error);

/* The same in two steps, for callers that may have to stop in between. The first allocates the
 * memory. The second lets the device prepare for every shape, which takes 0.1 to 0.5 s with a large
 * model; any thread may cancel it (codesrc_generator_cancel). Until it succeeds, the generator may
 * only be cancelled, prepared again, or freed. */
CODESRC_API CodesrcGenerator *codesrc_generator_open(CodesrcModel *model, unsigned batch,
                                                     uint32_t steps, CodesrcError *error);
CODESRC_API bool codesrc_generator_prepare(CodesrcGenerator *generator, CodesrcError *error);
CODESRC_API void codesrc_generator_free(CodesrcGenerator *generator); /* NULL is allowed */

/* Generates `count` (1..batch) pictures. Each request has its own class, seed, frame and settings.
 * Allocates nothing. On failure the contents of `pictures` are undefined and the generator stays
 * usable, unless the device failed. CODESRC_SETTINGS if a request is out of range, CANCELLED,
 * FAILED, or an error of the weight file if AdaLN weights are read from it. */
CODESRC_API bool codesrc_generate(CodesrcGenerator *generator, const CodesrcRequest *requests,
                                  unsigned count, const CodesrcPicture *pictures,
                                  CodesrcError *error);

/* The same in two steps, for devices that compute asynchronously (CodesrcModelInfo.overlaps): a
 * second call may begin before the first has ended, and is drafted while the first one's pictures
 * are rendered. At most two calls can be in progress, and they end in the order in which they
 * began. Until both have ended, only these two functions and codesrc_generator_cancel may be
 * called. The engine writes `pictures[].data` until the call has ended, but does not read the two
 * arrays after _begin returns. On failure of either function, no call is in progress any more. */
CODESRC_API bool codesrc_generate_begin(CodesrcGenerator *generator, const CodesrcRequest *requests,
                                        unsigned count, const CodesrcPicture *pictures,
                                        CodesrcError *error);
CODESRC_API bool codesrc_generate_end(CodesrcGenerator *generator, CodesrcError *error);

/* ---- pictures in device memory --------------------------------------------------------------- */

/* Pixel formats: 8-bit components in the order of their bytes; A is 255. */
typedef enum CodesrcFormat {
    CODESRC_RGB,
    CODESRC_BGR,
    CODESRC_RGBA,
    CODESRC_BGRA,
    CODESRC_ARGB,
    CODESRC_ABGR,
    /* S rows of luma, directly followed by (S + 1) / 2 rows of pairs Cb, Cr, one per 2x2 pixels;
     * all rows are `stride` bytes apart. */
    CODESRC_NV12,
} CodesrcFormat;

/* Conversion from RGB to CODESRC_NV12: Y = kr R + (1 - kr - kb) G + kb B; Cb and Cr from B - Y and
 * R - Y of the mean colour of the pixels they cover; rounded half up. */
typedef struct CodesrcYuv {
    double kr, kb;   /* BT.601: 0.299, 0.114; BT.709: 0.2126, 0.0722 */
    bool full_range; /* all components 0..255; false: luma 16..235, chroma 16..240 */
    bool cosited_x;  /* chroma on luma's even columns, weights 1 2 1; false: between two columns */
    bool cosited_y;  /* the same for rows */
} CodesrcYuv;

typedef struct CodesrcOutput {
    bool on_device; /* data is device memory; false: RGB in host memory, the rest is ignored */
    CodesrcFormat format;
    CodesrcYuv yuv; /* for CODESRC_NV12 */
} CodesrcOutput;

/* Sets the destination and format of all following pictures; NULL restores the default, RGB in host
 * memory. Device memory, too, is completely written when codesrc_generate, codesrc_generate_end or
 * codesrc_generator_preview returns. CODESRC_SETTINGS if the device has no memory of its own
 * ("cpu", "reference"), or between codesrc_generate_begin and _end. */
CODESRC_API bool codesrc_generator_output(CodesrcGenerator *generator, const CodesrcOutput *output,
                                          CodesrcError *error);

/* Bytes in one row of a picture of side x side pixels, which is the least stride. */
CODESRC_API size_t codesrc_output_row(const CodesrcOutput *output, unsigned side);

/* Rows of such a picture: `side`, or with CODESRC_NV12 those of luma and chroma together. */
CODESRC_API unsigned codesrc_output_rows(const CodesrcOutput *output, unsigned side);

/* Allocates device memory for such pictures. Any thread; also for a model opened with headers_only.
 * With device "cuda", the memory belongs to the primary context of device
 * CodesrcModelInfo.cuda_device_id. The caller frees it with codesrc_device_free, before it releases
 * the model. NULL on failure: CODESRC_SETTINGS if the device has no memory of its own, or
 * NO_MEMORY. */
CODESRC_API void *codesrc_device_alloc(CodesrcModel *model, size_t bytes, CodesrcError *error);
CODESRC_API void codesrc_device_free(CodesrcModel *model, void *memory); /* NULL is allowed */

/* While `cancelled` is true, every call on the generator fails promptly with CODESRC_CANCELLED,
 * including a running one. Any thread, at any time. */
CODESRC_API void codesrc_generator_cancel(CodesrcGenerator *generator, bool cancelled);

/* Seconds that the last call spent in each stage. On an asynchronous device, drafter and refiner
 * are the time to submit their work, and vae is the wait for the pictures. */
typedef struct CodesrcTimes {
    double drafter, refiner, vae;
} CodesrcTimes;

CODESRC_API CodesrcTimes codesrc_generator_times(const CodesrcGenerator *generator);

/* ---- tracing --------------------------------------------------------------------------------- */

/* The stages of a call, in the order in which they end. Images that share N and the use of guidance
 * are decoded together, so a call whose requests differ in these goes through most stages more than
 * once. */
typedef enum CodesrcStage {
    CODESRC_STAGE_CLASSES, /* modulations and scale 0 of classes not used recently */
    CODESRC_STAGE_DRAFTER, /* logits of a scale before N; those of scale 0 are only looked up */
    CODESRC_STAGE_REFINER, /* logits of a scale from N on; of scale N: the hand-over */
    CODESRC_STAGE_SAMPLE,  /* token map of a scale */
    CODESRC_STAGE_PYRAMID, /* its addition to the feature map, and the next scale's input */
    CODESRC_STAGE_SCALES,  /* the four above for all scales, if the device replays a recording */
    CODESRC_STAGE_RENDER,  /* pictures of the feature maps */
    CODESRC_STAGE_WAIT,    /* until the pictures of a call are in memory: codesrc_generate_end */
} CodesrcStage;

typedef struct CodesrcStageInfo {
    CodesrcStage stage;
    unsigned scale;          /* k; 0 for a stage that is not about one scale */
    unsigned drafting_steps; /* N; 0 for CODESRC_STAGE_WAIT */
    unsigned first, count;   /* pictures first, first + 1, ... of their call: `count` of them */
    double seconds;          /* from the end of the stage before, or the beginning of the call */
} CodesrcStageInfo;

/* "classes", "drafter", ...: the last word of the enumerator. Static; "" for any other number. */
CODESRC_API const char *codesrc_stage_name(CodesrcStage stage);

/* Called on the thread that called codesrc_generate, _begin or _end, as each stage ends. `info`
 * is valid during the call. It must not call the generator. */
typedef void (*CodesrcStageDone)(void *user, const CodesrcStageInfo *info);

/* Sets the callback; NULL removes it. Not between codesrc_generate_begin and _end. On an
 * asynchronous device (CodesrcModelInfo.overlaps), the times are those of submitting each stage;
 * with `wait`, every stage ends when the device has computed it, which gives the stages' own
 * times but makes the call slower. `wait` has no effect on other devices. The time spent in this
 * callback and in the observer does not count. */
CODESRC_API void codesrc_generator_trace(CodesrcGenerator *generator, CodesrcStageDone done,
                                         void *user, bool wait);

/* ---- looking inside -------------------------------------------------------------------------- */

/* Called during codesrc_generate, on its thread, whenever a scale (0..K-1) is finished for `count`
 * pictures, starting with picture `first` of the call. The four functions below may be called only
 * from here. */
typedef void (*CodesrcScaleDone)(void *user, CodesrcGenerator *generator, unsigned scale,
                                 unsigned first, unsigned count);

/* Sets the observer; NULL removes it. Logits are kept only if `with_logits` is set, which takes
 * memory, allocated here, and a copy from the device at each scale. CODESRC_NO_MEMORY. */
CODESRC_API bool codesrc_generator_observe(CodesrcGenerator *generator, CodesrcScaleDone scale_done,
                                           void *user, bool with_logits, CodesrcError *error);

/* Results for picture `image` of the call (first..first+count-1) at the scale just finished, into
 * arrays of the caller's: (p, p) tokens as sampled, not as fed; (p, p, V) guided logits before the
 * filters; and the feature map (Z, P, P) so far. CODESRC_SETTINGS if `image` is another one, or
 * logits are not kept. */
CODESRC_API bool codesrc_generator_tokens(CodesrcGenerator *generator, unsigned image,
                                          int32_t *tokens, CodesrcError *error);
CODESRC_API bool codesrc_generator_logits(CodesrcGenerator *generator, unsigned image,
                                          float *logits, CodesrcError *error);
CODESRC_API bool codesrc_generator_feature_map(CodesrcGenerator *generator, unsigned image,
                                               float *f_hat, CodesrcError *error);

/* Renders the scales finished so far: a preview that gets sharper with each scale. */
CODESRC_API bool codesrc_generator_preview(CodesrcGenerator *generator, unsigned image,
                                           const CodesrcPicture *picture, CodesrcError *error);

/* ---- the VQ-VAE alone ------------------------------------------------------------------------ */

/* Both functions use the memory in which the generator decodes. They fail with CODESRC_SETTINGS
 * between codesrc_generate_begin and _end, and in an observer. */

/* Decodes a feature map (Z, P, P) to an image (3, S, S), RGB, clamped to [-1, 1]. */
CODESRC_API bool codesrc_decode(CodesrcGenerator *generator, const float *f_hat, float *image,
                                CodesrcError *error);

/* Encodes an image (3, S, S), RGB in [-1, 1], to its token pyramid, for CodesrcRequest.canvas.
 * Returns a canvas that the caller frees with codesrc_canvas_free, or NULL. */
CODESRC_API CodesrcCanvas *codesrc_encode(CodesrcGenerator *generator, const float *image,
                                          CodesrcError *error);
CODESRC_API void codesrc_canvas_free(CodesrcCanvas *canvas); /* NULL is allowed */

/* The canvas's L tokens, 0..V-1, scale by scale. They belong to the canvas. */
CODESRC_API const int32_t *codesrc_canvas_tokens(const CodesrcCanvas *canvas);

/* The encoder's output (Z, P, P), not quantised. It belongs to the canvas. */
CODESRC_API const float *codesrc_canvas_features(const CodesrcCanvas *canvas);

/* The feature map (Z, P, P) after scale 0..K-1 of the pyramid. It belongs to the canvas. */
CODESRC_API const float *codesrc_canvas_feature_map(const CodesrcCanvas *canvas, unsigned scale);

/* ---- pictures between pictures --------------------------------------------------------------- */

/* A picture before the VQ-VAE renders it: the feature map (Z, P, P) after all scales, in the
 * device's memory. Immutable, reference-counted, usable from any thread, by generators of the model
 * that made it. Holds a reference to the model. */
typedef struct CodesrcFeatures CodesrcFeatures;

/* Generates `count` (1..batch) pictures as codesrc_generate does, but renders none of them. Writes
 * `count` new references to `features`, which the caller releases with codesrc_features_unref;
 * nothing if it fails. Allocates their memory. Fails as codesrc_generate does, and with
 * CODESRC_NO_MEMORY. */
CODESRC_API bool codesrc_generate_features(CodesrcGenerator *generator,
                                           const CodesrcRequest *requests, unsigned count,
                                           CodesrcFeatures **features, CodesrcError *error);

/* The features of an encoded picture after the last scale of its pyramid. Returns a reference that
 * the caller releases with codesrc_features_unref, or NULL. */
CODESRC_API CodesrcFeatures *codesrc_canvas_to_features(CodesrcGenerator *generator,
                                                        const CodesrcCanvas *canvas,
                                                        CodesrcError *error);

/* Adds a reference and returns `features`; each needs its codesrc_features_unref. Any thread. */
CODESRC_API CodesrcFeatures *codesrc_features_ref(CodesrcFeatures *features);
CODESRC_API void codesrc_features_unref(CodesrcFeatures *features); /* NULL is allowed */

/* Renders the picture at `t`, 0..1, on the way from a to b: at each position of the feature map the
 * linear mix (1 - t) a + t b, brought to the length (1 - t) |a| + t |b|, in float32. So 0 gives the
 * picture of a and 1 that of b, byte for byte. Costs a rendering. Allocates nothing. The
 * destination's format is that of codesrc_generator_output. CODESRC_SETTINGS if t or the stride is
 * out of range, if a or b is of another model, between codesrc_generate_begin and _end, or in an
 * observer; CANCELLED; FAILED. */
CODESRC_API bool codesrc_render_between(CodesrcGenerator *generator, const CodesrcFeatures *a,
                                        const CodesrcFeatures *b, double t,
                                        const CodesrcPicture *picture, CodesrcError *error);

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

#ifdef __cplusplus
}
#endif
#endif
