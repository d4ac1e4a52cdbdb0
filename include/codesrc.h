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

#include "codesrc-model.h"

#ifdef __cplusplus
extern "C" {
#endif

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

    /* A variation: scales below `keep_scales`, 0..K, have the random numbers of (seed, frame), the
     * others those of (seed_2, frame_2). The more scales two pictures share, the finer the details
     * in which they differ. K gives exactly the picture of (seed, frame), 0 that of
     * (seed_2, frame_2), except that CODESRC_CLASS_RANDOM always goes by (seed, frame). */
    unsigned keep_scales;
    uint64_t seed_2, frame_2;

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

/* Fills in a random class, unblended, seed 0, frame 0, all scales kept, and the model's default
 * settings (CodesrcModelInfo.defaults). */
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
 * memory. The second lets the device prepare for every shape; any thread may cancel it
 * (codesrc_generator_cancel). Until it succeeds, the generator may only be cancelled, prepared
 * again, or freed. */
CODESRC_API CodesrcGenerator *codesrc_generator_open(CodesrcModel *model, unsigned batch,
                                                     uint32_t steps, CodesrcError *error);
CODESRC_API bool codesrc_generator_prepare(CodesrcGenerator *generator, CodesrcError *error);
CODESRC_API void codesrc_generator_free(CodesrcGenerator *generator); /* NULL is allowed */

/* Generates `count` (1..batch) pictures. Each request has its own class, seed, frame and settings.
 * Allocates nothing, except on device "cuda", which records the work of each new combination of
 * count, guidance and drafting steps once. On failure the contents of `pictures` are undefined and
 * the generator stays usable, unless the device failed. CODESRC_SETTINGS if a request is out of
 * range, CANCELLED, FAILED, MISMATCH if the weights give logits that are not finite, or an error of
 * the weight file if AdaLN weights are read from it. */
CODESRC_API bool codesrc_generate(CodesrcGenerator *generator, const CodesrcRequest *requests,
                                  unsigned count, const CodesrcPicture *pictures,
                                  CodesrcError *error);

/* The same in two steps, for devices that compute asynchronously (CodesrcModelInfo.overlaps): a
 * second call may begin before the first has ended, and is drafted while the first one's pictures
 * are rendered. At most two calls can be in progress, and they end in the order in which they
 * began. Until both have ended, only these two functions, codesrc_generator_times and
 * codesrc_generator_cancel may be called. The engine writes `pictures[].data` until the call has
 * ended, but does not read the two arrays after _begin returns. On failure of either function, no
 * call is in progress any more, except that a third _begin is refused with CODESRC_SETTINGS and
 * changes nothing. */
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

/* Allocates device memory for such pictures, which the caller frees with codesrc_device_free before
 * it releases the model. NULL on failure: CODESRC_SETTINGS if the device has no memory of its own,
 * or NO_MEMORY. Any thread; also for a model opened with headers_only. With device "cuda", the
 * memory belongs to the primary context of device CodesrcModelInfo.cuda_device_id, and calls on
 * such a model leave that device the thread's current one. */
CODESRC_API void *codesrc_device_alloc(CodesrcModel *model, size_t bytes, CodesrcError *error);
CODESRC_API void codesrc_device_free(CodesrcModel *model, void *memory); /* NULL is allowed */

/* While `cancelled` is true, every call that computes something on the generator fails promptly
 * with CODESRC_CANCELLED, including a running one. Any thread, at any time. */
CODESRC_API void codesrc_generator_cancel(CodesrcGenerator *generator, bool cancelled);

/* Seconds that the last call spent in each stage. On an asynchronous device, drafter and refiner
 * are the time to submit their work, and vae is the wait for the pictures; if the device replays a
 * recording of all scales at once, all of that counts as drafter. */
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
    unsigned drafting_steps; /* N; 0 for CODESRC_STAGE_WAIT and in codesrc_render_between */
    unsigned first, count;   /* pictures first, first + 1, ... of their call: `count` of them */
    double seconds;          /* from the end of the stage before, or the beginning of the call */
} CodesrcStageInfo;

/* "classes", "drafter", ...: the last word of the enumerator. Static; "" for any other number. */
CODESRC_API const char *codesrc_stage_name(CodesrcStage stage);

/* Called on the thread that called a function that generates or renders, as each stage ends. `info`
 * is valid during the call. It must not call the generator. */
typedef void (*CodesrcStageDone)(void *user, const CodesrcStageInfo *info);

/* Sets the callback; NULL removes it. Not between codesrc_generate_begin and _end. On an
 * asynchronous device (CodesrcModelInfo.overlaps), the times are those of submitting each stage;
 * with `wait`, every stage ends when the device has computed it, which gives the stages' own
 * times, by the device's clock, but makes the call slower. `wait` has no effect on other devices.
 * The time spent in this callback and in the observer does not count. */
CODESRC_API void codesrc_generator_trace(CodesrcGenerator *generator, CodesrcStageDone done,
                                         void *user, bool wait);

/* ---- looking inside -------------------------------------------------------------------------- */

/* Called during codesrc_generate, on its thread, whenever a scale (0..K-1) is finished for `count`
 * pictures, starting with picture `first` of the call. The four functions below may be called from
 * here alone, and here nothing else that computes on the generator may be called. */
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

/* Renders the scales finished so far: a preview that gets sharper with each scale. The picture's
 * format is that of codesrc_generator_output. CODESRC_SETTINGS if `image` is another one, or if the
 * picture has no data or too small a stride. */
CODESRC_API bool codesrc_generator_preview(CodesrcGenerator *generator, unsigned image,
                                           const CodesrcPicture *picture, CodesrcError *error);

/* ---- the VQ-VAE alone ------------------------------------------------------------------------ */

/* codesrc_decode and codesrc_encode use the memory in which the generator decodes. They fail with
 * CODESRC_SETTINGS between codesrc_generate_begin and _end and in an observer, CANCELLED, or
 * FAILED. */

/* Decodes a feature map (Z, P, P) to an image (3, S, S), RGB, clamped to [-1, 1]. */
CODESRC_API bool codesrc_decode(CodesrcGenerator *generator, const float *f_hat, float *image,
                                CodesrcError *error);

/* Encodes an image (3, S, S), RGB in [-1, 1], to its token pyramid, for CodesrcRequest.canvas.
 * Returns a canvas that the caller frees with codesrc_canvas_free, or NULL; CODESRC_MISMATCH if the
 * model has no encoder, see CodesrcModelInfo.encodes; NO_MEMORY. */
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
 * the caller releases with codesrc_features_unref, or NULL: CODESRC_SETTINGS if the canvas is of
 * another model, between codesrc_generate_begin and _end, or in an observer; NO_MEMORY; FAILED. */
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

#ifdef __cplusplus
}
#endif
#endif
